"""Where built edges wait for the file: sorted runs, in memory up to a limit, then in a scratch file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.node_table import Array, IntArray
from neurodamus_like.exceptions import CircuitError

RUN_ROWS = 1 << 21
"""Rows that are collected before they become a run."""


class Scratch:
    """A memory budget, and a nameless file that takes what exceeds it.

    Parameters
    ----------
    limit_bytes
        How much may stay in memory.
    folder
        Where the file is; the system's folder for temporary files by default.
    """

    def __init__(self, limit_bytes: int, folder: Path | None = None) -> None:
        self.limit_bytes, self.folder = limit_bytes, folder
        self.used_bytes = 0
        self.written_bytes = 0
        self._file: Any = None

    def keep(self, array: Array) -> Array | Spilled:
        """Return the array, or a stand-in for it if it had to go to the scratch file."""
        if array.dtype == object or self.used_bytes + array.nbytes <= self.limit_bytes:
            self.used_bytes += array.nbytes
            return array
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self.folder, prefix="edges_")  # noqa: SIM115
        at = self.written_bytes
        view = memoryview(np.ascontiguousarray(array).view(np.uint8).data)
        try:
            done = 0
            while done < len(view):
                done += os.pwrite(self._file.fileno(), view[done:], at + done)
        except OSError as error:
            raise CircuitError(
                f"cannot write the scratch file of the build: {error}",
                file=self.folder or tempfile.gettempdir(),
                hint="free space there, or name another folder with NetworkBuilder(..., scratch_dir=...)",
            ) from error
        self.written_bytes += array.nbytes
        return Spilled(self, at, array.dtype, array.size)

    def read(self, at: int, dtype: np.dtype[Any], begin: int, end: int) -> Array:
        """Return items `begin` to `end` of an array that starts at byte `at`."""
        out = np.empty(end - begin, dtype=dtype)
        view = memoryview(out.view(np.uint8).data)
        done = 0
        while done < len(view):
            got = os.preadv(self._file.fileno(), [view[done:]], at + begin * dtype.itemsize + done)
            if not got:
                raise CircuitError("the scratch file of the build ended early")
            done += got
        return out

    def close(self) -> None:
        """Free the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self.used_bytes = self.written_bytes = 0


@dataclass(frozen=True)
class Spilled:
    """An array that lies in the scratch file."""

    scratch: Scratch
    at: int
    dtype: np.dtype[Any]
    size: int

    def __getitem__(self, rows: slice) -> Array:
        begin, end, _ = rows.indices(self.size)
        return self.scratch.read(self.at, self.dtype, begin, end)


@dataclass(frozen=True)
class Run:
    """Edges sorted by target id, then source id.

    Attributes
    ----------
    targets
        int64[k]: target ids that have edges, ascending.
    starts
        int64[k + 1]: first row of each of them.
    columns
        ``source`` (ids) and the properties.
    """

    targets: IntArray
    starts: IntArray
    columns: dict[str, Any]

    def slice(self, begin_id: int, end_id: int) -> tuple[IntArray, dict[str, Array]]:
        """Return target ids and columns of the edges with ``begin_id <= target < end_id``."""
        first, last = np.searchsorted(self.targets, [begin_id, end_id])
        rows = slice(int(self.starts[first]), int(self.starts[last]))
        counts = np.diff(self.starts[first : last + 1])
        target = np.repeat(self.targets[first:last], counts)
        return target, {name: values[rows] for name, values in self.columns.items()}


