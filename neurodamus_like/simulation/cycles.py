"""The loop over cycles: a share of the cells is built, written and freed, then the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurodamus_like import memory
from neurodamus_like.distribution.allocation import Allocation
from neurodamus_like.distribution.multicycle import (
    Cycle,
    check_cycle_count,
    label_linked_cells,
    split_cells,
    split_linked_cells,
)
from neurodamus_like.engine.core_files import add_placeholder
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.edges import read_edges
from neurodamus_like.parallel.errors import collectively

logger = logging.getLogger(__name__)


def plan_cycles(node: Any, n_cycles: int, allocation: Allocation | None = None) -> list[Cycle]:
    """Decide which cells of this rank are built in which cycle; collective.

    Parameters
    ----------
    node
        The simulation, after ``compute_load_balance``.
    n_cycles
        How many cycles.
    allocation
        Which cells belong to which rank and cycle, if that was decided before (``--lb-mode=Memory``).

    Raises
    ------
    ConfigurationError
        More cycles than cells, or cells joined by gap junctions cannot be divided so often.
    """
    cells = {m.population_name: m.local_node_ids for m in node.circuits.all_node_managers()}
    most = node.comm.allreduce_max(sum(len(ids) for ids in cells.values()))
    with collectively(node.comm):
        check_cycle_count(n_cycles, most)
    links = _gap_junctions(node) if n_cycles > 1 else []
    if allocation is not None:
        rank = node.comm.rank
        parts = [{n: allocation.local_ids(n, rank, c) for n in cells} for c in range(n_cycles)]
        _refuse_divided(node, parts, links)
        return list(parts)
    if not links:
        return list(split_cells(cells, n_cycles))
    everything = {m.population_name: m.all_node_ids for m in node.circuits.all_node_managers()}
    with collectively(node.comm):
        return list(split_linked_cells(cells, n_cycles, label_linked_cells(everything, links)))


def build_in_cycles(node: Any, cycles: Sequence[Cycle], write: Callable[[int], None]) -> None:
    """Build each cycle's cells with all that belongs to them, hand them to `write`, and free them; collective.

    Parameters
    ----------
    node
        The simulation, after ``compute_load_balance``.
    cycles
        Cells of this rank, per cycle.
    write
        Called with the number of the cycle when its part of the model is initialised.
    """
    everything = {m.population_name: m.all_node_ids for m in node.circuits.all_node_managers()}
    first_free = first_placeholder(node)
    for number, cells in enumerate(cycles):
        if number:
            node.load_targets()
        _restrict(node, everything, cells)
        node.create_cells()
        if not any(len(ids) for ids in cells.values()):
            add_placeholder(first_free + number * node.comm.size + node.comm.rank)
        node.create_synapses()
        node.enable_replay()
        node.init()
        write(number)
        node.clear_model()
        _log_memory(node, number, len(cycles))


def first_placeholder(node: Any) -> int:
    """Return the first gid that no node of any population has."""
    managers = [*node.circuits.all_node_managers(), *node.circuits.virtual_node_managers.values()]
    return max(int(m.offset + m.population.size) for m in managers)


def _restrict(node: Any, everything: Cycle, cells: Cycle) -> None:
    for manager in node.circuits.all_node_managers():
        name = manager.population_name
        manager.load_nodes(everything[name], cells[name])
    for manager in node.circuits.virtual_node_managers.values():
        ids = np.arange(manager.population.size, dtype=np.int64)
        manager.load_nodes(ids, ids[:0])
    node.target_manager.register_local_nodes(node.circuits.local_gids())


def _gap_junctions(node: Any) -> list[tuple[str, Any, str, Any]]:
    """Return which cells gap junctions join, over all ranks; every rank reads the edges of its own cells."""
    links = []
    for population in node.simulation.circuit.edges.values():
        if population.kind != "electrical" or population.target not in node.circuits.node_managers:
            continue
        with collectively(node.comm):
            mine = node.circuits.get_node_manager(population.target).local_node_ids
            edges = read_edges(population, mine, ())
        parts = node.comm.allgather((edges.source_id, edges.target_id))
        sources, targets = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        links.append((population.source, sources, population.target, targets))
    return links


def _refuse_divided(node: Any, parts: Sequence[Cycle], links: Sequence[tuple[str, Any, str, Any]]) -> None:
    """Raise on all ranks if an allocation has the cells of a gap junction in two cycles."""
    everywhere = node.comm.allgather(parts)
    with collectively(node.comm):
        for source, source_ids, target, target_ids in links:
            for cycle in range(len(parts)):
                here = {
                    name: np.concatenate([part[cycle].get(name, source_ids[:0]) for part in everywhere])
                    for name in (source, target)
                }
                divided = np.isin(source_ids, here[source]) != np.isin(target_ids, here[target])
                if divided.any():
                    raise ConfigurationError(
                        f"the allocation has cells that gap junctions join in different cycles ({int(divided.sum())})",
                        population=target,
                        ids=target_ids[divided].tolist(),
                        hint="leave --lb-mode=Memory out, or use one cycle",
                    )


def _log_memory(node: Any, number: int, of: int) -> None:
    if of > 1:
        used = memory.format_bytes(node.comm.allreduce_max(memory.rss_bytes()))
        logger.info(
            "cycle %d of %d is written; memory of the largest rank is back at %s", number + 1, of, used
        )
