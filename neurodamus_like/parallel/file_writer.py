"""Collective writes of columns into a matrix that lies in one piece of a file, through MPI-IO."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import SimulationError
from neurodamus_like.parallel.mpi import Communicator


class BlockWriter:
    """Writes this rank's columns of a row-major matrix, some rows at a time.

    Making one, :meth:`write` and :meth:`close` are collective: every rank calls them, also without columns or
    rows.

    Parameters
    ----------
    path
        An existing file that holds the matrix.
    offset
        Byte where its first value is.
    n_columns_total
        Columns of the matrix, over all ranks.
    dtype
        Type of a value in the file.
    columns
        int[n]: the columns of this rank, ascending; they need not be next to each other.
    comm
        The ranks that write together.

    Raises
    ------
    ValueError
        The columns are not ascending, or beyond the matrix.
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        n_columns_total: int,
        dtype: npt.DTypeLike,
        columns: npt.NDArray[np.integer[Any]],
        comm: Communicator,
    ) -> None:
        self.path = Path(path)
        self.dtype = np.dtype(dtype)
        self.columns = np.asarray(columns, dtype=np.int64)
        _check_columns(self.columns, n_columns_total)
        kind = _SerialFile if comm.size == 1 or comm.raw is None else _SharedFile
        self._file = kind(self.path, offset, n_columns_total, self.dtype, self.columns, comm)

    def write(self, first_row: int, block: npt.NDArray[Any]) -> None:
        """Write rows `first_row`, ... of this rank's columns.

        Parameters
        ----------
        first_row
            Row of the matrix where the block begins.
        block
            Shape (rows, n): values of the columns, in their order.

        Raises
        ------
        ValueError
            The block has another number of columns.
        SimulationError
            The file cannot be written (full disk, quota).
        """
        if block.ndim != 2 or block.shape[1] != self.columns.size:
            raise ValueError(f"block of shape {block.shape}, expected (rows, {self.columns.size})")
        try:
            self._file.write(first_row, np.ascontiguousarray(block, dtype=self.dtype))
        except OSError as error:
            raise SimulationError(
                f"cannot write results: {error.strerror or error}", file=self.path, hint="is the disk full?"
            ) from error

    def close(self) -> None:
        """Close the file; what was written is in it."""
        self._file.close()

    def __enter__(self) -> BlockWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _SerialFile:
    """One process: whole rows at once where it owns all columns, else one stretch of columns after the other."""

    def __init__(
        self, path: Path, offset: int, width: int, dtype: np.dtype[Any], columns: Any, comm: Communicator
    ) -> None:
        self._handle = os.open(path, os.O_RDWR)
        self._offset, self._width, self._dtype, self._columns = offset, width, dtype, columns

    def write(self, first_row: int, block: npt.NDArray[Any]) -> None:
        row_bytes = self._width * self._dtype.itemsize
        position = self._offset + first_row * row_bytes
        if not block.size:
            return
        if self._columns.size == self._width:
            _write_all(self._handle, memoryview(block.view(np.uint8).reshape(-1).data), position)
            return
        starts = np.flatnonzero(np.concatenate([[True], np.diff(self._columns) != 1]))
        ends = np.append(starts[1:], self._columns.size)
        for number, row in enumerate(block):
            begin = position + number * row_bytes
            for low, high in zip(starts.tolist(), ends.tolist(), strict=True):
                at = begin + int(self._columns[low]) * self._dtype.itemsize
                _write_all(self._handle, memoryview(row[low:high].view(np.uint8)), at)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


class _SharedFile:
    """Several ranks: a file view that shows each rank its own columns only."""

    def __init__(
        self, path: Path, offset: int, width: int, dtype: np.dtype[Any], columns: Any, comm: Communicator
    ) -> None:
        self._mpi = comm.mpi
        self._n_local = int(columns.size)
        self._value = self._mpi.BYTE.Create_contiguous(dtype.itemsize)
        self._value.Commit()
        self._view = self._make_view(width * dtype.itemsize, columns)
        try:
            self._file = self._mpi.File.Open(comm.raw, os.fspath(path), self._mpi.MODE_WRONLY)
        except self._mpi.Exception as error:
            raise SimulationError(f"cannot open the file for all ranks: {error}", file=path) from error
        self._file.Set_view(offset, self._value, self._view, "native")

    def write(self, first_row: int, block: npt.NDArray[Any]) -> None:
        try:
            self._file.Write_at_all(first_row * self._n_local, [block, block.size, self._value])
        except self._mpi.Exception as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        if self._file is None:
            return
        self._file.Close()
        self._view.Free()
        self._value.Free()
        self._file = None

    def _make_view(self, row_bytes: int, columns: npt.NDArray[np.int64]) -> Any:
        """Return the type of one row of the file, in which only the columns of this rank count."""
        if not columns.size:
            return self._value.Dup()
        starts = np.flatnonzero(np.concatenate([[True], np.diff(columns) != 1]))
        lengths = np.diff(np.append(starts, columns.size))
        runs = self._value.Create_indexed(lengths.tolist(), columns[starts].tolist())
        view = runs.Create_resized(0, row_bytes)
        view.Commit()
        runs.Free()
        return view


def _check_columns(columns: npt.NDArray[np.int64], width: int) -> None:
    if columns.size and (np.any(np.diff(columns) <= 0) or columns[0] < 0 or columns[-1] >= width):
        raise ValueError(f"columns must be ascending, from 0 to {width - 1}")


def _write_all(handle: int, data: memoryview, position: int) -> None:
    while data.nbytes:
        done = os.pwrite(handle, data, position)
        data, position = data[done:], position + done
