"""NetworkBuilder: from rules in Python to SONATA files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.builder.build import GroupBuilder
from neurodamus_like.builder.communicator import Communicator, default_communicator
from neurodamus_like.builder.connection_map import ConnectionMap
from neurodamus_like.builder.edges import Edge, edges_of, wanted_ids
from neurodamus_like.builder.hdf5_columns import check_compression
from neurodamus_like.builder.import_nodes import read_node_groups
from neurodamus_like.builder.node_table import IdGenerator, Node, NodeGroup, NodePool, split_properties
from neurodamus_like.builder.obi_edges import write_obi_network
from neurodamus_like.builder.ranks import all_agree, raise_together
from neurodamus_like.builder.saving import PairOfNetworks, write_junctions, write_nodes_and_types, write_pair
from neurodamus_like.builder.store import EdgeStore, Scratch
from neurodamus_like.exceptions import CircuitError, ConfigurationError, did_you_mean
from neurodamus_like.logs import get_logger
from neurodamus_like.progress import Progress

logger = get_logger(__name__)

DEFAULT_MEMORY_MB = 512.0
_SMALL = 2_000_000
"""Builds of fewer pairs (or writes of fewer edges) show no progress."""


class _NoProgress:
    def update(self, amount: float) -> None:
        """Show nothing."""


class NetworkBuilder:
    """A network under construction: nodes, rules that connect them, and the files made of them.

    Scripts written for BMTK's builder run with only the import changed.

    Parameters
    ----------
    name
        Name of the network, and of its node population.
    seed
        Of all random numbers of the array rules and array properties. Equal seeds give equal networks, on any
        number of ranks and with any memory limit.
    memory_limit_mb
        How much of built edges stays in memory, in 1e6 bytes; the rest waits in a scratch file.
    scratch_dir
        Folder of the scratch file; the system's folder for temporary files by default.
    comm
        Ranks that build together (see :mod:`~neurodamus_like.builder.communicator`); those of the MPI launcher
        by default.
    progress
        Show progress of long builds.
    **network_props
        ``gj_id_start``: first id of gap junctions. Others are kept in :attr:`properties`.

    Raises
    ------
    ConfigurationError
        The name is empty.
    """

    def __init__(
        self,
        name: str,
        *,
        seed: int = 0,
        memory_limit_mb: float = DEFAULT_MEMORY_MB,
        scratch_dir: str | Path | None = None,
        comm: Communicator | None = None,
        progress: bool = True,
        **network_props: Any,
    ) -> None:
        if not name:
            raise ConfigurationError("a network needs a name")
        if "/" in name:
            raise ConfigurationError(f"the network name {name!r} is not valid", expected="a name without '/'")
        self._name = str(name)
        self.seed = int(seed)
        self.properties = network_props
        self._comm = comm
        self._progress = progress
        self._scratch = Scratch(
            int(memory_limit_mb * 1e6), None if scratch_dir is None else Path(scratch_dir)
        )
        self._groups: list[NodeGroup] = []
        self._node_ids = IdGenerator()
        self._node_type_ids = IdGenerator(100)
        self._edge_type_ids = IdGenerator(100)
        self._connections: list[ConnectionMap] = []
        self._stores: dict[int, EdgeStore] = {}
        self._networks: dict[str, NetworkBuilder] = {}
        self._nodes_built = False
        self._n_synapses = 0

    @property
    def name(self) -> str:
        """Name of the network."""
        return self._name

    @property
    def comm(self) -> Communicator:
        """The ranks that build together."""
        if self._comm is None:
            self._comm = default_communicator()
        return self._comm

    @property
    def nnodes(self) -> int:
        """Number of nodes; 0 before they are built."""
        return sum(len(g) for g in self._groups) if self._nodes_built else 0

    @property
    def nedges(self) -> int:
        """Number of synapses of all edges; 0 before they are built."""
        return self._n_synapses if self.edges_built else 0

    @property
    def nodes_built(self) -> bool:
        """Whether the nodes have been built."""
        return self._nodes_built

    @property
    def edges_built(self) -> bool:
        """Whether the edges of all groups have been built."""
        return bool(self._connections) and len(self._stores) == len(self._connections)

    def node_groups(self) -> Sequence[NodeGroup]:
        """Return the groups of nodes, one for each ``add_nodes``."""
        return self._groups

    def get_connections(self) -> list[ConnectionMap]:
        """Return the edge groups in the order in which they were added."""
        return self._connections

    def add_nodes(self, N: int = 1, **properties: Any) -> None:
        """Add a group of nodes.

        Parameters
        ----------
        N
            How many.
        **properties
            Single values and tuples belong to the node type; lists, arrays, ranges and generators of N values
            (or rows) are columns, one value for each node. ``node_id`` and ``node_type_id`` set ids.

        Raises
        ------
        CircuitError
            A column has another length than N, or an id is taken already.
        """
        if isinstance(N, bool) or int(N) != N or N < 0:
            raise CircuitError(
                f"add_nodes: N={N!r} is not valid", population=self.name, expected="a number of nodes"
            )
        size = int(N)
        all_agree(self.comm, properties, f"add_nodes of network {self.name!r}")
        shared, columns = split_properties(size, properties, self.name)
        if "node_type_id" in columns:
            raise CircuitError(
                "add_nodes: node_type_id is a list", population=self.name, expected="one type for the group"
            )
        type_id = self._take_id(self._node_type_ids, shared.pop("node_type_id", None), "node_type_id")
        given = columns.pop("node_id", None)
        if given is None and "node_id" in shared:
            given = [shared.pop("node_id")] * size
        if given is None:
            ids = self._node_ids.next(size)
        else:
            ids = _checked_ids(given, self.name)
            self._node_ids.take(ids.tolist(), lambda twice: self._duplicate("node_id", twice))
        self._groups.append(NodeGroup(ids, {**shared, "node_type_id": type_id}, columns))
        self._nodes_built = False
        self._forget_edges()

    def nodes(self, **properties: Any) -> NodePool:
        """Return the nodes that fit: ``nodes(ei="e", layer=[4, 5], x=lambda x: x > 0)``; all without filter."""
        self._nodes_built = True
        return NodePool(self, properties)

    def nodes_iter(self, node_ids: Any = None) -> Iterator[Node]:
        """Yield all nodes, or those with these ids."""
        self._nodes_built = True
        return iter(NodePool(self, node_ids=node_ids))

    def import_nodes(
        self,
        nodes_file_name: str | Path,
        node_types_file_name: str | Path | None = None,
        population: str | None = None,
    ) -> None:
        """Add the nodes of existing files, with their ids and types.

        Parameters
        ----------
        nodes_file_name, node_types_file_name
            SONATA nodes (HDF5) and their types (CSV).
        population
            Which one, if the file has several.

        Raises
        ------
        CircuitError
            Files or population are missing, or ids are taken already.
        """
        types_file = None if node_types_file_name is None else Path(node_types_file_name)
        for group in read_node_groups(Path(nodes_file_name), types_file, population):
            self._node_ids.take(group.node_ids.tolist(), lambda twice: self._duplicate("node_id", twice))
            known = {int(g.type_properties["node_type_id"]) for g in self._groups}
            if int(group.type_properties["node_type_id"]) not in known:
                self._take_id(self._node_type_ids, group.type_properties["node_type_id"], "node_type_id")
            self._groups.append(group)
        self._nodes_built = True
        self._forget_edges()

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
            if isinstance(network, NetworkBuilder):
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

    def save(
        self,
        output_dir: str | Path = ".",
        force_overwrite: bool = True,
        compression: Any = None,
        dialect: str = "allen",
        components: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """Write nodes, edges and types.

        Parameters
        ----------
        output_dir
            Folder; made if it is not there.
        force_overwrite
            False refuses to replace files.
        compression
            None (fastest, and what all readers understand), 'gzip', a level from 0 to 9, or 'lzf'. The wheels
            of libsonata have no compression filters: they cannot read compressed files.
        dialect
            "allen": properties of types in CSV tables. "obi": properties of types become columns, every synapse
            is a row, and a circuit_config.json is written beside the files.
        components
            Folders of the circuit configuration of the "obi" dialect (``morphologies_dir``, ...).
        **options
            Of :meth:`save_edges`.

        Raises
        ------
        CircuitError
            A file is there already, or cannot be written.
        """
        if dialect.lower() == "obi":
            if self._connections and not self.edges_built:
                self.build()
            packing = check_compression(compression)
            write_obi_network(self, Path(output_dir), force_overwrite, packing, components)
            return
        if dialect.lower() != "allen":
            raise ConfigurationError(
                f"dialect={dialect!r} is not known",
                expected="'allen' or 'obi'",
                hint=did_you_mean(dialect, ["allen", "obi"]) or None,
            )
        self.save_nodes(output_dir=output_dir, force_overwrite=force_overwrite, compression=compression)
        self.save_edges(
            output_dir=output_dir, force_overwrite=force_overwrite, compression=compression, **options
        )

    def save_nodes(
        self,
        nodes_file_name: str | None = None,
        node_types_file_name: str | None = None,
        output_dir: str | Path = ".",
        force_overwrite: bool = True,
        compression: Any = None,
        **_: Any,
    ) -> None:
        """Write ``<name>_nodes.h5`` and ``<name>_node_types.csv``; see :meth:`save`."""
        self._nodes_built = True
        nodes = Path(output_dir) / (nodes_file_name or f"{self.name}_nodes.h5")
        types = Path(output_dir) / (node_types_file_name or f"{self.name}_node_types.csv")
        write_nodes_and_types(self, nodes, types, force_overwrite, check_compression(compression))

    def save_edges(
        self,
        edges_file_name: str | None = None,
        edge_types_file_name: str | None = None,
        output_dir: str | Path = ".",
        src_network: str | None = None,
        trg_network: str | None = None,
        name: str | None = None,
        force_build: bool = True,
        force_overwrite: bool = False,
        compression: Any = None,
        index_by: Sequence[str] | str = ("target_node_id", "source_node_id"),
        **_: Any,
    ) -> None:
        """Write ``<source>_<target>_edges.h5`` and ``..._edge_types.csv`` for each pair of networks.

        Parameters
        ----------
        edges_file_name, edge_types_file_name
            Other names, for the first pair of networks that is chosen.
        output_dir, force_overwrite, compression
            See :meth:`save`.
        src_network, trg_network
            Choose pairs of networks.
        name
            Name of the edge population; ``<source>_to_<target>`` by default.
        force_build
            Build edges first if that was not done.
        index_by
            Indices to write.

        Raises
        ------
        CircuitError
            A file is there already, or cannot be written.
        """
        if not self._connections:
            logger.warning("network %s has no edge groups: no edges are written", self.name)
            return
        if not self.edges_built:
            if not force_build:
                logger.warning("the edges of network %s are not built: none are written", self.name)
                return
            self.build()
        chosen = self._pairs(src_network, trg_network)
        if not chosen:
            logger.warning("network %s: no edges from %s to %s", self.name, src_network, trg_network)
            return
        folder, indices = Path(output_dir), (index_by,) if isinstance(index_by, str) else tuple(index_by)
        own_names = edges_file_name is not None or edge_types_file_name is not None
        for source, target in chosen[:1] if own_names else chosen:
            edges = edges_file_name if own_names else f"{source}_{target}_edges.h5"
            types = edge_types_file_name if own_names else f"{source}_{target}_edge_types.csv"
            pair = PairOfNetworks(source, target, name or f"{source}_to_{target}")
            paths = (None if edges is None else folder / edges, None if types is None else folder / types)
            write_pair(self, pair, *paths, force_overwrite, check_compression(compression), indices)
        write_junctions(self, folder / f"{self.name}_gap_juncs.h5", check_compression(compression))

    def store_of(self, group: ConnectionMap) -> EdgeStore:
        """Return the edges of a built edge group on this rank."""
        if group.edge_type_id not in self._stores:
            self.build()
        return self._stores[group.edge_type_id]

    def network(self, name: str) -> NetworkBuilder:
        """Return this network or one that it is connected with."""
        return self if name == self.name else self._networks[name]

    @property
    def scratch(self) -> Scratch:
        """The memory budget of the build."""
        return self._scratch

    def clear(self) -> None:
        """Forget what was built; nodes and rules stay."""
        self._nodes_built = False
        self._forget_edges()

    def _forget_edges(self) -> None:
        self._stores.clear()
        self._n_synapses = 0
        self._scratch.close()

    def _pairs(self, source: str | None, target: str | None) -> list[tuple[str, str]]:
        pairs = dict.fromkeys((g.source_network_name, g.target_network_name) for g in self._connections)
        return [p for p in pairs if source in (None, p[0]) and target in (None, p[1])]

    def id_bound(self) -> int:
        """Return one more than the largest node id."""
        return max((int(g.node_ids.max()) + 1 for g in self._groups if len(g)), default=0)

    def show_progress(self, what: str, total: int) -> Any:
        """Return a context with ``update(amount)``; it shows nothing for small amounts and on other ranks."""
        if not self._progress or self.comm.rank > 0 or total < _SMALL:
            return nullcontext(_NoProgress())
        return Progress(what, total)

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

    def check_filter(self, pool: NodePool, label: str) -> None:
        """Raise CircuitError if a filter asks for a property that no node of this network has."""
        known = {name for g in self._groups for name in (*g.columns, *g.type_properties)} | {"node_id"}
        for name in pool.properties:
            if name not in known:
                raise CircuitError(
                    f"{label}: the filter asks for {name!r}, which no node has",
                    population=self.name,
                    expected="one of " + ", ".join(sorted(known)),
                    hint=did_you_mean(name, known) or None,
                )

    def _remember(self, network: NetworkBuilder) -> None:
        known = self if network.name == self.name else self._networks.get(network.name, network)
        if known is not network:
            raise CircuitError(
                f"add_edges: there are two networks with the name {network.name!r}",
                population=self.name,
                expected="one NetworkBuilder for each name",
            )
        self._networks[network.name] = network

    def _take_id(self, ids: IdGenerator, wanted: Any, what: str) -> int:
        if wanted is None:
            found = int(ids.next(1)[0])
            ids.take([found], lambda twice: self._duplicate(what, twice))
            return found
        ids.take([int(wanted)], lambda twice: self._duplicate(what, twice))
        return int(wanted)

    def _duplicate(self, what: str, twice: list[int]) -> CircuitError:
        return CircuitError(
            f"{what} is taken already", population=self.name, ids=twice, expected="ids used once"
        )


def _checked_ids(given: Any, network: str) -> Any:
    ids = np.asarray(list(given))
    if ids.dtype.kind not in "iu" or (ids.size and ids.min() < 0):
        raise CircuitError(
            "add_nodes: node_id is not valid", population=network, expected="whole numbers from 0 on"
        )
    return ids.astype(np.int64)
