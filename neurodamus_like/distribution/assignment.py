"""Cells of ranks: what a load balance decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neurodamus_like.config.models import NodePopulation, Simulation
from neurodamus_like.distribution.splitting import FloatArray, IntArray, SplitCell
from neurodamus_like.io.node_types import read_virtual_ids
from neurodamus_like.parallel.partition import efficiency, partition, rank_loads
from neurodamus_like.targets.nodeset import NodesetTarget


@dataclass(frozen=True)
class Assignment:
    """Cells of ranks.

    Attributes
    ----------
    size
        Number of ranks.
    node_ids, owners
        Population -> node ids, ascending, and the rank of each; of a split cell, the rank of the part with its soma.
    loads
        Predicted cost per rank in complexity units, shape (size,); None when costs were not asked for.
    splits
        Population -> node id -> its branches on other ranks.
    """

    size: int
    node_ids: Mapping[str, IntArray]
    owners: Mapping[str, IntArray]
    loads: FloatArray | None = None
    splits: Mapping[str, Mapping[int, SplitCell]] = field(default_factory=dict)

    def local_ids(self, population: str, rank: int) -> IntArray:
        """Return the node ids of one rank, ascending."""
        local: IntArray = self.node_ids[population][self.owners[population] == rank]
        return local

    def splits_of(self, population: str) -> Mapping[int, SplitCell]:
        """Return node id -> branches, of the split cells of a population."""
        return self.splits.get(population, {})

    @property
    def split_count(self) -> int:
        """Number of split cells."""
        return sum(len(cells) for cells in self.splits.values())

    @property
    def efficiency(self) -> float | None:
        """Average over maximum of the predicted loads; None when they are not known."""
        return None if self.loads is None else efficiency(self.loads)


def population_cells(simulation: Simulation, target: NodesetTarget) -> dict[str, IntArray]:
    """Return population -> node ids, ascending, of the nodes of a target that are not virtual."""
    nodes = simulation.circuit.nodes
    names = sorted(name for name in target.population_names if not nodes[name].is_virtual)
    return {name: _with_cells(nodes[name], target.node_ids(name)) for name in names}


def _with_cells(population: NodePopulation, node_ids: IntArray) -> IntArray:
    if population.kind != "node_types":
        return node_ids
    return np.setdiff1d(node_ids, read_virtual_ids(population, node_ids))


def deal(cells: Mapping[str, IntArray], size: int) -> Assignment:
    """Deal the cells of each population out like cards."""
    return Assignment(size, dict(cells), {name: np.arange(ids.size) % size for name, ids in cells.items()})


def share(costs: Mapping[str, FloatArray], cells: Mapping[str, IntArray], size: int) -> Assignment:
    """Share the cells of all populations together so that the largest load is small."""
    together: FloatArray = np.concatenate([np.empty(0), *(costs[name] for name in cells)])
    owners = partition(together, size)
    return Assignment(size, dict(cells), by_population(owners, cells), rank_loads(together, owners, size))


def by_population(values: IntArray, cells: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Cut an array over the cells of all populations into one per population."""
    ends = np.cumsum([ids.size for ids in cells.values()])
    return dict(zip(cells, np.split(values, ends), strict=False))
