"""Array rules: who connects to whom, exactly or in distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from neurodamus_like.builder import (
    RULES,
    DistanceProbability,
    Exponential,
    FixedIndegree,
    FixedNumber,
    FixedOutdegree,
    Gaussian,
    NearestK,
    NetworkBuilder,
    OneToOne,
    Probability,
    array_rule,
)
from neurodamus_like.builder.sampling import bernoulli_positions, distinct_per_row
from neurodamus_like.exceptions import ConfigurationError, UnknownNameError

LEVEL = 1e-4
"""Tests of distributions fail by chance once in 10,000 seeds; seeds are fixed."""


def table(net: NetworkBuilder, n_sources: int, n_targets: int) -> np.ndarray:
    """Synapses of each pair, [sources, targets]."""
    counts = np.zeros((n_sources, n_targets), dtype=int)
    for edge in net.edges():
        counts[edge.source_node_id, edge.target_node_id] += edge.get("nsyns", 1)
    return counts


def build(rule: Any, n: int = 60, m: int | None = None, seed: int = 1, **nodes: Any) -> np.ndarray:
    """Connect a population with itself (or n sources with m targets of another network)."""
    net = NetworkBuilder("a", seed=seed)
    net.add_nodes(N=n, **nodes)
    if m is None:
        net.add_edges(connection_rule=rule)
        return table(net, n, n)
    other = NetworkBuilder("b")
    other.add_nodes(N=m)
    net.add_edges(target=other.nodes(), connection_rule=rule)
    return table(net, n, m)


@pytest.mark.parametrize("p", [0.003, 0.05, 0.29, 0.31, 0.9])
def test_bernoulli_positions_have_the_right_number_and_gaps(p: float) -> None:
    found = bernoulli_positions(np.random.default_rng(3), 400_000, p)
    assert np.all(np.diff(found) > 0)
    assert found[-1] < 400_000
    assert stats.binomtest(found.size, 400_000, p).pvalue > LEVEL
    gaps = np.diff(found)
    limits = np.unique(stats.geom.ppf([0.1, 0.25, 0.5, 0.75, 0.9], p))
    observed = np.bincount(np.searchsorted(limits, gaps), minlength=limits.size + 1)
    expected = np.diff(np.concatenate([[0.0], stats.geom.cdf(limits, p), [1.0]])) * gaps.size
    assert observed.size >= 2
    assert stats.chisquare(observed, expected).pvalue > LEVEL


def test_bernoulli_positions_at_the_ends() -> None:
    rng = np.random.default_rng(1)
    assert bernoulli_positions(rng, 10, 0.0).size == 0
    assert bernoulli_positions(rng, 0, 0.5).size == 0
    assert bernoulli_positions(rng, 10, 1.0).tolist() == list(range(10))
    assert bernoulli_positions(rng, 10**15, 1e-18).size <= 1


@pytest.mark.parametrize(("size", "count"), [(5, 2), (5, 4), (6, 3), (4, 4), (3, 0)])
def test_all_subsets_are_equally_probable(size: int, count: int) -> None:
    rows = distinct_per_row(np.random.default_rng(5), 20_000, size, count)
    assert rows.shape == (20_000, count)
    assert np.all(np.diff(rows, axis=1) > 0)
    _, observed = np.unique(rows @ (size ** np.arange(count)), return_counts=True)
    if observed.size > 1:
        assert observed.size == len(list(__import__("itertools").combinations(range(size), count)))
        assert stats.chisquare(observed).pvalue > LEVEL


def test_probability_connects_each_pair_alike() -> None:
    total = sum(build(Probability(0.2), 40, seed=s) for s in range(50))
    assert total.max() <= 50
    z = (total - 10) / np.sqrt(50 * 0.2 * 0.8)
    assert stats.chi2.sf((z**2).sum(), total.size) > LEVEL
    assert stats.chi2.cdf((z**2).sum(), total.size) > LEVEL


def test_probability_in_degrees_are_binomial() -> None:
    degrees = build(Probability(0.1), 1000, 400).sum(axis=0)
    edges = stats.binom.ppf([0.1, 0.3, 0.5, 0.7, 0.9], 1000, 0.1)
    observed = np.bincount(np.searchsorted(edges, degrees), minlength=6)
    expected = np.diff(np.concatenate([[0], stats.binom.cdf(edges, 1000, 0.1), [1]])) * degrees.size
    assert stats.chisquare(observed, expected).pvalue > LEVEL


def test_numbers_of_synapses_are_uniform_between_bounds() -> None:
    counts = build(Probability(0.5, n_syn=(2, 5)), 100)
    observed = np.bincount(counts[counts > 0], minlength=6)
    assert observed[:2].sum() == 0
    assert stats.chisquare(observed[2:]).pvalue > LEVEL


def test_self_connections_can_be_left_out() -> None:
    assert np.all(np.diag(build(Probability(1.0, self_connections=False), 20)) == 0)
    assert build(Probability(1.0), 20).sum() == 400


@pytest.mark.parametrize("multapses", [False, True])
def test_fixed_number(multapses: bool) -> None:
    counts = build(FixedNumber(700, multapses=multapses, self_connections=False), 50)
    assert counts.sum() == 700
    assert np.all(np.diag(counts) == 0)
    assert (counts.max() > 1) == multapses


def test_fixed_number_spreads_evenly() -> None:
    total = sum(build(FixedNumber(300), 30, seed=s) for s in range(40))
    assert stats.chisquare(total.sum(axis=0)).pvalue > LEVEL
    assert stats.chisquare(total.sum(axis=1)).pvalue > LEVEL


@pytest.mark.parametrize("k", [0, 7, 45, 59])
def test_fixed_indegree(k: int) -> None:
    counts = build(FixedIndegree(k, self_connections=False), 60)
    assert np.all(counts.sum(axis=0) == k)
    assert counts.max(initial=0) <= 1
    assert np.all(np.diag(counts) == 0)


def test_fixed_outdegree_is_the_transpose_in_kind() -> None:
    counts = build(FixedOutdegree(9), 80, 50)
    assert np.all(counts.sum(axis=1) == 9)
    assert counts.max() == 1
    assert stats.chisquare(counts.sum(axis=0)).pvalue > LEVEL


def test_one_to_one() -> None:
    assert np.array_equal(build(OneToOne(n_syn=3), 300, 300), 3 * np.eye(300, dtype=int))
    with pytest.raises(ConfigurationError, match="300 sources and 200 targets"):
        build(OneToOne(), 300, 200)


def positions(n: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 200, (n, 3))


def distances(at: np.ndarray, period: float | None = None) -> np.ndarray:
    delta = at[:, None] - at[None]
    if period:
        delta -= period * np.rint(delta / period)
    return np.linalg.norm(delta, axis=2)


@pytest.mark.parametrize("period", [None, 200.0])
@pytest.mark.parametrize(
    "profile",
    [
        Gaussian(40.0, 0.7),
        Exponential(25.0),
        lambda d: 0.5 * np.exp(-(((d - 60) / 15) ** 2)),
        lambda d: (d < 110) * 0.3,
    ],
    ids=["gaussian", "exponential", "ring", "step"],
)
def test_distance_rules_follow_their_profile(profile: Any, period: float | None) -> None:
    at = positions(500)
    sides = None if period is None else (period,) * 3
    counts = build(DistanceProbability(profile, period=sides), 500, positions=at)
    d = distances(at, period)
    p = np.asarray(profile(d), dtype=float)
    np.fill_diagonal(p, 0.0)
    edges = np.quantile(d, np.linspace(0, 1, 16))
    bins = np.clip(np.searchsorted(edges, d, side="right") - 1, 0, 14)
    observed = np.bincount(bins.ravel(), counts.ravel(), minlength=15)
    mean = np.bincount(bins.ravel(), p.ravel(), minlength=15)
    spread = np.bincount(bins.ravel(), (p * (1 - p)).ravel(), minlength=15)
    used = spread > 5
    z = (observed[used] - mean[used]) / np.sqrt(spread[used])
    assert counts.max() == 1
    assert used.sum() >= 3
    assert stats.chi2.sf((z**2).sum(), used.sum()) > LEVEL
    assert np.all(observed[mean == 0] == 0)


def test_distances_of_edges_have_the_distribution_of_dense_sampling() -> None:
    at = positions(800)
    d, profile = distances(at), Gaussian(30.0)
    np.fill_diagonal(d, np.inf)
    sparse = d[build(DistanceProbability(profile), 800, positions=at) > 0]
    dense = d[np.random.default_rng(9).random(d.shape) < profile(d)]
    assert stats.ks_2samp(sparse, dense).pvalue > LEVEL


def test_distance_limits_and_axes() -> None:
    at = positions(200)
    counts = build(
        DistanceProbability(lambda d: np.ones_like(d), min_distance=30, max_distance=60, axes="xz"),
        200,
        positions=at,
    )
    flat = np.linalg.norm((at[:, None] - at[None])[..., [0, 2]], axis=2)
    assert np.array_equal(counts > 0, (flat >= 30) & (flat <= 60))


def test_nearest() -> None:
    at = positions(150)
    counts = build(NearestK(6), 150, positions=at)
    d = distances(at)
    np.fill_diagonal(d, np.inf)
    expected = np.zeros_like(counts)
    for target in range(150):
        expected[np.argsort(d[:, target])[:6], target] = 1
    assert np.array_equal(counts, expected)
    assert build(NearestK(500), 20, positions=at[:20]).sum() == 380
    assert build(NearestK(5, max_distance=0.001), 20, positions=at[:20]).sum() == 0
    assert np.all(build(NearestK(3, period=(200, 200, 200)), 150, positions=at).sum(axis=0) == 3)


def test_rules_by_name_and_functions_as_rules() -> None:
    @array_rule
    def band(sources: Any, targets: Any, block: slice, rng: Any, width: int) -> Any:
        return (np.abs(targets.ids[block, None] - sources.ids[None]) <= width) * 2

    @array_rule
    def previous(sources: Any, targets: Any, block: slice, rng: Any) -> Any:
        target = np.flatnonzero(targets.ids[block] > 0)
        return targets.ids[block][target] - 1, target, np.full(target.size, 4)

    net = NetworkBuilder("a")
    net.add_nodes(N=400)
    net.add_edges(connection_rule=band, connection_params={"width": 1})
    net.add_edges(connection_rule=previous)
    net.add_edges(connection_rule="one_to_one")
    expected = 2 * (np.abs(np.subtract.outer(np.arange(400), np.arange(400))) <= 1)
    expected += 4 * np.eye(400, k=1, dtype=int) + np.eye(400, dtype=int)
    assert np.array_equal(table(net, 400, 400), expected)
    assert {"probability", "distance_probability", "fixed_indegree", "nearest"} <= set(RULES.names())
    with pytest.raises(UnknownNameError, match="did you mean 'probability'"):
        net.add_edges(connection_rule="probabilty")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: Probability(1.5), "p=1.5 is not a probability"),
        (lambda: Probability(0.1, n_syn=-1), "n_syn=-1"),
        (lambda: FixedIndegree(61), "k=61 connections for each node, but there are 60 sources"),
        (lambda: FixedNumber(5000), "5000 connections do not fit"),
        (lambda: DistanceProbability(lambda d: 2 * np.ones_like(d)), "the profile returned 2.0"),
        (lambda: DistanceProbability(lambda d: 0.5), "the profile returned shape"),
        (lambda: DistanceProbability(Gaussian(1.0), axes="xw"), "axes='xw'"),
        (lambda: NearestK(0), "k=0"),
        (lambda: array_rule(lambda s, t, b, r: np.zeros((3, 3))), r"array of shape \(3, 3\)"),
        (lambda: array_rule(lambda s, t, b, r: ([999], [0])), "source indices outside"),
    ],
)
def test_wrong_parameters(rule: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build(rule(), 60, x=np.arange(60.0))


def test_errors_name_the_edge_group(tmp_path: Path) -> None:
    net = NetworkBuilder("cortex")
    net.add_nodes(N=5, ei="e")
    net.add_edges(source={"ei": "e"}, connection_rule=FixedIndegree(9), edge_type_id=7)
    with pytest.raises(ConfigurationError, match=r"edge group 7 \(cortex\[ei=='e'\] to cortex\[\*\]\)"):
        net.build()
