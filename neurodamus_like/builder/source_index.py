"""The index from source to edges of a file that is sorted by target, made with bounded memory."""

from __future__ import annotations

import numpy as np

from neurodamus_like.builder.hdf5_columns import ColumnFile
from neurodamus_like.builder.node_table import Array, IntArray
from neurodamus_like.builder.store import Scratch, Spilled, windows_of

PASS_ROWS = 1 << 23


class SourceIndex:
    """Collects the stretches of equal source while edges are written, and sorts them by source afterwards.

    Parameters
    ----------
    n_sources
        Size of the source population.
    scratch
        Memory budget.
    """

    def __init__(self, n_sources: int, scratch: Scratch) -> None:
        self._scratch = scratch
        self._counts = np.zeros(n_sources, dtype=np.int64)
        self._parts: list[tuple[Array | Spilled, Array | Spilled, int]] = []
        self._firsts: list[int] = []
        self._n_edges = 0
        self._last = -1

    def add(self, source: Array) -> None:
        """Take the sources of the next edges of the file."""
        changed = np.empty(source.size, dtype=bool)
        changed[0] = int(source[0]) != self._last
        np.not_equal(source[1:], source[:-1], out=changed[1:])
        at = np.flatnonzero(changed)
        self._last = int(source[-1])
        if at.size:
            owners = source[at]
            owners = owners.astype(np.uint32) if self._counts.size < 1 << 32 else owners
            self._counts += np.bincount(owners, minlength=self._counts.size)
            starts = at + self._n_edges
            self._firsts.append(int(starts[0]))
            small = self._n_edges + source.size < 1 << 32
            kept = starts.astype(np.uint32) if small else starts.astype(np.uint64)
            self._parts.append((self._scratch.keep(owners), self._scratch.keep(kept), at.size))
        self._n_edges += source.size

    def write(self, columns: ColumnFile, group: str) -> None:
        """Write both tables below `group`."""
        total = int(self._counts.sum())
        write_node_table(columns, group, self._counts)
        ranges = columns.column(f"{group}/range_to_edge_id", total, np.uint64, width=2)
        for low, high in windows_of(self._counts, PASS_ROWS):
            if self._counts[low:high].any():
                ranges.append(self._pass(low, high))
        ranges.finish()

    def _pass(self, low: int, high: int) -> Array:
        """Return the ranges of the sources from `low` on below `high`, by source, then place in the file."""
        ends_after = [*self._firsts[1:], self._n_edges]
        everything = low == 0 and high == self._counts.size
        owners, starts, ends = [], [], []
        for (owner_part, start_part, size), after in zip(self._parts, ends_after, strict=True):
            owner, start = owner_part[0:size], start_part[0:size]
            end = np.append(start[1:], np.asarray([after], dtype=start.dtype))
            if not everything:
                mine = np.flatnonzero((owner >= low) & (owner < high))
                owner, start, end = owner[mine], start[mine], end[mine]
            owners.append(owner)
            starts.append(start)
            ends.append(end)
        key = np.concatenate(owners).astype(np.int64) - low
        order = np.argsort(key.astype(np.uint16) if high - low <= 1 << 16 else key, kind="stable")
        table = np.empty((order.size, 2), dtype=np.uint64)
        table[:, 0] = np.concatenate(starts)[order]
        table[:, 1] = np.concatenate(ends)[order]
        return table


def write_node_table(columns: ColumnFile, group: str, counts: IntArray) -> None:
    """Write which ranges belong to which node, from the number of ranges of each; 0, 0 for none.

    The table has the names of both dialects; they are two links to the same data.
    """
    ends = np.cumsum(counts)
    table = np.column_stack([ends - counts, ends]).astype(np.uint64)
    table[counts == 0] = 0
    columns.write(f"{group}/node_id_to_ranges", table)
    columns.file[f"{group}/node_id_to_range"] = columns.file[f"{group}/node_id_to_ranges"]


def write_target_index(columns: ColumnFile, group: str, counts: IntArray) -> None:
    """Write the index of edges that are sorted by target: one range for each target that has edges."""
    present = counts > 0
    write_node_table(columns, group, present.astype(np.int64))
    ends = np.cumsum(counts)[present]
    table = np.column_stack([ends - counts[present], ends]).astype(np.uint64)
    columns.write(f"{group}/range_to_edge_id", table)
