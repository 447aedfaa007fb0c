"""The nodes of a network under construction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.builder.communicator import Communicator, default_communicator
from neurodamus_like.builder.import_nodes import read_node_groups
from neurodamus_like.builder.node_pool import NodePool
from neurodamus_like.builder.node_table import IdGenerator, Node, NodeGroup, split_properties
from neurodamus_like.builder.ranks import all_agree
from neurodamus_like.exceptions import CircuitError, ConfigurationError, did_you_mean


class NetworkNodes:
    """The nodes that were added, by groups and from files; the part of a NetworkBuilder that knows no edges.

    Parameters
    ----------
    name
        Name of the network, and of its node population.
    comm
        Ranks that build together; those of the MPI launcher by default.

    Raises
    ------
    ConfigurationError
        The name is empty.
    """

    def __init__(self, name: str, comm: Communicator | None = None) -> None:
        if not name:
            raise ConfigurationError("a network needs a name")
        if "/" in name:
            raise ConfigurationError(f"the network name {name!r} is not valid", expected="a name without '/'")
        self._name = str(name)
        self._comm = comm
        self._groups: list[NodeGroup] = []
        self._node_ids = IdGenerator()
        self._node_type_ids = IdGenerator(100)
        self._nodes_built = False

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
    def nodes_built(self) -> bool:
        """Whether the nodes have been built."""
        return self._nodes_built

    def node_groups(self) -> Sequence[NodeGroup]:
        """Return the groups of nodes, one for each ``add_nodes``."""
        return self._groups

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

    def id_bound(self) -> int:
        """Return one more than the largest node id."""
        return max((int(g.node_ids.max()) + 1 for g in self._groups if len(g)), default=0)

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

    def clear(self) -> None:
        """Forget what was built; nodes and rules stay."""
        self._nodes_built = False
        self._forget_edges()

    def _forget_edges(self) -> None:
        """Forget what was built from the nodes."""

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
