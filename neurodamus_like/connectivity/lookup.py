"""Finding connections: the part of a manager of connections that scripts ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.config.populations import read_edge_population_ends
from neurodamus_like.connectivity.connection import Connection
from neurodamus_like.connectivity.connection_set import ConnectionSet, PopulationSelector
from neurodamus_like.connectivity.stims import ReplayStim, SpontMinis
from neurodamus_like.connectivity.synapse_table import BoolColumn, IntColumn, SynapseTable
from neurodamus_like.connectivity.synapse_types import population_id
from neurodamus_like.engine.object_columns import ObjectColumn, no_objects
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.targets.manager import TargetManager


class ConnectionLookup:
    """The edges of one population on this rank, and what was made of them.

    Parameters
    ----------
    population
        The edge population.
    source, target
        Managers of the node populations at both ends.
    simulation
        The configuration.

    Attributes
    ----------
    table
        The edges that became synapses.
    synapses
        Point processes, aligned with the rows of `table`; None where the section was deleted.
    netcons
        NetCons from the source gids, aligned with the rows; None for sources without cells.
    replay_stim, minis_stim
        Sources of replayed spikes and of spontaneous release.
    """

    CONNECTIONS_TYPE: ClassVar[str] = ""
    """What kind of connections a subclass handles."""
    conn_factory: ClassVar[type[Connection]] = Connection
    """Class of the views on connections."""

    def __init__(
        self,
        population: EdgePopulation,
        source: CellManagerBase,
        target: CellManagerBase,
        simulation: Simulation,
    ) -> None:
        self.population = population
        self.source = source
        self.target = target
        self.simulation = simulation
        self.table: SynapseTable = self._empty_table()
        self.synapses: ObjectColumn = no_objects(0)
        self.netcons: ObjectColumn = no_objects(0)
        self.replay_stim = ReplayStim()
        self.minis_stim = SpontMinis()
        self._targets: TargetManager | None = None
        self._connections = self._new_connection_set()

    @property
    def cell_manager(self) -> CellManagerBase:
        """Manager of the target cells."""
        return self.target

    @property
    def src_cell_manager(self) -> CellManagerBase:
        """Manager of the source nodes."""
        return self.source

    @property
    def src_node_population(self) -> str:
        """Name of the source population."""
        return self.population.source

    @property
    def dst_node_population(self) -> str:
        """Name of the target population."""
        return self.population.target

    @property
    def src_pop_offset(self) -> int:
        """Gid offset of the source population."""
        return self.source.offset

    @property
    def target_pop_offset(self) -> int:
        """Gid offset of the target population."""
        return self.target.offset

    @property
    def population_ids(self) -> tuple[int, int]:
        """Ids of source and target population, which key the random streams."""
        return population_id(self.population.source), population_id(self.population.target)

    @property
    def current_population(self) -> ConnectionSet:
        """The connections."""
        return self._connections

    @property
    def synapse_count(self) -> int:
        """Synapses on this rank."""
        return len(self.table)

    @property
    def connection_count(self) -> int:
        """Connected pairs of cells whose target is on this rank."""
        return self.table.connection_count

    def get_connection(self, sgid: int, tgid: int) -> Connection | None:
        """Return the connection between two global ids, or None."""
        return self._connections.get_connection(sgid, tgid)

    def connections(self) -> Iterator[Connection]:
        """Iterate over the connections, by target, then source."""
        return self._connections.all_connections()

    all_connections = connections

    def get_connections(
        self,
        post_gids: int | npt.ArrayLike | None = None,
        pre_gids: int | npt.ArrayLike | None = None,
        population_ids: PopulationSelector = None,
    ) -> list[Connection]:
        """Return the connections between groups of cells (global ids; None means all), by target, then source."""
        return [
            connection
            for found in self.find_populations(population_ids)
            for connection in found.get_connections(post_gids, pre_gids)
        ]

    def find_populations(self, population_ids: PopulationSelector = None) -> list[ConnectionSet]:
        """Return the connection sets that a selector of population ids means."""
        return [self._connections] if self._connections.ids_match(population_ids) else []

    def get_population(self, src_pop_id: int, dst_pop_id: int = 0) -> ConnectionSet:
        """Return the connections between two populations, by their ids.

        Raises
        ------
        ConfigurationError
            This manager holds those of another pair.
        """
        if not self._connections.ids_match((src_pop_id, dst_pop_id)):
            raise ConfigurationError(
                f"these edges do not go from population id {src_pop_id} to {dst_pop_id}",
                population=self.population.name,
                expected=f"the ids {self.population_ids}",
            )
        return self._connections

    select_connection_set = get_population

    def get_target_connections(
        self,
        src_target_name: str | None,
        dst_target_name: str | None,
        selected_gids: npt.ArrayLike | None = None,
        conn_population: ConnectionSet | None = None,
    ) -> Iterator[Connection]:
        """Iterate over the connections between two node sets.

        Parameters
        ----------
        src_target_name, dst_target_name
            Node sets; None means all nodes.
        selected_gids
            Only onto these nodes (ids inside the population).
        conn_population
            Only from this set.
        """
        if conn_population is not None and conn_population is not self._connections:
            return iter(())
        mask = self._mask(src_target_name, dst_target_name)
        if selected_gids is not None:
            mask &= np.isin(
                self.table.target_gid - self.target.offset, np.asarray(selected_gids, dtype=np.int64)
            )
        pairs = np.unique(np.stack([self.table.target_gid[mask], self.table.source_gid[mask]]), axis=1).T
        return (self._connections.view(sgid, tgid) for tgid, sgid in pairs.tolist())

    def restart_events(self) -> None:
        """Let the sources of replay and minis send their next event again, after a restore."""
        self.replay_stim.restart_events()
        self.minis_stim.restart_events()

    def sections_of(self, rows: IntColumn) -> list[Any]:
        """Return the section of each row; None where it was deleted with the axon."""
        sections = []
        for row in rows.tolist():
            cell = self.target.get_cell(int(self.table.target_gid[row]))
            position = int(cell.layout.edge_table[self.table.section_id[row]])
            sections.append(cell.sections[position] if position >= 0 else None)
        return sections

    def _mask(self, source: str | None, target: str | None) -> BoolColumn:
        mask = np.ones(len(self.table), dtype=bool)
        for name, end, gids, offset in (
            (source, "source", self.table.source_gid, self.source.offset),
            (target, "target", self.table.target_gid, self.target.offset),
        ):
            ids = self._node_ids(name, end)
            if ids is not None:
                mask &= np.isin(gids - offset, ids)
        return mask

    def _node_ids(self, node_set: str | None, end: str) -> IntColumn | None:
        """Return the node ids of a node set in the population at one end; None means all."""
        if node_set is None:
            return None
        if self._targets is None:
            raise ConfigurationError("node sets are not known to this manager", hint="call attach() first")
        population = self.population.source if end == "source" else self.population.target
        return self._targets.get_target(node_set).node_ids(population)

    def _new_connection_set(self) -> ConnectionSet:
        return ConnectionSet(*self.population_ids, self, self.conn_factory)

    @staticmethod
    def _empty_table() -> SynapseTable:
        none = np.empty(0, dtype=np.int64)
        return SynapseTable(none, none, none, none, none, np.empty(0), {})

    def add_rows(self, table: SynapseTable) -> None:
        """Add synapses that come from no file (see :meth:`Connection.add_synapses`), before `finalize`."""
        self._add(table)

    def replay_connection(self, sgid: int, tgid: int, times_ms: npt.ArrayLike) -> None:
        """Let spikes drive the synapses from one cell to another (only kinds that take spikes can)."""
        raise ConfigurationError(
            f"connections of type {self.CONNECTIONS_TYPE or self.population.kind} take no spikes",
            population=self.population.name,
            ids=[sgid, tgid],
        )

    def clear(self) -> None:
        """Drop NetCons, then synapses, and forget the edges."""
        self.replay_stim, self.minis_stim = ReplayStim(), SpontMinis()
        self.netcons = no_objects(0)
        self.synapses = no_objects(0)
        self.table = self._empty_table()
        self._connections = self._new_connection_set()

    def _add(self, table: SynapseTable) -> None:
        fresh = table.take(~np.isin(table.edge_id, self.table.edge_id)) if len(self.table) else table
        self.table = self.table.joined(fresh)


def edge_node_pop_names(
    edge_file: str | Path,
    edge_pop_name: str,
    src_pop_name: str | None = None,
    dst_pop_name: str | None = None,
) -> tuple[str, str]:
    """Return the names of the source and target population of edges; names that are given win over the file.

    Raises
    ------
    CircuitError
        The file lacks the population, or does not say where its edges begin and end.
    """
    if src_pop_name and dst_pop_name:
        return src_pop_name, dst_pop_name
    source, target, _ = read_edge_population_ends(Path(edge_file), edge_pop_name)
    return src_pop_name or source, dst_pop_name or target
