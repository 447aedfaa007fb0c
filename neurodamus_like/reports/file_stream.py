"""A report on its way into its file: what all kinds of files have in common."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import Report, Run
from neurodamus_like.engine import nrn
from neurodamus_like.engine.recorders import create_recorder
from neurodamus_like.engine.recording import Block, FrameGrid, Recorder, Sources
from neurodamus_like.io.checkpoints import ReportPosition
from neurodamus_like.io.compression import compress_report
from neurodamus_like.io.recovery import part_of
from neurodamus_like.io.report_continuation import copy_frames, set_aside
from neurodamus_like.io.report_files import ReportFile
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.layout import FrameTimes
from neurodamus_like.reports.sizes import ExpectedSize

logger = logging.getLogger(__name__)


class FileStream(ABC):
    """Records variables and writes what is made of them; every method is collective.

    While the run goes the file has the name ``.<name>.part``, and its header says how much of it is written; it
    gets its own name when it is whole.

    Parameters
    ----------
    report
        The block.
    run
        Time step and duration.
    sources
        The variables of this rank.
    directory
        Where the file goes.
    comm
        The ranks that write together.
    unit
        Of the values.
    coreneuron
        The run is done by CoreNEURON.
    recorder
        What gives the frames, if they are not recorded in the model that is there now.
    """

    def __init__(
        self,
        report: Report,
        run: Run,
        sources: Sources,
        directory: Path,
        comm: Communicator,
        *,
        unit: str = "",
        coreneuron: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        self.report = report
        self.comm = comm
        self.unit = unit
        self.dtype = type_of_values(report)
        self.path = directory / report.file_name
        self.part_path = part_of(self.path)
        self.frames = FrameTimes.between(report.start_ms, min(report.end_ms, run.tstop_ms), report.dt_ms)
        self._dt_ms = run.dt_ms
        self._coreneuron = coreneuron
        self._rows_written = 0
        f = self.frames
        self._grid = FrameGrid(f.first, f.count, f.interval_ms, report.after_step)
        self._recorder = recorder or create_recorder(
            sources, self._grid, run.dt_ms, coreneuron=coreneuron, dtype=self.dtype.newbyteorder("=")
        )
        self._file: ReportFile | None = None

    @property
    @abstractmethod
    def n_columns(self) -> int:
        """Number of values per frame, over all ranks and populations."""

    @abstractmethod
    def _create(self) -> ReportFile | None:
        """Make the file under its temporary name on rank 0; called by all ranks, which may communicate."""

    @abstractmethod
    def _open(self, file: ReportFile) -> None:
        """Open the file for writing."""

    @abstractmethod
    def _write(self, row: int, block: Block) -> None:
        """Write what was recorded, shape (frames, variables of this rank), from a row of the file on."""

    @abstractmethod
    def _close(self) -> None:
        """Close the file."""

    @property
    def expected_size(self) -> ExpectedSize:
        """What the file will hold."""
        return ExpectedSize(self.report, self.n_columns, self.frames.count, self.dtype.itemsize)

    @property
    def bytes_per_ms(self) -> float:
        """Memory that grows on this rank with each millisecond of simulated time."""
        return self._recorder.bytes_per_ms

    def open(self, position: ReportPosition | None = None) -> None:
        """Create the file under its temporary name and open it on all ranks.

        Parameters
        ----------
        position
            How far the report was written before the run was restored: its frames are copied.
        """
        source: Path | None = None
        with collectively(self.comm):
            if position is not None and self.comm.rank == 0:
                source = set_aside(Path(position.path), self.part_path, position.rows)
        self._file = self.comm.bcast(self._create())
        assert self._file is not None
        if position is not None:
            self._rows_written = min(position.rows, self.frames.count)
            with collectively(self.comm):
                if source is not None:
                    copy_frames(source, self._file, self._rows_written)
        self._open(self._file)
        self._tell_progress()

    def expect_blocks(self, block_ms: float) -> None:
        """Set memory aside for :meth:`flush` being called about every `block_ms`."""
        self._recorder.expect_blocks(block_ms)

    def unreachable(self) -> int:
        """Return how many variables of this rank CoreNEURON will not have; once the model is initialised."""
        return self._recorder.count_unreachable() if self._coreneuron else 0

    def flush(self) -> None:
        """Write the frames recorded since the last call."""
        row = self._recorder.frames_taken
        block = self._recorder.take()
        if not len(block):
            return
        self._write(row, block)
        self._rows_written = row + len(block)
        self.comm.barrier()
        self._tell_progress()

    @property
    def recorder(self) -> Recorder:
        """What records."""
        return self._recorder

    def position(self, next_ms: float | None, identity: str) -> ReportPosition:
        """Return how far the report is written, with the time of the next frame and what it records."""
        return ReportPosition(str(self.path.absolute()), self._rows_written, next_ms, identity)

    def resume(self, position: ReportPosition | None, now_ms: float) -> None:
        """Let the recorder go on at a time, from where the report was written to."""
        next_ms = None if position is None else position.next_ms
        if next_ms is None:
            next_ms = self._grid.time_of(self.frames.first + self._rows_written, self._dt_ms)
        self._recorder.resume(self._rows_written, next_ms, now_ms)

    def finish(self, compression_level: int | None = None) -> None:
        """Write what is left, close the file and give it its name, compressed if a level is given."""
        self.flush()
        if self._rows_written == self.frames.count - 1 and self._last_frame_is_now():
            self._recorder.record_now()
            self.flush()
        self._recorder.close()
        self._close()
        self.comm.barrier()
        if self._rows_written < self.frames.count:
            logger.warning(
                "report %r is incomplete: %d of %d frames are in %s",
                *(self.report.name, self._rows_written, self.frames.count, self.part_path),
            )
            return
        with collectively(self.comm):
            if self.comm.rank == 0:
                if compression_level is not None:
                    compress_report(self.part_path, compression_level)
                self.part_path.replace(self.path)

    def _last_frame_is_now(self) -> bool:
        """Say whether the run ended within the time step that the last frame belongs to."""
        return abs(self._grid.time_of_last(self._dt_ms) - nrn.now_ms()) <= 0.51 * self._dt_ms

    def _tell_progress(self) -> None:
        """Have the header say up to which time the file is written."""
        if self.comm.rank == 0 and self._file is not None:
            f = self.frames
            whole = self._rows_written == f.count
            self._file.set_end(f.end_ms if whole else f.start_ms + self._rows_written * f.interval_ms)


def type_of_values(report: Report) -> np.dtype[Any]:
    """Return the type in which the values of a report are kept."""
    return np.dtype("<f8" if report.double_precision else "<f4")
