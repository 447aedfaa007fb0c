"""The shape of a report file: which frames, which nodes, which columns belong to which rank. Pure arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ReportError

IntArray = npt.NDArray[np.int64]
AnyArray = npt.NDArray[Any]

_NOTHING: Mapping[str, AnyArray] = MappingProxyType({})

_GRID_TOLERANCE = 1e-9


@dataclass(frozen=True)
class FrameTimes:
    """Times of the frames of a report: multiples of the interval, from `start_ms` up to but without `end_ms`.

    Attributes
    ----------
    first
        Number of the first frame, counted from t = 0 in intervals.
    count
        How many frames.
    start_ms, end_ms, interval_ms
        What the file says about time; `start_ms` lies on the grid of the interval.
    """

    first: int
    count: int
    start_ms: float
    end_ms: float
    interval_ms: float

    @classmethod
    def between(cls, start_ms: float, end_ms: float, interval_ms: float) -> FrameTimes:
        """Return the frames in [start, end), the start rounded to the nearest multiple of the interval."""
        first = math.floor(start_ms / interval_ms + 0.5)
        begin_ms = first * interval_ms
        count = max(0, math.ceil((end_ms - begin_ms) / interval_ms - _GRID_TOLERANCE))
        return cls(first, count, begin_ms, end_ms, interval_ms)


@dataclass(frozen=True)
class PopulationPart:
    """The elements of one population that one rank reports, by ascending node id.

    Attributes
    ----------
    node_ids
        Shape (n,), ascending.
    counts
        Shape (n,), how many elements each node has.
    element_ids
        Shape (sum of counts,).
    attributes
        Name -> what else is known of each element, shape (sum of counts,).
    """

    node_ids: IntArray
    counts: IntArray
    element_ids: IntArray
    attributes: Mapping[str, AnyArray] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True)
class PopulationColumns:
    """Where the elements of one population are in the file.

    Attributes
    ----------
    node_ids
        Of all ranks, ascending.
    index_pointers
        Shape (n + 1,): columns ``index_pointers[i]:index_pointers[i + 1]`` belong to ``node_ids[i]``.
    columns
        The columns of this rank, in the order of its own elements.
    """

    node_ids: IntArray
    index_pointers: IntArray
    columns: IntArray

    @property
    def n_columns(self) -> int:
        """Number of columns of all ranks."""
        return int(self.index_pointers[-1])


def arrange_columns(parts: Sequence[tuple[IntArray, IntArray]], rank: int) -> PopulationColumns:
    """Order the nodes of all ranks by node id, and find the columns of one rank.

    Nodes ascend over the whole file, so that it does not depend on the number of ranks (the reference
    concatenates the ranks instead, each with ascending ids).

    Parameters
    ----------
    parts
        (node_ids, counts) of each rank.
    rank
        Whose columns are wanted.

    Raises
    ------
    ReportError
        A node is reported by two ranks, or twice by one.
    """
    node_ids = np.concatenate([np.asarray(ids, dtype=np.int64) for ids, _ in parts])
    counts = np.concatenate([np.asarray(n, dtype=np.int64) for _, n in parts])
    order = np.argsort(node_ids, kind="stable")
    node_ids, counts = node_ids[order], counts[order]
    twice = node_ids[1:][node_ids[1:] == node_ids[:-1]]
    if len(twice):
        raise ReportError("nodes are reported twice", ids=np.unique(twice).tolist())
    pointers = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    begins = pointers[np.searchsorted(node_ids, parts[rank][0])]
    return PopulationColumns(node_ids, pointers, expand_ranges(begins, np.asarray(parts[rank][1])))


def arrange_elements(
    columns: PopulationColumns, parts: Sequence[PopulationPart]
) -> tuple[IntArray, dict[str, AnyArray]]:
    """Return the element ids of all ranks in the order of the file, and their attributes."""
    places = [_places(columns, part) for part in parts]
    ids = _arrange(columns.n_columns, places, [part.element_ids for part in parts])
    names = dict.fromkeys(name for part in parts for name in part.attributes)
    attributes = {
        name: _arrange(columns.n_columns, places, [part.attributes.get(name) for part in parts])
        for name in names
    }
    return ids, attributes


def _places(columns: PopulationColumns, part: PopulationPart) -> IntArray:
    begins = columns.index_pointers[np.searchsorted(columns.node_ids, part.node_ids)]
    return expand_ranges(begins, part.counts)


def _arrange(size: int, places: Sequence[IntArray], values: Sequence[AnyArray | None]) -> AnyArray:
    given = [(where, what) for where, what in zip(places, values, strict=True) if what is not None]
    result: AnyArray = np.zeros(size, dtype=given[0][1].dtype if given else np.int64)
    for where, what in given:
        result[where] = what
    return result


def expand_ranges(begins: npt.NDArray[np.integer], counts: npt.NDArray[np.integer]) -> IntArray:
    """Return begin, begin + 1, ... of each range, one range after the other."""
    total = int(np.sum(counts))
    if not total:
        return np.empty(0, dtype=np.int64)
    shift = np.repeat(np.asarray(begins) - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    result: IntArray = np.arange(total, dtype=np.int64) + shift
    return result
