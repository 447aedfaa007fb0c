"""Files of extracellular potentials: sums over cells at each contact, and what single cells add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Report, Run
from neurodamus_like.engine.recording import Block, FloatArray, Sources
from neurodamus_like.io.checkpoints import ReportPosition
from neurodamus_like.io.electrodes import read_probe
from neurodamus_like.io.nwb_files import write_potentials_nwb
from neurodamus_like.io.recovery import part_of
from neurodamus_like.io.report_continuation import copy_frames, set_aside
from neurodamus_like.io.report_files import ReportFile, create_table_file
from neurodamus_like.parallel.blas import one_thread
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.base import NodeElements
from neurodamus_like.reports.sizes import ExpectedSize
from neurodamus_like.reports.table_stream import TableStream, whole_rows

CONTRIBUTIONS = "contributions_dir"
NWB_FILE = "file_name_nwb"

_COUNTED_BYTES = 8e6

GID = "gid"
"""Attribute of the elements of a node: its global id."""


class PotentialStream(TableStream):
    """Writes ``/ecp/data``: the sum over all cells of ``factors @ membrane currents``, in mV.

    Membrane currents are recorded in blocks, and a block is multiplied at once; they never reach a file. The parameter
    ``contributions_dir`` of the report names a folder that gets one such file for each cell, ``<gid>.h5``;
    ``file_name_nwb`` an NWB file for the same potentials.

    Parameters
    ----------
    report, run, directory, comm
        As in :class:`~neurodamus_like.reports.file_stream.FileStream`.
    elements
        Population -> local nodes, each with one matrix (contacts, segments).
    **options
        `unit` and `coreneuron`.
    """

    group = "ecp"

    def __init__(
        self,
        report: Report,
        run: Run,
        elements: Mapping[str, Sequence[NodeElements]],
        directory: Path,
        comm: Communicator,
        **options: Any,
    ) -> None:
        nodes = [node for name in sorted(elements) for node in elements[name]]
        matrices = [node.matrices[0] for node in nodes if node.matrices]
        self._n_contacts = comm.allreduce_max(matrices[0].shape[0] if matrices else 0)
        empty = np.empty((0, self._n_contacts))
        self._factors: FloatArray = np.concatenate([empty, *(matrix.T for matrix in matrices)])
        self._ends = np.cumsum([0, *(matrix.shape[1] for matrix in matrices)])
        self._gids = [int(node.attributes[GID][0]) for node in nodes]
        self._directory = directory
        self._total_cells = comm.allreduce_sum(len(nodes))
        folder = report.parameters.get(CONTRIBUTIONS)
        self._contributions = None if folder is None else directory / folder
        self._cells: list[ReportFile] = []
        self._restored: ReportPosition | None = None
        sources = Sources([reference for node in nodes for reference in node.references])
        super().__init__(replace(report, double_precision=True), run, sources, directory, comm, **options)

    @property
    def n_columns(self) -> int:
        """Number of contacts."""
        return self._n_contacts

    @property
    def expected_size(self) -> ExpectedSize:
        """What all files will hold."""
        files = 1 + (self._total_cells if self._contributions is not None else 0)
        return ExpectedSize(self.report, self.n_columns * files, self.frames.count, self.dtype.itemsize)

    def _columns(self) -> Mapping[str, npt.ArrayLike]:
        return {"channel_id": np.arange(self._n_contacts, dtype=np.int64)}

    def open(self, position: ReportPosition | None = None) -> None:
        """Create all files; parameters as in the base class."""
        self._restored = position
        super().open(position)

    def _open(self, file: ReportFile) -> None:
        super()._open(file)
        if self._contributions is None:
            return
        with collectively(self.comm):
            self._contributions.mkdir(parents=True, exist_ok=True)
            self._cells = [self._create_cell(self._contributions / f"{gid}.h5") for gid in self._gids]

    def _create_cell(self, path: Path) -> ReportFile:
        f = self.frames
        source = None
        if self._restored is not None:
            old = Path(self._restored.path).parent / self.report.parameters[CONTRIBUTIONS] / path.name
            source = set_aside(old, part_of(path), self._rows_written)
        file = create_table_file(
            part_of(path),
            self.group,
            (f.count, self.n_columns),
            (f.start_ms, f.start_ms, f.interval_ms),
            self._attributes(),
            self._columns(),
        )
        if source is not None:
            copy_frames(source, file, self._rows_written)
        return file

    @property
    def bytes_per_ms(self) -> float:
        """Memory that counts against the buffer: blocks may be as large as the factors, which pays off most."""
        return super().bytes_per_ms / max(1.0, self._factors.nbytes / _COUNTED_BYTES)

    def _rows(self, block: Block) -> FloatArray:
        with one_thread():
            local = block @ self._factors
        return np.asarray(self.comm.allreduce_sum(local), dtype=np.float64)

    def _write(self, row: int, block: Block) -> None:
        super()._write(row, block)
        if self._contributions is not None:
            with collectively(self.comm), one_thread():
                self._write_cells(row, block)

    def _write_cells(self, row: int, block: Block) -> None:
        done = row + len(block)
        f = self.frames
        end_ms = f.end_ms if done == f.count else f.start_ms + done * f.interval_ms
        for file, begin, end in zip(self._cells, self._ends[:-1], self._ends[1:], strict=True):
            with whole_rows(file.path, file.data_offsets[self.group], self.n_columns) as writer:
                writer.write(row, block[:, begin:end] @ self._factors[begin:end])
            file.set_end(end_ms)

    def finish(self, compression_level: int | None = None) -> None:
        """Give all files their names; write the NWB file, if there is to be one."""
        super().finish(compression_level)
        name = self.report.parameters.get(NWB_FILE)
        if name is None or self._rows_written < self.frames.count:
            return
        with collectively(self.comm):
            if self.comm.rank == 0:
                self._write_nwb(self._directory / name)

    def _write_nwb(self, path: Path) -> None:
        assert self.report.electrodes_file is not None
        f = self.frames
        first_ms = f.start_ms + (self._dt_ms if self.report.after_step else 0.0)
        with h5py.File(self.path, "r") as h5:
            table = h5[self.group]
            write_potentials_nwb(
                path,
                table["data"],
                read_probe(Path(self.report.electrodes_file)),
                f.interval_ms,
                first_ms,
                table["channel_id"][()].tolist(),
            )

    def _close(self) -> None:
        super()._close()
        if self._rows_written == self.frames.count:
            for file in self._cells:
                file.path.replace(file.path.with_name(file.path.name.removeprefix(".").removesuffix(".part")))
