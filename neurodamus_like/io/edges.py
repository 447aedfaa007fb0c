"""Columns of an edge population of a SONATA file, read by target in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.columns import PopulationColumns, attribute_names, read_columns
from neurodamus_like.io.edge_index import EdgeIndex, ScannedIndex, open_edge_index
from neurodamus_like.io.hdf5 import IntArray, open_h5, population_group, read_rows
from neurodamus_like.logs import get_logger

logger = get_logger(__name__)


@dataclass(frozen=True)
class EdgeTable:
    """Edges as columns, ordered by target, then by row in the file.

    Attributes
    ----------
    population
        Name of the edge population.
    source_id, target_id
        int64[n]: node ids inside the populations at both ends.
    edge_id
        int64[n]: row in the file.
    synapse_id
        int64[n]: place of the edge among all incoming edges of its target in this population, from 0.
    columns
        Attribute name to array[n], in the type of the file; optional ones that the file lacks are absent.
    """

    population: str
    source_id: IntArray
    target_id: IntArray
    edge_id: IntArray
    synapse_id: IntArray
    columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.edge_id.size)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def select(self, mask: npt.NDArray[Any]) -> EdgeTable:
        """Return the rows that `mask` (bool[n], or row numbers) picks."""
        return EdgeTable(
            self.population,
            self.source_id[mask],
            self.target_id[mask],
            self.edge_id[mask],
            self.synapse_id[mask],
            {name: values[mask] for name, values in self.columns.items()},
        )


def read_edges(
    population: EdgePopulation,
    target_ids: IntArray,
    attributes: Sequence[str],
    optional: Sequence[str] = (),
    source_ids: IntArray | None = None,
) -> EdgeTable:
    """Read the incoming edges of targets.

    Parameters
    ----------
    population
        Where to read.
    target_ids
        Node ids in the target population; order and repetition do not matter.
    attributes
        Names that must be there. ``edge_type_id`` counts as one.
    optional
        Names read if they are there.
    source_ids
        Keep only edges that come from these nodes; None keeps all.

    Raises
    ------
    CircuitError
        The file is damaged, or the population or a mandatory attribute is missing.
    """
    with _Reader(population, attributes, optional, source_ids) as reader:
        return reader.read(_unique_ids(target_ids, population))


def iter_edge_blocks(
    population: EdgePopulation,
    target_ids: IntArray,
    attributes: Sequence[str],
    optional: Sequence[str] = (),
    source_ids: IntArray | None = None,
    max_rows: int = 10_000_000,
) -> Iterator[EdgeTable]:
    """Read the same as :func:`read_edges` in blocks of whole targets, so that memory stays bounded.

    A block has at most `max_rows` rows (before `source_ids` filters), except where one target alone has more.
    Targets are never split. Nothing is yielded when the targets have no edges.
    """
    ids = _unique_ids(target_ids, population)
    with _Reader(population, attributes, optional, source_ids) as reader:
        counts = reader.index.count(ids)
        ids, counts = ids[counts > 0], counts[counts > 0]
        for begin, end in _blocks(counts, max_rows):
            yield reader.read(ids[begin:end])


def count_edges_per_target(population: EdgePopulation, target_ids: IntArray) -> IntArray:
    """Return the number of incoming edges of each target, int64[n], without reading columns."""
    ids = np.asarray(target_ids, dtype=np.int64)
    with open_h5(population.file) as h5:
        return open_edge_index(population_group(h5, "edges", population.name)).count(ids)


def edge_attribute_names(file: Path, population: str) -> list[str]:
    """Return the names of the attributes of an edge population, sorted."""
    with open_h5(file) as h5:
        return attribute_names(population_group(h5, "edges", population), "edge")


class _Reader:
    """An open edge file, with what to read from it."""

    index: EdgeIndex

    def __init__(
        self,
        population: EdgePopulation,
        attributes: Sequence[str],
        optional: Sequence[str],
        source_ids: IntArray | None,
    ) -> None:
        self._population = population
        self._attributes = attributes
        self._optional = optional
        self._source_ids = None if source_ids is None else np.asarray(source_ids, dtype=np.int64)

    def __enter__(self) -> _Reader:
        self._opened = open_h5(self._population.file)
        self._group = population_group(self._opened.__enter__(), "edges", self._population.name)
        self.index = open_edge_index(self._group)
        return self

    def __exit__(self, *exc: Any) -> None:
        self._opened.__exit__(*exc)

    def read(self, target_ids: IntArray) -> EdgeTable:
        """Return the edges of `target_ids` (ascending, unique)."""
        targets, rows = self._find(target_ids)
        synapse_ids = _rank_in_target(targets)
        sources = read_rows(self._group["source_node_id"], rows).astype(np.int64)
        if self._source_ids is not None:
            keep = np.isin(sources, self._source_ids)
            sources, targets, rows, synapse_ids = sources[keep], targets[keep], rows[keep], synapse_ids[keep]
        reader = PopulationColumns(self._group, rows, "edge")
        found = read_columns(reader, self._attributes, self._optional)
        columns = {name: column.values for name, column in found.items()}
        return EdgeTable(self._population.name, sources, targets, rows, synapse_ids, columns)

    def _find(self, target_ids: IntArray) -> tuple[IntArray, IntArray]:
        """Return (target, row) of all edges; an index that belongs to other edges is replaced, with a warning."""
        targets, rows = self.index.edges(target_ids)
        stored = self._group["target_node_id"]
        if (
            rows.size
            and int(rows.max()) < stored.shape[0]
            and np.array_equal(read_rows(stored, rows), targets)
        ):
            return targets, rows
        if not rows.size or isinstance(self.index, ScannedIndex):
            return targets, rows
        logger.warning(
            "%s: the index by target of %s does not fit its edges; one is built in memory",
            self._population.file,
            self._population.name,
        )
        self.index = ScannedIndex(stored[()])
        return self.index.edges(target_ids)


def _unique_ids(target_ids: IntArray, population: EdgePopulation) -> IntArray:
    ids = np.unique(np.asarray(target_ids, dtype=np.int64))
    if ids.size and ids[0] < 0:
        raise CircuitError("negative node id", population=population.name, ids=ids[ids < 0].tolist())
    return ids


def _rank_in_target(targets: IntArray) -> IntArray:
    """Return 0, 1, 2, ... within each stretch of equal values of a sorted array."""
    if targets.size == 0:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.concatenate([[True], targets[1:] != targets[:-1]]))
    lengths = np.diff(np.append(starts, targets.size))
    return np.arange(targets.size, dtype=np.int64) - np.repeat(starts, lengths)


def _blocks(counts: IntArray, max_rows: int) -> Iterator[tuple[int, int]]:
    ends = np.cumsum(counts)
    begin, done = 0, 0
    while begin < counts.size:
        end = max(int(np.searchsorted(ends, done + max_rows, side="right")), begin + 1)
        yield begin, end
        begin, done = end, int(ends[end - 1])
