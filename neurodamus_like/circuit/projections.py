"""Inner connectivity and projections: the order in which edge populations are built, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from neurodamus_like.config.models import EdgePopulation

INNER_KINDS = ("chemical", "point_process")


def order_edge_populations(
    edges: Iterable[EdgePopulation], node_populations: Sequence[str]
) -> dict[str, EdgePopulation]:
    """Return name -> edge population: the inner connectivity of each node population first, then projections.

    The inner connectivity of a node population is the first one (in file order) that begins and ends in it and is
    chemical or of point processes, or is called ``<population>__<population>__chemical``; its name is that of the node
    population. All others, in file order, are projections, called ``<edges>__<source>-<target>``.

    Parameters
    ----------
    edges
        In file order.
    node_populations
        Names of the populations with cells, in the order they are built.
    """
    remaining = list(edges)
    ordered: dict[str, EdgePopulation] = {}
    for name in node_populations:
        inner = next((p for p in remaining if _is_inner(p, name)), None)
        if inner is not None:
            ordered[name] = inner
            remaining.remove(inner)
    return ordered | {f"{p.name}__{p.source}-{p.target}": p for p in remaining}


def _is_inner(population: EdgePopulation, nodes: str) -> bool:
    own = population.source == population.target == nodes and population.kind in INNER_KINDS
    return own or population.name == f"{nodes}__{nodes}__chemical"
