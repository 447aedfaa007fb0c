"""Nodes of a network under construction: groups of columns, and one object per node on demand.

A group is what one call of ``add_nodes`` made: properties shared by all its nodes (the node type) and columns
with one row per node. Filters and array rules work on the columns; :class:`Node` objects are made only for
Python rules and iteration.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


class Node(dict[str, Any]):
    """One node: its own properties and those of its type, as a dictionary.

    Parameters
    ----------
    node_id
        Id inside the network.
    params
        Properties of this node alone.
    type_properties
        Properties of its type.
    """

    __slots__ = ("node_id", "node_type_properties", "params")

    def __init__(self, node_id: int, params: dict[str, Any], type_properties: Mapping[str, Any]) -> None:
        super().__init__(type_properties)
        self.update(params)
        self["node_id"] = node_id
        self.node_id = node_id
        self.params = {**params, "node_id": node_id}
        self.node_type_properties = type_properties

    @property
    def node_type_id(self) -> int:
        """Id of the node's type."""
        return int(self.node_type_properties["node_type_id"])

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.node_id)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Node) and dict.__eq__(self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other


@dataclass
class NodeGroup:
    """The nodes of one type.

    Attributes
    ----------
    node_ids
        int64[n].
    type_properties
        What all of them share, with ``node_type_id``.
    columns
        One value (or row) per node, as given: lists or arrays.
    """

    node_ids: IntArray
    type_properties: dict[str, Any]
    columns: dict[str, Any]
    _arrays: dict[str, Array] = field(default_factory=dict)
    _nodes: list[Node] | None = None

    def __len__(self) -> int:
        return len(self.node_ids)

    def array(self, name: str) -> Array | None:
        """Return a property of all nodes of the group as an array, None where it has no such property."""
        if name == "node_id":
            return self.node_ids
        if name in self.columns:
            if name not in self._arrays:
                self._arrays[name] = as_column(self.columns[name])
            return self._arrays[name]
        if name in self.type_properties and self.type_properties[name] is not None:
            value = np.asarray(self.type_properties[name])
            if value.dtype.kind == "U":
                value = value.astype(object)
            return np.broadcast_to(value, (len(self), *value.shape))
        return None

    def nodes(self) -> list[Node]:
        """Return the node objects, made at the first call."""
        if self._nodes is None:
            names = list(self.columns)
            rows = zip(*(list(c) for c in self.columns.values()), strict=True) if names else ()
            ids = self.node_ids.tolist()
            params = [dict(zip(names, row, strict=True)) for row in rows] if names else [{} for _ in ids]
            self._nodes = [Node(i, p, self.type_properties) for i, p in zip(ids, params, strict=True)]
        return self._nodes

    def select(self, name: str, wanted: Any) -> npt.NDArray[np.bool_]:
        """Return which nodes fit one condition: a value, a list of values, or a function of the value."""
        size = len(self)
        if name in self.columns or name == "node_id":
            values = self.node_ids if name == "node_id" else self.columns[name]
            array = self.array(name)
            simple = array is not None and array.ndim == 1 and not callable(wanted)
            if simple and not isinstance(wanted, list):
                return np.asarray(array == wanted) & np.ones(size, dtype=bool)
            return np.fromiter((_fits(v, wanted) for v in values), dtype=bool, count=size)
        return np.full(size, _fits(self.type_properties.get(name), wanted))


def _fits(value: Any, wanted: Any) -> bool:
    if value is None:
        return False
    if callable(wanted):
        return bool(wanted(value))
    if isinstance(wanted, list):
        return any(_equal(value, one) for one in wanted)
    return _equal(value, wanted)


def _equal(value: Any, wanted: Any) -> bool:
    return bool(np.all(np.asarray(value == wanted)))


def as_column(values: Any) -> Array:
    """Return per-node values as an array: numbers as they are, strings and mixtures as objects."""
    array = np.asarray(values)
    if array.dtype.kind == "U":
        return array.astype(object)
    return array


def split_properties(
    size: int, properties: Mapping[str, Any], network: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate properties of the type (single values, tuples) from columns (lists, arrays, generators).

    Raises
    ------
    CircuitError
        A column has another length than `size`.
    """
    shared: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    for name, value in properties.items():
        if isinstance(value, types.GeneratorType | range):
            value = list(value)
        if not isinstance(value, list | np.ndarray) or (isinstance(value, np.ndarray) and value.ndim == 0):
            shared[name] = value
            continue
        if len(value) != size:
            raise CircuitError(
                f"add_nodes: property {name!r} has {len(value)} values for N={size} nodes",
                population=network,
                expected=f"a single value for the whole group, or {size} values",
            )
        columns[name] = value
    return shared, columns


class IdGenerator:
    """Hands out ids in ascending order, leaving out those that are taken."""

    def __init__(self, start: int = 0) -> None:
        self._next = start
        self._taken: set[int] = set()

    def take(self, ids: Iterable[int], error: Callable[[list[int]], Exception]) -> None:
        """Reserve ids; `error` makes the exception for those that are taken already or come twice."""
        wanted = list(ids)
        twice = sorted({i for i in wanted if i in self._taken})
        if twice or len(set(wanted)) < len(wanted):
            raise error(twice or sorted({i for i in wanted if wanted.count(i) > 1}))
        self._taken.update(wanted)

    def next(self, count: int) -> IntArray:
        """Return `count` fresh ids."""
        if not self._taken or max(self._taken) < self._next:
            ids = np.arange(self._next, self._next + count, dtype=np.int64)
            self._next += count
            return ids
        found: list[int] = []
        while len(found) < count:
            if self._next not in self._taken:
                found.append(self._next)
            self._next += 1
        return np.asarray(found, dtype=np.int64)
