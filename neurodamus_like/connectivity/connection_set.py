"""ConnectionSet: the connections of one pair of populations; the objects are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.connectivity.connection import Connection
from neurodamus_like.connectivity.stims import SynapseOwner
from neurodamus_like.connectivity.synapse_table import IntColumn

PopulationSelector = int | tuple[int | None, int | None] | None
"""Which pairs of population ids: None all, a number one source, or (source, target), each of them None for all."""


class ConnectionSet:
    """The connections of one pair of populations on this rank.

    Parameters
    ----------
    src_id, dst_id
        Population ids.
    owner
        Holds the synapses.
    conn_factory
        Class of the views.
    """

    def __init__(
        self,
        src_id: int,
        dst_id: int,
        owner: SynapseOwner,
        conn_factory: Callable[[SynapseOwner, int, int], Connection] = Connection,
    ) -> None:
        self.src_id = int(src_id)
        self.dst_id = int(dst_id)
        self._owner = owner
        self._make = conn_factory
        self._stored: dict[tuple[int, int], Connection] = {}

    def __repr__(self) -> str:
        return f"ConnectionSet({self.src_id} -> {self.dst_id}, {self.count()} connections)"

    def __getitem__(self, tgid: int) -> list[Connection]:
        return self.get_connections(tgid)

    def target_gids(self) -> list[int]:
        """Return the global ids of all targets, ascending."""
        stored = [tgid for tgid, _ in self._stored]
        gids = np.union1d(self._owner.table.target_gid, np.array(stored, dtype=np.int64))
        return [int(gid) for gid in gids]

    def count(self) -> int:
        """Return the number of connections."""
        return len(self._pairs(None, None))

    def get_connection(self, sgid: int, tgid: int) -> Connection | None:
        """Return the connection from one cell to another, or None."""
        stored = self._stored.get((int(tgid), int(sgid)))
        if stored is not None:
            return stored
        connection = self._make(self._owner, int(sgid), int(tgid))
        return connection if len(connection) else None

    def get_or_create_connection(self, sgid: int, tgid: int, **settings: Any) -> Connection:
        """Return the connection from one cell to another; a new one has no synapses yet.

        Parameters
        ----------
        sgid, tgid
            Global ids.
        **settings
            Attributes to set, such as ``weight_factor``, once there are synapses.
        """
        connection = self.get_connection(sgid, tgid)
        if connection is None:
            connection = self._make(self._owner, int(sgid), int(tgid))
            self.store_connection(connection)
        if len(connection):
            for name, value in settings.items():
                setattr(connection, name, value)
        return connection

    def store_connection(self, conn: Connection) -> None:
        """Keep a connection, so that later look-ups return this very object."""
        self._stored[(conn.tgid, conn.sgid)] = conn

    def get_connections(
        self, post_gids: int | npt.ArrayLike | None = None, pre_gids: int | npt.ArrayLike | None = None
    ) -> list[Connection]:
        """Return the connections between groups of cells, by target, then source.

        Parameters
        ----------
        post_gids, pre_gids
            One global id, several, or None for all.
        """
        return [self.view(sgid, tgid) for tgid, sgid in self._pairs(_ids(post_gids), _ids(pre_gids))]

    def all_connections(self) -> Iterator[Connection]:
        """Iterate over all connections, by target, then source."""
        return (self.view(sgid, tgid) for tgid, sgid in self._pairs(None, None))

    def items(self) -> Iterator[tuple[int, list[Connection]]]:
        """Iterate over (target gid, its connections by source)."""
        by_target: dict[int, list[Connection]] = {}
        for connection in self.all_connections():
            by_target.setdefault(connection.tgid, []).append(connection)
        return iter(by_target.items())

    def ids_match(self, population_ids: PopulationSelector, dst_second: int | None = None) -> bool:
        """Say whether a selector means this pair of populations."""
        if isinstance(population_ids, tuple):
            source, target = population_ids
        else:
            source, target = population_ids, dst_second
        return (source is None or source == self.src_id) and (target is None or target == self.dst_id)

    def view(self, sgid: int, tgid: int) -> Connection:
        """Return the connection from one cell to another, which must exist."""
        stored = self._stored.get((tgid, sgid))
        return stored if stored is not None else self._make(self._owner, sgid, tgid)

    def _pairs(self, post: IntColumn | None, pre: IntColumn | None) -> list[tuple[int, int]]:
        table = self._owner.table
        rows = np.ones(len(table), dtype=bool)
        for ids, column in ((post, table.target_gid), (pre, table.source_gid)):
            if ids is not None:
                rows &= np.isin(column, ids)
        pairs = np.unique(np.stack([table.target_gid[rows], table.source_gid[rows]]), axis=1).T
        extra = [
            pair
            for pair in self._stored
            if (post is None or pair[0] in post) and (pre is None or pair[1] in pre)
        ]
        found = [(int(tgid), int(sgid)) for tgid, sgid in pairs.tolist()]
        return sorted({*found, *extra}) if extra else found


def _ids(gids: int | npt.ArrayLike | None) -> IntColumn | None:
    return None if gids is None else np.atleast_1d(np.asarray(gids, dtype=np.int64))


Connections = Mapping[tuple[int, int], ConnectionSet]
"""(source id, target id) -> connections."""
