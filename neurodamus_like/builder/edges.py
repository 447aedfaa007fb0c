"""Single edges as objects, for looking at small networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurodamus_like.builder.connection_map import ConnectionMap
from neurodamus_like.builder.node_pool import NodePool
from neurodamus_like.builder.node_table import Node
from neurodamus_like.builder.store import EdgeStore
from neurodamus_like.exceptions import CircuitError

if TYPE_CHECKING:
    from neurodamus_like.builder.network_edges import NetworkEdges


class Edge(Mapping[str, Any]):
    """One row of the edges: its own properties, and those of its type.

    Attributes
    ----------
    source_node_id, target_node_id
        Node ids at both ends.
    edge_type_properties, synaptic_properties
        Where the values come from.
    """

    def __init__(
        self,
        source_node_id: int,
        target_node_id: int,
        type_properties: Mapping[str, Any],
        own: dict[str, Any],
    ) -> None:
        self.source_node_id, self.target_node_id = source_node_id, target_node_id
        self.edge_type_properties = type_properties
        self.synaptic_properties = {"source_node_id": source_node_id, "target_node_id": target_node_id, **own}

    @property
    def source_gid(self) -> int:
        """The same as `source_node_id`."""
        return self.source_node_id

    @property
    def target_gid(self) -> int:
        """The same as `target_node_id`."""
        return self.target_node_id

    @property
    def edge_type_id(self) -> int:
        """Id of the edge type."""
        return int(self.edge_type_properties["edge_type_id"])

    def __getitem__(self, name: str) -> Any:
        if name in self.synaptic_properties:
            return self.synaptic_properties[name]
        return self.edge_type_properties[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.edge_type_properties, **self.synaptic_properties})

    def __len__(self) -> int:
        return len({**self.edge_type_properties, **self.synaptic_properties})

    def __repr__(self) -> str:
        return repr({**self.edge_type_properties, **self.synaptic_properties})


def edges_of(group: ConnectionMap, store: EdgeStore, wanted: set[int] | None) -> Iterator[Edge]:
    """Yield the edges of a group that reach the wanted targets (None: all)."""
    ids = None if wanted is None else np.fromiter(wanted, dtype=np.int64, count=len(wanted))
    for window in store.all_windows():
        if not window:
            continue
        keep = (
            np.arange(window["target"].size)
            if ids is None
            else np.flatnonzero(np.isin(window["target"], ids))
        )
        names = [name for name in window if name not in ("source", "target")]
        values = {name: window[name][keep] for name in names}
        sources, targets = window["source"][keep].tolist(), window["target"][keep].tolist()
        for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
            own = {name: values[name][i] for name in names}
            yield Edge(source, target, group.edge_type_properties, own)


def wanted_ids(network: NetworkEdges, nodes: Any, name: str | None) -> tuple[set[int] | None, str | None]:
    """Return the ids that a selection of nodes means (None: all), and the name of their network.

    Parameters
    ----------
    network
        Whose nodes filters refer to, unless `name` is another network.
    nodes
        Id, list of ids or nodes, filter, pool, or None.
    name
        Name of the network, if it was given.
    """
    if nodes is None:
        return None, name
    if isinstance(nodes, int | np.integer):
        return {int(nodes)}, name
    if isinstance(nodes, Mapping) and not isinstance(nodes, Node):
        nodes = network.network(name or network.name).nodes(**nodes)
    if isinstance(nodes, NodePool):
        if name not in (None, nodes.network_name):
            raise CircuitError(f"nodes of {nodes.network_name!r} were given for network {name!r}")
        return set(nodes.node_ids.tolist()), nodes.network_name
    return {n.node_id if isinstance(n, Node) else int(n) for n in nodes}, name
