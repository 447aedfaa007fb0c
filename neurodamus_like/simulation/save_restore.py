"""Checkpoints of a run: when they are written, where, and how a run goes on from one."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Simulation
from neurodamus_like.engine import event_state, model_state, nrn
from neurodamus_like.engine.state_library import library, mechanism_numbers
from neurodamus_like.exceptions import CheckpointError, NeurodamusLikeError
from neurodamus_like.io import checkpoints
from neurodamus_like.io.checkpoints import Manifest, ReportPosition, StateFile
from neurodamus_like.io.ragged import Ragged
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.file_stream import FileStream
from neurodamus_like.simulation import checkpoint_identity
from neurodamus_like.simulation.interruption import RECOVER, REQUEST
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.run_state import RunParts, begin_again, read_state, write_state

logger = logging.getLogger(__name__)

DEFAULT_FOLDER = "checkpoint"
"""Below the folder of the results."""

_SLACK_STEPS = 1.5
"""CoreNEURON may stop one time step before the end of a block."""

_IN_PIECES = "cells in pieces on several ranks (--lb-mode=MultiSplit) cannot be saved"


class Checkpoints:
    """Writes and restores the checkpoints of one run; public methods are collective.

    Parameters
    ----------
    simulation, options
        What is run, and what the command line says about checkpoints.
    comm
        The ranks.

    Raises
    ------
    CheckpointError
        The checkpoint to restore does not fit, or the folder for new ones cannot be written to. On all ranks.
    """

    def __init__(self, simulation: Simulation, options: RunOptions, comm: Communicator) -> None:
        self._simulation, self._options, self._comm = simulation, options, comm
        self._saved_ms = -np.inf
        self._due: list[float] = []
        self.directory = options.save or simulation.output.directory / DEFAULT_FOLDER
        self._identity: dict[str, str] = {}
        self._report_identities: dict[str, str] = {}
        manifest: Manifest | None = None
        with collectively(comm):
            if comm.rank == 0:
                manifest = self._checked()
        self.manifest: Manifest | None = comm.bcast(manifest)

    @property
    def positions(self) -> dict[str, ReportPosition]:
        """How far each report of the restored run was written."""
        return {} if self.manifest is None else dict(self.manifest.reports)

    def stops(self, now_ms: float, end_ms: float) -> list[float]:
        """Return the times at which the run must stop for a checkpoint."""
        every = self._options.checkpoint_every_ms
        if every is not None:
            first, last = (int(np.floor(time / every + 1e-9)) for time in (now_ms, end_ms))
            self._due = [number * every for number in range(first + 1, last + 1)]
        return list(self._due)

    def after_block(self, parts: RunParts) -> None:
        """Write a checkpoint if it is due, or if a signal came to any rank.

        Raises
        ------
        RunInterrupted
            A signal came; the checkpoint is written, unless there can be none.
        CheckpointError
            It cannot be written, and a signal came.
        """
        reached = nrn.now_ms() + _SLACK_STEPS * self._simulation.run.dt_ms
        stop = REQUEST.came(self._comm)
        stop = stop and reached < self._simulation.run.tstop_ms  # what is done is better written as results
        due = bool(self._due) and self._due[0] <= reached
        if not (stop or due):
            return
        self._due = [time for time in self._due if time > reached]
        if stop and _in_pieces(parts):
            raise REQUEST.end(
                f"a signal stopped the run at {nrn.now_ms():g} ms; nothing was saved: {_IN_PIECES}",
                hint=RECOVER,
            )
        try:
            self.save(parts)
        except NeurodamusLikeError as error:
            if stop:
                raise
            logger.error("%s; the run goes on, the checkpoint before is untouched", error)
        if stop:
            raise REQUEST.end(
                f"a signal stopped the run at {nrn.now_ms():g} ms, after a checkpoint",
                directory=self.directory,
                hint=f"go on with --restore={self.directory}",
            )

    def save_at_end(self, parts: RunParts) -> None:
        """Write a checkpoint if one was asked for with ``--save``, unless it is there."""
        if self._options.save is not None and self._saved_ms != nrn.now_ms():
            self.save(parts)

    def save(self, parts: RunParts) -> None:
        """Write a checkpoint of the present state.

        Raises
        ------
        CheckpointError
            It cannot be written; the one before is untouched.
        """
        with collectively(self._comm):
            if _in_pieces(parts):
                raise CheckpointError(_IN_PIECES)
            library()
        event_state.settle()
        if parts.reports is not None:
            parts.reports.flush()
        with collectively(self._comm):
            model = parts.map()
            tables = read_state(parts, model)
            due = event_state.next_frames(model, [stream.recorder for stream in _streams(parts)])
            if self._comm.rank == 0:
                self._identify(parts)
        n_cells = self._comm.allreduce_sum(model.n_cells)
        manifest = Manifest(
            time_ms=nrn.now_ms(),
            ranks=self._comm.size,
            versions=checkpoint_identity.versions(),
            identity=self._identity,
            mechanisms=mechanism_numbers(),
            n_cells=int(n_cells),
            configuration=str(self._simulation.path),
            reports={
                s.report.name: s.position(
                    None if np.isinf(next_ms) else next_ms, self._report_identities.get(s.report.name, "")
                )
                for s, next_ms in zip(_streams(parts), due, strict=True)
            },
        )
        self._write(manifest, model.gids, tables)
        self._saved_ms = manifest.time_ms
        size = self._comm.allreduce_sum(sum(table.values.nbytes for table in tables.values()))
        logger.info("checkpoint at %g ms, %.1f MB: %s", manifest.time_ms, size / 1e6, self.directory)

    def restore(self, parts: RunParts) -> None:
        """Put the state of the checkpoint into the model that was just initialised, if one is to be restored."""
        manifest, directory = self.manifest, self._options.restore
        if manifest is None or directory is None:
            return
        with collectively(self._comm):
            library()
            model = parts.map()
        n_cells = int(self._comm.allreduce_sum(model.n_cells))
        with collectively(self._comm):
            if n_cells != manifest.n_cells:
                raise CheckpointError(
                    f"the checkpoint has {manifest.n_cells} cells, this simulation {n_cells}",
                    file=directory / checkpoints.INDEX,
                    hint="restore the node set that was simulated",
                )
            tables = checkpoints.read_tables(directory, manifest, model.gids)
        numbers = model_state.number_changes(dict(manifest.mechanisms))
        with collectively(self._comm):
            write_state(parts, model, tables, manifest.time_ms, numbers)
        with collectively(self._comm):
            begin_again(parts, model, tables, manifest.time_ms, numbers)
            for stream in _streams(parts):
                stream.resume(manifest.reports.get(stream.report.name), manifest.time_ms)
        logger.info("restored at %g ms from %s", manifest.time_ms, directory)

    def _identify(self, parts: RunParts) -> None:
        """Hash, once in a run, what the checkpoints are of."""
        if not self._identity:
            self._identity = checkpoint_identity.identity(self._simulation, self._options)
        for report in (stream.report for stream in _streams(parts)):
            if report.name not in self._report_identities:
                identity = checkpoint_identity.report_identity(report, self._simulation)
                self._report_identities[report.name] = identity

    def _checked(self) -> Manifest | None:
        options = self._options
        if options.save is not None:
            _check_writable(options.save)
        if options.restore is None:
            return None
        path = options.restore / checkpoints.INDEX
        manifest = checkpoints.read_manifest(options.restore)
        self._identity = checkpoint_identity.identity(self._simulation, options)
        checkpoint_identity.check_fits(manifest, path, self._identity, checkpoint_identity.versions())
        end = self._simulation.run.tstop_ms
        if (
            manifest.time_ms > end + _SLACK_STEPS * self._simulation.run.dt_ms
        ):  # at the end, results are still to write
            raise CheckpointError(
                f"the checkpoint is at {manifest.time_ms:g} ms, the run ends at {end:g} ms",
                file=path,
                hint="raise run.tstop",
            )
        self._check_reports(manifest, path)
        return manifest

    def _check_reports(self, manifest: Manifest, path: Path) -> None:
        for report in self._simulation.reports:
            saved = manifest.reports.get(report.name)
            if report.enabled and (
                saved is None
                or saved.identity != checkpoint_identity.report_identity(report, self._simulation)
            ):
                raise CheckpointError(
                    f"the report {report.name!r} "
                    + (
                        "was not part of the saved run"
                        if saved is None
                        else "is not what it was in the saved run"
                    ),
                    file=path,
                    expected="the reports of the saved run, or some of them; only their end time may change",
                    hint="use --disable-reports to go on without reports",
                )

    def _write(self, manifest: Manifest, gids: npt.NDArray[np.int64], tables: dict[str, Ragged]) -> None:
        comm, folder = self._comm, Path()
        with _writing(self.directory, comm):
            if comm.rank == 0:
                folder = checkpoints.new_folder(self.directory, manifest.time_ms)
        folder = comm.bcast(folder)
        try:
            with _writing(self.directory, comm):
                file = checkpoints.write_tables(folder / f"rank-{comm.rank:05d}.h5", gids, tables)
            files: list[StateFile] | None = comm.gather(file)
            with _writing(self.directory, comm):
                if files is not None:
                    whole = replace(manifest, folder=folder.name, files=tuple(files))
                    checkpoints.publish(self.directory, whole)
        except NeurodamusLikeError:
            if comm.rank == 0:
                checkpoints.discard(folder)
            raise


@contextmanager
def _writing(directory: Path, comm: Communicator) -> Iterator[None]:
    """Turn errors of the file system into one :class:`CheckpointError` on all ranks."""
    with collectively(comm):
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise CheckpointError(
                f"the checkpoint cannot be written: {getattr(error, 'strerror', None) or error}",
                file=directory,
                hint="is the disk full, or the folder read-only? --save=DIR names another folder",
            ) from error


def _in_pieces(parts: RunParts) -> bool:
    """Return whether cells are split, which all ranks know."""
    return any(manager.splits for manager in parts.cell_managers)


def _streams(parts: RunParts) -> list[FileStream]:
    return [] if parts.reports is None else list(parts.reports.streams)


def _check_writable(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise CheckpointError(
            f"no checkpoint can be written: {error.strerror}",
            file=directory,
            expected="a folder that can be written to",
        ) from error
