"""Node sets of simulation modules: names of the simulation's own, and rules made on the fly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.allen_node_sets import EVERYTHING, NodeSetBook
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
    book = NodeSetBook(AllenDocument(sim.simulation.path), sim.simulation.circuit)
    name = book.name_of(node_set, "node_set")
    return targets_of(sim, book.rules()).get_target(name)


def targets_of(sim: Any, rules: Mapping[str, Any]) -> TargetManager:
    """Return a finder of the simulation's node sets and those made on the fly."""
    targets = TargetManager(replace(sim.simulation, node_set_rules=rules))
    targets.load_targets()
    targets.set_offsets(sim.target_manager.offsets)
    targets.register_local_nodes(sim.circuits.local_gids())
    return targets
