"""What cells and synapses cost whose nodes and edges tell what they are (kinds ``node_types`` and ``edge_types``).

Cells with a fit or a NeuroML membrane on an SWC morphology are counted compartment by compartment; for those that
functions of users make, a typical cost stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import NodePopulation, Simulation
from neurodamus_like.distribution.complexity import (
    ARTIFICIAL_CELL_NS,
    CELL_COUNTERS,
    EDGE_MECHANISMS,
    CellCount,
    EdgeMechanisms,
    IntArray,
    membrane_cost,
)
from neurodamus_like.distribution.mechanism_costs import MechanismCosts
from neurodamus_like.distribution.prototypes import count_compartments, unique_rows
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.io.hoc_membrane import TemplateMembrane
from neurodamus_like.io.morphology import read_morphology
from neurodamus_like.io.neuroml import read_neuroml
from neurodamus_like.io.node_types import read_typed_nodes
from neurodamus_like.io.parameter_files import ParameterFiles
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

TYPICAL_CELL_NS, TYPICAL_COMPARTMENTS = 20_000.0, 150
"""Stand for a detailed cell of which nothing is known."""

_LISTS = {"soma": "somatic", "axon": "axonal", "dend": "basal", "apic": "apical"}
_COLUMNS = ("model_type", "model_template", "model_processing", "dynamics_params", "morphology")
_STUB = {"axonal": (2, 2)}

EDGE_MECHANISMS.add("edge_types", EdgeMechanisms("Exp2Syn", "Exp2Syn"))


@CELL_COUNTERS.register("node_types")
def count_typed_cells(
    population: NodePopulation,
    ids: IntArray,
    simulation: Simulation,
    costs: MechanismCosts,
    comm: Communicator,
) -> CellCount:
    """Count cells by their types: each combination of what a cell is made from once, each by one of the ranks."""
    _, table = read_typed_nodes(population, _COLUMNS, ids)
    rows, owner = unique_rows([table.texts(name).tolist() for name in _COLUMNS])
    with collectively(comm):
        mine = {
            number: _cell(population, dict(zip(_COLUMNS, rows[number], strict=True)), simulation, costs)
            for number in range(comm.rank, len(rows), comm.size)
        }
    found: dict[int, tuple[float, int]] = {}
    for part in comm.allgather(mine):
        found |= part
    ns = np.array([found[number][0] for number in range(len(rows))], dtype=np.float64)
    compartments = np.array([found[number][1] for number in range(len(rows))], dtype=np.int64)
    return CellCount(ns[owner], compartments[owner])


def _cell(
    population: NodePopulation, node: Mapping[str, Any], simulation: Simulation, costs: MechanismCosts
) -> tuple[float, int]:
    """Return cost and compartments of a cell."""
    if node["model_type"] != "biophysical":
        return ARTIFICIAL_CELL_NS, 0
    try:
        membrane = _membrane(population, node, simulation.run.segment_length_um)
        counts = count_compartments(read_morphology(_morphology(population, node)), membrane)
    except (NeurodamusLikeError, OSError, KeyError, TypeError):
        # whatever is wrong here is said when the cells are made, or it is a model of the user
        return TYPICAL_CELL_NS, TYPICAL_COMPARTMENTS
    return membrane_cost(counts, membrane, costs), sum(segments for _, segments in counts.values())


def _membrane(
    population: NodePopulation, node: Mapping[str, Any], segment_length_um: float | None
) -> TemplateMembrane:
    folder = population.components.biophysical_neuron_models_dir
    directive, _, name = str(node["model_template"]).partition(":")
    mechanisms: dict[str, set[str]] = {name: {"pas"} for name in _LISTS.values()}
    stub = "aibs" in str(node["model_processing"])
    if directive == "nml" and folder is not None:
        stub = True
        for kind, settings in read_neuroml(folder / name).items():
            mechanisms[_LISTS[kind]] |= {step[0] for step in settings.steps if step[0]}
    elif node["dynamics_params"] is not None:
        fit = ParameterFiles(folder, "biophysical_neuron_models_dir").read(str(node["dynamics_params"]))
        for entry in fit.get("genome", ()):
            if entry["section"] in _LISTS and entry.get("mechanism"):
                mechanisms[_LISTS[entry["section"]]].add(entry["mechanism"])
    return TemplateMembrane(
        {kind: frozenset(found) for kind, found in mechanisms.items()},
        None if segment_length_um is None else 2.0 * segment_length_um,
        {},
        _STUB if stub else None,
    )


def _morphology(population: NodePopulation, node: Mapping[str, Any]) -> Path:
    folder = population.components.morphologies_swc or Path()
    path = folder / str(node["morphology"])
    return path if path.is_file() else path.with_name(path.name + ".swc")
