"""Edges read by target, on small files and on real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
import pytest

from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io import hdf5
from neurodamus_like.io.edges import (
    count_edges_per_target,
    edge_attribute_names,
    iter_edge_blocks,
    read_edges,
)

TARGETS = np.array([2, 0, 2, 5, 0, 2])
SOURCES = np.array([7, 8, 9, 7, 7, 8])


def write_file(path: Path, index: str | None = "indices", **attributes: Any) -> EdgePopulation:
    with h5py.File(path, "w") as h5:
        group = h5.create_group("edges/e")
        group["source_node_id"] = SOURCES.astype(np.uint64)
        group["target_node_id"] = TARGETS.astype(np.uint64)
        group["edge_type_id"] = np.full(6, -1)
        for name, values in attributes.items():
            group[f"0/{name}"] = values
        group.require_group("0")
    if index:
        libsonata.EdgePopulation.write_indices(str(path), "e", 10, 6)
        if index != "indices":
            with h5py.File(path, "a") as h5:
                h5.move("edges/e/indices", f"edges/e/{index}")
    return EdgePopulation("e", path, "s", "t")


@pytest.fixture(params=["indices", "indicies", None])
def population(request: pytest.FixtureRequest, tmp_path: Path) -> EdgePopulation:
    return write_file(tmp_path / "e.h5", request.param, delay=np.arange(6) * 0.5, isec=np.arange(6)[::-1])


def test_rows_come_by_target_then_edge(population: EdgePopulation) -> None:
    table = read_edges(population, np.array([5, 2, 2, 9]), ["delay"], optional=["nothing", "isec"])
    assert table.target_id.tolist() == [2, 2, 2, 5]
    assert table.edge_id.tolist() == [0, 2, 5, 3]
    assert table.source_id.tolist() == [7, 9, 8, 7]
    assert table.synapse_id.tolist() == [0, 1, 2, 0]
    assert table["delay"].tolist() == [0.0, 1.0, 2.5, 1.5]
    assert table["isec"].tolist() == [5, 3, 0, 2]
    assert "nothing" not in table
    assert all(
        a.dtype == np.int64 for a in (table.source_id, table.target_id, table.edge_id, table.synapse_id)
    )


def test_filter_by_source_keeps_synapse_ids(population: EdgePopulation) -> None:
    table = read_edges(population, np.arange(10), ["delay"], source_ids=np.array([8]))
    assert table.edge_id.tolist() == [1, 5]
    assert table.synapse_id.tolist() == [0, 2]


def test_counts_without_columns(population: EdgePopulation) -> None:
    assert count_edges_per_target(population, np.array([2, 1, 0, 1000])).tolist() == [3, 0, 2, 0]


def test_blocks_hold_whole_targets(population: EdgePopulation) -> None:
    blocks = list(iter_edge_blocks(population, np.arange(10), ["delay"], max_rows=3))
    assert [b.target_id.tolist() for b in blocks] == [[0, 0], [2, 2, 2], [5]]
    assert np.concatenate([b["delay"] for b in blocks]).tolist() == [0.5, 2.0, 0.0, 1.0, 2.5, 1.5]


def test_no_targets_give_an_empty_table(population: EdgePopulation) -> None:
    for targets in (np.array([], dtype=np.int64), np.array([1])):
        table = read_edges(population, targets, ["delay"])
        assert len(table) == 0
        assert table["delay"].shape == (0,)
        assert list(iter_edge_blocks(population, targets, ["delay"])) == []


def test_missing_attribute_names_what_is_there(population: EdgePopulation) -> None:
    with pytest.raises(CircuitError, match="Missing attribute delai in the SONATA edge file") as caught:
        read_edges(population, np.arange(3), ["delai"])
    assert caught.value.file == population.file
    assert caught.value.population == "e"
    assert "delay" in str(caught.value.hint)
    assert "isec" in str(caught.value.expected)


def test_truncated_column(tmp_path: Path) -> None:
    population = write_file(tmp_path / "e.h5", delay=np.arange(4.0))
    assert len(read_edges(population, np.array([0]), ["edge_type_id"])) == 2
    with pytest.raises(CircuitError, match="has 4 rows"):
        read_edges(population, np.arange(3), ["delay"])


def test_truncated_file(tmp_path: Path) -> None:
    population = write_file(tmp_path / "e.h5", delay=np.arange(6.0))
    whole = population.file.read_bytes()
    population.file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CircuitError, match="cannot read the HDF5 file"):
        read_edges(population, np.arange(3), ["delay"])


def test_missing_file_and_population(tmp_path: Path) -> None:
    population = write_file(tmp_path / "e.h5")
    with pytest.raises(CircuitError, match="file not found"):
        read_edges(EdgePopulation("e", tmp_path / "x.h5", "", ""), np.arange(3), [])
    with pytest.raises(CircuitError, match="no population 'E'") as caught:
        read_edges(EdgePopulation("E", population.file, "", ""), np.arange(3), [])
    assert caught.value.hint == "did you mean 'e'?"


def test_negative_target(population: EdgePopulation) -> None:
    with pytest.raises(CircuitError, match="negative"):
        read_edges(population, np.array([-1, 2]), [])


def test_group_index_of_one_group_is_followed(tmp_path: Path) -> None:
    population = write_file(tmp_path / "e.h5", delay=np.arange(6.0))
    with h5py.File(population.file, "a") as h5:
        h5["edges/e/edge_group_id"] = np.zeros(6, dtype=np.uint16)
        h5["edges/e/edge_group_index"] = np.array([5, 4, 3, 2, 1, 0], dtype=np.uint32)
    assert read_edges(population, np.array([2]), ["delay"])["delay"].tolist() == [5.0, 3.0, 0.0]


def test_several_groups(tmp_path: Path) -> None:
    population = write_file(tmp_path / "e.h5", nsyns=np.array([10, 11, 12], dtype=np.uint16))
    with h5py.File(population.file, "a") as h5:
        group = h5["edges/e"]
        group["1/nsyns"] = np.array([20, 21], dtype=np.uint32)
        group["1/weight"] = np.array([0.1, 0.2])
        group["1/rule"] = np.array(["a", "b"], dtype=h5py.string_dtype())
        group["3/weight"] = np.array([0.9])
        group["edge_group_id"] = np.array([0, 1, 0, 3, 1, 0])
        group["edge_group_index"] = np.array([2, 0, 1, 0, 1, 0])
    table = read_edges(population, np.arange(10), ["nsyns", "weight", "rule"])
    assert table.edge_id.tolist() == [1, 4, 0, 2, 5, 3]
    np.testing.assert_array_equal(table["nsyns"], [20, 21, 12, 11, 10, np.nan])
    np.testing.assert_array_equal(table["weight"], [0.1, 0.2, np.nan, np.nan, np.nan, 0.9])
    assert table["rule"].tolist() == ["a", "b", None, None, None, None]
    assert edge_attribute_names(population.file, "e") == ["edge_type_id", "nsyns", "rule", "weight"]


def test_wrong_group_is_told(tmp_path: Path) -> None:
    population = write_file(tmp_path / "e.h5", delay=np.arange(6.0))
    with h5py.File(population.file, "a") as h5:
        h5["edges/e/edge_group_id"] = np.full(6, 4)
        h5["edges/e/edge_group_index"] = np.arange(6)
    with pytest.raises(CircuitError, match="group 4"):
        read_edges(population, np.arange(3), ["delay"])


@pytest.mark.parametrize("gap", [0, 3, 10**6])
def test_far_rows_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gap: int) -> None:
    monkeypatch.setattr(hdf5, "MERGE_GAP_ROWS", gap)
    with h5py.File(tmp_path / "x.h5", "w") as h5:
        data = h5.create_dataset("x", data=np.arange(100) * 2)
        rows = np.array([1, 2, 9, 40, 41, 99])
        assert hdf5.read_rows(data, rows).tolist() == (rows * 2).tolist()
        assert hdf5.read_rows(data, rows[[4, 0, 0]]).tolist() == [82, 2, 2]


def test_real_files_equal_libsonata(shared: Path) -> None:
    checked = 0
    for file in sorted((shared / "data/obi").rglob("*.h5")):
        with h5py.File(file) as h5:
            names = list(h5.get("edges", ()))
        for name in names:
            reference = libsonata.EdgePopulation(str(file), "", name)
            targets = np.arange(0, 200, 3)
            table = read_edges(EdgePopulation(name, file, "", ""), targets, edge_attribute_names(file, name))
            selection = libsonata.Selection(table.edge_id.tolist())
            assert sorted(table.edge_id) == sorted(reference.afferent_edges(targets.tolist()).flatten())
            np.testing.assert_array_equal(table.source_id, reference.source_nodes(selection))
            np.testing.assert_array_equal(table.target_id, reference.target_nodes(selection))
            for attribute in reference.attribute_names:
                np.testing.assert_array_equal(table[attribute], reference.get_attribute(attribute, selection))
            checked += 1
    assert checked > 5


def test_index_of_allen_files_agrees_with_a_scan(shared: Path) -> None:
    for file in sorted((shared / "data/allen").rglob("*_edges.h5")):
        with h5py.File(file) as h5:
            (name,) = h5["edges"]
            targets = h5[f"edges/{name}/target_node_id"][()].astype(np.int64)
        population = EdgePopulation(name, file, "", "")
        table = read_edges(population, np.arange(targets.max() + 3), ["edge_type_id"], ["nsyns"])
        np.testing.assert_array_equal(table.edge_id, np.argsort(targets, kind="stable"))
        np.testing.assert_array_equal(table.target_id, np.sort(targets))
        np.testing.assert_array_equal(
            count_edges_per_target(population, np.arange(targets.max() + 1)), np.bincount(targets)
        )
