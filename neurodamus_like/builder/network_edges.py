"""The edges of a network under construction: rules, and what they made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.builder.build import GroupBuilder
from neurodamus_like.builder.communicator import Communicator
from neurodamus_like.builder.connection_map import ConnectionMap
from neurodamus_like.builder.edges import Edge, edges_of, wanted_ids
from neurodamus_like.builder.network_nodes import NetworkNodes
from neurodamus_like.builder.node_pool import NodePool
from neurodamus_like.builder.node_table import IdGenerator, Node
from neurodamus_like.builder.ranks import all_agree, raise_together
from neurodamus_like.builder.store import EdgeStore, Scratch
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.logs import get_logger
from neurodamus_like.progress import Progress

logger = get_logger(__name__)

DEFAULT_MEMORY_MB = 512.0
_SMALL = 2_000_000
"""Builds of fewer pairs (or writes of fewer edges) show no progress."""


class _NoProgress:
    def update(self, amount: float) -> None:
        """Show nothing."""


class NetworkEdges(NetworkNodes):
    """Nodes, and edge groups between them and those of other networks.

    Parameters are those of :class:`~neurodamus_like.builder.network.NetworkBuilder`.
    """

    def __init__(
        self,
        name: str,
        comm: Communicator | None,
        seed: int,
        memory_limit_mb: float,
        scratch_dir: str | Path | None,
        progress: bool,
    ) -> None:
        super().__init__(name, comm)
        self.seed = int(seed)
        self._progress = progress
        self._scratch = Scratch(
            int(memory_limit_mb * 1e6), None if scratch_dir is None else Path(scratch_dir)
        )
        self._edge_type_ids = IdGenerator(100)
        self._connections: list[ConnectionMap] = []
        self._stores: dict[int, EdgeStore] = {}
        self._networks: dict[str, NetworkEdges] = {}
        self._n_synapses = 0

    @property
    def nedges(self) -> int:
        """Number of synapses of all edges; 0 before they are built."""
        return self._n_synapses if self.edges_built else 0

    @property
    def edges_built(self) -> bool:
        """Whether the edges of all groups have been built."""
        return bool(self._connections) and len(self._stores) == len(self._connections)

    def get_connections(self) -> list[ConnectionMap]:
        """Return the edge groups in the order in which they were added."""
        return self._connections

    def add_edges(
        self,
        source: NodePool | Mapping[str, Any] | Sequence[Any] | None = None,
        target: NodePool | Mapping[str, Any] | Sequence[Any] | None = None,
        connection_rule: Any = 1,
        connection_params: Mapping[str, Any] | None = None,
        iterator: str = "one_to_one",
        **edge_type_properties: Any,
    ) -> ConnectionMap:
        """Add an edge group; its edges are made by :meth:`build`.

        Parameters
        ----------
        source, target
            Filter (a dictionary, see :meth:`nodes`), nodes of this or another network (``net.nodes(...)``), or a
            list of nodes or ids; None means all nodes of this network.
        connection_rule
            Number of synapses of each pair; or a Python function that returns it; or a list of numbers; or an
            array rule, or its registered name (:mod:`~neurodamus_like.builder.edge_rules`).
        connection_params
            Further arguments of the function, or those of the named rule.
        iterator
            How a Python function is called: ``one_to_one`` for each pair; ``one_to_all`` with one source and
            all targets; ``all_to_one`` with all sources and one target (the last two return a list).
        **edge_type_properties
            Properties of the edge type, shared by all its edges.

        Returns
        -------
        ConnectionMap
            On which ``add_properties`` gives each synapse values of its own.

        Raises
        ------
        ConfigurationError
            The rule or the iterator is not known.
        CircuitError
            A filter names a property that no node has, or no node fits it; or the edge type id is taken.
        """
        all_agree(self.comm, edge_type_properties, f"add_edges of network {self.name!r}")
        sources, targets = self._pool(source, "source"), self._pool(target, "target")
        if edge_type_properties.get("is_gap_junction") and sources.network_name != targets.network_name:
            raise CircuitError(
                f"gap junctions between {sources.network_name!r} and {targets.network_name!r}",
                expected="gap junctions inside one network",
            )
        for pool in (sources, targets):
            network = pool.network
            if isinstance(network, NetworkEdges):
                self._remember(network)
        properties = {
            "edge_type_id": self._take_id(
                self._edge_type_ids, edge_type_properties.pop("edge_type_id", None), "edge_type_id"
            ),
            "target_query": targets.filter_str,
            "source_query": sources.filter_str,
            **edge_type_properties,
        }
        group = ConnectionMap(sources, targets, connection_rule, connection_params, iterator, properties)
        self._connections.append(group)
        return group

    def add_gap_junctions(
        self,
        source: Any = None,
        target: Any = None,
        resistance: float = 1.0,
        conductance: float | None = None,
        distance_range: Sequence[float] = (0.0, 300.0),
        target_sections: Sequence[str] | None = ("somatic",),
        connection_rule: Any = 1,
        iterator: str = "one_to_one",
        **edge_type_properties: Any,
    ) -> ConnectionMap:
        """Add gap junctions: edges with ``is_gap_junction`` whose weight is their conductance.

        Parameters
        ----------
        source, target, connection_rule, iterator, edge_type_properties
            As in :meth:`add_edges`.
        resistance
            MOhm; used if no conductance is given.
        conductance
            uS.
        distance_range, target_sections
            Where junctions may be, on both cells.
        """
        if conductance is None and not resistance > 0:
            raise ConfigurationError(
                f"resistance={resistance!r} is not valid", expected="a positive number of MOhm"
            )
        return self.add_edges(
            source,
            target,
            connection_rule,
            iterator=iterator,
            syn_weight=1.0 / resistance if conductance is None else conductance,
            is_gap_junction=True,
            distance_range=list(distance_range),
            target_sections=None if target_sections is None else list(target_sections),
            **edge_type_properties,
        )

    def build(self, force: bool = False) -> None:
        """Evaluate the rules of all edge groups that are not built yet.

        Parameters
        ----------
        force
            Make all edges again.

        Raises
        ------
        ConfigurationError
            A rule returned something invalid; the message names the edge group.
        """
        if force:
            self._forget_edges()
        self._nodes_built = True
        todo = [g for g in self._connections if g.edge_type_id not in self._stores]
        if not todo:
            return
        for group in todo:
            for pool in (group.source_nodes, group.target_nodes):
                self.network(pool.network_name).check_filter(pool, group.label)
        makers = [GroupBuilder(group, self.seed, self._scratch, self.comm) for group in todo]
        pairs = sum(maker.n_pairs for maker in makers)
        with raise_together(self.comm), self.show_progress(f"build {self.name}", pairs) as bar:
            for maker in makers:
                store = maker.build(bar.update)
                self._stores[maker.group.edge_type_id] = store
        made = sum(maker.store.n_synapses for maker in makers)
        self._n_synapses += int(self.comm.allreduce_sum(made))
        self._warn_about_nothing(todo)

    def _warn_about_nothing(self, groups: Sequence[ConnectionMap]) -> None:
        counts = self.comm.allreduce_sum(np.array([self._stores[g.edge_type_id].n_edges for g in groups]))
        for group, count in zip(groups, counts, strict=True):
            if not count and self.comm.rank == 0:
                ends = f"{len(group.source_nodes)} sources, {len(group.target_nodes)} targets"
                logger.warning("%s has no edges (%s)", group.label, ends)

    def edges(
        self,
        target_nodes: Any = None,
        source_nodes: Any = None,
        target_network: str | None = None,
        source_network: str | None = None,
        **properties: Any,
    ) -> list[Edge]:
        """Return edges as dictionary-like objects, for networks that are small enough to look at.

        Parameters
        ----------
        target_nodes, source_nodes
            Node id, list of ids or nodes, filter, or ``net.nodes(...)``.
        target_network, source_network
            Names of networks.
        **properties
            Values that edges must have.
        """
        targets, target_network = wanted_ids(self, target_nodes, target_network)
        sources, source_network = wanted_ids(self, source_nodes, source_network)
        found = self.edges_iter(targets, source_network, target_network)
        chosen = found if sources is None else (e for e in found if e.source_node_id in sources)
        return [e for e in chosen if all(n in e and e[n] == v for n, v in properties.items())]

    def edges_iter(
        self, trg_gids: Any = None, src_network: str | None = None, trg_network: str | None = None
    ) -> Iterator[Edge]:
        """Yield edges of these targets (None: of all), edge group by edge group, by target, then source."""
        if not self.edges_built:
            self.build()
        wanted = None if trg_gids is None else {int(i) for i in trg_gids}
        for group in self._connections:
            if src_network in (None, group.source_network_name) and trg_network in (
                None,
                group.target_network_name,
            ):
                yield from edges_of(group, self._stores[group.edge_type_id], wanted)

    def store_of(self, group: ConnectionMap) -> EdgeStore:
        """Return the edges of a built edge group on this rank."""
        if group.edge_type_id not in self._stores:
            self.build()
        return self._stores[group.edge_type_id]

    def network(self, name: str) -> NetworkEdges:
        """Return this network or one that it is connected with."""
        return self if name == self.name else self._networks[name]

    @property
    def scratch(self) -> Scratch:
        """The memory budget of the build."""
        return self._scratch

    def _forget_edges(self) -> None:
        self._stores.clear()
        self._n_synapses = 0
        self._scratch.close()

    def _pool(self, nodes: Any, end: str) -> NodePool:
        if isinstance(nodes, NodePool):
            return nodes
        if nodes is None or isinstance(nodes, Mapping):
            return NodePool(self, nodes)
        ids = [n.node_id if isinstance(n, Node) else int(n) for n in nodes]
        pool = NodePool(self, node_ids=ids)
        missing = sorted(set(ids) - set(pool.node_ids.tolist()))
        if missing:
            raise CircuitError(f"add_edges: unknown nodes as {end}", population=self.name, ids=missing)
        return pool

    def show_progress(self, what: str, total: int) -> Any:
        """Return a context with ``update(amount)``; it shows nothing for small amounts and on other ranks."""
        if not self._progress or self.comm.rank > 0 or total < _SMALL:
            return nullcontext(_NoProgress())
        return Progress(what, total)

    def _remember(self, network: NetworkEdges) -> None:
        known = self if network.name == self.name else self._networks.get(network.name, network)
        if known is not network:
            raise CircuitError(
                f"add_edges: there are two networks with the name {network.name!r}",
                population=self.name,
                expected="one NetworkBuilder for each name",
            )
        self._networks[network.name] = network
