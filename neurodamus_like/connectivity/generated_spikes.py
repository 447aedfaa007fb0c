"""Spikes of virtual nodes that functions of users make, the same on any number of ranks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.circuit.typed_nodes import TypedNodes
from neurodamus_like.config.models import Input, Run
from neurodamus_like.connectivity.spike_generators import SPIKE_GENERATORS, SpikesGenerator
from neurodamus_like.connectivity.synapse_table import IntColumn
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.io.spikes import SpikeTrain
from neurodamus_like.parallel.errors import raise_collectively
from neurodamus_like.parallel.mpi import Communicator


class RunTimes:
    """What a function that makes spikes knows of the simulation.

    Parameters
    ----------
    run
        Duration and time step.

    Attributes
    ----------
    tstop, dt
        ms.
    n_steps
        Number of time steps.
    """

    tstart = 0.0

    def __init__(self, run: Run) -> None:
        self.tstop, self.dt = run.tstop_ms, run.dt_ms
        self.n_steps = round(run.tstop_ms / run.dt_ms)

    def simulation_time(self, units: str = "ms") -> float:
        """Return the duration in ms or s."""
        return self.tstop / 1000.0 if units.lower().startswith("s") else self.tstop


def generate_spikes(
    block: Input, source: CellManagerBase, managers: Iterable[Any], comm: Communicator
) -> SpikeTrain:
    """Call the function of an input for every virtual node of a population that has synapses; collective.

    It is called on rank 0 alone, in the order in which BMTK on one rank meets the nodes: by target, then by edge.

    Raises
    ------
    SimulationError
        The function failed, or did not return times.
    """
    nodes = nodes_with_synapses(source, managers, comm)
    train: SpikeTrain | None = None
    failure: Exception | None = None
    if comm.rank == 0:
        try:
            train = _generate(block, source, nodes)
        except Exception as error:
            failure = error
    raise_collectively(comm, failure)
    found = comm.bcast(train)
    assert found is not None
    return found


def nodes_with_synapses(source: CellManagerBase, managers: Iterable[Any], comm: Communicator) -> IntColumn:
    """Return the virtual nodes of a population that have edges, by their first edge, then target; collective."""
    nodes = _in_order_of_edges(managers, comm) - source.offset
    found: IntColumn = nodes[source.is_virtual_node(nodes)]
    return found


def _in_order_of_edges(managers: Iterable[Any], comm: Communicator) -> IntColumn:
    """Return source gids by their first edge: population of edges, then target, then edge."""
    parts = []
    for number, manager in enumerate(managers):
        gids, first = np.unique(manager.table.source_gid, return_index=True)
        part = manager.table.take(first)
        parts.append(np.stack([np.full(gids.size, number), part.target_gid, part.edge_id, gids]))
    rows = np.concatenate([np.concatenate([np.empty((4, 0), dtype=np.int64), *found], axis=1)
                           for found in comm.allgather(parts)], axis=1)  # fmt: skip
    ordered = rows[3][np.lexsort((rows[2], rows[1], rows[0]))]
    _, first = np.unique(ordered, return_index=True)
    result: IntColumn = ordered[np.sort(first)].astype(np.int64)
    return result


def _generate(block: Input, source: CellManagerBase, node_ids: IntColumn) -> SpikeTrain:
    name = str(block.parameters["spikes_function"])
    function, view = SPIKE_GENERATORS[name], RunTimes(source.simulation.run)
    rank_of = {node: place for place, node in enumerate(node_ids.tolist())}
    nodes = sorted(
        TypedNodes(source.population, np.sort(node_ids), source.offset), key=lambda n: rank_of[n.node_id]
    )
    trains = {node.node_id: _call(function, name, node, view) for node in nodes}
    times = np.concatenate([np.empty(0), *trains.values()])
    ids = np.repeat(np.array(list(trains), dtype=np.int64), [train.size for train in trains.values()])
    order = np.lexsort((times, ids))
    return SpikeTrain(times[order], ids[order])


def _call(function: SpikesGenerator, name: str, node: Any, view: RunTimes) -> Any:
    try:
        times = np.asarray(function(node, view), dtype=np.float64).reshape(-1)
    except Exception as error:
        raise SimulationError(
            f"the spikes_function {name!r} failed: {type(error).__name__}: {error}",
            population=node.population_name,
            ids=[node.node_id],
            expected="a function (node, simulation) that returns spike times in ms",
        ) from error
    if not bool((times >= 0).all()):
        raise SimulationError(
            f"the spikes_function {name!r} returned times that are negative or no numbers",
            population=node.population_name,
            ids=[node.node_id],
        )
    return times
