"""What each cell costs per time step, known before any cell exists: compartments, mechanisms and synapses, counted.

Kinds of nodes and of edges are counted by what is registered here; others cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import EdgePopulation, NodePopulation, Simulation
from neurodamus_like.distribution.mechanism_costs import COMPARTMENT, JUNCTION, MechanismCosts
from neurodamus_like.distribution.prototypes import Geometry, Prototype, load_geometries, unique_rows
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.edges import EdgeTable, iter_edge_blocks
from neurodamus_like.io.hoc_membrane import TemplateMembrane, read_template_membrane
from neurodamus_like.io.hoc_template import find_hoc_template
from neurodamus_like.io.nodes import read_nodes
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.registry import Registry

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FIRST_EXCITATORY_TYPE = 100
"""Edges with a smaller ``syn_type_id`` are inhibitory."""

ARTIFICIAL_CELL_NS = 5.0
"""A cell without compartments costs something only when it gets events; this spreads such cells over the ranks."""

OPTIONAL = ("syn_type_id", "nsyns")
"""Edge attributes that say which synapse an edge becomes, and how many of it."""

_EDGES_AT_ONCE = 5_000_000
_NO_IDS: IntArray = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class PopulationCosts:
    """What the cells of one population cost.

    Attributes
    ----------
    population
        Name.
    node_ids
        int64[n], ascending.
    ns
        float64[n], nanoseconds per time step.
    compartments, synapses
        int64[n].
    """

    population: str
    node_ids: IntArray
    ns: FloatArray
    compartments: IntArray
    synapses: IntArray


@dataclass(frozen=True)
class CellCount:
    """Cost and number of compartments of cells, without their synapses: arrays of shape (n,)."""

    ns: FloatArray
    compartments: IntArray


CountCells = Callable[[NodePopulation, IntArray, Simulation, MechanismCosts, Communicator], CellCount]

CELL_COUNTERS: Registry[CountCells] = Registry("cell counter", "neurodamus_like.cell_counters")
"""Kind of node population -> function that counts what its cells have."""


@dataclass(frozen=True)
class EdgeMechanisms:
    """The point processes that edges of a kind become on their target.

    Attributes
    ----------
    excitatory, inhibitory
        Mechanisms, by the edge's ``syn_type_id``.
    needs_sources
        True when edges from cells that are not simulated do not count.
    """

    excitatory: str
    inhibitory: str
    needs_sources: bool = False


EDGE_MECHANISMS: Registry[EdgeMechanisms] = Registry("edge mechanisms", "neurodamus_like.edge_mechanisms")
"""Kind of edge population -> point processes; kinds that are not here have none."""

EDGE_MECHANISMS.add("chemical", EdgeMechanisms("ProbAMPANMDA_EMS", "ProbGABAAB_EMS"))
EDGE_MECHANISMS.add("Exp2Syn_synapse", EdgeMechanisms("Exp2Syn", "Exp2Syn"))
EDGE_MECHANISMS.add("Exp2Syn", EdgeMechanisms("Exp2Syn", "Exp2Syn"))
EDGE_MECHANISMS.add("electrical", EdgeMechanisms("Gap", "Gap", needs_sources=True))

EdgeChoice = Callable[[EdgePopulation, EdgeTable], tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]]
"""(population, edges) -> which become synapses, and the mechanism each is to have ("" for the usual one)."""


def compute_costs(
    simulation: Simulation,
    targets: Mapping[str, IntArray],
    costs: MechanismCosts,
    comm: Communicator,
    choose: EdgeChoice | None = None,
) -> list[PopulationCosts]:
    """Return what each cell costs, population by population in the order of `targets`.

    Collective: ranks share the work and all get the result.

    Parameters
    ----------
    simulation
        The configuration.
    targets
        Population with cells -> simulated node ids, ascending.
    costs
        Of mechanisms.
    comm
        The ranks.
    choose
        What connection overrides say about edges; None: all become synapses.

    Raises
    ------
    NeurodamusLikeError
        A file that the circuit names is missing or damaged.
    """
    result = []
    for name, ids in targets.items():
        population = simulation.circuit.nodes[name]
        cells = _count_cells(population, ids, simulation, costs, comm)
        ns, synapses = _synapses(simulation, name, ids, cells.compartments > 0, targets, costs, comm, choose)
        result.append(PopulationCosts(name, ids, cells.ns + ns, cells.compartments, synapses))
    return result


def _count_cells(
    population: NodePopulation,
    ids: IntArray,
    simulation: Simulation,
    costs: MechanismCosts,
    comm: Communicator,
) -> CellCount:
    if population.kind not in CELL_COUNTERS:
        return CellCount(np.full(ids.size, ARTIFICIAL_CELL_NS), np.zeros(ids.size, dtype=np.int64))
    return CELL_COUNTERS[population.kind](population, ids, simulation, costs, comm)


def membrane_cost(geometry: Geometry, membrane: TemplateMembrane, costs: MechanismCosts) -> float:
    """Return the cost of a cell without synapses, ns per step.

    A segment costs its share of the tree and its mechanisms; every section ends in a node without area, and the
    cell has one more at its root.
    """
    junctions = 1 + sum(sections for sections, _ in geometry.values())
    total = junctions * costs.of(JUNCTION)
    for section_list, (_, segments) in geometry.items():
        each = costs.of(COMPARTMENT) + costs.of_set(membrane.mechanisms_of(section_list))
        total += segments * each
    return total


@CELL_COUNTERS.register("biophysical")
def count_template_cells(
    population: NodePopulation,
    ids: IntArray,
    simulation: Simulation,
    costs: MechanismCosts,
    comm: Communicator,
) -> CellCount:
    """Count cells made by HOC templates: each pair of morphology and template once."""
    rows, owner = unique_rows(_columns(population, ids))
    prototypes = [_prototype(population, str(m), str(t), simulation.circuit.path) for m, t in rows]
    geometries = load_geometries(prototypes, comm)
    membranes = [read_template_membrane(p.template) for p in prototypes]
    ns = [membrane_cost(geometries[p], m, costs) for p, m in zip(prototypes, membranes, strict=True)]
    segments = [sum(n for _, n in geometries[p].values()) for p in prototypes]
    return CellCount(np.array(ns, dtype=np.float64)[owner], np.array(segments, dtype=np.int64)[owner])


def _columns(population: NodePopulation, ids: IntArray) -> Sequence[Sequence[object]]:
    table = read_nodes(population.file, population.name, ["morphology", "model_template"], ids)
    return [table.columns[name].astype(str).tolist() for name in ("morphology", "model_template")]


def template_prototypes(population: NodePopulation, ids: IntArray, circuit_file: Path) -> list[Prototype]:
    """Return the distinct pairs of morphology and template of some cells."""
    rows, _ = unique_rows(_columns(population, ids))
    return [_prototype(population, str(m), str(t), circuit_file) for m, t in rows]


def _prototype(population: NodePopulation, morphology: str, template: str, circuit_file: Path) -> Prototype:
    source, models = (
        population.components.morphology_source,
        population.components.biophysical_neuron_models_dir,
    )
    if source is None or models is None:
        raise ConfigurationError(
            "the population has no morphologies or no templates",
            file=circuit_file,
            population=population.name,
            expected="biophysical_neuron_models_dir, and morphologies_dir or alternate_morphologies",
        )
    folder, extension = source
    header = find_hoc_template(template.removeprefix("hoc:"), models)
    if folder.is_file():
        return Prototype(folder, morphology, header.path)
    return Prototype(folder / f"{morphology}.{extension}", None, header.path)


def _synapses(
    simulation: Simulation,
    name: str,
    ids: IntArray,
    has_membrane: npt.NDArray[np.bool_],
    targets: Mapping[str, IntArray],
    costs: MechanismCosts,
    comm: Communicator,
    choose: EdgeChoice | None,
) -> tuple[FloatArray, IntArray]:
    """Return cost and number of the synapses of each cell; every rank counts those of some cells.

    An edge onto an artificial cell is one NetCon: it counts, but costs nothing in a step.
    """
    ns, count = np.zeros(ids.size), np.zeros(ids.size, dtype=np.int64)
    mine = slice(comm.rank * ids.size // comm.size, (comm.rank + 1) * ids.size // comm.size)
    for population in simulation.circuit.edges.values():
        if population.target != name or population.kind not in EDGE_MECHANISMS:
            continue
        restricted = EDGE_MECHANISMS[population.kind].needs_sources
        sources = targets.get(population.source, _NO_IDS) if restricted else None
        with collectively(comm):
            part = _count_edges(population, ids[mine], has_membrane[mine], sources, costs, choose)
        ns[mine] += part[0]
        count[mine] += part[1]
    shared = comm.allreduce_sum(np.stack([ns, count.astype(np.float64)]))
    return shared[0], shared[1].astype(np.int64)


def _count_edges(
    population: EdgePopulation,
    ids: IntArray,
    has_membrane: npt.NDArray[np.bool_],
    sources: IntArray | None,
    costs: MechanismCosts,
    choose: EdgeChoice | None,
) -> tuple[FloatArray, IntArray]:
    ns, count = np.zeros(ids.size), np.zeros(ids.size, dtype=np.int64)
    blocks = iter_edge_blocks(population, ids, [], list(OPTIONAL), sources, max_rows=_EDGES_AT_ONCE)
    for edges in blocks:
        kept, each = edge_costs(population, edges, costs, choose)
        rows = np.searchsorted(ids, edges.target_id[kept])
        on_membrane = has_membrane[rows]
        ns += np.bincount(rows, weights=each[kept] * on_membrane, minlength=ids.size)
        synapses = np.where(on_membrane, edges["nsyns"][kept], 1) if "nsyns" in edges else None
        count += np.bincount(rows, synapses, minlength=ids.size).astype(np.int64)
    return ns, count


def edge_costs(
    population: EdgePopulation, edges: EdgeTable, costs: MechanismCosts, choose: EdgeChoice | None
) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Return which edges become synapses, and what those of each edge cost (ns per step)."""
    usual = EDGE_MECHANISMS[population.kind]
    if "syn_type_id" in edges:
        excitatory = np.asarray(edges["syn_type_id"]) >= FIRST_EXCITATORY_TYPE
    else:
        excitatory = np.ones(len(edges), dtype=bool)
    each = np.where(excitatory, costs.of(usual.excitatory), costs.of(usual.inhibitory))
    if "nsyns" in edges:
        each *= np.maximum(edges["nsyns"], 0)
    if choose is None:
        return np.ones(len(edges), dtype=bool), each
    kept, other = choose(population, edges)
    for mechanism in np.unique(other[other != ""]).tolist():
        each[other == mechanism] = costs.of(mechanism)
    return kept, each
