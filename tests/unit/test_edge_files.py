"""Edges files that are filled at byte offsets, and their indices."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.io.edge_files import compute_index, create_edges_file, write_indices


@given(st.lists(st.integers(0, 6), max_size=30))
def test_an_index_finds_the_edges_of_each_node(nodes: list[int]) -> None:
    ids = np.array(nodes, dtype=np.int64)
    ranges, of_nodes = compute_index(ids, 8)
    assert of_nodes.shape == (8, 2)
    for node in range(8):
        rows = [row for begin, end in ranges[slice(*of_nodes[node])] for row in range(begin, end)]
        assert rows == np.flatnonzero(ids == node).tolist()


def test_a_file_is_filled_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "a_b_edges.h5"
    columns = {
        "source_node_id": (3, "<u8"),
        "target_node_id": (3, "<u8"),
        "0/syn_weight": (3, "<f8"),
        "1/w": (0, "<f8"),
    }
    file = create_edges_file(path, "a", "b", columns)
    with open(path, "r+b") as raw:
        for name, values in (("source_node_id", [4, 0, 4]), ("target_node_id", [1, 1, 2])):
            raw.seek(file.offsets[name])
            raw.write(np.array(values, dtype="<u8").tobytes())
        raw.seek(file.offsets["0/syn_weight"])
        raw.write(np.array([0.5, 1.5, 2.5]).tobytes())
    write_indices(file, 5, 3)
    with h5py.File(path) as h5:
        group = h5["edges/a_b"]
        assert group["source_node_id"][:].tolist() == [4, 0, 4]
        assert group["source_node_id"].attrs["node_population"] == "a"
        assert group["0/syn_weight"][:].tolist() == [0.5, 1.5, 2.5]
        assert group["1/w"].shape == (0,)
        assert group["indices/target_to_source/node_id_to_range"][:].tolist() == [[0, 0], [0, 1], [1, 2]]
        assert group["indices/source_to_target/range_to_edge_id"][:].tolist() == [[1, 2], [0, 1], [2, 3]]
