"""Nodes that fit a filter, and their properties as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.node_table import Array, IntArray, Node, NodeGroup
from neurodamus_like.exceptions import CircuitError, did_you_mean

_POSITION_NAMES = ("positions", "position")


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


def _as_text(value: Any) -> str:
    """Return a condition as text that is the same in every process."""
    if callable(value):
        return f"<function {getattr(value, '__qualname__', type(value).__qualname__)}>"
    return str(value)
