"""Going on with a report of which some frames are written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.exceptions import CheckpointError
from neurodamus_like.io.hdf5 import open_h5
from neurodamus_like.io.recovery import part_of
from neurodamus_like.io.report_files import ReportFile, find_tables

_BYTES_AT_ONCE = 1 << 26
_ASIDE = ".before"


def set_aside(saved: Path, part: Path, rows: int) -> Path:
    """Find the report of the saved run and return its path, which is never `part`.

    Parameters
    ----------
    saved
        The name of the finished report; an unfinished one has its temporary name.
    part
        The temporary name of the report that goes on: what is there gets another name, until its frames are copied.
    rows
        How many frames there must be.

    Raises
    ------
    CheckpointError
        There is none, or it has too few frames.
    """
    aside = part.with_name(part.name + _ASIDE)
    unfinished = part_of(saved)
    found = [
        path for path in (unfinished.with_name(unfinished.name + _ASIDE), unfinished, saved) if path.is_file()
    ]
    enough = [path for path in found if _rows_of(path) >= rows]
    if not enough:
        raise CheckpointError(
            f"the report of the saved run {'has fewer frames than the checkpoint says' if found else 'is not there'}",
            file=saved,
            expected=f"{rows} frames, which the restored run goes on with",
            hint="keep the results of the saved run until the restored one is done, or use --disable-reports",
        )
    if enough[0] == part:
        part.replace(aside)
        return aside
    return enough[0]


def copy_frames(source: Path, file: ReportFile, rows: int) -> None:
    """Copy the first frames of a report into another one that records the same, and remove it if it was set aside.

    Raises
    ------
    CheckpointError
        It records something else.
    """
    with open_h5(source) as old, open_h5(file.path) as new:
        tables = find_tables(new)
        values = {path for pair in tables for path in pair}
        for name in _datasets(new):
            if name not in values and (name not in old or not np.array_equal(old[name][()], new[name][()])):
                raise CheckpointError(
                    "the report of the saved run records something else", file=source, pointer=name
                )
        for name, _ in tables:
            if (
                name not in old
                or old[name].shape[1:] != new[name].shape[1:]
                or old[name].dtype != new[name].dtype
            ):
                raise CheckpointError(
                    "the report of the saved run has other values", file=source, pointer=name
                )
            _copy(old[name], file.path, int(new[name].id.get_offset() or 0), rows)
    if source.name.endswith(_ASIDE):
        source.unlink()


def _rows_of(path: Path) -> int:
    with open_h5(path) as h5:
        for data, time in find_tables(h5):
            start, end, step = (float(t) for t in h5[time][:3])
            return min(len(h5[data]), math.ceil((end - start) / step - 1e-6))
    return 0


def _datasets(h5: Any) -> Iterator[str]:
    names: list[str] = []
    h5.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    yield from names


def _copy(data: h5py.Dataset, path: Path, offset: int, rows: int) -> None:
    width = data.shape[1] * data.dtype.itemsize
    at_once = max(1, _BYTES_AT_ONCE // max(1, width))
    handle = os.open(path, os.O_WRONLY)
    try:
        for begin in range(0, rows, at_once):
            values = np.ascontiguousarray(data[begin : min(begin + at_once, rows)])
            os.pwrite(handle, values.tobytes(), offset + begin * width)
    finally:
        os.close(handle)
