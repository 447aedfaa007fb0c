"""What simulation modules need of the configuration of their simulation: its node sets, its run, its circuit.

It is taken from the simulation, not from its file: there may be none, and a script may have changed what was in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.allen_node_sets import EVERYTHING, NodeSetBook
from neurodamus_like.config.models import Simulation
from neurodamus_like.targets.manager import NodesetTarget, TargetManager


def resolve_node_set(sim: Any, node_set: Any) -> NodesetTarget:
    """Return the nodes that a name, a rule or a list of node ids means.

    Raises
    ------
    ConfigurationError, TargetError
        There is no such node set.
    """
    known: TargetManager = sim.target_manager
    if isinstance(node_set, str):
        return known.get_target(None if node_set == EVERYTHING else node_set)
    book = context_of(sim).node_sets
    name = book.name_of(node_set, "node_set")
    return targets_of(sim, book.rules()).get_target(name)


def context_of(sim: Any) -> AllenContext:
    """Return what readers of blocks need to know of a simulation; paths count from the working folder."""
    simulation: Simulation = sim.simulation
    document = AllenDocument.of_sections({}, simulation.path, Path.cwd())
    if simulation.node_set_rules is None:  # another dialect
        book = NodeSetBook(AllenDocument(simulation.path), simulation.circuit)
    else:
        book = NodeSetBook(document, simulation.circuit, simulation.node_set_rules)
    return AllenContext(document, simulation.circuit, simulation.run, simulation.output, book)


def targets_of(sim: Any, rules: Mapping[str, Any]) -> TargetManager:
    """Return a finder of the simulation's node sets and those made on the fly."""
    targets = TargetManager(replace(sim.simulation, node_set_rules=rules))
    targets.load_targets()
    targets.set_offsets(sim.target_manager.offsets)
    targets.register_local_nodes(sim.circuits.local_gids())
    return targets
