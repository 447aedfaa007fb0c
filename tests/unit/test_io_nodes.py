"""Columns of node populations."""

from __future__ import annotations

from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.nodes import (
    node_attribute_names,
    node_populations,
    population_node_ids,
    read_nodes,
)


@pytest.fixture
def node_file(tmp_path: Path) -> Path:
    path = tmp_path / "n.h5"
    with h5py.File(path, "w") as h5:
        group = h5.create_group("nodes/p")
        group["node_type_id"] = np.full(4, -1)
        group["0/x"] = np.arange(4, dtype=np.float32)
        group["0/morphology"] = np.array(["a", "b", "c", "d"], dtype=h5py.string_dtype())
        group["0/fixed"] = np.array([b"k", b"l", b"m", b"n"])
        group["0/mtype"] = np.array([1, 0, 1, 1], dtype=np.uint32)
        group["0/@library/mtype"] = np.array(["L1", "L23"], dtype=h5py.string_dtype())
        group["0/dynamics_params/holding_current"] = np.linspace(0, 0.3, 4)
    return path


@pytest.fixture
def grouped_file(tmp_path: Path) -> Path:
    path = tmp_path / "g.h5"
    with h5py.File(path, "w") as h5:
        group = h5.create_group("nodes/p")
        group["node_type_id"] = np.array([100, 100, 101, 102])
        group["node_id"] = np.array([3, 1, 0, 7])
        group["node_group_id"] = np.array([0, 1, 0, 1])
        group["node_group_index"] = np.array([1, 0, 0, 1])
        group["0/x"] = np.array([0.5, 1.5])
        group["0/n"] = np.array([5, 6])
        group["1/x"] = np.array([10.0, 11.0])
        group["1/label"] = np.array(["u", "v"], dtype=h5py.string_dtype())
    return path


def test_all_columns(node_file: Path) -> None:
    table = read_nodes(node_file, "p")
    assert len(table) == 4
    assert table.node_ids.tolist() == [0, 1, 2, 3]
    assert table.node_ids.dtype == np.int64
    assert sorted(table.columns) == node_attribute_names(node_file, "p")
    assert table["morphology"].tolist() == ["a", "b", "c", "d"]
    assert table["fixed"].tolist() == ["k", "l", "m", "n"]
    assert table["dynamics_params/holding_current"][3] == pytest.approx(0.3)
    assert node_populations(node_file) == ["p"]


def test_enumerations_are_words_and_codes(node_file: Path) -> None:
    table = read_nodes(node_file, "p", ["mtype"], np.array([1, 0]))
    assert table["mtype"].tolist() == ["L1", "L23"]
    assert table.codes["mtype"].tolist() == [0, 1]
    assert table.library["mtype"].tolist() == ["L1", "L23"]


def test_code_beyond_library(node_file: Path) -> None:
    with h5py.File(node_file, "a") as h5:
        h5["nodes/p/0/mtype"][2] = 2
    with pytest.raises(CircuitError, match="beyond its library of 2"):
        read_nodes(node_file, "p", ["mtype"])


def test_selection_in_any_order(node_file: Path) -> None:
    table = read_nodes(node_file, "p", ["x"], np.array([3, 0, 3]), optional=["absent", "morphology"])
    assert table["x"].tolist() == [3.0, 0.0, 3.0]
    assert table["morphology"].tolist() == ["d", "a", "d"]
    assert "absent" not in table


def test_missing_attribute(node_file: Path) -> None:
    with pytest.raises(CircuitError, match="Missing attribute morfology in the SONATA node file") as caught:
        read_nodes(node_file, "p", ["morfology"])
    assert caught.value.hint == "did you mean 'morphology'?"


@pytest.mark.parametrize("wrong", [4, -1])
def test_unknown_node(node_file: Path, wrong: int) -> None:
    with pytest.raises(CircuitError, match="does not have") as caught:
        read_nodes(node_file, "p", ["x"], np.array([0, wrong]))
    assert caught.value.ids == [wrong]


def test_groups_and_stored_ids(grouped_file: Path) -> None:
    table = read_nodes(grouped_file, "p")
    assert table.node_ids.tolist() == [3, 1, 0, 7]
    assert table["x"].tolist() == [1.5, 10.0, 0.5, 11.0]
    np.testing.assert_array_equal(table["n"], [6, np.nan, 5, np.nan])
    assert table["label"].tolist() == [None, "u", None, "v"]
    picked = read_nodes(grouped_file, "p", ["x", "node_type_id"], np.array([7, 3]))
    assert picked["x"].tolist() == [11.0, 1.5]
    assert picked["node_type_id"].tolist() == [102, 100]
    with pytest.raises(CircuitError, match="does not have"):
        read_nodes(grouped_file, "p", ["x"], np.array([2]))
    assert population_node_ids(grouped_file, "p").tolist() == [3, 1, 0, 7]


def test_real_files_equal_libsonata(shared: Path) -> None:
    for file in (shared / "data/obi/big100/nodes.h5", shared / "data/obi/usecase3/nodes_A.h5"):
        (name,) = node_populations(file)
        reference = libsonata.NodePopulation(str(file), "", name)
        table = read_nodes(file, name)
        everything = reference.select_all()
        for attribute in reference.attribute_names:
            np.testing.assert_array_equal(table[attribute], reference.get_attribute(attribute, everything))
        for attribute in reference.dynamics_attribute_names:
            values = reference.get_dynamics_attribute(attribute, everything)
            np.testing.assert_array_equal(table[f"dynamics_params/{attribute}"], values)


def test_allen_groups(shared: Path) -> None:
    table = read_nodes(shared / "data/allen/bio_14cells/network/v1_nodes.h5", "v1")
    assert len(table) == 14
    assert np.isnan(table["tuning_angle"]).sum() == 6
    assert not np.isnan(table["x"]).any()
