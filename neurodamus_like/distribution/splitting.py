"""Cells larger than a rank's share, cut into branches that go to several ranks. Pure arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodamus_like.parallel.partition import efficiency, partition, rank_loads

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SHARES = (0.8, 0.4, 0.2)
"""Largest branch, in shares of a rank: the first is neurodamus's; smaller ones are tried where it leaves ranks idle."""

SPLIT_IDS_PER_CELL = 20_000
"""Numbers set aside for the split points of a cell: no more than it has sections."""

GOOD_ENOUGH = 0.95
"""Efficiency above which smaller branches are not tried."""


@dataclass(frozen=True)
class SectionTree:
    """The sections of a cell in the numbering of edges: 0 is the soma.

    Attributes
    ----------
    parents
        int64[n], -1 for the soma; parents come before their children.
    ns
        float64[n], cost of each section with its synapses.
    cuttable
        bool[n]: dendrites; soma and axon stay together.
    """

    parents: IntArray
    ns: FloatArray
    cuttable: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SplitCell:
    """Where the branches of a cell are.

    Attributes
    ----------
    home
        Rank of the soma and what else is on no branch.
    roots
        First section of each branch (edge numbering); a branch ends where another begins.
    ranks
        Rank of each branch.
    first_id
        Numbers from here on are free for the split points of this cell.
    """

    home: int
    roots: tuple[int, ...]
    ranks: tuple[int, ...]
    first_id: int


@dataclass(frozen=True)
class Branches:
    """A cell cut into branches: cost of the part with the soma, then of each branch, in the order of `roots`."""

    roots: tuple[int, ...]
    ns: tuple[float, ...]


def cut_tree(tree: SectionTree, limit: float) -> Branches:
    """Cut a tree so that no branch costs more than `limit`, as far as sections allow.

    From the tips towards the soma, a section with too much on it loses its most expensive branches.
    """
    rest = tree.ns.copy()
    children: dict[int, list[int]] = {}
    roots = []
    for number in range(tree.parents.size - 1, -1, -1):
        mine = sorted(children.get(number, ()), key=lambda n: (-rest[n], n))
        rest[number] += sum(rest[n] for n in mine)
        for child in mine:
            if rest[number] <= limit:
                break
            if tree.cuttable[child]:
                rest[number] -= rest[child]
                roots.append(child)
        if number:
            children.setdefault(int(tree.parents[number]), []).append(number)
    roots.sort()
    return Branches(tuple(roots), (float(rest[0]), *(float(rest[n]) for n in roots)))


@dataclass(frozen=True)
class SplitPlan:
    """Cells and branches shared among ranks.

    Attributes
    ----------
    owners
        int64[n], rank of each cell, or of its part with the soma.
    branches, ranks
        Number of a cell -> its branches, and the rank of each.
    loads
        float64[size], ns.
    """

    owners: IntArray
    branches: Mapping[int, Branches]
    ranks: Mapping[int, tuple[int, ...]]
    loads: FloatArray


def plan_splits(
    ns: FloatArray, size: int, tree_of: Callable[[int], SectionTree | None], shares: Sequence[float] = SHARES
) -> SplitPlan:
    """Share cells among ranks, those that cost too much in branches.

    Parameters
    ----------
    ns
        Cost of each cell, shape (n,).
    size
        Number of ranks.
    tree_of
        Number of a cell -> its sections; None: it has to stay whole.
    shares
        Largest branches to try, in shares of a rank.
    """
    trees: dict[int, SectionTree | None] = {}
    best: SplitPlan | None = None
    for share in shares:
        limit = share * float(ns.sum()) / size
        large = np.flatnonzero(ns > limit).tolist()
        trees |= {cell: tree_of(cell) for cell in large if cell not in trees}
        branches = {c: cut_tree(t, limit) for c in large if (t := trees[c]) is not None}
        plan = _assign(ns, size, {c: b for c, b in branches.items() if b.roots})
        if best is None or efficiency(plan.loads) > efficiency(best.loads):
            best = plan
        if efficiency(best.loads) >= GOOD_ENOUGH:
            break
    assert best is not None
    return best


def _assign(ns: FloatArray, size: int, branches: Mapping[int, Branches]) -> SplitPlan:
    items = ns.copy()
    for cell, found in branches.items():
        items[cell] = found.ns[0]
    more = [np.array(found.ns[1:]) for found in branches.values()]
    together: FloatArray = np.concatenate([items, *more])
    owners = partition(together, size)
    ends = np.cumsum([items.size, *(len(part) for part in more)])
    ranks = {
        cell: tuple(owners[begin:end].tolist())
        for cell, begin, end in zip(branches, ends[:-1], ends[1:], strict=True)
    }
    return SplitPlan(owners[: items.size], branches, ranks, rank_loads(together, owners, size))
