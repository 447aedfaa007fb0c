"""Nodes of a network under construction: groups of columns, filters on them, and one object per node on demand.

A group is what one call of ``add_nodes`` made: properties shared by all its nodes (the node type) and columns
with one row per node. Filters and array rules work on the columns; :class:`Node` objects are made only for
Python rules and iteration.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, did_you_mean

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

_POSITION_NAMES = ("positions", "position")


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


def _as_text(value: Any) -> str:
    """Return a condition as text that is the same in every process."""
    if callable(value):
        return f"<function {getattr(value, '__qualname__', type(value).__qualname__)}>"
    return str(value)


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


class NodeSource(Protocol):
    """What a pool needs to know of its network."""

    @property
    def name(self) -> str:
        """Name of the network."""

    def node_groups(self) -> Sequence[NodeGroup]:
        """Return the groups in the order in which they were added."""


class NodePool:
    """The nodes of a network that fit a filter; evaluated when it is used.

    Parameters
    ----------
    network
        Whose nodes.
    node_ids
        Only these nodes; None means all.
    properties
        Conditions that must all hold: a value, a list of values, or a function of the value.
    """

    def __init__(
        self, network: NodeSource, properties: Mapping[str, Any] | None = None, node_ids: Any = None
    ) -> None:
        self.network = network
        self.properties = dict(properties or {})
        self._wanted = None if node_ids is None else np.unique(np.asarray(list(node_ids), dtype=np.int64))

    @property
    def network_name(self) -> str:
        """Name of the network that the nodes belong to."""
        return self.network.name

    @property
    def filter_str(self) -> str:
        """The filter as text, for the type tables: ``a=='x'&b=='y'``, or ``*``."""
        if not self.properties:
            return "*"
        return "&".join(f"{name}=='{_as_text(value)}'" for name, value in self.properties.items())

    def _masks(self) -> Iterator[tuple[NodeGroup, npt.NDArray[np.bool_]]]:
        for group in self.network.node_groups():
            mask = np.ones(len(group), dtype=bool)
            for name, wanted in self.properties.items():
                if mask.any():
                    mask &= group.select(name, wanted)
            if self._wanted is not None:
                mask &= np.isin(group.node_ids, self._wanted)
            yield group, mask

    def __iter__(self) -> Iterator[Node]:
        for group, mask in self._masks():
            nodes = group.nodes() if mask.any() else []
            yield from (nodes[i] for i in np.flatnonzero(mask).tolist())

    def __len__(self) -> int:
        return sum(int(mask.sum()) for _, mask in self._masks())

    def __getitem__(self, name: str) -> Array:
        """Return a property of all nodes as one array; see :meth:`NodeColumns.__getitem__`."""
        return self.columns()[name]

    @property
    def node_ids(self) -> IntArray:
        """int64[n]: ids, in the order of the groups."""
        return self.columns().ids

    def columns(self) -> NodeColumns:
        """Return the nodes as columns, as they are now."""
        parts = [(group, np.flatnonzero(mask)) for group, mask in self._masks() if mask.any()]
        return NodeColumns(self.network_name, parts)


class NodeColumns:
    """Some nodes of a network as columns, in a fixed order.

    Attributes
    ----------
    network
        Name of the network.
    ids
        int64[n].
    """

    def __init__(self, network: str, parts: Sequence[tuple[NodeGroup, IntArray]]) -> None:
        self.network = network
        self._parts = parts
        ids = [group.node_ids[rows] for group, rows in parts]
        self.ids: IntArray = np.concatenate(ids) if ids else np.empty(0, dtype=np.int64)
        self._order: IntArray | None = None
        self._cache: dict[str, Array] = {}
        if self.ids.size and np.any(np.diff(self.ids) <= 0):
            self._order = np.argsort(self.ids, kind="stable")
            self.ids = self.ids[self._order]

    def __len__(self) -> int:
        return int(self.ids.size)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(group.array(name) is not None for group, _ in self._parts)

    def __getitem__(self, name: str) -> Array:
        """Return a property of all nodes, by ascending node id, array[n] or array[n, width].

        Raises
        ------
        CircuitError
            Nodes lack the property.
        """
        if name not in self._cache:
            self._cache[name] = self._gather(name)
        return self._cache[name]

    def get(self, name: str, default: Any) -> Array:
        """Return a property; `default` stands where nodes lack it."""
        parts = []
        for group, rows in self._parts:
            values = group.array(name)
            parts.append(np.full(len(rows), default) if values is None else values[rows])
        return self._ordered(parts)

    def nodes(self) -> list[Node]:
        """Return the node objects in the same order."""
        found = [group.nodes()[i] for group, rows in self._parts for i in rows.tolist()]
        return found if self._order is None else [found[i] for i in self._order.tolist()]

    def positions(self) -> npt.NDArray[np.float64]:
        """Return positions in µm, float64[n, 3], from ``positions``, ``position`` or ``x``, ``y``, ``z``.

        Coordinates that nodes lack are 0.
        """
        if "__positions__" not in self._cache:
            parts = [_positions(group)[rows] for group, rows in self._parts]
            ordered = self._ordered(parts) if parts else np.empty((0, 3))
            self._cache["__positions__"] = np.ascontiguousarray(ordered, dtype=np.float64)
        return self._cache["__positions__"]

    def _gather(self, name: str) -> Array:
        parts = []
        for group, rows in self._parts:
            values = group.array(name)
            if values is None:
                raise CircuitError(
                    f"nodes lack the property {name!r}",
                    population=self.network,
                    ids=group.node_ids[:8].tolist(),
                    expected="a property that all nodes of the selection have",
                    hint=did_you_mean(name, [*group.columns, *group.type_properties]) or None,
                )
            parts.append(values[rows])
        return self._ordered(parts)

    def _ordered(self, parts: Sequence[Array]) -> Array:
        values = np.concatenate(parts) if parts else np.empty(0)
        return values if self._order is None else values[self._order]


def _positions(group: NodeGroup) -> npt.NDArray[np.float64]:
    for name in _POSITION_NAMES:
        values = group.array(name)
        if values is not None:
            return np.asarray(
                [tuple(row) for row in values] if values.dtype == object else values, dtype=float
            )
    axes = [group.array(axis) for axis in ("x", "y", "z")]
    zeros = np.zeros(len(group))
    return np.column_stack([zeros if a is None else np.asarray(a, dtype=float) for a in axes])


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
