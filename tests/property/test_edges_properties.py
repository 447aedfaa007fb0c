"""The bulk reader of edges against a reader that goes row by row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import libsonata
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.io import hdf5
from neurodamus_like.io.edges import count_edges_per_target, iter_edge_blocks, read_edges

N_NODES = 12


def naive(path: Path, targets: list[int], sources: list[int] | None) -> list[tuple[float, ...]]:
    rows = []
    with h5py.File(path) as h5:
        group = h5["edges/e"]
        for target in sorted(set(targets)):
            place = 0
            for edge in range(len(group["target_node_id"])):
                if group["target_node_id"][edge] == target:
                    source = int(group["source_node_id"][edge])
                    if sources is None or source in sources:
                        rows.append((source, target, edge, place, float(group["0/delay"][edge])))
                    place += 1
    return rows


ids = st.lists(st.integers(0, N_NODES + 2), max_size=8)


@settings(max_examples=60)
@given(
    edges=st.lists(
        st.tuples(st.integers(0, N_NODES - 1), st.integers(0, N_NODES - 1)), min_size=1, max_size=60
    ),
    targets=ids,
    sources=st.none() | ids,
    indexed=st.booleans(),
    gap=st.sampled_from([0, 2, 16384]),
    max_rows=st.integers(1, 20),
    chunked=st.booleans(),
)
def test_equals_row_by_row(
    edges: list[tuple[int, int]],
    targets: list[int],
    sources: list[int] | None,
    indexed: bool,
    gap: int,
    max_rows: int,
    chunked: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.h5"
        with h5py.File(path, "w") as h5:
            group = h5.create_group("edges/e")
            group["source_node_id"] = np.array([e[0] for e in edges], dtype=np.uint64)
            group["target_node_id"] = np.array([e[1] for e in edges], dtype=np.uint64)
            group["edge_type_id"] = np.full(len(edges), -1)
            values = np.random.default_rng(len(edges)).random(len(edges))
            group.create_dataset("0/delay", data=values, chunks=(min(7, len(edges)),) if chunked else None)
        if indexed:
            libsonata.EdgePopulation.write_indices(str(path), "e", N_NODES, N_NODES)
        population = EdgePopulation("e", path, "s", "t")
        wanted = np.array(targets, dtype=np.int64)
        of = None if sources is None else np.array(sources, dtype=np.int64)
        before, hdf5.MERGE_GAP_ROWS = hdf5.MERGE_GAP_ROWS, gap
        try:
            whole = read_edges(population, wanted, ["delay"], source_ids=of)
            blocks = list(iter_edge_blocks(population, wanted, ["delay"], source_ids=of, max_rows=max_rows))
            counts = count_edges_per_target(population, wanted)
        finally:
            hdf5.MERGE_GAP_ROWS = before
        expected = naive(path, targets, sources)

    def rows_of(t: object) -> list[tuple[float, ...]]:
        columns = (t.source_id, t.target_id, t.edge_id, t.synapse_id, t["delay"])  # type: ignore[attr-defined, index]
        return list(zip(*(c.tolist() for c in columns), strict=True))

    assert rows_of(whole) == expected
    assert [row for block in blocks for row in rows_of(block)] == expected
    assert counts.tolist() == [sum(e[1] == t for e in edges) for t in targets]
    for block in blocks:
        assert len(block) <= max_rows or np.unique(block.target_id).size == 1
