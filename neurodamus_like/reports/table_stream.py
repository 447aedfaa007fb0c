"""Reports of one table that the first rank writes: what all ranks make together for each frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.recording import Block, FloatArray
from neurodamus_like.io.report_files import ReportFile, create_table_file
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.file_stream import FileStream


class TableStream(FileStream):
    """A stream whose rows are put together from what each rank recorded."""

    group = ""
    """Where in the file the table is."""
    _writer: BlockWriter | None = None

    @abstractmethod
    def _rows(self, block: Block) -> FloatArray:
        """Return whole rows of the file, of a block that this rank recorded; collective."""

    @abstractmethod
    def _columns(self) -> Mapping[str, npt.ArrayLike]:
        """Return name -> what each column is; collective."""

    def _attributes(self) -> dict[str, str]:
        return {"units": self.unit}

    def _create(self) -> ReportFile | None:
        columns = self._columns()
        with collectively(self.comm):
            if self.comm.rank:
                return None
            self.part_path.parent.mkdir(parents=True, exist_ok=True)
            f = self.frames
            return create_table_file(
                self.part_path,
                self.group,
                (f.count, self.n_columns),
                (f.start_ms, f.start_ms, f.interval_ms),  # nothing is written yet
                self._attributes(),
                columns,
            )

    def _open(self, file: ReportFile) -> None:
        if self.comm.rank == 0:
            self._writer = whole_rows(self.part_path, file.data_offsets[self.group], self.n_columns)

    def _write(self, row: int, block: Block) -> None:
        rows = self._rows(block)
        with collectively(self.comm):
            if self._writer is not None:
                self._writer.write(row, rows)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def whole_rows(path: Any, offset: int, n_columns: int) -> BlockWriter:
    """Return a writer of whole rows of float64 that this process uses alone."""
    return BlockWriter(path, offset, n_columns, "<f8", np.arange(n_columns), Communicator())
