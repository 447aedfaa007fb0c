"""Edges as columns, while they travel from the rules to the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.builder.node_table import Array, IntArray


@dataclass
class EdgeBlock:
    """Edges of one edge group.

    Attributes
    ----------
    source, target
        integer[n]: places in the lists of source and target nodes (not node ids).
    nsyns
        uint32[n], or one number for all: synapses of each edge.
    columns
        Properties, array[n] each, once they are computed.
    """

    source: npt.NDArray[Any]
    target: npt.NDArray[Any]
    nsyns: npt.NDArray[Any] | int = 1
    columns: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.source.size)

    def n_synapses(self) -> int:
        """Return the sum of synapses."""
        if isinstance(self.nsyns, int):
            return self.nsyns * len(self)
        return int(self.nsyns.sum(dtype=np.int64))

    def per_synapse(self) -> EdgeBlock:
        """Return the block with one row for each synapse."""
        if isinstance(self.nsyns, int):
            if self.nsyns == 1:
                return self
            counts: Any = self.nsyns
        else:
            counts = self.nsyns
            if counts.size and counts.min() == counts.max() == 1:
                return EdgeBlock(self.source, self.target, 1)
        return EdgeBlock(np.repeat(self.source, counts), np.repeat(self.target, counts), 1)

    def take(self, order: Any) -> EdgeBlock:
        """Return the rows that `order` names, a mask or row numbers."""
        nsyns = self.nsyns if isinstance(self.nsyns, int) else self.nsyns[order]
        columns = {name: values[order] for name, values in self.columns.items()}
        return EdgeBlock(self.source[order], self.target[order], nsyns, columns)

    def sorted_by_target(self, n_sources: int) -> EdgeBlock:
        """Return the rows by target, then source; rows of one pair keep their order."""
        key = self.target.astype(np.int64) * n_sources + self.source
        if key.size < 2 or np.all(key[1:] >= key[:-1]):
            return self
        return self.take(np.argsort(key, kind="stable"))


class EdgeView:
    """What a property rule sees of a block of edges: the nodes at both ends, as columns.

    Attributes
    ----------
    sources, targets
        The node lists of the edge group.
    source_index, target_index
        integer[n]: places of the ends in these lists.
    rng
        Random numbers of this block and property.
    """

    def __init__(
        self, sources: NodeColumns, targets: NodeColumns, block: EdgeBlock, rng: np.random.Generator
    ) -> None:
        self.sources, self.targets = sources, targets
        self.source_index, self.target_index = block.source, block.target
        self.rng = rng

    def __len__(self) -> int:
        return int(self.source_index.size)

    @property
    def source_node_id(self) -> IntArray:
        """int64[n]: node ids at the sources."""
        ids: IntArray = self.sources.ids[self.source_index]
        return ids

    @property
    def target_node_id(self) -> IntArray:
        """int64[n]: node ids at the targets."""
        ids: IntArray = self.targets.ids[self.target_index]
        return ids

    def source(self, name: str) -> Array:
        """Return a property of the source node of each edge, array[n]."""
        return np.asarray(self.sources[name][self.source_index])

    def target(self, name: str) -> Array:
        """Return a property of the target node of each edge, array[n]."""
        return np.asarray(self.targets[name][self.target_index])

    def displacement(self, period: Any = None) -> npt.NDArray[np.float64]:
        """Return target minus source position, float64[n, 3], µm; the shortest way round in a periodic box."""
        delta = self.targets.positions()[self.target_index] - self.sources.positions()[self.source_index]
        return wrap(delta, period)

    def distance(self, period: Any = None) -> npt.NDArray[np.float64]:
        """Return the distance between the ends, float64[n], µm."""
        delta = self.displacement(period)
        squares: npt.NDArray[np.float64] = np.einsum("ij,ij->i", delta, delta)
        return np.sqrt(squares, out=squares)


def wrap(delta: npt.NDArray[np.float64], period: Any) -> npt.NDArray[np.float64]:
    """Shorten differences of positions in a periodic box; a period of 0 or inf leaves an axis open."""
    if period is None:
        return delta
    sides = np.asarray(period, dtype=float)
    closed = (sides > 0) & np.isfinite(sides)
    safe = np.where(closed, sides, 1.0)
    return np.where(closed, delta - safe * np.rint(delta / safe), delta)
