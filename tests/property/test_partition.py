"""Partitions of any costs among any number of ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodamus_like.parallel.partition import (
    efficiency,
    partition,
    partition_karmarkar_karp,
    partition_lpt,
    rank_loads,
    refine,
)

COSTS = st.lists(st.floats(0, 1e6, allow_nan=False), max_size=60).map(np.array)
SIZES = st.integers(1, 12)
METHODS = (partition_lpt, partition_karmarkar_karp, partition)


@pytest.mark.parametrize("method", METHODS)
@given(costs=COSTS, size=SIZES)
def test_every_item_is_on_one_rank(method, costs, size):
    owners = method(costs, size)
    assert owners.shape == costs.shape
    assert np.all((owners >= 0) & (owners < size))
    assert rank_loads(costs, owners, size).sum() == pytest.approx(costs.sum())


@given(costs=COSTS, size=SIZES)
def test_never_worse_than_lpt(costs, size):
    lpt = rank_loads(costs, partition_lpt(costs, size), size)
    best = rank_loads(costs, partition(costs, size), size)
    assert best.max() <= lpt.max() * (1 + 1e-12)


@given(costs=COSTS, size=SIZES)
def test_lpt_is_greedy(costs, size):
    # list scheduling: the fullest rank without its last item was the emptiest when that came
    loads = rank_loads(costs, partition_lpt(costs, size), size)
    largest = costs.max(initial=0)
    assert loads.max() <= costs.sum() / size + largest * (1 - 1 / size) + 1e-9 * costs.sum()


@given(costs=COSTS, size=SIZES)
def test_refining_never_raises_the_largest_load(costs, size):
    owners = np.arange(costs.size) % size
    before = rank_loads(costs, owners, size)
    after = rank_loads(costs, refine(costs, owners, size), size)
    assert after.max() <= before.max() * (1 + 1e-12)
    assert after.sum() == pytest.approx(before.sum())


@pytest.mark.parametrize("method", METHODS)
@given(costs=COSTS, size=SIZES)
def test_repeatable(method, costs, size):
    assert np.array_equal(method(costs, size), method(costs.copy(), size))


@given(size=SIZES, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_graham_bound_against_a_known_optimum(size, seed):
    # ranks cut into pieces: the optimum is 1 by construction
    rng = np.random.default_rng(seed)
    costs = np.concatenate([rng.dirichlet(np.ones(4)) for _ in range(size)])
    loads = rank_loads(costs, partition_lpt(costs, size), size)
    assert loads.max() <= 4 / 3 - 1 / (3 * size) + 1e-9


@pytest.mark.parametrize("size", [2, 16, 128])
@pytest.mark.parametrize("spread", [0.3, 0.7, 1.0])
def test_skewed_costs_with_eight_items_per_rank_reach_98_percent(size, spread):
    costs = np.random.default_rng(1).lognormal(0, spread, 8 * size)
    costs = np.minimum(costs, costs.mean() * 6)  # what is larger than a rank's share cannot be shared
    assert efficiency(rank_loads(costs, partition(costs, size), size)) >= 0.98


def test_items_that_cost_nothing_are_spread():
    owners = partition_lpt(np.zeros(8), 4)
    assert np.bincount(owners).tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("costs", [[1.0, -1.0], [np.nan], [np.inf]])
def test_bad_costs_are_refused(costs):
    with pytest.raises(ValueError, match="costs"):
        partition(np.array(costs), 2)


def test_no_ranks_are_refused():
    with pytest.raises(ValueError, match="0 ranks"):
        partition(np.ones(3), 0)


@pytest.mark.parametrize(("loads", "expected"), [([1, 1], 1.0), ([2, 0], 0.5), ([0, 0], 1.0), ([], 1.0)])
def test_efficiency(loads, expected):
    loads = np.array(loads, dtype=float)
    assert (efficiency(loads) if loads.size else 1.0) == expected
