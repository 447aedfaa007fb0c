"""Weights of edges by ``weight_function``: those built in work on columns, those of users on one edge at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurodamus_like.circuit.cells.node_properties import NodeProperties
from neurodamus_like.config.models import NodePopulation
from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn
from neurodamus_like.exceptions import CircuitError, ConfigurationError, did_you_mean
from neurodamus_like.io.node_types import TypedTable, read_typed_nodes
from neurodamus_like.io.nodes import node_attribute_names
from neurodamus_like.registry import Registry

WeightFunction = Callable[["EdgeProperties", NodeProperties, NodeProperties], float]

WEIGHT_FUNCTIONS: Registry[WeightFunction] = Registry("weight function", "neurodamus_like.weight_functions")
"""Name in the column ``weight_function`` -> function (edge, source, target) of users."""


def add_weight_function(func: WeightFunction, name: str | None = None, overwrite: bool = True) -> None:
    """Register a function that computes weights, under its own name or `name`."""
    key = name or func.__name__
    if overwrite or key not in WEIGHT_FUNCTIONS:
        WEIGHT_FUNCTIONS.add(key, func)


@dataclass(frozen=True)
class EdgeProperties:
    """One edge as user functions see it: its properties by name, or those of its type."""

    _table: TypedTable
    _row: int
    source_node_id: int
    target_node_id: int

    @property
    def edge_type_id(self) -> int:
        """Number of the type of the edge."""
        return int(self._table.type_ids[self._row])

    def __getitem__(self, name: str) -> Any:
        """Return a property; KeyError when neither the edge nor its type has it."""
        if not self._table.has(name):
            raise KeyError(name)
        return self._table.value(name, self._row)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._table.has(name)


@dataclass(frozen=True)
class EdgeEnds:
    """Edges with their ends, for computing weights.

    Attributes
    ----------
    table
        Properties of the edges.
    source_id, target_id
        int64[n]: node ids.
    source, target
        The populations at both ends, and what is added to their node ids to get gids.
    """

    table: TypedTable
    source_id: IntColumn
    target_id: IntColumn
    source: tuple[NodePopulation, int]
    target: tuple[NodePopulation, int]


def compute_weights(edges: EdgeEnds) -> FloatColumn:
    """Return the weight of each edge: what its weight function says, else its ``syn_weight``.

    Raises
    ------
    CircuitError
        An edge has neither.
    ConfigurationError
        A weight function is unknown or failed.
    """
    names, which = edges.table.distinct("weight_function")
    weights = np.full(which.size, np.nan)
    for number, (name,) in enumerate(names):
        rows = np.flatnonzero(which == number)
        weights[rows] = _weights_of(name, edges, rows)
    return weights


def _weights_of(name: str | None, edges: EdgeEnds, rows: IntColumn) -> FloatColumn:
    if name is not None and name in WEIGHT_FUNCTIONS:
        return _call(WEIGHT_FUNCTIONS[name], edges, rows)
    if name is None or name in _SYN_WEIGHT:
        return _syn_weights(edges, rows)
    if name == "gaussianLL":
        return _gaussian_of_tuning(edges, rows)
    known = [*_SYN_WEIGHT, "gaussianLL", *WEIGHT_FUNCTIONS.names()]
    raise ConfigurationError(
        f"unknown weight_function {name!r}",
        file=edges.table.population.types_file,
        population=edges.table.population.name,
        expected="one of " + ", ".join(known),
        hint=did_you_mean(name, known) or "register it with @weight_function in a script (run --script=FILE)",
    )


_SYN_WEIGHT = ("wmax", "default_weight_fnc", "set_syn_weight")


def _syn_weights(edges: EdgeEnds, rows: IntColumn) -> FloatColumn:
    weights = edges.table.numbers("syn_weight")[rows]
    missing = np.isnan(weights)
    if missing.any():
        raise CircuitError(
            "edges have neither syn_weight nor weight_function",
            file=edges.table.population.file,
            population=edges.table.population.name,
            ids=np.unique(edges.table.type_ids[rows[missing]]).tolist(),
            expected="syn_weight in the edges file or in the table of edge types (ids: edge types)",
        )
    return weights


def _gaussian_of_tuning(edges: EdgeEnds, rows: IntColumn) -> FloatColumn:
    """Return syn_weight exp(-(Δ/weight_sigma)²); Δ is the difference of orientation (degrees, 0 to 90).

    Directions that are opposite have the same orientation: Δ = |‖180 − (|θ_t − θ_s| mod 360)| − 90| − 90|.
    """
    angles = [
        _tuning_angles(population, ids[rows])
        for population, ids in ((edges.source[0], edges.source_id), (edges.target[0], edges.target_id))
    ]
    difference = np.abs(np.abs(np.abs(180.0 - np.abs(angles[1] - angles[0]) % 360.0) - 90.0) - 90.0)
    exponents = -((difference / edges.table.numbers("weight_sigma")[rows]) ** 2)
    # numpy's exp may differ from that of C in the last bit
    factors = np.fromiter(map(math.exp, exponents.tolist()), dtype=np.float64, count=exponents.size)
    return _syn_weights(edges, rows) * factors


def _tuning_angles(population: NodePopulation, ids: IntColumn) -> FloatColumn:
    distinct, inverse = np.unique(ids, return_inverse=True)
    _, table = read_typed_nodes(population, ["tuning_angle"], distinct)
    angles = table.numbers("tuning_angle")
    if np.isnan(angles).any():
        raise CircuitError(
            "weight_function gaussianLL needs the tuning_angle of all nodes at both ends",
            file=population.file,
            population=population.name,
            ids=distinct[np.isnan(angles)].tolist(),
        )
    return angles[np.asarray(inverse).reshape(-1)]


def _call(function: WeightFunction, edges: EdgeEnds, rows: IntColumn) -> FloatColumn:
    sources = _properties_of(edges.source, edges.source_id[rows])
    targets = _properties_of(edges.target, edges.target_id[rows])
    triples = zip(_edges_of(edges, rows), sources, targets, strict=True)
    try:
        values = [float(function(*triple)) for triple in triples]
    except Exception as error:
        raise ConfigurationError(
            f"the weight_function {function.__name__!r} failed: {type(error).__name__}: {error}",
            population=edges.table.population.name,
            expected="a function (edge, source, target) that returns a number",
        ) from error
    return np.array(values, dtype=np.float64)


def _edges_of(edges: EdgeEnds, rows: IntColumn) -> Iterator[EdgeProperties]:
    ends = zip(rows.tolist(), edges.source_id[rows].tolist(), edges.target_id[rows].tolist(), strict=True)
    return (EdgeProperties(edges.table, row, source, target) for row, source, target in ends)


def _properties_of(end: tuple[NodePopulation, int], ids: IntColumn) -> Iterator[NodeProperties]:
    population, offset = end
    distinct, inverse = np.unique(ids, return_inverse=True)
    _, table = read_typed_nodes(population, node_attribute_names(population.file, population.name), distinct)
    nodes = [NodeProperties(table, row, i, i + offset) for row, i in enumerate(distinct.tolist())]
    return (nodes[number] for number in np.asarray(inverse).reshape(-1).tolist())
