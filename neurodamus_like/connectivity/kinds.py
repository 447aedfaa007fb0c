"""All kinds of connections: importing this module registers their managers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.connectivity import (
    edge_types,
    exp2syn,
    gap_junctions,
    neuromodulation,
    point_process,
    synapse_rules,
)
from neurodamus_like.connectivity.helper_types import HelperType, resolve_synapse_type
from neurodamus_like.connectivity.synapse_registry import EDGE_KINDS_WITH_TYPES, find_helper, is_registered
from neurodamus_like.connectivity.synapse_types import EXCITATORY, INHIBITORY
from neurodamus_like.engine.artificial import POISSON_SOURCE
from neurodamus_like.engine.transfer import GAP_MECHANISM

__all__ = [
    "edge_types",
    "exp2syn",
    "gap_junctions",
    "needed_mechanisms",
    "neuromodulation",
    "point_process",
    "synapse_rules",
]


def needed_mechanisms(simulation: Simulation, node_populations: Collection[str]) -> set[str]:
    """Return the point processes and artificial cells that the connections of a simulation need.

    Parameters
    ----------
    simulation
        The configuration.
    node_populations
        Populations that have simulated cells.

    Raises
    ------
    ConfigurationError
        An override asks for an unknown synapse type.
    """
    edges = [
        e
        for e in simulation.circuit.edges.values()
        if e.target in node_populations and e.kind in EDGE_KINDS_WITH_TYPES
    ]
    needed: set[str] = set()
    for population in simulation.circuit.edges.values():
        ends = {population.source, population.target}
        if population.kind == "electrical" and ends.issubset(node_populations):
            needed.add(GAP_MECHANISM)
        if population.kind == "edge_types" and population.target in node_populations:
            needed |= edge_types.needed_mechanisms(population, simulation)
    if not edges:
        return needed
    if any(e.kind == "chemical" for e in edges):
        needed |= {EXCITATORY, INHIBITORY}
    for block in simulation.connection_overrides:
        if block.spont_minis_Hz:
            needed.add(POISSON_SOURCE)
        if block.modoverride is not None:
            needed |= _mechanisms_of(block.modoverride, edges)
    if any(block.module == "synapse_replay" for block in simulation.inputs):
        needed.add("VecStim")
    return needed


def _mechanisms_of(modoverride: str, edges: Sequence[EdgePopulation]) -> set[str]:
    """Return the mechanisms of a synapse type; HOC templates do not say theirs."""
    there = [e for e in edges if is_registered(modoverride) or find_helper(modoverride, e)]
    kinds = [resolve_synapse_type(modoverride, population) for population in there or edges]
    return {kind.mechanism for kind in kinds if not isinstance(kind, HelperType)}
