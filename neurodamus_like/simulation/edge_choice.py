"""Which edges become synapses of which mechanism, known from connection overrides alone, without a simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.connectivity import overrides
from neurodamus_like.distribution.complexity import EdgeChoice
from neurodamus_like.io.edges import EdgeTable
from neurodamus_like.targets.manager import TargetManager

_SHORT_NAMES = {"AMPANMDA": "ProbAMPANMDA_EMS", "GABAAB": "ProbGABAAB_EMS"}
"""Synapse types whose mechanism has another name."""


def choose_edges(simulation: Simulation, targets: TargetManager) -> EdgeChoice | None:
    """Return a function that says what connection overrides decide about edges; None when there are none."""
    if not simulation.connection_overrides:
        return None
    rules = overrides.OverrideRules(simulation.connection_overrides, targets)
    nodes = simulation.circuit.nodes

    def choose(
        population: EdgePopulation, edges: EdgeTable
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any]]:
        concerned = rules.of_pathway(population.source, population.target)
        if overrides.nothing_to_create(concerned):
            return np.zeros(len(edges), dtype=bool), np.full(len(edges), "", dtype=object)
        sizes = nodes[population.source].size, nodes[population.target].size
        decided = overrides.decide(concerned, edges.source_id, edges.target_id, *sizes)
        known = [_SHORT_NAMES.get(name, name) for name in decided.settings.modoverride_names]
        of_group = np.array([*known, ""], dtype=object)[decided.settings.modoverride]
        return decided.kept, of_group[decided.group]

    return choose
