"""A warning before a model is built that will hardly fit into memory; cheap, so that each run can have it."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurodamus_like import memory
from neurodamus_like.io.edges import count_edges_per_target
from neurodamus_like.logs import get_logger
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.simulation import preparation

if TYPE_CHECKING:
    from neurodamus_like.simulation.phases import BuildPhases

logger = get_logger(__name__)

TYPICAL_EDGE_BYTES = 1300
"""A synapse with its NetCon."""


def warn_of_memory(node: BuildPhases, cycles: int = 1) -> None:
    """Warn when the cells and edges of the ranks of a machine need more memory than it has left; collective.

    Cells and edges are counted and taken for typical ones; ``neurodamus-like estimate`` is exact.

    Parameters
    ----------
    node
        After `compute_load_balance`.
    cycles
        In how many the model is built.
    """
    with collectively(node.comm):
        needed = _typical_bytes(node) / cycles
    everywhere = node.comm.allgather((platform.node(), needed, memory.available_bytes()))
    if node.comm.rank == 0:
        for line in shortages(everywhere):
            logger.warning("%s", line)


def shortages(ranks: Iterable[tuple[str, float, float]]) -> list[str]:
    """Return one line for each machine that has too little, given (machine, needed, left) of all ranks."""
    needed: dict[str, float] = {}
    left: dict[str, float] = {}
    for name, need, free in ranks:
        needed[name] = needed.get(name, 0.0) + need
        left[name] = min(left.get(name, free), free)
    return [
        f"the model may need {memory.format_bytes(need)} of memory on {name}, which has "
        f"{memory.format_bytes(left[name])} left: `neurodamus-like estimate` says how many ranks or cycles it takes"
        for name, need in needed.items()
        if need > left[name]
    ]


def _typical_bytes(node: BuildPhases) -> float:
    cells = sum(m.TYPICAL_BYTES * m.local_node_ids.size for m in node.circuits.all_node_managers())
    edges = 0
    for population in preparation.edge_populations(node.simulation, node.circuits, node.target_manager):
        manager = node.circuits.node_managers[population.target]
        edges += int(count_edges_per_target(population, manager.local_node_ids).sum())
    return float(cells + edges * TYPICAL_EDGE_BYTES)
