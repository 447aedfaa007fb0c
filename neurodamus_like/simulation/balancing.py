"""The load balance of a run: made as its options say, announced before it and measured after it."""

from __future__ import annotations

import logging
from functools import partial

import numpy as np

from neurodamus_like.circuit.manager import CircuitManager
from neurodamus_like.config.models import Simulation
from neurodamus_like.distribution.assignment import Assignment
from neurodamus_like.distribution.complexity import FloatArray
from neurodamus_like.distribution.load_balance import LoadBalance
from neurodamus_like.distribution.modes import LoadBalanceMode
from neurodamus_like.engine import nrn
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.parallel.partition import efficiency
from neurodamus_like.simulation.edge_choice import choose_edges
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.preparation import model_mechanisms
from neurodamus_like.simulation.whole_cells import whole_cells
from neurodamus_like.targets.manager import TargetManager
from neurodamus_like.targets.nodeset import NodesetTarget

logger = logging.getLogger(__name__)

NOT_MEASURED = (
    "load balance not measured: CoreNEURON does not tell how long ranks compute, and what would look at the clock "
    "in it cannot be compiled here"
)


def make_load_balance(
    simulation: Simulation,
    options: RunOptions,
    comm: Communicator,
    target: NodesetTarget,
    targets: TargetManager,
) -> LoadBalance:
    """Return the load balance that the options ask for, or the default one."""
    mode = LoadBalance.select_lb_mode(options.lb_mode, simulation, target, comm.size)
    libraries = nrn.loaded_libraries()
    return LoadBalance(
        mode,
        simulation,
        comm,
        library=libraries[-1] if libraries else None,
        mechanisms=partial(model_mechanisms, simulation, target),
        choose=choose_edges(simulation, targets),
        cycles=options.modelbuilding_steps,
        whole=whole_cells(simulation, targets) if mode is LoadBalanceMode.MultiSplit else None,
    )


def load_cells(circuits: CircuitManager, target: NodesetTarget, assignment: Assignment, rank: int) -> None:
    """Tell each cell manager which nodes there are and which of them live on this rank; virtual ones have none."""
    for manager in (*circuits.all_node_managers(), *circuits.virtual_node_managers.values()):
        name = manager.population_name
        if manager.is_virtual:
            ids = np.arange(manager.population.size, dtype=np.int64)
            manager.load_nodes(ids, ids[:0])
        else:
            manager.load_nodes(
                target.node_ids(name), assignment.local_ids(name, rank), assignment.splits_of(name)
            )


def log_predicted(balance: LoadBalance, assignment: Assignment) -> None:
    """Log the mode and, where costs are known, average over maximum of the predicted loads."""
    if balance.size == 1:
        return
    logger.info("load balance %s: %s", balance.mode.value, describe_predicted(assignment))


def describe_predicted(assignment: Assignment) -> str:
    """Return the predicted balance in words."""
    cells = sum(ids.size for ids in assignment.node_ids.values())
    split = f", {assignment.split_count} of them split," if assignment.split_count else ""
    text = f"{cells} cells{split} on {assignment.size} ranks"
    if assignment.loads is None or assignment.efficiency is None:
        return text
    return f"{text}, predicted average/maximum {assignment.efficiency:.3f}"


def log_measured(assignment: Assignment | None, compute_s: float | None, comm: Communicator) -> None:
    """Log average over maximum of the time ranks spent computing, beside the prediction; collective.

    Parameters
    ----------
    assignment
        What was predicted, if anything was.
    compute_s
        Seconds this rank computed; None where that is not known.
    comm
        The ranks.
    """
    if comm.size == 1:
        return
    everywhere = comm.allgather(compute_s)
    known = [seconds for seconds in everywhere if seconds is not None]
    if len(known) < len(everywhere):
        logger.info(NOT_MEASURED)
    elif max(known) > 0:
        logger.info("load balance %s", describe_measured(assignment, np.array(known, dtype=np.float64)))


def describe_measured(assignment: Assignment | None, measured_s: FloatArray) -> str:
    """Return the measured balance in words.

    Parameters
    ----------
    assignment
        What was predicted, if anything was.
    measured_s
        Seconds each rank computed.
    """
    text = (
        f"measured average/maximum {efficiency(measured_s):.3f} "
        f"(ranks computed {measured_s.min():.2f} to {measured_s.max():.2f} s)"
    )
    if assignment is None or assignment.loads is None:
        return text
    expected = assignment.loads / assignment.loads.sum()
    found = measured_s / measured_s.sum()
    worst = float(np.max(np.abs(found - expected) / np.maximum(expected, 1e-12)))
    return f"{text}; a rank's share differs from the predicted one by {100 * worst:.1f} % at most"
