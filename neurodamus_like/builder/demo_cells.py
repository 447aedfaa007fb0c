"""The cells of the demo: their types, shapes, places and currents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.builder.emodels import load_emodel, write_hoc_template
from neurodamus_like.builder.morphologies import (
    Morphology,
    create_interneuron,
    create_pyramidal,
    write_asc,
    write_swc,
)
from neurodamus_like.builder.pathways import Placed
from neurodamus_like.builder.sonata import write_nodes

EMODELS = {"Exc": "DemoPyramidal", "Inh": "DemoFastSpiking"}
COLUMN_RADIUS_UM = 130.0
N_THALAMUS = 200


@dataclass(frozen=True)
class CellGroup:
    """Cells of one morphological type: where they are, their shapes, their share of the population."""

    population: str
    mtype: str
    etype: str
    layer: int
    depth_um: tuple[float, float]
    morphologies: tuple[Morphology, ...]


def create_groups() -> tuple[CellGroup, ...]:
    """Return the four types of cells of the demo with their shapes."""

    def pyramids(mtype: str, seed: int, trunk_um: float) -> tuple[Morphology, ...]:
        return tuple(create_pyramidal(f"{mtype}_{i}", seed + i, trunk_um=trunk_um) for i in range(3))

    def baskets(mtype: str, seed: int) -> tuple[Morphology, ...]:
        return tuple(create_interneuron(f"{mtype}_{i}", seed + i) for i in range(2))

    return (
        CellGroup("Exc", "L23_PC", "cADpyr", 2, (330.0, 520.0), pyramids("L23_PC", 100, 200.0)),
        CellGroup("Exc", "L5_PC", "cADpyr", 5, (60.0, 230.0), pyramids("L5_PC", 200, 300.0)),
        CellGroup("Inh", "L23_BC", "cFS", 2, (330.0, 520.0), baskets("L23_BC", 300)),
        CellGroup("Inh", "L5_BC", "cFS", 5, (60.0, 230.0), baskets("L5_BC", 400)),
    )


# Rheobase of a 300 ms step on top of the current that holds -80 mV, and that current, in nA,
# measured with NEURON 9.0.2 at 34 C, dt 0.025 ms.
CURRENTS_NA: dict[str, tuple[float, float]] = {
    "L23_PC_0": (0.0542, -0.0162),
    "L23_PC_1": (0.0562, -0.0161),
    "L23_PC_2": (0.0532, -0.0145),
    "L5_PC_0": (0.0664, -0.0205),
    "L5_PC_1": (0.0659, -0.02),
    "L5_PC_2": (0.0649, -0.0202),
    "L23_BC_0": (0.063, -0.0433),
    "L23_BC_1": (0.0664, -0.0447),
    "L5_BC_0": (0.0669, -0.045),
    "L5_BC_1": (0.0615, -0.0417),
}


def write_cell_models(root: Path, groups: tuple[CellGroup, ...]) -> None:
    """Write the morphologies (ASC and SWC) and the HOC templates into folders of `root`."""
    folders = {name: root / name for name in ("asc", "swc", "hoc")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    for group in groups:
        for morphology in group.morphologies:
            write_asc(folders["asc"] / f"{morphology.name}.asc", morphology)
            write_swc(folders["swc"] / f"{morphology.name}.swc", morphology)
    data = Path(__file__).parent / "data"
    for name in EMODELS.values():
        write_hoc_template(load_emodel(data / f"{name}.json"), folders["hoc"])


def _positions(rng: np.random.Generator, depth_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points spread evenly over a cylinder, shape (n, 3); `depth_um` bounds y, shape (n, 2)."""
    radius = COLUMN_RADIUS_UM * np.sqrt(rng.random(len(depth_um)))
    angle = rng.uniform(0.0, 2.0 * np.pi, len(depth_um))
    height = rng.uniform(depth_um[:, 0], depth_um[:, 1])
    return np.column_stack([radius * np.cos(angle), height, radius * np.sin(angle)])


def write_cells(root: Path, groups: tuple[CellGroup, ...], n_cells: int, seed: int) -> dict[str, Placed]:
    """Write all node populations; return where their cells are, by population."""
    n_inhibitory = n_cells // 5
    populations = {
        name: _write_population(
            root / "nodes.h5", name, [g for g in groups if g.population == name], size, seed
        )
        for name, size in (("Exc", n_cells - n_inhibitory), ("Inh", n_inhibitory))
    }
    rng = np.random.default_rng([seed, 3])
    fibres = _positions(rng, np.zeros((N_THALAMUS, 2)))
    columns = {axis: fibres[:, i] for i, axis in enumerate("xyz")}
    write_nodes(
        root / "nodes_thalamus.h5",
        "Thalamus",
        N_THALAMUS,
        {"model_type": ["virtual"] * N_THALAMUS, **columns},
    )
    populations["Thalamus"] = Placed(fibres, np.zeros(N_THALAMUS, dtype=np.int64), ())
    return populations


def _write_population(path: Path, name: str, groups: list[CellGroup], size: int, seed: int) -> Placed:
    """Share `size` cells evenly among the groups and their shapes; write them and return where they are."""
    rng = np.random.default_rng([seed, *name.encode()])
    of_group = np.sort(np.arange(size) % len(groups))
    shapes = [m for group in groups for m in group.morphologies]
    first = np.cumsum([0, *(len(g.morphologies) for g in groups)])
    index = np.array(
        [first[g] + i % len(groups[g].morphologies) for i, g in enumerate(of_group)], dtype=np.int64
    )
    positions = _positions(rng, np.array([groups[g].depth_um for g in of_group]))
    turn = rng.uniform(0.0, 2.0 * np.pi, size)
    columns: dict[str, Any] = {
        "model_type": ["biophysical"] * size,
        "model_template": [f"hoc:{EMODELS[name]}"] * size,
        "morphology": [shapes[i].name for i in index],
        "mtype": [groups[g].mtype for g in of_group],
        "etype": [groups[g].etype for g in of_group],
        "layer": np.array([groups[g].layer for g in of_group], dtype=np.int64),
        "synapse_class": [name.upper()] * size,
        **{axis: positions[:, i] for i, axis in enumerate("xyz")},
        "orientation_w": np.cos(turn / 2),
        "orientation_x": np.zeros(size),
        "orientation_y": np.sin(turn / 2),
        "orientation_z": np.zeros(size),
    }
    currents = np.array([CURRENTS_NA[shapes[i].name] for i in index])
    dynamics = {"threshold_current": currents[:, 0], "holding_current": currents[:, 1]}
    write_nodes(path, name, size, columns, dynamics)
    return Placed(positions, index, shapes)
