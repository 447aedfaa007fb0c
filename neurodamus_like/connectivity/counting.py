"""How many objects the edges of a population become, cell by cell, without making any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from neurodamus_like.connectivity import minis
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.manager import ConnectionManagerBase
from neurodamus_like.connectivity.replay import plan_replay
from neurodamus_like.io.edges import count_edges_per_target

IntArray = npt.NDArray[np.int64]

ROWS_AT_ONCE = 2_000_000
"""Edges are read in blocks of about so many."""


@dataclass
class EdgeCounts:
    """Objects of one edge population, per target cell.

    Attributes
    ----------
    population, target
        Names of the edge population and of its target population.
    node_ids
        Targets, int64[n], ascending.
    synapses
        Mechanism -> int64[n].
    rows, netcons, replayed, minis
        int64[n]: edges in use, NetCons from cells, NetCons of replayed spikes, synapses with spontaneous release.
    trains
        Spike trains that are replayed.
    """

    population: str
    target: str
    node_ids: IntArray
    synapses: dict[str, IntArray] = field(default_factory=dict)
    rows: IntArray = field(init=False)
    netcons: IntArray = field(init=False)
    replayed: IntArray = field(init=False)
    minis: IntArray = field(init=False)
    trains: int = 0

    def __post_init__(self) -> None:
        for name in ("rows", "netcons", "replayed", "minis"):
            setattr(self, name, np.zeros(self.node_ids.size, dtype=np.int64))

    @property
    def total(self) -> int:
        """Number of synapses."""
        return int(sum(of.sum() for of in self.synapses.values()))


def count_objects(manager: ConnectionManagerBase, max_rows: int | None = None) -> EdgeCounts:
    """Count what the edges onto the local cells of a manager become.

    Edges are read as for a run, overrides included, in blocks of whole targets.

    Parameters
    ----------
    manager
        After `attach` and, if there is any, `replay`; it has no edges afterwards.
    max_rows
        Read about so many edges, of targets spread over the population, and conclude from them to the others by their
        number of incoming edges. None reads all.
    """
    ids = manager.target.local_node_ids
    everywhere = manager.target.all_node_ids
    incoming = count_edges_per_target(manager.population, ids)
    chosen = _spread(incoming, max_rows)
    counts = EdgeCounts(manager.population.name, manager.population.target, ids)
    try:
        for block in _blocks(chosen, incoming[chosen]):
            manager.target.load_nodes(everywhere, ids[block])
            manager.read_for_counting()
            _add(counts, manager)
    finally:
        manager.target.load_nodes(everywhere, ids)
        manager.table = manager.table.take(np.empty(0, dtype=np.int64))
    if chosen.size < ids.size:
        _extrapolate(counts, incoming, chosen)
    return counts


def _add(counts: EdgeCounts, manager: ConnectionManagerBase) -> None:
    table = manager.table
    target = np.searchsorted(counts.node_ids, table.target_gid - manager.target.offset)

    def per_target(rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> IntArray:
        return np.bincount(target[rows], minlength=counts.node_ids.size).astype(np.int64)

    counts.rows += per_target(np.arange(len(table)))
    made = manager.mechanism_rows()
    for mechanism, rows in made.items():
        counts.synapses[mechanism] = counts.synapses.get(mechanism, 0) + per_target(rows)
    if isinstance(manager, EventDrivenManager):
        counts.netcons += per_target(manager.simulated_sources())
        counts.minis += per_target(minis.with_minis(manager.mini_rates())) if made else 0
        plan = plan_replay(manager.replay_blocks, table.source_gid, table.target_gid)
        counts.replayed += per_target(plan.rows)
        counts.trains = max(counts.trains, len(plan.times_ms))


def _spread(incoming: IntArray, max_rows: int | None) -> IntArray:
    """Return targets, ascending, that together have about `max_rows` incoming edges."""
    total = int(incoming.sum())
    if max_rows is None or total <= max_rows:
        return np.arange(incoming.size)
    wanted = max(int(incoming.size * max_rows / total), min(100, incoming.size))
    return np.unique(np.linspace(0, incoming.size - 1, wanted).astype(np.int64))


def _blocks(chosen: IntArray, incoming: IntArray) -> Iterator[IntArray]:
    number = (np.cumsum(incoming) - incoming) // ROWS_AT_ONCE
    yield from np.split(chosen, np.flatnonzero(np.diff(number)) + 1) if chosen.size else []


def _extrapolate(counts: EdgeCounts, incoming: IntArray, chosen: IntArray) -> None:
    """Give targets that were not read the average of the others, by their number of incoming edges."""
    others = np.setdiff1d(np.arange(incoming.size), chosen)
    read = max(int(incoming[chosen].sum()), 1)
    for of in (*counts.synapses.values(), counts.rows, counts.netcons, counts.replayed, counts.minis):
        of[others] = np.round(incoming[others] * (of[chosen].sum() / read)).astype(np.int64)
