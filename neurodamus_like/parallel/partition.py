"""Which items go to which rank: pure functions of costs, the same on every rank."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_DIFFERENCING_SIZE = 400_000
"""Items times ranks up to which Karmarkar-Karp is tried; its time grows with the product."""

NEIGHBOURS = 16
"""How many of the least loaded ranks the local search looks at for each exchange."""

EFFICIENT_ENOUGH = 0.9999
"""Average over maximum above which nothing is searched any more."""


def rank_loads(costs: FloatArray, owners: IntArray, size: int) -> FloatArray:
    """Return the summed cost of each rank, shape (size,)."""
    return np.bincount(owners, weights=costs, minlength=size).astype(np.float64)


def efficiency(loads: FloatArray) -> float:
    """Return average over maximum of the loads of ranks: 1 is ideal (and what no load at all counts as)."""
    top = float(np.max(loads, initial=0.0))
    return float(np.mean(loads)) / top if top > 0 else 1.0


def partition_lpt(costs: FloatArray, size: int) -> IntArray:
    """Give each item, the most expensive first, to the rank with the least load (LPT).

    The largest load is at most ``4/3 - 1/(3 size)`` of the optimum (Graham 1969). Of equal items the first comes
    first; of equal loads the rank with fewer items, then the lower rank.

    Parameters
    ----------
    costs
        Cost of each item, shape (n,), not negative.
    size
        Number of ranks.

    Returns
    -------
    int64[n]
        Rank of each item.
    """
    costs = _checked(costs, size)
    owners = np.zeros(costs.size, dtype=np.int64)
    heap = [(0.0, 0, rank) for rank in range(size)]
    values = costs.tolist()
    for item in np.argsort(-costs, kind="stable").tolist():
        load, count, rank = heap[0]
        owners[item] = rank
        heapq.heapreplace(heap, (load + values[item], count + 1, rank))
    return owners


def partition_karmarkar_karp(costs: FloatArray, size: int) -> IntArray:
    """Share items by the largest differencing method for `size` sets (Karmarkar and Karp 1982).

    The two partial solutions with the largest spread are merged, the largest sums of one with the smallest of the
    other, until one is left. Time grows with n * size.

    Parameters, result
        As in :func:`partition_lpt`.
    """
    costs = _checked(costs, size)
    if not costs.size:
        return np.zeros(0, dtype=np.int64)
    # (minus spread, number, sums in falling order, items of each sum)
    heap = [
        (-cost, item, [cost] + [0.0] * (size - 1), [[item]] + [[] for _ in range(size - 1)])
        for item, cost in enumerate(costs.tolist())
    ]
    heapq.heapify(heap)
    number = costs.size
    while len(heap) > 1:
        first, second = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, _merge(first[2:], second[2:], number))
        number += 1
    owners = np.zeros(costs.size, dtype=np.int64)
    for rank, items in enumerate(heap[0][3]):
        owners[items] = rank
    return owners


def refine(costs: FloatArray, owners: IntArray, size: int, max_steps: int = 10_000) -> IntArray:
    """Lower the largest load by moving items off the fullest rank, or exchanging two, while that helps.

    Parameters
    ----------
    costs, owners
        Cost and rank of each item, shape (n,).
    size
        Number of ranks.
    max_steps
        Upper limit of moves and exchanges.

    Returns
    -------
    int64[n]
        New ranks; their largest load is never larger than before.
    """
    costs, owners = _checked(costs, size), np.array(owners, dtype=np.int64)
    members = [np.flatnonzero(owners == rank) for rank in range(size)]
    members = [items[np.argsort(costs[items], kind="stable")] for items in members]
    loads = rank_loads(costs, owners, size)
    for _ in range(max_steps):
        if efficiency(loads) >= EFFICIENT_ENOUGH or not _improve(costs, members, loads):
            break
    for rank, items in enumerate(members):
        owners[items] = rank
    return owners


def partition(costs: FloatArray, size: int) -> IntArray:
    """Share items so that the largest load is small: the best of LPT and Karmarkar-Karp, both refined.

    Parameters, result
        As in :func:`partition_lpt`; never worse than that.
    """
    costs = _checked(costs, size)
    best = refine(costs, partition_lpt(costs, size), size)
    reached = efficiency(rank_loads(costs, best, size))
    if reached >= EFFICIENT_ENOUGH or costs.size * size > MAX_DIFFERENCING_SIZE:
        return best
    other = refine(costs, partition_karmarkar_karp(costs, size), size)
    return other if efficiency(rank_loads(costs, other, size)) > reached else best


def _checked(costs: FloatArray, size: int) -> FloatArray:
    costs = np.asarray(costs, dtype=np.float64)
    if size < 1:
        raise ValueError(f"cannot share items among {size} ranks")
    if not np.all(costs >= 0) or not np.all(np.isfinite(costs)):
        raise ValueError("costs must be finite numbers that are not negative")
    return costs


def _merge(
    first: tuple[list[float], list[list[int]]], second: tuple[list[float], list[list[int]]], number: int
) -> tuple[float, int, list[float], list[list[int]]]:
    sums = [a + b for a, b in zip(first[0], reversed(second[0]), strict=True)]
    items = [a + b for a, b in zip(first[1], reversed(second[1]), strict=True)]
    order = sorted(range(len(sums)), key=lambda i: (-sums[i], i))
    sums, items = [sums[i] for i in order], [items[i] for i in order]
    return (sums[-1] - sums[0], number, sums, items)


def _improve(costs: FloatArray, members: list[IntArray], loads: FloatArray) -> bool:
    """Do the best move or exchange between the fullest rank and one of the emptiest; False if none helps."""
    top = int(np.argmax(loads))
    for low in np.argsort(loads, kind="stable")[:NEIGHBOURS].tolist():
        gap = loads[top] - loads[low]
        found = _best_exchange(costs[members[top]], costs[members[low]], gap) if gap > 0 else None
        if found is None:
            continue
        give, take = found
        given = members[top][give]
        taken = members[low][take : take + 1] if take >= 0 else members[low][:0]
        change = costs[given] - costs[taken].sum()
        members[top] = _sorted_with(costs, np.delete(members[top], give), taken)
        kept = np.delete(members[low], take) if take >= 0 else members[low]
        members[low] = _sorted_with(costs, kept, np.array([given]))
        loads[top] -= change
        loads[low] += change
        return True
    return False


def _best_exchange(top: FloatArray, low: FloatArray, gap: float) -> tuple[int, int] | None:
    """Return (item of `top`, item of `low` or -1 for none) whose exchange brings the two loads closest."""
    others = np.concatenate([[0.0], low])  # ascending: nothing, then the items in rising order
    wanted = top - 0.5 * gap
    above = np.clip(np.searchsorted(others, wanted), 0, others.size - 1)
    below = np.maximum(above - 1, 0)
    pick = np.where(np.abs(others[above] - wanted) < np.abs(others[below] - wanted), above, below)
    shift = top - others[pick]
    distance = np.where((shift > 0) & (shift < gap), np.abs(shift - 0.5 * gap), np.inf)
    give = int(np.argmin(distance)) if top.size else 0
    # a change that rounding swallows would be done for ever
    if not top.size or not distance[give] < 0.5 * gap * (1 - 1e-9):
        return None
    return give, int(pick[give]) - 1


def _sorted_with(costs: FloatArray, items: IntArray, more: IntArray) -> IntArray:
    joined = np.concatenate([items, more])
    return joined[np.argsort(costs[joined], kind="stable")]
