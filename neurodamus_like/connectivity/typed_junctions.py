"""Gap junctions among edges of the kind ``edge_types``: one edge makes a half on each of its two cells."""

from __future__ import annotations

import numpy as np

from neurodamus_like.config.models import Circuit, EdgePopulation
from neurodamus_like.connectivity.synapse_table import IntColumn
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import open_h5

_COLUMNS = ("source_ids", "target_ids", "src_gap_ids", "trg_gap_ids")


class JunctionIds:
    """Ids of the two ends of each junction of a population, as its file pairs them.

    Parameters
    ----------
    population
        Edges with `junctions_file`.
    first_id
        Added to all ids, so that those of several populations differ.

    Raises
    ------
    CircuitError
        The file is missing or lacks a column, or has a pair of nodes twice.
    """

    def __init__(self, population: EdgePopulation, first_id: int) -> None:
        self._population = population
        source, target, own, partner = _read(population)
        order = np.lexsort((target, source))
        self._source, self._target = source[order], target[order]
        self._ids = np.stack([own[order], partner[order]]) + first_id
        twice = (np.diff(self._source) == 0) & (np.diff(self._target) == 0)
        if twice.any():
            raise CircuitError(
                "the file of gap junctions has a pair of nodes more than once",
                file=population.junctions_file,
                population=population.name,
                ids=self._source[1:][twice].tolist(),
            )

    def of_pairs(self, source: IntColumn, target: IntColumn) -> tuple[IntColumn, IntColumn]:
        """Return the ids of the end on the source and of that on the target, of each pair.

        Raises
        ------
        CircuitError
            The file does not have a pair.
        """
        known = {
            pair: i for i, pair in enumerate(zip(self._source.tolist(), self._target.tolist(), strict=True))
        }
        pairs = zip(source.tolist(), target.tolist(), strict=True)
        at = np.array([known.get(pair, -1) for pair in pairs], dtype=np.int64)
        if (at < 0).any():
            raise CircuitError(
                "gap junctions are not in the file that pairs their ends",
                file=self._population.junctions_file,
                population=self._population.name,
                ids=source[at < 0].tolist(),
                expected="source_ids and target_ids of every edge with is_gap_junction",
            )
        return self._ids[0][at], self._ids[1][at]


def first_junction_id(population: EdgePopulation, circuit: Circuit) -> int:
    """Return a number above all ids in the files of the populations before this one."""
    first = 0
    seen = set()
    for other in circuit.edges.values():
        if other.junctions_file == population.junctions_file:
            break
        if other.junctions_file is not None and other.junctions_file not in seen:
            seen.add(other.junctions_file)
            first += 1 + max((int(ids.max()) for ids in _read(other)[2:] if ids.size), default=-1)
    return first


def _read(population: EdgePopulation) -> tuple[IntColumn, ...]:
    if population.junctions_file is None:
        raise CircuitError(
            "the edges have gap junctions, but no file pairs their ends",
            file=population.file,
            population=population.name,
            expected=f'networks.gap_juncs: [{{"gap_juncs_file": "{population.source}_gap_juncs.h5"}}]',
        )
    with open_h5(population.junctions_file) as h5:
        missing = [name for name in _COLUMNS if name not in h5]
        if missing:
            raise CircuitError(
                f"the file of gap junctions lacks {', '.join(missing)}",
                file=population.junctions_file,
                expected=", ".join(_COLUMNS),
            )
        return tuple(np.asarray(h5[name][()], dtype=np.int64) for name in _COLUMNS)
