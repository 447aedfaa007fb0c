"""Connectors of bmtool's kind: probabilities of single and reciprocal connections, gap junctions, partitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from neurodamus_like.builder import (
    CorrelatedGapJunction,
    GapJunction,
    Gaussian,
    NetworkBuilder,
    OneToOneSequentialConnector,
    ReciprocalConnector,
    UnidirectionConnector,
)
from neurodamus_like.builder.reciprocal import pr_from_rho, rho_from_pr
from neurodamus_like.exceptions import ConfigurationError

LEVEL = 1e-4


def network(n: int = 200, m: int = 0, seed: int = 1) -> NetworkBuilder:
    at = np.random.default_rng(4).uniform(0, 100, (n + m, 3))
    net = NetworkBuilder("net", seed=seed)
    net.add_nodes(N=n, pop_name="A", positions=at[:n])
    if m:
        net.add_nodes(N=m, pop_name="B", positions=at[n:])
    return net


def table(net: NetworkBuilder, edge_type: int | None = None) -> np.ndarray:
    size = len(net.nodes())
    counts = np.zeros((size, size), dtype=int)
    for edge in net.edges():
        if edge_type in (None, edge.edge_type_id):
            counts[edge.source_node_id, edge.target_node_id] += edge["nsyns"]
    return counts


def fits(count: int, size: int, p: float) -> bool:
    return bool(stats.binomtest(int(count), size, p).pvalue > LEVEL)


def test_unidirectional() -> None:
    net = network(150, 120)
    connector = UnidirectionConnector(p=0.15, n_syn=2)
    connector.setup_nodes(source=net.nodes(pop_name="A"), target=net.nodes(pop_name="B"))
    net.add_edges(**connector.edge_params())
    counts = table(net)[:150, 150:]
    assert set(np.unique(counts)) == {0, 2}
    assert fits((counts > 0).sum(), counts.size, 0.15)
    assert table(net).sum() == counts.sum()


@pytest.mark.parametrize("by_function", [False, True])
def test_unidirectional_by_distance(by_function: bool) -> None:
    net = network(200)

    def argument(source: Any, target: Any) -> float:
        return float(np.linalg.norm(np.subtract(source["positions"], target["positions"])))

    connector = UnidirectionConnector(p=Gaussian(30.0), p_arg=argument if by_function else None)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    at = net.nodes()["positions"]
    p = Gaussian(30.0)(np.linalg.norm(at[:, None] - at[None], axis=2))
    z = (table(net).sum() - p.sum()) / np.sqrt((p * (1 - p)).sum())
    assert abs(z) < stats.norm.isf(LEVEL)


@pytest.mark.parametrize(("p0", "pr"), [(0.15, 0.06767705087), (0.1, 0.01), (0.5, 0.5), (0.6, 0.2)])
def test_reciprocal_inside_a_population(p0: float, pr: float) -> None:
    net = network(300)
    connector = ReciprocalConnector(p0=p0, pr=pr, n_syn0=3, n_syn1=3, estimate_rho=False)
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    net.add_edges(**connector.edge_params())
    linked = table(net) > 0
    upper = np.triu_indices(300, 1)
    forth, back = linked[upper], linked.T[upper]
    assert np.all(np.diag(table(net)) == 0)
    assert set(np.unique(table(net))) == {0, 3}
    pairs = forth.size
    expected = np.array([pr, p0 - pr, p0 - pr, 1 - 2 * p0 + pr]) * pairs
    observed = np.array(
        [(forth & back).sum(), (forth & ~back).sum(), (~forth & back).sum(), (~forth & ~back).sum()]
    )
    used = expected > 0
    assert observed[~used].sum() == 0
    assert stats.chisquare(observed[used], expected[used]).pvalue > LEVEL


def test_reciprocal_between_populations_and_autapses() -> None:
    net = network(200, 180)
    connector = ReciprocalConnector(p0=0.2, p1=0.1, pr=0.08, n_syn1=2)
    connector.setup_nodes(source=net.nodes(pop_name="A"), target=net.nodes(pop_name="B"))
    net.add_edges(**connector.edge_params())
    connector.setup_nodes(source=net.nodes(pop_name="B"), target=net.nodes(pop_name="A"))
    net.add_edges(**connector.edge_params())
    counts = table(net)
    forth, back = counts[:200, 200:], counts[200:, :200].T
    assert fits((forth > 0).sum(), forth.size, 0.2)
    assert fits((back > 0).sum(), back.size, 0.1)
    assert fits(((forth > 0) & (back > 0)).sum(), back.size, 0.08)
    assert (forth.max(), back.max()) == (1, 2)
    own = network(400)
    connector = ReciprocalConnector(p0=0.3, pr=0.1, autapses=True)
    connector.setup_nodes(own.nodes(), own.nodes())
    own.add_edges(**connector.edge_params())
    assert fits(np.diag(table(own)).sum(), 400, 0.3)


def test_reciprocal_with_estimated_correlation() -> None:
    net = network(250)
    profile = Gaussian(40.0, 0.4)
    connector = ReciprocalConnector(p0=profile, pr=0.08, estimate_rho=True)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    linked = table(net) > 0
    at = net.nodes()["positions"]
    p = profile(np.linalg.norm(at[:, None] - at[None], axis=2))
    upper = np.triu_indices(250, 1)
    both = (linked & linked.T)[upper]
    assert connector.rho is not None
    expected = pr_from_rho(p[upper], p[upper], connector.rho)
    assert expected.mean() == pytest.approx(0.08, rel=1e-6)
    z = (both.sum() - expected.sum()) / np.sqrt((expected * (1 - expected)).sum())
    assert abs(z) < stats.norm.isf(LEVEL)
    z = (linked[upper].sum() - p[upper].sum()) / np.sqrt((p * (1 - p))[upper].sum())
    assert abs(z) < stats.norm.isf(LEVEL)


def test_rho_and_pr_belong_together() -> None:
    assert pr_from_rho(0.2, 0.3, rho_from_pr(0.2, 0.3, 0.1)) == pytest.approx(0.1)
    assert pr_from_rho(0.2, 0.3, 1.0) == pytest.approx(0.2)
    assert pr_from_rho(0.2, 0.3, -1.0) == 0.0


def test_correlated_gap_junctions() -> None:
    net = network(300)
    connector = ReciprocalConnector(p0=0.15, pr=0.06)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params(), edge_type_id=1)
    junctions = CorrelatedGapJunction(p_non=0.12, p_uni=0.56, p_rec=1, connector=connector)
    junctions.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**junctions.edge_params(), is_gap_junction=True, syn_weight=1e-4, edge_type_id=2)
    linked, gaps = table(net, 1) > 0, table(net, 2)
    upper = np.triu_indices(300, 1)
    assert np.all(np.tril(gaps) == 0)
    state = linked[upper].astype(int) + linked.T[upper]
    for value, p in ((0, 0.12), (1, 0.56)):
        assert fits(gaps[upper][state == value].sum(), (state == value).sum(), p)
    assert np.all(gaps[upper][state == 2] == 1)


def test_uncorrelated_gap_junctions() -> None:
    net = network(200)
    junctions = GapJunction(p=0.3)
    junctions.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**junctions.edge_params(), is_gap_junction=True)
    counts = table(net)
    assert np.all(np.tril(counts) == 0)
    assert fits(counts.sum(), 200 * 199 // 2, 0.3)


@pytest.mark.parametrize("partition_source", [False, True])
def test_one_to_one_sequential(partition_source: bool) -> None:
    net, drive = network(30, 20), NetworkBuilder("drive")
    drive.add_nodes(N=60, model_type="virtual")
    connector = OneToOneSequentialConnector(n_syn=4, partition_source=partition_source)
    parts = [net.nodes(pop_name="A"), net.nodes(pop_name="B")]
    for number, part in enumerate(parts):
        whole = drive.nodes() if number == 0 else None
        ends = (part, whole) if partition_source else (whole, part)
        connector.setup_nodes(source=ends[0], target=ends[1])
        drive.add_edges(**connector.edge_params())
    pairs = [(e.source_node_id, e.target_node_id, e["nsyns"]) for e in drive.edges()]
    assert sorted(pairs) == [(i, i, 4) for i in range(50)]
    with pytest.raises(ConfigurationError, match="70 nodes are to be paired with the 60 nodes"):
        connector.setup_nodes(*((parts[1], None) if partition_source else (None, parts[1])))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda net: UnidirectionConnector().edge_params(), "no source nodes"),
        (
            lambda net: UnidirectionConnector().setup_nodes(net.nodes(pop_name="C"), net.nodes()),
            "no node fits",
        ),
        (lambda net: CorrelatedGapJunction(), "needs the connector"),
        (lambda net: ReciprocalConnector().setup_nodes(net.nodes(pop_name="A"), net.nodes()), "share some"),
    ],
)
def test_wrong_set_up(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(network(5, 5))


def test_impossible_reciprocity_names_the_edge_group() -> None:
    net = network(10)
    connector = ReciprocalConnector(p0=0.1, pr=0.5)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    with pytest.raises(ConfigurationError, match=r"edge group 100 .*pr=0.5 does not go with p0=0.1"):
        net.build()
