"""What every HDF5 reader of this room stands on: opening, finding populations, reading rows in bulk."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, did_you_mean, did_you_mean_file

IntArray = npt.NDArray[np.int64]

MERGE_GAP_ROWS = 2_048
"""Two wanted stretches of rows nearer than this are read as one (cheaper than a second call)."""


MAGIC = 0x0A7A
"""Attribute ``magic`` of SONATA files."""
VERSION = (0, 1)
"""Attribute ``version``."""


@contextmanager
def open_h5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading, turning what h5py says about damaged files into :class:`CircuitError`.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    CircuitError
        The file is missing, is not HDF5, or is truncated; also when reading inside the ``with`` block fails.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError:
        raise CircuitError(
            "file not found", file=path, hint=did_you_mean_file(path) or _what_is_there(path.parent)
        ) from None
    except OSError as error:
        raise CircuitError(
            f"cannot read the HDF5 file: {error}",
            file=path,
            expected="a complete HDF5 file",
            hint="the file may be truncated or of another format: copy or write it again",
        ) from error


def _what_is_there(folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = sorted(file.name for file in folder.glob("*.h5") if not file.name.startswith("."))
    return f"HDF5 files in {folder}: {', '.join(names) or 'none'}"


@contextmanager
def replace_when_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, to be written in the ``with`` block and renamed after it.

    When the block fails the temporary file is removed, and what was at `path` before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_header(h5: Any) -> None:
    """Mark an open file as one of SONATA."""
    h5.attrs.create("magic", MAGIC, dtype="<u4")
    h5.attrs.create("version", VERSION, dtype="<u4")


def population_names(file: Any, kind: str) -> list[str]:
    """Return the names of the groups under ``/<kind>``, sorted; datasets there are no populations."""
    group = file.get(kind)
    return sorted(name for name in group if isinstance(group[name], h5py.Group)) if group is not None else []


def text_attribute(item: Any, name: str, default: str = "") -> str:
    """Return an attribute of an HDF5 object as `str`, whichever way it was stored."""
    value = item.attrs.get(name, default)
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def population_group(file: Any, kind: str, name: str) -> Any:
    """Return the group ``/<kind>/<name>`` of an open file (`kind`: nodes, edges, spikes, report).

    Raises
    ------
    CircuitError
        The population is not in the file.
    """
    known = list(file[kind]) if kind in file else []
    if name not in known:
        raise CircuitError(
            f"there is no population {name!r} under /{kind}",
            file=file.filename,
            pointer=f"/{kind}",
            population=name,
            expected="one of " + ", ".join(known) if known else f"a group /{kind}",
            hint=did_you_mean(name, known) or None,
        )
    return file[kind][name]


class RowSelection:
    """Rows of a dataset to read, and the few large reads that bring them; made once, used for every column.

    Parameters
    ----------
    rows
        int64[n], in any order, repetitions allowed.
    """

    def __init__(self, rows: IntArray) -> None:
        self.rows = rows
        self._inverse: IntArray | None = None
        if rows.size > 1 and np.any(rows[1:] <= rows[:-1]):
            rows, self._inverse = np.unique(rows, return_inverse=True)
        self._ascending = rows
        self._bounds = _merged_bounds(rows)

    def read(self, dataset: Any) -> npt.NDArray[Any]:
        """Return the rows of `dataset` (first axis), in the order asked for.

        Raises
        ------
        CircuitError
            A row lies beyond the end of the dataset.
        """
        self._check_fits(dataset)
        values = self._read_ascending(dataset)
        return values if self._inverse is None else values[self._inverse]

    def _read_ascending(self, dataset: Any) -> npt.NDArray[Any]:
        rows = self._ascending
        if len(self._bounds) == 1:
            return self._read_block(dataset, *self._bounds[0])
        out = np.empty((rows.size, *dataset.shape[1:]), dtype=dataset.dtype)
        for begin, end in self._bounds:
            out[begin:end] = self._read_block(dataset, begin, end)
        return out

    def _read_block(self, dataset: Any, begin: int, end: int) -> npt.NDArray[Any]:
        rows = self._ascending
        start, stop = int(rows[begin]), int(rows[end - 1]) + 1
        block = np.asarray(dataset[start:stop])
        return block if stop - start == end - begin else block[rows[begin:end] - start]

    def _check_fits(self, dataset: Any) -> None:
        size = dataset.shape[0] if dataset.shape else 0
        if self._ascending.size == 0:
            return
        low, high = int(self._ascending[0]), int(self._ascending[-1])
        if low < 0 or high >= size:
            raise CircuitError(
                f"row {high if high >= size else low} was asked for, but the dataset has {size} rows",
                file=dataset.file.filename,
                pointer=dataset.name,
                expected=f"at least {high + 1} rows",
                hint="the file is truncated, or its indices do not belong to it",
            )


def read_rows(dataset: Any, rows: IntArray) -> npt.NDArray[Any]:
    """Return the given rows of one dataset; see :class:`RowSelection`."""
    return RowSelection(rows).read(dataset)


def _merged_bounds(rows: IntArray) -> list[tuple[int, int]]:
    """Cut ascending rows into stretches, to be read at one go each, as positions [begin, end)."""
    if rows.size == 0:
        return []
    span = int(rows[-1]) - int(rows[0]) + 1
    if rows.size * 2 >= span:
        return [(0, rows.size)]
    cuts = np.flatnonzero(np.diff(rows) > MERGE_GAP_ROWS) + 1
    bounds = [0, *cuts.tolist(), rows.size]
    return list(itertools.pairwise(bounds))


def expand_ranges(starts: IntArray, counts: IntArray) -> IntArray:
    """Return ``start, start + 1, ..., start + count - 1`` of every pair, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    expanded: IntArray = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - counts), counts)
    return expanded


def decode_strings(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn bytes (fixed or variable length) into an object array of `str`; leave other arrays alone."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8").astype(object)
    if values.dtype.kind == "O":
        flat = [v.decode("utf-8") if isinstance(v, bytes) else v for v in values.ravel()]
        decoded = np.empty(len(flat), dtype=object)
        decoded[:] = flat
        return decoded.reshape(values.shape)
    return values
