"""A circuit of cells with a soma, two dendrites and a deleted axon, written in a moment; for tests of connectivity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CELL = """begintemplate TinyCell
public soma, dend, axon, all, somatic, basal, axonal, apical, gid, clear, synlist
public nSecAll, nSecSoma, nSecBasal, nSecApical, nSecAxonal, nSecAxonalOrig
create soma[1], dend[2], axon[1]
objref all, somatic, basal, axonal, apical, synlist
proc init() {
    gid = $1
    all = new SectionList() somatic = new SectionList() basal = new SectionList()
    axonal = new SectionList() apical = new SectionList() synlist = new List()
    create soma[1], dend[2]
    soma[0] { L = 20 diam = 20 insert hh all.append() somatic.append() v(0.0001) = 0 }
    dend[0] { L = 100 diam = 1 nseg = 5 insert pas all.append() basal.append() v(0.0001) = 1 }
    dend[1] { L = 100 diam = 1 nseg = 5 insert pas all.append() basal.append() v(0.0001) = 2 }
    connect dend[0](0), soma[0](1)
    connect dend[1](0), soma[0](0)
    nSecAll = 4 nSecSoma = 1 nSecBasal = 2 nSecApical = 0 nSecAxonal = 0 nSecAxonalOrig = 1
}
proc clear() { }
endtemplate TinyCell
"""

STOCHASTIC_CELL = CELL.replace("insert hh", "insert hh insert StochKv insert StochKv3 ek = -85").replace(
    "proc clear() { }",
    """public re_init_rng
proc re_init_rng() {
    soma[0] {
        setdata_StochKv(0.5) setRNG_StochKv(gid, 1, $1)
        setdata_StochKv3(0.5) setRNG_StochKv3(gid, 2, $1)
    }
}
proc clear() { }""",
)
"""The same cell with stochastic potassium channels in its soma, seeded by cell and seed."""

POINT_CELL = """begintemplate TinyPoint
public pointcell
objref pointcell
proc init() { pointcell = new IntFire1() pointcell.tau = $2 }
endtemplate TinyPoint
strdef TinyPoint_NeededAttributes
TinyPoint_NeededAttributes = "tau"
"""

KINETICS = {
    "delay": 1.0,
    "conductance": 2.0,
    "u_syn": 0.5,
    "depression_time": 100.0,
    "facilitation_time": 20.0,
    "decay_time": 3.0,
    "syn_type_id": 110,
    "n_rrp_vesicles": 2,
    "afferent_section_id": 1,
    "afferent_section_pos": 0.5,
}
"""Values of the attributes of chemical edges that a test does not give."""


@dataclass
class Edges:
    """An edge population: pairs of node ids, and the attributes that differ from the usual."""

    name: str
    source: str
    target: str
    pairs: Sequence[tuple[int, int]]
    columns: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "chemical"
    without: tuple[str, ...] = ()
    index: bool = True


@dataclass
class TinyCircuit:
    """What to write."""

    edges: Sequence[Edges]
    cells: Mapping[str, int] = field(default_factory=lambda: {"A": 4})
    virtual: Mapping[str, int] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)
    node_columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    node_sets: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    components: Mapping[str, str] = field(default_factory=dict)
    cell: str = CELL

    def write(self, folder: Path) -> Path:
        """Write circuit and simulation; return the path of the simulation configuration."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("hoc/TinyCell.hoc", self.cell),
            ("hoc/TinyPoint.hoc", POINT_CELL),
            ("morph/none.swc", ""),
        ):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        nodes = [
            self._nodes(folder, kind, name, size)
            for kind, group in (
                ("biophysical", self.cells),
                ("virtual", self.virtual),
                ("point_process", self.points),
            )
            for name, size in group.items()
        ]
        edges = [_edges(folder, population) for population in self.edges]
        populations = {name: {"population": name} for name in (*self.cells, *self.virtual, *self.points)}
        active = [*self.cells, *self.points]
        sets = {**populations, "All": {"population": active}, **self.node_sets}
        circuit = {
            "components": {
                "biophysical_neuron_models_dir": "hoc",
                "point_neuron_models_dir": "hoc",
                "morphologies_dir": "morph",
                **self.components,
            },
            "node_sets_file": "node_sets.json",
            "networks": {"nodes": nodes, "edges": edges},
        }
        simulation = {
            "network": "circuit_config.json",
            "node_set": "All",
            "run": {"tstop": 20.0, "dt": 0.025, "random_seed": 11},
            "conditions": {"v_init": -65.0},
            "output": {"output_dir": str(folder / "output")},
            **self.config,
        }
        for name, document in (
            ("node_sets", sets),
            ("circuit_config", circuit),
            ("simulation_config", simulation),
        ):
            (folder / f"{name}.json").write_text(json.dumps(document))
        return folder / "simulation_config.json"

    def _nodes(self, folder: Path, kind: str, name: str, size: int) -> dict[str, Any]:
        with h5py.File(folder / f"nodes_{name}.h5", "w") as file:
            group = file.create_group(f"nodes/{name}")
            group["node_type_id"] = np.full(size, -1)
            columns: dict[str, Any] = dict(self.node_columns.get(name, {}))
            if kind != "virtual":
                template = "hoc:TinyCell" if kind == "biophysical" else "hoc:TinyPoint"
                columns |= {
                    "model_template": [template] * size,
                    "morphology": ["none"] * size,
                    "mtype": ["T"] * size,
                }
                columns |= {axis: np.zeros(size) for axis in "xyz"}
            if kind == "point_process":
                columns.setdefault("dynamics_params/tau", np.full(size, 10.0))
            for column, values in columns.items():
                text = isinstance(values, list) and isinstance(values[0], str)
                group.create_dataset(f"0/{column}", data=values, dtype=h5py.string_dtype() if text else None)
            group.require_group("0")
        return {"nodes_file": f"nodes_{name}.h5", "populations": {name: {"type": kind}}}


def _edges(folder: Path, edges: Edges) -> dict[str, Any]:
    pairs = np.array(edges.pairs, dtype=np.int64).reshape(-1, 2)
    with h5py.File(folder / f"edges_{edges.name}.h5", "w") as file:
        group = file.create_group(f"edges/{edges.name}")
        for column, end, population in ((0, "source", edges.source), (1, "target", edges.target)):
            group[f"{end}_node_id"] = pairs[:, column]
            group[f"{end}_node_id"].attrs["node_population"] = population
        group["edge_type_id"] = np.full(len(pairs), -1)
        usual = (
            KINETICS if edges.kind != "point_process" else {k: KINETICS[k] for k in ("delay", "conductance")}
        )
        for name, value in {**usual, **edges.columns}.items():
            if name not in edges.without:
                group[f"0/{name}"] = np.broadcast_to(np.asarray(value), len(pairs)).copy()
        if edges.index:
            _write_index(group, pairs[:, 1])
    return {"edges_file": f"edges_{edges.name}.h5", "populations": {edges.name: {"type": edges.kind}}}


def _write_index(group: Any, targets: Any) -> None:
    nodes, ranges = [], []
    for node in range(int(targets.max(initial=-1)) + 1):
        rows = np.flatnonzero(targets == node)
        nodes.append((len(ranges), len(ranges) + rows.size))
        ranges += [(row, row + 1) for row in rows.tolist()]
    group["indices/target_to_source/node_id_to_ranges"] = np.array(nodes, dtype=np.int64).reshape(-1, 2)
    group["indices/target_to_source/range_to_edge_id"] = np.array(ranges, dtype=np.int64).reshape(-1, 2)
