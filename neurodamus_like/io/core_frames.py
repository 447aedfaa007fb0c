"""Frames of reports that CoreNEURON wrote while it ran on the files of a model.

Each recorder of the model has a number. What it records is said in ``<number>_report.npz``, beside the files of the
model; its frames, one behind the other without any header, come to be in ``<number>.frames``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import SimulationError

IntArray = npt.NDArray[np.int64]

FOLDER_VARIABLE = "NEURODAMUS_LIKE_FRAMES"
"""Environment variable that says where recorders write."""


@dataclass(frozen=True)
class RecordedPart:
    """What one recorder records of one population, column by column.

    Attributes
    ----------
    node_ids
        Shape (n,), ascending.
    counts
        Values of each node, shape (n,).
    element_ids
        Shape (sum of counts,).
    attributes
        Name -> what else is known of each value.
    """

    node_ids: IntArray
    counts: IntArray
    element_ids: IntArray
    attributes: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def n_columns(self) -> int:
        """Number of values per frame."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class RecordedColumns:
    """What one recorder records.

    Attributes
    ----------
    number
        Of the recorder.
    report
        Name of the report.
    unit
        Of the values.
    parts
        Population -> its columns; they follow each other.
    first_frame
        Values of the first frame if they were known when the model was written; shape (columns,) or (0,).
    """

    number: int
    report: str
    unit: str
    parts: dict[str, RecordedPart]
    first_frame: npt.NDArray[Any]

    @property
    def n_columns(self) -> int:
        """Number of values per frame."""
        return sum(part.n_columns for part in self.parts.values())


def columns_path(folder: Path, number: int) -> Path:
    """Return the file that says what a recorder records."""
    return folder / f"{number}_report.npz"


def write_columns(folder: Path, columns: RecordedColumns) -> Path:
    """Write what a recorder records, and return the file."""
    arrays: dict[str, Any] = {key: getattr(columns, key) for key in ("report", "unit", "first_frame")}
    for position, (name, part) in enumerate(columns.parts.items()):
        arrays[f"{position}/population"] = name
        for key in ("node_ids", "counts", "element_ids"):
            arrays[f"{position}/{key}"] = getattr(part, key)
        for key, values in part.attributes.items():
            arrays[f"{position}/attributes/{key}"] = values
    path = columns_path(folder, columns.number)
    np.savez(path, **arrays)
    return path


def read_columns(folder: Path, number: int) -> RecordedColumns:
    """Read what a recorder records.

    Raises
    ------
    SimulationError
        The file is missing or damaged.
    """
    path = columns_path(folder, number)
    try:
        with np.load(path) as arrays:
            positions = sum(1 for key in arrays.files if key.endswith("/population"))
            parts = dict(_read_part(arrays, position) for position in range(positions))
            report, unit = str(arrays["report"]), str(arrays["unit"])
            return RecordedColumns(number, report, unit, parts, arrays["first_frame"])
    except (OSError, ValueError, KeyError):
        raise SimulationError(
            "the model does not say what is reported of it", file=path, hint="build the model again"
        ) from None


def _read_part(arrays: Any, position: int) -> tuple[str, RecordedPart]:
    prefix = f"{position}/attributes/"
    attributes = {key.removeprefix(prefix): arrays[key] for key in arrays.files if key.startswith(prefix)}
    node_ids, counts, element_ids = (arrays[f"{position}/{k}"] for k in ("node_ids", "counts", "element_ids"))
    name = str(arrays[f"{position}/population"])
    return name, RecordedPart(node_ids, counts, element_ids, attributes)


class FrameFiles:
    """Frames of several recorders side by side, read block by block once they are all written.

    Parameters
    ----------
    folder
        Where the frames will be.
    recorded
        What the recorders recorded.
    order
        Column of the recorders, one behind the other, for each column wanted; shape (columns,).
    count
        How many frames.
    interval_ms
        Time between them.
    dtype
        Type of the values.
    """

    def __init__(
        self,
        folder: Path,
        recorded: Sequence[RecordedColumns],
        order: IntArray,
        count: int,
        interval_ms: float,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self._folder, self._order = folder, order
        self._recorded = [columns for columns in recorded if columns.n_columns]
        self._count, self._interval_ms = count, interval_ms
        self._dtype = np.dtype(dtype)
        self._frames: list[npt.NDArray[Any]] = []
        self._taken = 0
        self._rows = max(1, count)

    @property
    def n_columns(self) -> int:
        """Values per frame."""
        return int(self._order.size)

    @property
    def bytes_per_ms(self) -> float:
        """Memory that :meth:`take` needs for each millisecond of frames."""
        return self._dtype.itemsize * (self.n_columns + 1) / self._interval_ms

    @property
    def frames_taken(self) -> int:
        """Frames handed out so far."""
        return self._taken

    @property
    def is_done(self) -> bool:
        """Whether all frames were handed out."""
        return self._taken >= self._count

    def expect_blocks(self, block_ms: float) -> None:
        """Hand out as many frames at once as belong to `block_ms`."""
        if np.isfinite(block_ms):
            self._rows = max(1, int(block_ms / self._interval_ms))

    def open(self) -> None:
        """Open the files, once they are written.

        Raises
        ------
        SimulationError
            One is missing or has too few frames.
        """
        self._frames = [self._open(columns) for columns in self._recorded]

    def take(self) -> npt.NDArray[Any]:
        """Return the next frames, shape (frames, columns); after `open`."""
        begin, end = self._taken, min(self._taken + self._rows, self._count)
        self._taken = end
        blocks = [np.empty((end - begin, 0), dtype=self._dtype)]
        for frames, columns in zip(self._frames, self._recorded, strict=True):
            blocks.append(np.array(frames[begin:end]))
            if begin == 0 and columns.first_frame.size and end:
                blocks[-1][0] = columns.first_frame
        return np.hstack(blocks)[:, self._order]

    def count_unreachable(self) -> int:
        """Return 0: all variables were there."""
        return 0

    def record_now(self) -> None:
        """Nothing happens any more."""

    def drop(self) -> None:
        """Nothing to forget: what was not handed out is on disk."""

    def resume(self, frames: int, next_ms: float, now_ms: float) -> None:
        """Go on behind so many frames."""
        self._taken = frames

    def close(self) -> None:
        """Forget the files."""
        self._frames = []

    def _open(self, columns: RecordedColumns) -> npt.NDArray[Any]:
        path = self._folder / f"{columns.number}.frames"
        row_bytes = columns.n_columns * self._dtype.itemsize
        found = path.stat().st_size // row_bytes if path.is_file() else 0
        if found < self._count:
            raise SimulationError(
                f"report {columns.report!r}: {found} of {self._count} frames were written",
                file=path,
                hint="is the disk full?",
            )
        shape = (self._count, columns.n_columns)
        return np.memmap(path, dtype=self._dtype, mode="r", shape=shape)
