"""Node sets and compartment sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
import pytest

from neurodamus_like.exceptions import CircuitError, ConfigurationError, TargetError
from neurodamus_like.io.compartment_sets import read_compartment_sets
from neurodamus_like.io.node_sets import NodeSets


@pytest.fixture
def populations(tmp_path: Path) -> dict[str, Path]:
    files = {}
    for name, layers, mtypes in (("A", [1, 2, 3, 3], None), ("B", None, ["PC", "BC", "PC"])):
        files[name] = tmp_path / f"{name}.h5"
        with h5py.File(files[name], "w") as h5:
            group = h5.create_group(f"nodes/{name}")
            group["node_type_id"] = np.full(len(layers or mtypes or []), -1)
            if layers:
                group["0/layer"] = np.array(layers)
                group["0/x"] = np.array(layers) * 0.5
            if mtypes:
                group["0/mtype"] = np.array(mtypes, dtype=h5py.string_dtype())
    return files


RULES: dict[str, Any] = {
    "all": {},
    "none": [],
    "popA": {"population": "A"},
    "both": {"population": ["A", "B"]},
    "ids": {"node_id": [2, 0, 2]},
    "deep": {"layer": [2, 3], "x": {"$gte": 1.5}},
    "range": {"layer": {"$gt": 1, "$lt": 3}},
    "pyramidal": {"mtype": {"$regex": "^P"}},
    "A1": {"population": "A", "layer": 1},
    "union": ["A1", "pyramidal"],
    "nested": ["union", "range", "none"],
    "Ring:C": {"population": "B", "node_id": [1]},
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("all", {"A": [0, 1, 2, 3], "B": [0, 1, 2]}),
        ("none", {}),
        ("popA", {"A": [0, 1, 2, 3]}),
        ("both", {"A": [0, 1, 2, 3], "B": [0, 1, 2]}),
        ("ids", {"A": [0, 2], "B": [0, 2]}),
        ("deep", {"A": [2, 3]}),
        ("range", {"A": [1]}),
        ("pyramidal", {"B": [0, 2]}),
        ("A1", {"A": [0]}),
        ("union", {"A": [0], "B": [0, 2]}),
        ("nested", {"A": [0, 1], "B": [0, 2]}),
        ("Ring:C", {"B": [1]}),
    ],
)
def test_rules(populations: dict[str, Path], name: str, expected: dict[str, list[int]]) -> None:
    found = NodeSets(RULES).resolve(name, populations)
    assert {p: ids.tolist() for p, ids in found.items()} == expected
    assert all(ids.dtype == np.int64 for ids in found.values())


def test_lacking_attribute_is_a_warning(
    populations: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    NodeSets(RULES).resolve("range", populations)
    assert "'B' is left out" in caplog.text
    assert "layer" in caplog.text
    caplog.clear()
    NodeSets(RULES).resolve("A1", populations)
    assert not caplog.text


def test_unknown_name() -> None:
    with pytest.raises(TargetError, match="unknown node set 'rings'") as caught:
        NodeSets({"Ring": {}, "other": {}}).resolve("rings", {})
    assert caught.value.hint == "did you mean 'Ring'?"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"a": ["b"]}, "refers to the unknown node set 'b'"),
        ({"a": 3}, "neither a rule nor a list"),
        ({"a": {"x": {"$bar": 1}}}, "not valid"),
        ({"a": {"node_id": [-1]}}, "not valid"),
    ],
)
def test_malformed_rules(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(TargetError, match=message):
        NodeSets(rules)


def test_endless_reference(populations: dict[str, Path]) -> None:
    with pytest.raises(TargetError, match="refers to itself"):
        NodeSets({"a": ["b"], "b": ["a"]}).resolve("a", populations)


def test_bad_regex(populations: dict[str, Path]) -> None:
    with pytest.raises(TargetError, match="cannot be evaluated"):
        NodeSets({"a": {"mtype": {"$regex": "["}}}).resolve("a", populations)


def test_missing_node_file(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="cannot open the node population"):
        NodeSets({"a": {}}).resolve("a", {"A": tmp_path / "none.h5"})


def test_simulation_wins(tmp_path: Path, populations: dict[str, Path]) -> None:
    circuit, simulation = tmp_path / "c.json", tmp_path / "s.json"
    circuit.write_text(
        json.dumps({"x": {"node_id": [0]}, "same": {"node_id": [1]}, "base": {"node_id": [3]}})
    )
    simulation.write_text(json.dumps({"x": ["base"], "same": {"node_id": [1]}, "new": ["base"]}))
    sets = NodeSets.from_files(circuit, simulation)
    assert sets.names == ["base", "new", "same", "x"]
    assert sets.overridden == ("x",)
    assert "new" in sets
    assert sets.resolve("x", populations)["A"].tolist() == [3]
    assert NodeSets.from_files(None).names == []
    with pytest.raises(ConfigurationError):
        NodeSets.from_files(tmp_path / "nothing.json")


def test_real_node_sets_equal_libsonata(shared: Path) -> None:
    folder = shared / "data/obi/v5_sonata"
    file = folder / "node_sets.json"
    nodes = shared / "data/obi/big100/nodes.h5"
    reference = libsonata.NodeSets.from_file(str(file))
    population = libsonata.NodeStorage(str(nodes)).open_population("default")
    sets = NodeSets.from_files(file)
    assert set(sets.names) == reference.names
    for name in sets.names:
        found = sets.resolve(name, {"default": nodes}).get("default", np.empty(0))
        assert found.tolist() == sorted(reference.materialize(name, population).flatten())


def write_sets(path: Path, rows: Any, **extra: Any) -> Path:
    path.write_text(json.dumps({"cs": {"population": "A", "compartment_set": rows, **extra}}))
    return path


def test_compartment_sets(tmp_path: Path) -> None:
    rows = [[0, 0, 0.5], [0, 3, 0], [0, 3, 1.0], [2, 0, 0.25]]
    path = write_sets(tmp_path / "cs.json", rows)
    found = read_compartment_sets(path)["cs"]
    assert (found.name, found.population, len(found)) == ("cs", "A", 4)
    assert np.column_stack([found.node_id, found.section_id, found.offset]).tolist() == rows
    reference = libsonata.CompartmentSets.from_file(str(path))["cs"]
    assert [(p.node_id, p.section_id, p.offset) for p in reference] == [tuple(r) for r in rows]
    assert len(read_compartment_sets(write_sets(tmp_path / "none.json", []))["cs"]) == 0


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([[0, 0, 0.5], [0, 0, 0.5]], 1),
        ([[0, 0, 0.5], [0, 0, 0.4]], 1),
        ([[1, 0, 0.5], [0, 0, 0.6]], 1),
        ([[0, 2, 0.5], [0, 1, 0.6]], 1),
        ([[0, 0, 0.1], [0, 0, 1.1]], 1),
        ([[0, 0, -0.1]], 0),
        ([[-1, 0, 0.1]], 0),
        ([[0.5, 0, 0.1]], 0),
        ([[0, 0]], 0),
        ([[0, True, 0.5]], 0),
        ([[0, 0, float("nan")]], 0),
        (["x"], 0),
    ],
)
def test_wrong_rows(tmp_path: Path, rows: Any, number: int) -> None:
    path = write_sets(tmp_path / "cs.json", rows)
    with pytest.raises((TargetError, ConfigurationError)) as caught:
        read_compartment_sets(path)
    if isinstance(caught.value, TargetError):
        assert caught.value.pointer == f"/cs/compartment_set/{number}"


def test_extra_and_missing_keys(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="malformed"):
        read_compartment_sets(write_sets(tmp_path / "a.json", [], extra=1))
    (tmp_path / "b.json").write_text('{"cs": {"population": "A"}}')
    with pytest.raises(TargetError, match="malformed"):
        read_compartment_sets(tmp_path / "b.json")
    with pytest.raises(TargetError, match="is wrong"):
        read_compartment_sets(write_sets(tmp_path / "c.json", {}))


def test_real_compartment_sets(shared: Path) -> None:
    found = read_compartment_sets(shared / "data/obi/ringtest/compartment_sets.json")
    assert found["csA"].section_id.tolist() == [0, 2, 2]
    assert set(found) == {"csA", "csB"}
