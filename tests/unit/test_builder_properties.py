"""Array properties: formulas, distributions, placement on morphologies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from neurodamus_like.builder import (
    Constant,
    DistanceDelay,
    DistanceFunction,
    ExponentialValues,
    ExponentialWeight,
    Gamma,
    GaussianWeight,
    LogNormal,
    NetworkBuilder,
    NodeFunction,
    Normal,
    OrientationTuning,
    SynapsePlacement,
    Uniform,
    UniformInt,
    array_property,
)
from neurodamus_like.builder.bionet import get_swc, rand_syn_locations
from neurodamus_like.exceptions import ConfigurationError, MorphologyError

LEVEL = 1e-4

SWC = """# soma of 10 um, a basal dendrite that forks, an apical one
1 1 0 0 0 5 -1
2 3 0 -5 0 1 1
3 3 0 -105 0 1 2
4 3 50 -105 0 1 3
5 3 -150 -105 0 1 3
6 4 0 5 0 1 1
7 4 0 305 0 1 6
"""


def values(rule: Any, names: Any = "v", n: int = 150, seed: int = 1, **nodes: Any) -> list[Any]:
    net = NetworkBuilder("a", seed=seed)
    net.add_nodes(N=n, **nodes)
    net.add_edges(connection_rule=1).add_properties(names, rule=rule)
    return net.edges()


def column(edges: list[Any], name: str = "v") -> np.ndarray:
    return np.asarray([e[name] for e in edges])


@pytest.mark.parametrize(
    ("rule", "cdf"),
    [
        (Normal(2.0, 0.5), stats.norm(2.0, 0.5).cdf),
        (Normal(0.0, 1.0, low=0.5), stats.truncnorm(0.5, np.inf).cdf),
        (Uniform(1.0, 3.0), stats.uniform(1.0, 2.0).cdf),
        (ExponentialValues(4.0), stats.expon(scale=4.0).cdf),
        (Gamma(2.0, 1.0), stats.gamma(4.0, scale=0.5).cdf),
        (LogNormal(3.0, 1.0), stats.lognorm(np.sqrt(np.log(1 + 1 / 9)), scale=3 / np.sqrt(1 + 1 / 9)).cdf),
    ],
    ids=["normal", "truncated", "uniform", "exponential", "gamma", "lognormal"],
)
def test_distributions(rule: Any, cdf: Any) -> None:
    assert stats.kstest(column(values(rule)), cdf).pvalue > LEVEL


def test_whole_numbers_and_constants() -> None:
    found = column(values(UniformInt(3, 6)))
    assert stats.chisquare(np.bincount(found)[3:]).pvalue > LEVEL
    edges = values(Constant((1, "x", 0.5)), ["a", "b", "c"], n=3)
    assert [(e["a"], e["b"], e["c"]) for e in edges] == [(1, "x", 0.5)] * 9
    assert column(values(7, n=2)).tolist() == [7] * 4


def test_seeds_rule_the_values() -> None:
    first, again, other = (column(values(Normal(0, 1), seed=s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.any(first == other)


def test_values_by_distance() -> None:
    at = np.random.default_rng(1).uniform(0, 100, (40, 3))

    def ends(edges: list[Any]) -> np.ndarray:
        return np.asarray([np.linalg.norm(at[e.source_node_id] - at[e.target_node_id]) for e in edges])

    for rule, expected in (
        (DistanceDelay(250.0, offset=0.4, minimum=0.5), lambda d: np.maximum(0.4 + d / 250.0, 0.5)),
        (GaussianWeight(2.0, 30.0), lambda d: 2.0 * np.exp(-(d**2) / 1800.0)),
        (ExponentialWeight(2.0, 30.0), lambda d: 2.0 * np.exp(-d / 30.0)),
        (DistanceFunction(lambda d: d), lambda d: d),
    ):
        edges = values(rule, n=40, positions=at)
        np.testing.assert_allclose(column(edges), expected(ends(edges)), rtol=1e-12, atol=1e-12)
    edges = values(DistanceFunction(lambda d: d, period=(100, 100, 0)), n=40, positions=at)
    delta = np.asarray([at[e.target_node_id] - at[e.source_node_id] for e in edges])
    delta[:, :2] -= 100 * np.rint(delta[:, :2] / 100)
    np.testing.assert_allclose(column(edges), np.linalg.norm(delta, axis=1))


def test_orientation_tuning_and_functions_of_nodes() -> None:
    angles = [0.0, 25.0, 90.0, 180.0, 270.0, 350.0]
    edges = values(OrientationTuning(2.0, 50.0), n=6, tuning_angle=angles)
    for edge in edges:
        a, b = angles[edge.source_node_id], angles[edge.target_node_id]
        delta = abs(a - b) % 180
        assert edge["v"] == pytest.approx(2.0 * np.exp(-((min(delta, 180 - delta) / 50.0) ** 2)))
    edges = values(NodeFunction(lambda a, b: a * 10 + b, ("size",), ("size",)), n=3, size=[1, 2, 3])
    assert column(edges).tolist() == [11, 21, 31, 12, 22, 32, 13, 23, 33]

    @array_property
    def both(edges: Any, factor: float) -> Any:
        return edges.source_node_id * factor, edges.target("size") + edges.rng.integers(0, 1, len(edges))

    net = NetworkBuilder("a")
    net.add_nodes(N=3, size=[1, 2, 3])
    net.add_edges(connection_rule=2).add_properties(["a", "b"], rule=both, rule_params={"factor": 0.5})
    assert {(e["a"], e["b"]) for e in net.edges()} == {(s / 2, t) for s in range(3) for t in (1, 2, 3)}
    assert net.nedges == 18


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cell.swc").write_text(SWC)
    return tmp_path


OUT = ("afferent_section_id", "afferent_section_pos", "afferent_distance", "afferent_center_y")


def test_placement_is_uniform_by_length(folder: Path) -> None:
    # sections: soma, trunk of 100, branches of 50 and 150, apical of 300; their beginnings at 5 and 105
    rule = SynapsePlacement(["basal"], (30.0, 180.0), folder, OUT)
    edges = values(rule, OUT, n=80, morphology="cell.swc")
    section, x, distance = (column(edges, name) for name in OUT[:3])
    lengths = {1: 75.0, 2: 50.0, 3: 75.0}
    observed = [np.sum(section == s) for s in lengths]
    assert sum(observed) == len(edges)
    assert stats.chisquare(observed, np.asarray(list(lengths.values())) / 200 * len(edges)).pvalue > LEVEL
    assert stats.kstest(distance[section == 1], stats.uniform(30, 75).cdf).pvalue > LEVEL
    np.testing.assert_allclose(distance[section == 1], 5 + 100 * x[section == 1])
    np.testing.assert_allclose(distance[section == 3], 105 + 150 * x[section == 3])
    assert np.all(column(edges, "afferent_center_y")[section > 1] == -105)


def test_placement_at_centres_and_in_the_soma(folder: Path) -> None:
    rule = SynapsePlacement(["soma", "apical"], 10.0, folder, continuous=False, dL=None)
    edges = values(rule, OUT[:2], n=60, morphology="cell")
    assert set(column(edges, OUT[1]).tolist()) == {0.5}
    observed = np.bincount(column(edges, OUT[0]))
    assert stats.chisquare(observed[[0, 4]], np.asarray([10.0, 5.0]) / 15 * len(edges)).pvalue > LEVEL


def test_wrong_placement(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'basal'"):
        SynapsePlacement(["basel"])
    with pytest.raises(ConfigurationError, match="distance_range"):
        SynapsePlacement(distance_range=(5, 1))
    with pytest.raises(ConfigurationError, match=r"edge group 100 .*has no sections of the types"):
        values(SynapsePlacement(["axon"], morphology_dir=folder), OUT[:2], n=2, morphology="cell")
    with pytest.raises(MorphologyError, match="morphology not found"):
        values(SynapsePlacement(["basal"], morphology_dir=folder), OUT[:2], n=2, morphology="sell")


def test_sections_in_python_rules(folder: Path) -> None:
    net = NetworkBuilder("a")
    net.add_nodes(N=1, morphology="cell", x=[100.0], model_processing="aibs_perisomatic")
    cell = next(iter(net.nodes()))
    reader = get_swc(cell, folder, use_cache=True)
    assert get_swc(cell, folder, use_cache=True) is reader
    found, p = reader.find_sections(["basal"], [30.0, 180.0])
    assert found.tolist() == [1, 2, 3]
    np.testing.assert_allclose(p, np.asarray([75, 50, 75]) / 200)
    assert reader.segments.section_type.tolist() == [1, 3, 3, 3, 4, 2, 2]
    assert reader.get_swc_id(4, 0.5) == (6, 0.0)
    np.testing.assert_allclose(reader.get_coords(1, 0.5), [100.0, -55.0, 0.0])
    placed = rand_syn_locations(cell, cell, ["apical"], [0.0, 1e9], folder, return_coords=True)
    assert [float(v) for v in placed[:2]] == [4.0, 0.5]
    np.testing.assert_allclose(placed[4:], [100.0, 155.0, 0.0])
    with pytest.raises(ConfigurationError, match="no axon between 500 and 600"):
        reader.choose_sections(["axon"], [500, 600])
