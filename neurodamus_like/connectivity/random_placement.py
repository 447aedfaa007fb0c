"""Synapses placed at random on the segments of a cell: by kind of section and distance from the soma.

The probability of a segment is proportional to its length inside the range of distances. A cell has one random
stream (NumPy's legacy ``RandomState``), of which each synapse takes one number in the order of the edges; it falls into
the cumulative probabilities as in ``RandomState.choice``. So a placement is the same as in BMTK, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn
from neurodamus_like.engine.segments import SegmentTable
from neurodamus_like.io.regions import Region


@dataclass(frozen=True)
class Candidates:
    """Segments of a region with their cumulative probabilities."""

    segment: IntColumn
    cumulative: FloatColumn

    def choose(self, numbers: FloatColumn) -> IntColumn:
        """Return the segment for each random number from [0, 1)."""
        return self.segment[self.cumulative.searchsorted(numbers, side="right")]


def find_candidates(segments: SegmentTable, region: Region) -> Candidates:
    """Return the segments of a region; none where nothing of the cell lies in it."""
    begin = segments.distance_um - segments.length_um / 2.0
    end = segments.distance_um + segments.length_um / 2.0
    inside = np.minimum(end, region.distance_um[1]) - np.maximum(begin, region.distance_um[0])
    fraction = np.maximum(0, inside) / segments.length_um
    wanted = np.ones(len(segments), dtype=bool) if region.kinds is None else _of_kinds(segments, region.kinds)
    segment = np.flatnonzero((fraction > 0) & wanted)
    length = segments.length_um[segment] * fraction[segment]
    cumulative = (length / np.sum(length)).cumsum()
    if segment.size:
        cumulative /= cumulative[-1]
    return Candidates(segment, cumulative)


def place(candidates: Sequence[Candidates], which: IntColumn, stream: np.random.RandomState) -> IntColumn:
    """Return the segment of each synapse of one cell, int64[n]; -1 where its region is empty (no number is taken).

    Parameters
    ----------
    candidates
        The regions in use.
    which
        int64[n]: region of each synapse, in the order of the edges.
    stream
        The cell's random stream.
    """
    sizes = np.array([c.segment.size for c in candidates], dtype=np.int64)
    chosen = np.full(which.size, -1, dtype=np.int64)
    placed = np.flatnonzero(sizes[which] > 0)
    numbers = stream.random_sample(placed.size)
    for number in np.unique(which[placed]).tolist():
        rows = which[placed] == number
        chosen[placed[rows]] = candidates[number].choose(numbers[rows])
    return chosen


def _of_kinds(
    segments: SegmentTable, kinds: Sequence[str]
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.isin(segments.kind, np.array(kinds, dtype=np.str_))
