"""Targets: specifications, selections of nodes, global ids, points."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.config.models import (
    Circuit,
    ConnectionOverride,
    NodePopulation,
    Output,
    Run,
    Simulation,
)
from neurodamus_like.exceptions import CircuitError, SectionIdError, TargetError
from neurodamus_like.targets.manager import NodesetTarget, TargetManager, TargetSpec
from neurodamus_like.targets.nodeset_reader import NodeSetReader
from neurodamus_like.targets.offsets import GidOffsets
from neurodamus_like.targets.points import TargetPointList

NODE_SETS = {
    "RingA": {"population": "RingA"},
    "Ring:C": {"population": "RingC"},
    "RingA:oneCell": {"population": "RingA", "node_id": [1]},
    "firsts": {"node_id": [0]},
    "ghosts": {"population": "ghost"},
    "nobody": {"population": "RingA", "node_id": [77]},
}
SIZES = {"RingA": 3, "RingC": 1001, "ghost": 4}


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    nodes = {}
    for name, size in SIZES.items():
        file = tmp_path / f"{name}.h5"
        with h5py.File(file, "w") as h5:
            h5[f"nodes/{name}/node_type_id"] = np.full(size, -1)
            h5.create_group(f"nodes/{name}/0")
        kind = "virtual" if name == "ghost" else "biophysical"
        nodes[name] = NodePopulation(name, file, kind, size=size)
    (tmp_path / "ns.json").write_text(json.dumps(NODE_SETS))
    rows = [[0, 0, 0.5], [1, 0, 0.25], [1, 2, 0.5], [1, 2, 0.75]]
    (tmp_path / "cs.json").write_text(json.dumps({"cs": {"population": "RingC", "compartment_set": rows}}))
    return Simulation(
        tmp_path / "simulation.json",
        Circuit(tmp_path / "circuit.json", nodes, {}, tmp_path / "ns.json"),
        Run(1.0, 0.025, 1),
        Output(tmp_path),
        compartment_sets_file=tmp_path / "cs.json",
    )


@pytest.fixture
def manager(simulation: Simulation) -> TargetManager:
    targets = TargetManager(simulation)
    targets.load_targets()
    return targets


@dataclass
class FakeCell:
    gid: int
    sections: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)

    def sections_of(self, kind: str) -> list[tuple[int, Any]]:
        return [p for k, pairs in self.sections.items() if kind in ("all", k) for p in pairs]

    def section_by_report_id(self, section_id: int) -> Any:
        for number, section in self.sections_of("all"):
            if number == section_id:
                return section
        raise SectionIdError("no such section", ids=[section_id])


class FakeManager:
    def __init__(self, population_name: str, gids: list[int]) -> None:
        self.population_name = population_name
        self.local_gids = np.array(gids)
        sections = {
            "soma": [(0, SimpleNamespace(nseg=1))],
            "dend": [(1, SimpleNamespace(nseg=3)), (2, SimpleNamespace(nseg=2))],
        }
        self.cells = {gid: FakeCell(gid, sections) for gid in gids}

    def get_cell(self, gid: int) -> FakeCell:
        return self.cells[gid]


# --- specifications ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "population"),
    [
        (None, None, None),
        ("RingA", "RingA", None),
        ("Ring:C", "Ring:C", None),
        ("RingA:oneCell", "RingA:oneCell", None),
        ("RingC:Ring:C", "Ring:C", "RingC"),
        ("RingC:firsts", "firsts", "RingC"),
        ("RingC:", None, "RingC"),
        ("_ALL_", None, None),
    ],
)
def test_parsing(text: str | None, name: str | None, population: str | None) -> None:
    spec = TargetSpec.parse(text, NODE_SETS)
    assert (spec.target_name, spec.population_name) == (name, population)


def test_specs_compare() -> None:
    everything, a, pop_a, pop_b = (
        TargetSpec(None),
        TargetSpec("a"),
        TargetSpec("a", "A"),
        TargetSpec("a", "B"),
    )
    assert everything.simple_name == TargetSpec.GLOBAL_TARGET_NAME
    assert str(pop_a) == "A:a"
    assert pop_a.disjoint_populations(pop_b)
    assert not a.disjoint_populations(pop_b)
    assert a.overlap(pop_b)
    assert not pop_a.overlap(pop_b)
    assert pop_a.overlap_byname(pop_b)
    assert everything.overlap(a)
    assert not TargetSpec("b").overlap(a)
    assert TargetSpec("", "") == everything


# --- global ids --------------------------------------------------------------------------------------------


def test_offsets_of_the_reference() -> None:
    offsets = GidOffsets.compute({"b": 999, "a": 0, "c": 1000, "d": 5})
    assert dict(offsets.offsets) == {"a": 0, "b": 1000, "c": 2000, "d": 4000}


def test_offset_file(tmp_path: Path) -> None:
    offsets = GidOffsets.compute({"A": 5, "V": 2, "W": 3})
    path = tmp_path / "populations_offset.dat"
    offsets.write(path, virtual=["V"])
    assert path.read_text() == "A::0:: \nW::2000:: \nV::1000::virtual\n"
    assert GidOffsets.read(path) == (offsets, frozenset({"V"}))
    path.write_text("A:0\n")
    with pytest.raises(CircuitError, match="line 1 is malformed"):
        GidOffsets.read(path)
    with pytest.raises(CircuitError, match="cannot read"):
        GidOffsets.read(tmp_path / "none")


def test_offset_errors() -> None:
    offsets = GidOffsets({"B": 1000})
    with pytest.raises(CircuitError, match="no range of global ids"):
        offsets.offset("b")
    with pytest.raises(CircuitError, match="before the first population"):
        offsets.to_node([999])


# --- targets -----------------------------------------------------------------------------------------------


def test_default_target_is_all_cells(manager: TargetManager) -> None:
    target = manager.get_target(None)
    assert target.population_names == {"RingA", "RingC"}
    assert target.gid_count() == 1004
    assert target.max_gid_count_per_population() == 1001
    assert target.gids()[-1] == 2000
    assert target.gids(raw_gids=True)[-1] == 1000


def test_names_and_populations(manager: TargetManager) -> None:
    assert manager.get_target("RingA:oneCell").gids().tolist() == [1]
    assert manager.get_target("firsts").gids().tolist() == [0, 1000, 3000]
    assert manager.get_target("RingC:firsts").gids().tolist() == [1000]
    assert manager.get_target("firsts", "ghost").gids().tolist() == [3000]
    assert manager.get_target("ghost:").gids().tolist() == [3000, 3001, 3002, 3003]
    assert manager.get_target("ghosts").node_ids("ghost").tolist() == [0, 1, 2, 3]
    assert manager.get_target("ghosts").node_ids("RingA").size == 0
    assert manager.get_target("nobody").is_void()
    assert manager.get_target("firsts") is manager.get_target(TargetSpec("firsts"))


def test_unknown_names(manager: TargetManager) -> None:
    with pytest.raises(TargetError, match="unknown node set 'first'") as caught:
        manager.get_target("first")
    assert caught.value.hint == "did you mean 'firsts'?"
    with pytest.raises(TargetError, match="unknown node population 'Ringc'"):
        manager.get_target("Ringc:firsts")
    with pytest.raises(TargetError, match="unknown compartment set 'cz'"):
        manager.get_compartment_set("cz")


def test_final_offsets_restrict_targets(manager: TargetManager) -> None:
    assert manager.get_target("firsts").gid_count() == 3
    manager.set_offsets(GidOffsets.compute({"RingC": 1000, "ghost": 3}))
    assert manager.get_target("firsts").gids().tolist() == [0, 2000]


def test_contains_and_intersects(manager: TargetManager) -> None:
    target = manager.get_target("firsts")
    assert target.contains(1000) is True
    assert target.contains([1, 3000]).tolist() == [False, True]
    assert target.contains(0, raw_gids=True)
    assert target.intersects(manager.get_target("RingA"))
    assert not target.intersects(manager.get_target("RingA:oneCell"))
    assert manager.intersecting("RingA", None)
    assert not manager.intersecting("RingC:firsts", "RingA:firsts")


def test_pathways(manager: TargetManager) -> None:
    one = ConnectionOverride("one", "RingA", "firsts")
    two = ConnectionOverride("two", "RingA:oneCell", "RingC:firsts")
    three = ConnectionOverride("three", "RingA:oneCell", "RingA:oneCell")
    assert manager.pathways_overlap(one, two)
    assert not manager.pathways_overlap(one, three)
    assert not manager.pathways_overlap(one, two, equal_only=True)
    assert manager.pathways_overlap(two, two, equal_only=True)


def test_local_nodes(manager: TargetManager) -> None:
    target = manager.get_target("firsts")
    with pytest.raises(TargetError, match="not known yet"):
        target.get_local_gids()
    manager.register_local_nodes({"RingA": np.array([1, 2]), "RingC": np.array([1000, 1001])})
    assert target.get_local_gids().tolist() == [1000]
    assert target.get_local_gids(raw_gids=True).tolist() == [0]
    assert manager.get_target(None).get_local_gids().tolist() == [1, 2, 1000, 1001]
    assert manager.get_target(None).get_local_gids("RingA").tolist() == [1, 2]
    assert manager.get_target(None).get_local_gids("ghost").size == 0
    manager.clear_simulation_data()
    with pytest.raises(TargetError, match="not known yet"):
        manager.get_target("firsts").get_local_gids()


def test_subtargets(manager: TargetManager) -> None:
    target = manager.get_target(None)
    parts = target.generate_subtargets(4)
    assert len(parts) == 4
    everything = np.concatenate([t.gids() for part in parts for t in part])
    assert sorted(everything) == target.gids().tolist()
    assert all(len(t.population_names) <= 1 for part in parts for t in part)
    assert target.make_subtarget("RingA").gids().tolist() == [0, 1, 2]
    assert target.make_subtarget("ghost").is_void()
    with pytest.raises(TargetError, match="0 parts"):
        target.generate_subtargets(0)


def test_own_targets(manager: TargetManager) -> None:
    mine = NodesetTarget("mine", {"RingA": [2, 0, 2]}, manager.offsets)
    mine.append_nodeset("RingC", [5])
    manager.register_target(mine)
    assert manager.get_target("mine").gids().tolist() == [0, 2, 1005]
    assert manager.get_target("RingC:mine").gids().tolist() == [1005]


def test_reader(simulation: Simulation, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "over.json").write_text('{"RingA": {"node_id": [2]}}')
    reader = NodeSetReader(simulation.circuit.node_sets_file, tmp_path / "over.json")
    assert "RingA" in caplog.text
    reader.register_node_file(tmp_path / "RingC.h5")
    assert {p: i.tolist() for p, i in reader.read_nodeset("RingA").items()} == {"RingC": [2]}
    assert "Ring:C" in reader.names


# --- points ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "compartments", "ids", "x"),
    [
        ("soma", "center", [0], [0.5]),
        ("dend", "center", [1, 2], [0.5, 0.5]),
        ("axon", "all", [], []),
        ("all", "all", [0, 1, 1, 1, 2, 2], [0.5, 1 / 6, 0.5, 5 / 6, 0.25, 0.75]),
    ],
)
def test_points_of_cells(
    manager: TargetManager, sections: str, compartments: str, ids: list[int], x: list[float]
) -> None:
    cells = FakeManager("RingC", [1000, 1004])
    (points,) = manager.get_target("firsts").get_point_list(cells, sections, compartments)
    assert points.gid == 1000
    assert points.sclst_ids == ids
    assert points.x == pytest.approx(x)
    assert all(section is cells.cells[1000].section_by_report_id(number) for number, section, _ in points)
    assert len(list(points)) == len(ids)


def test_points_of_another_population(manager: TargetManager) -> None:
    assert manager.get_target("RingA").get_point_list(FakeManager("RingC", [1000])) == []


def test_wrong_words_for_points(manager: TargetManager) -> None:
    for sections, compartments in (("some", "all"), ("soma", "centre")):
        with pytest.raises(TargetError, match="unknown kind of"):
            manager.get_target("RingA").get_point_list(FakeManager("RingA", [0]), sections, compartments)


def test_points_of_compartment_set(manager: TargetManager) -> None:
    cells = FakeManager("RingC", [1000, 1001])
    first, second = manager.get_point_list_from_compartment_set(cells, "cs")
    assert (first.gid, first.sclst_ids, first.x) == (1000, [0], [0.5])
    assert (second.gid, second.sclst_ids, second.x) == (1001, [0, 2, 2], [0.25, 0.5, 0.75])
    assert second.sclst[1] is cells.cells[1001].section_by_report_id(2)
    elsewhere = FakeManager("RingC", [1001])
    assert [p.gid for p in manager.get_point_list_from_compartment_set(elsewhere, "cs")] == [1001]
    assert manager.get_point_list_from_compartment_set(FakeManager("RingA", [0]), "cs") == []


def test_compartment_set_within_target(manager: TargetManager) -> None:
    points = manager.get_compartment_set("cs")
    cells = FakeManager("RingC", [1000, 1001])
    found = manager.get_target("firsts").get_point_list_from_compartment_set(cells, points)
    assert [p.gid for p in found] == [1000]
    assert manager.get_target("RingA").get_point_list_from_compartment_set(cells, points) == []


def test_missing_section_of_compartment_set(manager: TargetManager) -> None:
    cells = FakeManager("RingC", [1001])
    cells.cells[1001].sections = {"soma": [(0, SimpleNamespace(nseg=1))]}
    with pytest.raises(SectionIdError):
        manager.get_point_list_from_compartment_set(cells, "cs")


def test_point_lists() -> None:
    points, more = TargetPointList(3), TargetPointList(3)
    points.append(0, "soma", 0.5)
    more.append(2, "dend", 0.1)
    points.extend(more)
    assert list(points) == [(0, "soma", 0.5), (2, "dend", 0.1)]
    assert len(points) == 2
    points.x.append(0.9)
    with pytest.raises(TargetError, match="2 section ids, 2 sections, 3 positions"):
        points.validate()
    with pytest.raises(TargetError, match="two cells"):
        points.extend(TargetPointList(4))


def test_ring_of_the_shared_data(shared: Path) -> None:
    folder = shared / "data/obi/ringtest"
    files = {f"Ring{x}": folder / f"nodes_{x}.h5" for x in "ABC"}
    reader = NodeSetReader(folder / "nodesets.json", None, files)
    offsets = GidOffsets.compute({"RingA": 2, "RingB": 1, "RingC": 2})
    target = NodesetTarget("Mosaic", reader.read_nodeset("Mosaic"), offsets)
    assert target.gids().tolist() == [0, 1, 2, 1000, 1001]
    assert NodesetTarget("one", reader.read_nodeset("RingA:oneCell"), offsets).gids().tolist() == [1]
