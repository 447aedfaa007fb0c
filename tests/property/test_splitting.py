"""Cutting trees into branches, and the cuts that NEURON can solve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodamus_like.distribution.splitting import SectionTree, cut_tree, plan_splits
from neurodamus_like.engine.tree_cuts import branch_owners, find_cuts
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.parallel.partition import efficiency


@st.composite
def trees(draw: st.DrawFn, largest: int = 40) -> SectionTree:
    n = draw(st.integers(1, largest))
    parents = [-1] + [draw(st.integers(max(0, i - 4), i - 1)) for i in range(1, n)]
    ns = draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n))
    axon = draw(st.integers(0, 3))
    cuttable = np.array([i > axon for i in range(n)])
    return SectionTree(np.array(parents), np.array(ns), cuttable)


def branch_of(tree: SectionTree, roots: tuple[int, ...], number: int) -> int:
    while number and number not in roots:
        number = int(tree.parents[number])
    return number


@given(trees(), st.floats(0.5, 100))
def test_branches_cover_the_cell_and_their_costs_are_right(tree: SectionTree, limit: float) -> None:
    found = cut_tree(tree, limit)
    sums = dict.fromkeys((0, *found.roots), 0.0)
    for number in range(tree.ns.size):
        sums[branch_of(tree, found.roots, number)] += tree.ns[number]
    assert list(sums.values()) == pytest.approx(list(found.ns))
    assert all(tree.cuttable[root] for root in found.roots)


@given(trees(), st.floats(10, 100))
def test_no_branch_is_larger_than_the_limit(tree: SectionTree, limit: float) -> None:
    everywhere = SectionTree(tree.parents, tree.ns, np.arange(tree.ns.size) > 0)
    # a single section may cost up to 10
    assert max(cut_tree(everywhere, limit).ns) <= limit * (1 + 1e-9)


def test_a_small_cell_is_not_cut() -> None:
    assert cut_tree(SectionTree(np.array([-1, 0]), np.ones(2), np.array([False, True])), 2.0).roots == ()


@given(trees(largest=60), st.integers(2, 8))
@settings(max_examples=50)
def test_plans_are_never_worse_than_whole_cells(tree: SectionTree, size: int) -> None:
    ns = np.array([tree.ns.sum(), 1.0, 2.0])
    plan = plan_splits(ns, size, lambda cell: tree if cell == 0 else None)
    assert plan.loads.sum() == pytest.approx(ns.sum())
    assert plan.loads.max() <= ns.max() + ns.sum() / size
    assert set(plan.branches) <= {0}
    for cell, found in plan.branches.items():
        assert len(plan.ranks[cell]) == len(found.roots) == len(found.ns) - 1


def test_one_large_cell_keeps_all_ranks_busy() -> None:
    parents = np.array([-1, *((i - 1) // 2 for i in range(1, 127))])
    tree = SectionTree(parents, np.ones(127), np.arange(127) > 0)
    for size in (2, 4, 8):
        assert efficiency(plan_splits(np.array([127.0]), size, lambda _: tree).loads) > 0.8


def test_cells_that_must_stay_whole_stay_whole() -> None:
    plan = plan_splits(np.array([100.0, 1.0]), 4, lambda _: None)
    assert plan.branches == {}
    assert plan.loads.max() == 100.0


# --- cuts --------------------------------------------------------------------------------------------------


@given(trees(), st.data())
@settings(max_examples=150)
def test_pieces_have_two_split_points_at_most(tree: SectionTree, data: st.DataObject) -> None:
    above = tree.parents.tolist()
    n = len(above)
    roots = data.draw(st.sets(st.integers(1, n - 1), max_size=8)) if n > 1 else set()
    owners = branch_owners(above, {root: data.draw(st.integers(0, 3)) for root in sorted(roots)}, 0)
    x = [0.5 if parent == 0 else 1.0 for parent in above]
    cuts = find_cuts(above, x, owners)
    assert {k for k in range(1, n) if owners[k] != owners[above[k]]} <= set(cuts)
    points: dict[int, set[int]] = {}
    for cut in cuts:
        points.setdefault(branch_of(tree, tuple(cuts), above[cut]), set()).add(above[cut])
        points.setdefault(cut, set()).add(above[cut])
    assert max((len(found) for found in points.values()), default=0) <= 2
    for piece in (0, *cuts):
        members = [k for k in range(n) if branch_of(tree, tuple(cuts), k) == piece]
        assert len({owners[k] for k in members}) == 1


def test_a_fork_between_cuts_is_cut_too() -> None:
    # 0 - 1 - 2 forks into 3 and 4; what begins at 5 (below 3) and 6 (below 4) goes away, and so does 1
    above = [-1, 0, 1, 2, 2, 3, 4]
    owners = branch_owners(above, {1: 1, 5: 2, 6: 0}, 0)
    assert owners == [0, 1, 1, 1, 1, 2, 0]
    assert find_cuts(above, [0.5] + [1.0] * 6, owners) == [1, 3, 4, 5, 6]


def test_impossible_cuts_are_refused() -> None:
    with pytest.raises(SimulationError, match="at its root"):
        branch_owners([-1, 0], {0: 1}, 0)
    # three branches at three points of one unbranched section
    with pytest.raises(SimulationError, match="more than two points"):
        find_cuts([-1, 0, 0, 0], [0.0, 0.2, 0.5, 0.8], [0, 1, 2, 3])
