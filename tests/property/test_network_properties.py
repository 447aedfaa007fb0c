"""Whatever is connected: the file holds exactly the edges that were made, sorted, with true indices."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurodamus_like.builder import NetworkBuilder, Probability, Uniform
from neurodamus_like.builder.sampling import distinct_ragged
from neurodamus_like.builder.store import merge_sorted, windows_of

SLOW = settings(max_examples=30, suppress_health_check=list(HealthCheck))


@st.composite
def groups(draw: Any) -> list[tuple[np.ndarray, bool]]:
    """Tables of synapse numbers [sources, targets], each with or without properties."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    numbers = st.lists(st.integers(0, 3), min_size=n * m, max_size=n * m)
    tables = draw(st.lists(st.tuples(numbers, st.booleans()), min_size=1, max_size=4))
    return [(np.reshape(values, (n, m)), flag) for values, flag in tables]


@SLOW
@given(groups(), st.sampled_from([None, "gzip"]), st.sampled_from([0.0, 512.0]))
def test_files_hold_what_was_connected(tables: Any, compression: Any, memory: float) -> None:
    n, m = tables[0][0].shape
    sources, targets = NetworkBuilder("s", memory_limit_mb=memory), NetworkBuilder("t")
    sources.add_nodes(N=n)
    targets.add_nodes(N=m)
    for table, with_properties in tables:
        cm = sources.add_edges(target=targets.nodes(), connection_rule=table.ravel().tolist())
        if with_properties:
            cm.add_properties("w", rule=lambda s, t: 10 * s.node_id + t.node_id)
    total = int(sum(t.sum() for t, _ in tables))
    with tempfile.TemporaryDirectory() as folder:
        sources.save(folder, compression=compression)
        path = Path(folder) / "s_t_edges.h5"
        assert sources.nedges == total
        assert path.exists() == (total > 0)
        if not total:
            return
        with h5py.File(path) as h5:
            group = h5["edges/s_to_t"]
            target, source, kind, number, index = (
                group[f"{name}"][()].astype(int)
                for name in (
                    "target_node_id",
                    "source_node_id",
                    "edge_type_id",
                    "edge_group_id",
                    "edge_group_index",
                )
            )
            order = np.lexsort((source, kind, target))
            assert np.array_equal(order, np.arange(order.size))
            for i, (table, with_properties) in enumerate(tables):
                rows = np.flatnonzero(kind == 100 + i)
                counts = np.zeros_like(table)
                if rows.size:
                    attributes = group[str(number[rows[0]])]
                    values = attributes["w" if with_properties else "nsyns"][()][index[rows]]
                    if with_properties:
                        assert np.array_equal(values, 10 * source[rows] + target[rows])
                    np.add.at(counts, (source[rows], target[rows]), 1 if with_properties else values)
                assert np.array_equal(counts, table)
            for name, ids, size in (("target_to_source", target, m), ("source_to_target", source, n)):
                nodes = group[f"indices/{name}/node_id_to_ranges"][()].astype(int)
                ranges = group[f"indices/{name}/range_to_edge_id"][()].astype(int)
                assert len(nodes) == size
                for node in range(size):
                    found = [e for a, b in ranges[slice(*nodes[node])] for e in range(a, b)]
                    assert found == np.flatnonzero(ids == node).tolist()


@SLOW
@given(st.integers(1, 400), st.integers(1, 300), st.floats(0, 1), st.integers(0, 2**32))
def test_sparse_rules_stay_inside_and_keep_order(n: int, m: int, p: float, seed: int) -> None:
    sources, targets = NetworkBuilder("s", seed=seed), NetworkBuilder("t")
    sources.add_nodes(N=n)
    targets.add_nodes(N=m)
    sources.add_edges(target=targets.nodes(), connection_rule=Probability(p))
    sources.build()
    edges = [(e.target_node_id, e.source_node_id) for e in sources.edges()]
    assert edges == sorted(set(edges))
    assert all(0 <= t < m and 0 <= s < n for t, s in edges)
    assert p > 0 or not edges
    assert p < 1 or len(edges) == n * m


@SLOW
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(9, 20), st.integers(0, 1000))
def test_ragged_choices_are_distinct(counts: list[int], size: int, seed: int) -> None:
    row, value = distinct_ragged(np.random.default_rng(seed), np.asarray(counts), size)
    assert np.bincount(row, minlength=len(counts)).tolist() == counts
    assert len(set(zip(row.tolist(), value.tolist(), strict=True))) == sum(counts)
    assert np.all((value >= 0) & (value < size))


@SLOW
@given(st.lists(st.integers(0, 12), max_size=40), st.integers(1, 10))
def test_windows_cover_all_and_are_bounded(counts: list[int], limit: int) -> None:
    windows = windows_of(np.asarray(counts, dtype=np.int64), limit)
    assert [i for begin, end in windows for i in range(begin, end)] == list(range(len(counts)))
    assert all(sum(counts[b:e]) <= limit or e == b + 1 for b, e in windows)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8), max_size=4)
)
def test_merging_keeps_rows_and_their_order(parts: Any) -> None:
    numbered, count = [], 0
    for part in parts:
        pairs = sorted(part)
        numbered.append(
            {
                "target": np.asarray([p[0] for p in pairs]),
                "source": np.asarray([p[1] for p in pairs], dtype=np.uint32),
                "i": np.arange(count, count + len(pairs)),
            }
        )
        count += len(pairs)
    merged = merge_sorted(numbered)
    rows = [(int(t), int(s), int(i)) for p in numbered for t, s, i in zip(*p.values(), strict=True)]
    found = list(zip(*(merged[k].tolist() for k in ("target", "source", "i")), strict=True)) if merged else []
    assert found == sorted(rows)


def test_libsonata_agrees_on_the_index(tmp_path: Path) -> None:
    net = NetworkBuilder("a", seed=6)
    net.add_nodes(N=90)
    net.add_edges(connection_rule=Probability(0.2, n_syn=2)).add_properties("w", rule=Uniform(0, 1))
    net.save(tmp_path)
    edges = libsonata.EdgePopulation(str(tmp_path / "a_a_edges.h5"), "", "a_to_a")
    target, source = (getattr(edges, f"{e}_nodes")(edges.select_all()) for e in ("target", "source"))
    for node in range(90):
        assert edges.afferent_edges([node]).flatten().tolist() == np.flatnonzero(target == node).tolist()
        assert edges.efferent_edges([node]).flatten().tolist() == np.flatnonzero(source == node).tolist()
