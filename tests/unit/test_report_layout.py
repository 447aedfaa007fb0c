"""Frames and columns of report files, without a simulator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.exceptions import ReportError
from neurodamus_like.reports.layout import (
    FrameTimes,
    PopulationPart,
    arrange_columns,
    arrange_elements,
    expand_ranges,
)


@pytest.mark.parametrize(
    ("start", "end", "interval", "first", "count"),
    [
        (0, 40, 0.1, 0, 400),
        (0, 40, 1, 0, 40),
        (0, 10, 3, 0, 4),
        (0, 0.3, 0.1, 0, 3),
        (5, 10, 0.5, 10, 10),
        (4.9, 10, 2, 2, 3),
        (5.1, 10, 2, 3, 2),
        (39.95, 40, 0.1, 400, 0),
    ],
)
def test_frames_begin_on_the_grid_and_end_before_the_end(start, end, interval, first, count):
    frames = FrameTimes.between(start, end, interval)
    assert (frames.first, frames.count) == (first, count)
    assert frames.start_ms == pytest.approx(first * interval)
    assert frames.start_ms + (count - 1) * interval < end
    assert frames.start_ms + count * interval >= end - 1e-9


def test_nodes_ascend_over_all_ranks():
    parts = [
        PopulationPart(np.array([1, 5]), np.array([2, 1]), np.array([0, 7, 0])),
        PopulationPart(np.array([], dtype=int), np.array([], dtype=int), np.array([], dtype=int)),
        PopulationPart(np.array([0, 3]), np.array([1, 3]), np.array([9, 4, 4, 6])),
    ]
    sent = [(p.node_ids, p.counts) for p in parts]
    columns = [arrange_columns(sent, rank) for rank in range(3)]
    assert columns[0].node_ids.tolist() == [0, 1, 3, 5]
    assert columns[0].index_pointers.tolist() == [0, 1, 3, 6, 7]
    assert columns[0].n_columns == 7
    assert [c.columns.tolist() for c in columns] == [[1, 2, 6], [], [0, 3, 4, 5]]
    assert arrange_elements(columns[0], parts)[0].tolist() == [9, 0, 7, 4, 4, 6, 0]


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=12),
    n_ranks=st.integers(1, 4),
    seed=st.integers(0, 2**16),
)
def test_the_layout_does_not_depend_on_the_ranks(counts, n_ranks, seed):
    node_ids = np.arange(len(counts)) * 3
    owner = np.random.default_rng(seed).integers(0, n_ranks, len(counts))
    counts = np.array(counts)

    def part(rank):
        mine = owner == rank
        elements = [100 * n + k for n, c in zip(node_ids[mine], counts[mine], strict=True) for k in range(c)]
        return PopulationPart(node_ids[mine], counts[mine], np.array(elements, dtype=int))

    parts = [part(rank) for rank in range(n_ranks)]
    columns = [arrange_columns([(p.node_ids, p.counts) for p in parts], rank) for rank in range(n_ranks)]
    alone = [100 * n + k for n, c in zip(node_ids, counts, strict=True) for k in range(c)]
    assert arrange_elements(columns[0], parts)[0].tolist() == alone
    written = np.zeros(len(alone), dtype=int)
    for c, p in zip(columns, parts, strict=True):
        written[c.columns] += p.element_ids
    assert written.tolist() == alone


def test_a_node_on_two_ranks_is_refused():
    sent = [(np.array([1, 2]), np.array([1, 1])), (np.array([2]), np.array([1]))]
    with pytest.raises(ReportError, match="twice") as caught:
        arrange_columns(sent, 0)
    assert caught.value.ids == [2]


def test_ranges():
    assert expand_ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
    assert expand_ranges(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []
