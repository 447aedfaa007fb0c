"""What the cells of a population are made of, and which of them stand for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import NodePopulation
from neurodamus_like.io.nodes import read_nodes

IntArray = npt.NDArray[np.int64]

SAMPLED_CELLS, SAMPLED_KINDS = 48, 32
"""Cells that are chosen of all populations together, and kinds of cells among those of one."""

_MADE_OF = ("model_template", "morphology", "model_type", "node_type_id")
_TYPES = ("mtype", "etype")


@dataclass(frozen=True)
class CellKinds:
    """What the cells of a population are made of.

    Attributes
    ----------
    names
        Template and morphology of each kind.
    kind
        int64[n]: row of `names` of each cell.
    types
        str[n]: ``<mtype>-<etype>`` of each cell, or the name of its kind.
    """

    names: list[str]
    kind: IntArray
    types: npt.NDArray[np.str_]


def read_kinds(population: NodePopulation, node_ids: IntArray) -> CellKinds:
    """Return the kinds of some cells; the most frequent come first."""
    table = read_nodes(population.file, population.name, [], node_ids, optional=[*_MADE_OF, *_TYPES])
    labels = _joined([table.columns[n] for n in _MADE_OF if n in table], node_ids.size, "|")
    names, kind, count = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    types = (
        _joined([table.columns[n] for n in _TYPES], node_ids.size, "-")
        if all(n in table for n in _TYPES)
        else labels
    )
    return CellKinds(names[order].tolist(), rank[np.asarray(kind).reshape(-1)], types)


def choose_cells(
    kinds: Mapping[str, CellKinds], node_ids: Mapping[str, IntArray]
) -> dict[str, list[tuple[int, str]]]:
    """Return (node id, kind) of the cells to make, by population: of each frequent kind as many."""
    share = max(8, SAMPLED_CELLS // max(len(kinds), 1))
    chosen = {}
    for name, of in kinds.items():
        # the first cell of each kind, then the second of each, ...
        turn = _turns(of.kind)
        order = np.lexsort((of.kind, turn))
        frequent = order[of.kind[order] < SAMPLED_KINDS][:share]
        chosen[name] = [(int(node_ids[name][row]), of.names[of.kind[row]]) for row in frequent.tolist()]
    return chosen


def _turns(kind: IntArray) -> IntArray:
    """Return how many of the same kind come before each row."""
    order = np.argsort(kind, kind="stable")
    ordered = kind[order]
    begin = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.maximum.accumulate(np.where(begin, np.arange(kind.size), 0))
    turns = np.empty(kind.size, dtype=np.int64)
    turns[order] = np.arange(kind.size) - starts
    return turns


def _joined(columns: Sequence[npt.NDArray[np.generic]], size: int, sign: str) -> npt.NDArray[np.str_]:
    if not columns:
        return np.full(size, "cell")
    rows = zip(*(column.astype(str).tolist() for column in columns), strict=True)
    return np.array([sign.join(row) for row in rows], dtype=str)
