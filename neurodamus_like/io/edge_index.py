"""Which rows of an edge file come in to which target: from the stored index, or from one scan of the file."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import IntArray, expand_ranges, read_rows

_INDEX_GROUPS = ("indices", "indicies")
_NODE_TABLES = ("node_id_to_ranges", "node_id_to_range")


class EdgeIndex(Protocol):
    """Finds the incoming edges of targets."""

    def count(self, target_ids: IntArray) -> IntArray:
        """Return the number of incoming edges of each target, int64[n]."""

    def edges(self, target_ids: IntArray) -> tuple[IntArray, IntArray]:
        """Return (target id, edge id) of all incoming edges, ordered by target, then edge.

        `target_ids` must be ascending, without repetition.
        """


def open_edge_index(population: Any) -> EdgeIndex:
    """Return the index of an open group ``/edges/<name>``; the file is scanned when it stores none."""
    for outer in _INDEX_GROUPS:
        group = population.get(f"{outer}/target_to_source")
        for table in _NODE_TABLES:
            if group is not None and table in group and "range_to_edge_id" in group:
                return StoredIndex(group[table], group["range_to_edge_id"])
    return ScannedIndex(population["target_node_id"][()])


class StoredIndex:
    """The two-level index of SONATA: node -> stretch of ranges -> stretch of edges.

    Parameters
    ----------
    node_to_ranges
        Dataset [nodes, 2]: first range and one past the last; targets beyond its end have no edges.
    range_to_edges
        Dataset [ranges, 2]: first edge and one past the last.
    """

    def __init__(self, node_to_ranges: Any, range_to_edges: Any) -> None:
        self._nodes = node_to_ranges
        self._ranges = range_to_edges

    def count(self, target_ids: IntArray) -> IntArray:
        owner, _, counts = self._ranges_of(target_ids)
        return np.bincount(owner, weights=counts, minlength=target_ids.size).astype(np.int64)

    def edges(self, target_ids: IntArray) -> tuple[IntArray, IntArray]:
        owner, starts, counts = self._ranges_of(target_ids)
        return _in_order(np.repeat(target_ids[owner], counts), expand_ranges(starts, counts))

    def _ranges_of(self, target_ids: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return for every range: position of its target in `target_ids`, first edge, number of edges."""
        at = np.flatnonzero(target_ids < self._nodes.shape[0])
        bounds = read_rows(self._nodes, target_ids[at]).astype(np.int64).reshape(-1, 2)
        n_ranges = np.maximum(bounds[:, 1] - bounds[:, 0], 0)
        ranges = (
            read_rows(self._ranges, expand_ranges(bounds[:, 0], n_ranges)).astype(np.int64).reshape(-1, 2)
        )
        counts = ranges[:, 1] - ranges[:, 0]
        if counts.size and counts.min() < 0:
            raise CircuitError(
                "the edge index has a range that ends before it begins",
                file=self._ranges.file.filename,
                pointer=self._ranges.name,
                hint="write the index again, or remove the group 'indices'",
            )
        return np.repeat(at, n_ranges), ranges[:, 0], counts


class ScannedIndex:
    """Index of a file that stores none.

    Parameters
    ----------
    target_node_id
        integer[edges]: the whole dataset.
    """

    def __init__(self, target_node_id: Any) -> None:
        targets = np.asarray(target_node_id).astype(np.int64)
        self._order: IntArray = np.argsort(targets, kind="stable")
        self._targets: IntArray = targets[self._order]

    def count(self, target_ids: IntArray) -> IntArray:
        starts, ends = self._bounds(target_ids)
        return ends - starts

    def edges(self, target_ids: IntArray) -> tuple[IntArray, IntArray]:
        starts, ends = self._bounds(target_ids)
        return np.repeat(target_ids, ends - starts), self._order[expand_ranges(starts, ends - starts)]

    def _bounds(self, target_ids: IntArray) -> tuple[IntArray, IntArray]:
        starts = np.searchsorted(self._targets, target_ids, side="left")
        return starts, np.searchsorted(self._targets, target_ids, side="right")


def _in_order(targets: IntArray, edges: IntArray) -> tuple[IntArray, IntArray]:
    same = targets[1:] == targets[:-1]
    if np.any(same & (edges[1:] <= edges[:-1])):
        order = np.lexsort((edges, targets))
        targets, edges = targets[order], edges[order]
        fresh = np.concatenate([[True], (targets[1:] != targets[:-1]) | (edges[1:] != edges[:-1])])
        targets, edges = targets[fresh], edges[fresh]
    return targets, edges
