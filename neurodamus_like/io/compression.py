"""Compression of finished report files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from neurodamus_like.io.hdf5 import open_h5, replace_when_whole
from neurodamus_like.io.report_files import find_tables

CHUNK_BYTES = 1 << 20
"""Size of a chunk of values before compression."""

BLOCK_BYTES = 64 << 20
"""How much is held in memory while copying."""


def compress_report(path: Path, level: int = 4) -> int:
    """Replace the values of a report by chunks compressed with gzip; nothing else in the file changes.

    Parameters
    ----------
    path
        A finished report.
    level
        1 (fast) to 9 (small).

    Returns
    -------
    int
        Size of the file afterwards, bytes.

    Raises
    ------
    CircuitError
        The file cannot be read.
    """
    path = Path(path)
    with replace_when_whole(path) as temporary:
        copy_report(path, temporary, compression_level=level)
    return path.stat().st_size


def copy_report(
    source: Path, destination: Path, *, n_frames: int | None = None, compression_level: int | None = None
) -> None:
    """Copy a report, block by block.

    Parameters
    ----------
    source, destination
        Files; an existing `destination` is replaced.
    n_frames
        How many frames to copy; all by default. The header's end is set accordingly.
    compression_level
        1 to 9: store the values as gzip chunks; None: in one piece.
    """
    with open_h5(source) as old, h5py.File(destination, "w") as new:
        tables = find_tables(old)
        _copy_but(old, new, {data for data, _ in tables})
        for name, times in tables:
            data = old[name]
            rows = len(data) if n_frames is None else min(n_frames, len(data))
            copied = _create(new, name, (rows, data.shape[1]), data, compression_level)
            for key, value in data.attrs.items():
                copied.attrs[key] = value
            for begin, end in _blocks(rows, data.shape[1] * data.dtype.itemsize):
                copied[begin:end] = data[begin:end]
            if n_frames is not None:
                time = new[times]
                time[1] = time[0] + rows * time[2]


def _copy_but(old: Any, new: Any, left_out: set[str]) -> None:
    """Copy all groups and datasets but some, named from the root without a slash."""
    for key, value in old.attrs.items():
        new.attrs[key] = value
    for name, item in old.items():
        if item.name.strip("/") in left_out:
            continue
        if isinstance(item, h5py.Group):
            _copy_but(item, new.create_group(name), left_out)
        else:
            old.copy(item, new, name)


def _create(h5: Any, name: str, shape: tuple[int, int], data: Any, level: int | None) -> Any:
    if level is None or not shape[0] or not shape[1]:
        return h5.create_dataset(name, shape, data.dtype, track_times=False)
    columns = min(shape[1], max(1, CHUNK_BYTES // data.dtype.itemsize // 64))
    rows = min(shape[0], max(1, CHUNK_BYTES // data.dtype.itemsize // columns))
    return h5.create_dataset(
        name,
        shape,
        data.dtype,
        chunks=(rows, columns),
        compression="gzip",
        compression_opts=level,
        shuffle=True,
        track_times=False,
    )


def _blocks(n_rows: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    step = max(1, BLOCK_BYTES // max(1, row_bytes))
    for begin in range(0, n_rows, step):
        yield begin, min(begin + step, n_rows)
