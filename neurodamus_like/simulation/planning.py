"""Dry runs: what a simulation needs is said, and cells are allocated to the ranks and cycles of a later run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from neurodamus_like.distribution.allocation import allocate, write_allocation
from neurodamus_like.distribution.cell_memory import CellMemory
from neurodamus_like.distribution.memory_estimate import MemoryModel
from neurodamus_like.logs import get_logger
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.simulation.dry_run import count_model
from neurodamus_like.simulation.estimate_report import Estimate, MachineSize, format_estimate

if TYPE_CHECKING:
    from neurodamus_like.simulation.node import Node

logger = get_logger(__name__)

_FIRST_RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def perform_dry_run(node: Node) -> Estimate:
    """Estimate the memory of a simulation, say it, and write the allocation for a later run; collective.

    ``allocation_r<ranks>_c<cycles>.pkl.gz`` and ``cell_memory_usage.json`` go into the working folder, where
    ``--lb-mode=Memory`` looks for them.

    Parameters
    ----------
    node
        A node that has nothing yet.

    Returns
    -------
    Estimate
        On every rank.

    Raises
    ------
    ConfigurationError
        More ranks and cycles than cells.
    """
    cycles = node.options.modelbuilding_steps
    estimate = estimate_simulation(node, this_machine(), cycles=cycles)
    wanted = node.options.num_target_ranks or target_ranks(estimate)
    with collectively(node.comm):
        if node.comm.rank == 0:
            logger.info("%s", format_estimate(estimate))
            for path in write_files(estimate.model, wanted, cycles, Path.cwd()):
                logger.info("wrote %s", path)
    return estimate


def estimate_simulation(
    node: Node, machine: MachineSize, *, ranks: Sequence[int] = (), cycles: int = 1
) -> Estimate:
    """Return the estimate of a simulation; collective.

    Parameters
    ----------
    node
        A node that has nothing yet.
    machine
        Where it is to run.
    ranks
        Numbers of ranks to tell the memory of; powers of two up to what is needed by default.
    cycles
        Building cycles.
    """
    model, counts = count_model(node)
    if ranks:
        return Estimate(model, counts, machine, ranks, cycles)
    first = Estimate(model, counts, machine, _FIRST_RANKS, cycles)
    cells = sum(p.node_ids.size for p in model.populations)
    most = min(cells, max(first.suggestion.ranks, node.options.num_target_ranks or 0, 2))
    chosen = {n for n in _FIRST_RANKS if n <= most} | {most}
    return Estimate(model, counts, machine, sorted(chosen), cycles)


def target_ranks(estimate: Estimate) -> int:
    """Return the suggested number of ranks; with too little memory for any, one per cell."""
    cells = sum(p.node_ids.size for p in estimate.model.populations)
    wanted = estimate.suggestion.ranks or cells
    return max(1, min(wanted, cells // estimate.cycles))


def write_files(model: MemoryModel, ranks: int, cycles: int, directory: Path) -> list[Path]:
    """Allocate cells and write the files that ``--lb-mode=Memory`` reads; return them."""
    ids = {p.name: p.node_ids for p in model.populations}
    synapses = {p.name: p.synapses_per_cell for p in model.populations}
    total = sum(int(of.sum()) for of in synapses.values())
    size = sum(float(model.synapse_bytes(p).sum()) for p in model.populations)
    cells = CellMemory.summarize(
        {p.name: p.types for p in model.populations},
        ids,
        {p.name: model.cell_bytes(p) for p in model.populations},
        synapses,
        size / max(total, 1),
    )
    allocation = allocate(model.costs(), ranks, cycles)
    return [write_allocation(allocation, directory), cells.write(directory)]


def this_machine() -> MachineSize:
    """Return the size of the machine that this process runs on."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    return MachineSize(float(psutil.virtual_memory().total), cores)
