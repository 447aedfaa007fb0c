"""Who connects to whom: numbers of edges between groups of nodes, convergence, divergence, degrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.io.hdf5 import open_h5, population_group

IntArray = npt.NDArray[np.int64]
_ROWS = 1 << 22


@dataclass(frozen=True)
class ConnectivityMatrix:
    """Edges between groups of nodes.

    Attributes
    ----------
    sources, targets
        Names of the groups.
    n_sources, n_targets
        int64: nodes of each group.
    edges
        int64[sources, targets]: rows of the file.
    synapses
        int64[sources, targets]: the same, rows counted ``nsyns`` times where the file has that column.
    connections
        int64[sources, targets]: distinct pairs of nodes that are connected.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    n_sources: IntArray
    n_targets: IntArray
    edges: IntArray
    synapses: IntArray
    connections: IntArray

    @property
    def probability(self) -> npt.NDArray[np.float64]:
        """Connected pairs per possible pair (a node with itself counts as possible)."""
        return self.connections / np.maximum(np.outer(self.n_sources, self.n_targets), 1)

    @property
    def convergence(self) -> npt.NDArray[np.float64]:
        """Mean number of synapses that a target receives from a group."""
        return self.synapses / np.maximum(self.n_targets, 1)

    @property
    def divergence(self) -> npt.NDArray[np.float64]:
        """Mean number of synapses that a source makes onto a group."""
        return self.synapses / np.maximum(self.n_sources, 1)[:, None]


def compute_connectivity(
    file: Path,
    population: str,
    source_labels: Sequence[Any],
    target_labels: Sequence[Any],
) -> ConnectivityMatrix:
    """Count edges between groups of nodes, block by block.

    Parameters
    ----------
    file, population
        Edge population; sorted by target it is read once in bounded memory.
    source_labels, target_labels
        Group of each node, by node id (a cell type, a layer, ...).

    Raises
    ------
    CircuitError
        The file is missing or damaged.
    """
    sources, source_group = _groups(source_labels)
    targets, target_group = _groups(target_labels)
    shape = (len(sources), len(targets))
    totals = [np.zeros(shape, dtype=np.int64) for _ in range(3)]
    edges, synapses, connections = totals
    last: IntArray = np.empty(0, dtype=np.int64)
    for source, target, nsyns in iter_edge_ends(file, population):
        cell = source_group[source] * shape[1] + target_group[target]
        edges += np.bincount(cell, minlength=edges.size).reshape(shape)
        synapses += np.bincount(cell, weights=nsyns, minlength=edges.size).astype(np.int64).reshape(shape)
        pairs = np.unique(target * len(source_group) + source)
        fresh = pairs[~np.isin(pairs, last)]
        last = pairs[pairs >= int(target[-1]) * len(source_group)]
        cell = source_group[fresh % len(source_group)] * shape[1] + target_group[fresh // len(source_group)]
        connections += np.bincount(cell, minlength=edges.size).reshape(shape)
    n_sources, n_targets = (
        np.bincount(source_group, minlength=shape[0]),
        np.bincount(target_group, minlength=shape[1]),
    )
    return ConnectivityMatrix(sources, targets, n_sources, n_targets, edges, synapses, connections)


def compute_degrees(file: Path, population: str, n_sources: int, n_targets: int) -> tuple[IntArray, IntArray]:
    """Return synapses leaving each source and reaching each target, int64[n_sources] and int64[n_targets]."""
    leaving, reaching = np.zeros(n_sources, dtype=np.int64), np.zeros(n_targets, dtype=np.int64)
    for source, target, nsyns in iter_edge_ends(file, population):
        leaving += np.bincount(source, weights=nsyns, minlength=n_sources).astype(np.int64)
        reaching += np.bincount(target, weights=nsyns, minlength=n_targets).astype(np.int64)
    return leaving, reaching


def iter_edge_ends(
    file: Path, population: str, rows: int = _ROWS
) -> Iterator[tuple[IntArray, IntArray, npt.NDArray[np.float64]]]:
    """Yield (source ids, target ids, synapses of each row) in blocks; a row without ``nsyns`` counts once."""
    with open_h5(file) as h5:
        group = population_group(h5, "edges", population)
        size = int(group["target_node_id"].shape[0])
        with_counts = {n: group[n]["nsyns"] for n in group if n.isdecimal() and "nsyns" in group[n]}
        for begin in range(0, size, rows):
            stretch = slice(begin, min(begin + rows, size))
            source, target = (group[f"{e}_node_id"][stretch].astype(np.int64) for e in ("source", "target"))
            yield source, target, _synapses(group, with_counts, stretch, source.size)


def _synapses(group: Any, with_counts: dict[str, Any], stretch: slice, size: int) -> npt.NDArray[np.float64]:
    counts = np.ones(size)
    for number, dataset in with_counts.items():
        if "edge_group_id" not in group:
            return np.asarray(dataset[stretch], dtype=np.float64)
        mine = group["edge_group_id"][stretch] == int(number)
        index = group["edge_group_index"][stretch][mine].astype(np.int64)
        if index.size:
            low = int(index.min())
            counts[mine] = dataset[low : int(index.max()) + 1][index - low]
    return counts


def _groups(labels: Sequence[Any]) -> tuple[tuple[str, ...], IntArray]:
    texts = np.asarray([str(label) for label in labels], dtype=object)
    names, index = np.unique(texts, return_inverse=True)
    return tuple(names.tolist()), index.astype(np.int64)