class EdgeStore:
    """The edges of one edge group on this rank.

    Parameters
    ----------
    source_ids, target_ids
        int64: node ids behind the places in the blocks.
    scratch
        Memory budget shared with other groups.

    Attributes
    ----------
    n_edges, n_synapses
        What was put in so far.
    dtypes
        Column name to type, once edges were put in.
    """

    def __init__(self, source_ids: IntArray, target_ids: IntArray, scratch: Scratch) -> None:
        self._source_ids = source_ids.astype(_id_type(source_ids))
        self._sources_are_places = _is_range(source_ids)
        self._target_ids = target_ids
        self._scratch = scratch
        self._pending: list[EdgeBlock] = []
        self._pending_rows = 0
        self.runs: list[Run] = []
        self.n_edges = 0
        self.n_synapses = 0
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def put(self, block: EdgeBlock) -> None:
        """Take a block of edges with all its columns."""
        if not len(block):
            return
        self.n_edges += len(block)
        self.n_synapses += block.n_synapses()
        self._pending.append(block)
        self._pending_rows += len(block)
        if self._pending_rows >= RUN_ROWS:
            self.flush()

    def flush(self) -> None:
        """Make a run of what was collected."""
        if not self._pending:
            return
        block = _concatenate(self._pending).sorted_by_target(len(self._source_ids))
        self._pending, self._pending_rows = [], 0
        first = np.flatnonzero(np.concatenate([[True], block.target[1:] != block.target[:-1]]))
        # places are ascending, and so are the ids behind them
        targets = self._target_ids[block.target[first]]
        starts = np.append(first, len(block)).astype(np.int64)
        source = self._ids(block.source)
        columns: dict[str, Any] = {"source": self._scratch.keep(source)}
        if block.columns:
            for name, values in block.columns.items():
                self.dtypes.setdefault(name, values.dtype)
                columns[name] = self._scratch.keep(values)
        elif isinstance(block.nsyns, int):
            columns["nsyns"] = _Uniform(block.nsyns)
        else:
            columns["nsyns"] = self._scratch.keep(block.nsyns)
        self.runs.append(Run(targets, starts, columns))

    def _ids(self, places: Array) -> Array:
        if self._sources_are_places:
            return places.astype(self._source_ids.dtype, copy=False)
        return self._source_ids[places]

    def count_by_target(self, size: int) -> IntArray:
        """Return the number of edges of each target id, int64[size]."""
        counts = np.zeros(size, dtype=np.int64)
        for run in self.runs:
            counts[run.targets] += np.diff(run.starts)
        return counts

    def window(self, begin_id: int, end_id: int) -> dict[str, Array]:
        """Return the edges of a stretch of targets as columns, sorted by target, then source."""
        parts = [run.slice(begin_id, end_id) for run in self.runs]
        return merge_sorted([{"target": t, **columns} for t, columns in parts if t.size])

    def all_windows(self) -> Iterator[dict[str, Array]]:
        """Yield all edges, window by window."""
        size = int(self._target_ids[-1]) + 1 if self._target_ids.size else 0
        for begin, end in windows_of(self.count_by_target(size), RUN_ROWS):
            yield self.window(begin, end)


@dataclass(frozen=True)
class _Uniform:
    value: int

    def __getitem__(self, rows: slice) -> Array:
        return np.full(rows.stop - rows.start, self.value, dtype=np.uint32)


def merge_sorted(parts: list[dict[str, Array]]) -> dict[str, Array]:
    """Join columns and sort them by target, then source; equal pairs keep their order.

    The result is empty ({}) if there is nothing.
    """
    if not parts:
        return {}
    joined = parts[0] if len(parts) == 1 else {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    target, source = joined["target"], joined["source"].astype(np.int64)
    if len(parts) == 1 or not target.size:
        return joined
    key = (target - target.min()) * (int(source.max()) + 1) + source
    if np.all(key[1:] >= key[:-1]):
        return joined
    order = np.argsort(key, kind="stable")
    return {name: values[order] for name, values in joined.items()}


def windows_of(counts: IntArray, max_rows: int) -> list[tuple[int, int]]:
    """Cut target ids into stretches [begin, end) of at most `max_rows` edges (one target is never cut)."""
    ends = np.cumsum(counts)
    windows, begin, done = [], 0, 0
    while begin < counts.size:
        end = max(int(np.searchsorted(ends, done + max_rows, side="right")), begin + 1)
        windows.append((begin, end))
        begin, done = end, int(ends[end - 1])
    return windows


def _concatenate(blocks: list[EdgeBlock]) -> EdgeBlock:
    if len(blocks) == 1:
        return blocks[0]
    same = all(isinstance(b.nsyns, int) and b.nsyns == blocks[0].nsyns for b in blocks)
    nsyns: Any = blocks[0].nsyns
    if not same:
        nsyns = np.concatenate(
            [np.broadcast_to(np.asarray(b.nsyns, dtype=np.uint32), len(b)) for b in blocks]
        )
    names = blocks[0].columns
    return EdgeBlock(
        np.concatenate([b.source for b in blocks]),
        np.concatenate([b.target for b in blocks]),
        nsyns,
        {name: np.concatenate([b.columns[name] for b in blocks]) for name in names},
    )


def _id_type(ids: IntArray) -> npt.DTypeLike:
    return np.uint32 if not ids.size or ids[-1] < 1 << 32 else np.uint64


def _is_range(ids: IntArray) -> bool:
    return bool(ids.size == 0 or (ids[0] == 0 and ids[-1] == ids.size - 1))
