"""Which cells are built in which cycle: pure functions of ids, costs and links; nothing depends on an order.

A model that does not fit into memory is built in cycles: a share of the cells is made, written to files and freed
before the next one. Each rank deals out its own cells, so that it holds about one n-th of them at any time.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ConfigurationError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Cycle = Mapping[str, IntArray]
"""Population -> node ids, ascending."""


def split_cells(
    cells: Mapping[str, IntArray], n_cycles: int, costs: Mapping[str, FloatArray] | None = None
) -> list[dict[str, IntArray]]:
    """Deal out the cells of one rank to cycles, all populations together.

    Parameters
    ----------
    cells
        Population -> node ids of this rank, in any order.
    n_cycles
        How many cycles, at least 1.
    costs
        Population -> cost of each of these cells (bytes, for example), shape as in `cells`: the heaviest first, each
        to the cycle that has least so far (LPT). Without costs, cells are dealt out in turn.

    Returns
    -------
    list
        One mapping per cycle, with all populations; later cycles are empty where there are fewer cells than cycles.
    """
    names = sorted(cells)
    ids = np.concatenate([np.empty(0, np.int64), *(np.asarray(cells[name], np.int64) for name in names)])
    owner = np.repeat(np.arange(len(names)), [len(cells[name]) for name in names])
    if costs is None:
        order = np.lexsort((ids, owner))
        cycle = np.empty(ids.size, dtype=np.int64)
        cycle[order] = np.arange(ids.size) % n_cycles
    else:
        weight = np.concatenate([np.empty(0), *(np.asarray(costs[name], float) for name in names)])
        cycle = _heaviest_first(weight, np.lexsort((ids, owner, -weight)), n_cycles)
    return [
        {name: np.sort(ids[(owner == n) & (cycle == c)]) for n, name in enumerate(names)}
        for c in range(n_cycles)
    ]


def split_linked_cells(
    cells: Mapping[str, IntArray], n_cycles: int, labels: Mapping[str, tuple[IntArray, IntArray]]
) -> list[dict[str, IntArray]]:
    """Deal out the cells of one rank so that cells with one label, on any rank, are in one cycle.

    Parameters
    ----------
    cells, n_cycles
        As in :func:`split_cells`.
    labels
        Population -> (all simulated node ids, ascending; their label), the same on all ranks.

    Raises
    ------
    ConfigurationError
        There are fewer labels than cycles.
    """
    everything = np.concatenate([label for _, label in labels.values()])
    sizes = np.bincount(everything)
    groups = int(np.count_nonzero(sizes))
    if groups < n_cycles:
        raise ConfigurationError(
            f"--modelbuilding-steps={n_cycles}: cells joined by gap junctions are built together, "
            f"and there are only {groups} groups of them",
            expected=f"at most {groups}",
            hint="use fewer cycles, or more ranks with --modelbuilding-steps=1",
        )
    cycle_of = _heaviest_first(sizes, np.argsort(-sizes, kind="stable"), n_cycles)
    result: list[dict[str, IntArray]] = [{} for _ in range(n_cycles)]
    for name in sorted(cells):
        mine = np.sort(np.asarray(cells[name], dtype=np.int64))
        known, label = labels[name]
        cycle = cycle_of[label[np.searchsorted(known, mine)]]
        for number, part in enumerate(result):
            part[name] = mine[cycle == number]
    return result


def label_linked_cells(
    cells: Mapping[str, IntArray], links: Sequence[tuple[str, IntArray, str, IntArray]]
) -> dict[str, tuple[IntArray, IntArray]]:
    """Give cells that are linked, directly or through others, one label.

    Parameters
    ----------
    cells
        Population -> all simulated node ids.
    links
        (population, node ids, population, node ids): the n-th of the first is linked with the n-th of the second.
        Links of nodes that are not simulated do not count.

    Returns
    -------
    dict
        Population -> (node ids ascending, label of each), for :func:`split_linked_cells`.
    """
    names = sorted(cells)
    ids = {name: np.sort(np.asarray(cells[name], dtype=np.int64)) for name in names}
    begin = dict(zip(names, np.cumsum([0, *(ids[name].size for name in names)])[:-1].tolist(), strict=True))
    from scipy.sparse import coo_matrix  # slow to load, and only cycles need it
    from scipy.sparse.csgraph import connected_components

    total = sum(part.size for part in ids.values())
    nothing = np.empty(0, dtype=np.int64)
    ends: list[tuple[IntArray, IntArray]] = [(nothing, nothing)]
    for one, one_ids, other, other_ids in links:
        there = np.isin(one_ids, ids.get(one, nothing)) & np.isin(other_ids, ids.get(other, nothing))
        ends.append(
            (
                begin.get(one, 0) + np.searchsorted(ids.get(one, nothing), one_ids[there]),
                begin.get(other, 0) + np.searchsorted(ids.get(other, nothing), other_ids[there]),
            )
        )
    rows, columns = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    graph = coo_matrix((np.ones(rows.size), (rows, columns)), shape=(total, total))
    labels = connected_components(graph, directed=False)[1].astype(np.int64)
    return {name: (ids[name], labels[begin[name] : begin[name] + ids[name].size]) for name in names}


def check_cycle_count(n_cycles: int, most_cells: int) -> None:
    """Refuse more cycles than any rank has cells.

    Parameters
    ----------
    n_cycles
        What was asked for.
    most_cells
        Cells of the rank that has most.

    Raises
    ------
    ConfigurationError
        There are not that many.
    """
    if n_cycles > most_cells:
        raise ConfigurationError(
            f"--modelbuilding-steps={n_cycles} is more than the number of cells of any rank",
            expected=f"1 to {most_cells}",
            hint="the cells of each rank are dealt out to the cycles: use fewer cycles or fewer ranks",
        )


def _heaviest_first(weight: npt.NDArray[np.generic], order: IntArray, n_cycles: int) -> IntArray:
    """Return the cycle of each item, given in the order in which the emptiest cycle takes the next."""
    emptiest = [(0.0, cycle) for cycle in range(n_cycles)]
    result = np.empty(order.size, dtype=np.int64)
    for item in order.tolist():
        load, cycle = heapq.heappop(emptiest)
        result[item] = cycle
        heapq.heappush(emptiest, (load + float(weight[item]), cycle))
    return result
