"""Order and names of edge populations."""

from __future__ import annotations

from pathlib import Path

from neurodamus_like.circuit.projections import order_edge_populations
from neurodamus_like.config.models import EdgePopulation


def edges(name: str, source: str, target: str, kind: str = "chemical") -> EdgePopulation:
    return EdgePopulation(name, Path("edges.h5"), source, target, kind)


def test_inner_connectivity_comes_first_in_the_order_of_the_cells() -> None:
    given = [
        edges("V__A", "V", "A"),
        edges("gaps", "A", "A", "electrical"),
        edges("A__A__chemical", "A", "A"),
        edges("more", "A", "A"),
        edges("points", "B", "B", "point_process"),
        edges("A__B", "A", "B"),
        edges("second", "V", "A"),
    ]
    ordered = order_edge_populations(given, ["B", "A"])
    assert {name: p.name for name, p in ordered.items()} == {
        "B": "points",
        "A": "A__A__chemical",
        "V__A__V-A": "V__A",
        "gaps__A-A": "gaps",
        "more__A-A": "more",
        "A__B__A-B": "A__B",
        "second__V-A": "second",
    }
    assert [p.name for p in ordered.values()][:2] == ["points", "A__A__chemical"]


def test_a_population_without_inner_connectivity_has_projections_only() -> None:
    assert list(order_edge_populations([edges("x", "V", "A")], ["A"])) == ["x__V-A"]
