"""Compact columns and the synapse table that holds them: every number comes back as it was, bit by bit."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.connectivity.compact import compact, in_blocks
from neurodamus_like.connectivity.synapse_table import SynapseTable, delay_steps
from neurodamus_like.io.edges import EdgeTable

ROWS = st.integers(0, 50)


@given(hnp.arrays(np.float64, ROWS, elements=st.floats(allow_nan=True, allow_infinity=True, width=64)))
def test_floats_come_back_bit_by_bit(values: np.ndarray) -> None:
    back = compact(values).astype(np.float64)
    assert back.tobytes() == values.tobytes() or np.array_equal(
        np.isnan(back), np.isnan(values)
    )  # which NaN is nobody's business
    assert np.array_equal(back[~np.isnan(back)], values[~np.isnan(values)])
    assert np.array_equal(np.signbit(back[~np.isnan(back)]), np.signbit(values[~np.isnan(values)]))


@given(hnp.arrays(np.int64, ROWS, elements=st.integers(-(2**62), 2**62)))
def test_integers_come_back(values: np.ndarray) -> None:
    assert compact(values).tolist() == values.tolist()


def test_how_small() -> None:
    single = np.linspace(0, 1, 100, dtype=np.float32).astype(np.float64)
    assert compact(single).dtype == np.float32
    assert compact(np.linspace(0, 1, 100)).dtype == np.float64
    assert compact(np.arange(100)).dtype == np.int8
    assert compact(np.arange(100_000)).dtype == np.int32
    assert compact(np.array([0.0, -0.0])).strides != (0,)
    assert compact(np.full(1000, 0.1)).strides == (0,)
    # what differs behind the rows that are looked at first
    late = np.zeros(5000)
    late[-1] = 0.1
    assert compact(late).tolist() == late.tolist()


@given(st.integers(0, 2**40), st.integers(1, 300), st.floats(0.001, 1.0), st.randoms(use_true_random=False))
def test_a_table_gives_what_the_edges_say(offset: int, size: int, dt_ms: float, random) -> None:
    target = np.sort(np.array([random.randrange(5) for _ in range(size)], dtype=np.int64))
    source = np.array([random.randrange(300) for _ in range(size)], dtype=np.int64)
    delay = np.array([random.uniform(0.0, 20.0) for _ in range(size)])
    edges = EdgeTable(
        "e",
        source,
        target,
        np.arange(size) + offset,
        np.arange(size),
        {"delay": delay, "conductance": delay * 2, "afferent_section_id": source.astype(np.uint64)},
    )
    table = SynapseTable.from_edges(edges, offset, 7, dt_ms)
    assert table.source_gid.tolist() == (source + offset).tolist()
    assert table.source_gid.dtype == table.section_id.dtype == np.int64
    assert table.section_id.tolist() == source.tolist()
    assert np.array_equal(table.delay_ms, np.trunc(delay / dt_ms + 1e-5) * dt_ms)
    assert np.array_equal(table["conductance"], delay * 2)
    for tgid in (-1, 6, 7, 9, 2**50):
        assert table.rows_onto(tgid).tolist() == np.flatnonzero(target + 7 == tgid).tolist()
    sgid, tgid = int(table.source_gid[0]), int(table.target_gid[0])
    both = (source + offset == sgid) & (target + 7 == tgid)
    assert table.rows_between(sgid, tgid).tolist() == np.flatnonzero(both).tolist()
    assert table.connection_count == len(set(zip(source.tolist(), target.tolist(), strict=True)))
    part = table.take(np.arange(size)[::2])
    assert np.array_equal(part.delay_ms, table.delay_ms[::2])


def test_changes_do_not_reach_other_rows() -> None:
    ids = np.arange(4)
    table = SynapseTable(ids, ids, ids, ids, ids, np.ones(4), {"conductance": np.full(4, 2.0)})
    table.change("conductance", np.array([1]), 0.3)
    assert table["conductance"].tolist() == [2.0, 0.3, 2.0, 2.0]
    new = table.settings.append_copy(0)
    table.regroup(np.array([3]), new)
    table.settings.weight_factor[new] = 5.0
    assert table.weight_factor.tolist() == [1.0, 1.0, 1.0, 5.0]
    assert table.netcon_weight.tolist() == [2.0, 0.3, 2.0, 10.0]


def test_delays_are_cut_to_whole_steps() -> None:
    assert delay_steps(np.array([0.0, 0.0249, 0.025, 1.0], dtype=np.float64), 0.025).tolist() == [0, 0, 1, 40]


def test_blocks_have_all_rows_once() -> None:
    rows = np.arange(10)
    assert [block.tolist() for block in in_blocks(rows, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(in_blocks(rows[:0])) == []
