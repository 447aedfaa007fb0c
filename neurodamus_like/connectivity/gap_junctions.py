"""GapJunctionManager: half-gaps of electrical edges, paired through the ids of their ends."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.circuit.engines import EDGE_ENGINES
from neurodamus_like.config.gap_corrections import GapCorrections, parse_gap_corrections
from neurodamus_like.config.models import ConnectionOverride, EdgePopulation, Simulation
from neurodamus_like.connectivity.gap_corrections import CorrectedCells
from neurodamus_like.connectivity.manager import ConnectionManagerBase
from neurodamus_like.connectivity.overrides import OverrideRules, PathwayRule
from neurodamus_like.connectivity.placement import Placement, place_synapses
from neurodamus_like.connectivity.synapse_table import (
    POSITION_MODES,
    SECTION_COLUMNS,
    BoolColumn,
    IntColumn,
)
from neurodamus_like.engine import transfer
from neurodamus_like.engine.object_columns import no_objects
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.edges import EdgeTable
from neurodamus_like.parallel.errors import raise_collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.targets.manager import TargetManager

logger = logging.getLogger(__name__)

OWN_ID, PARTNER_ID = "afferent_junction_id", "efferent_junction_id"


@EDGE_ENGINES.register("electrical")
class GapJunctionManager(ConnectionManagerBase):
    """Gap junctions of one edge population.

    Each junction is two edges, one per direction. An edge puts a half-gap on its target, which follows the voltage of
    the other half: the edge whose ``afferent_junction_id`` is our ``efferent_junction_id``. Both cells must be in the
    circuit target; connection overrides do not matter.
    """

    CONNECTIONS_TYPE: ClassVar[str] = "GapJunction"
    uses_overrides: ClassVar[bool] = False
    attributes = ("conductance", OWN_ID, PARTNER_ID)
    optional_attributes = (*SECTION_COLUMNS, *(name for mode in POSITION_MODES for name in mode))

    def __init__(
        self,
        population: EdgePopulation,
        source: CellManagerBase,
        target: CellManagerBase,
        simulation: Simulation,
    ) -> None:
        super().__init__(population, source, target, simulation)
        self.corrections: GapCorrections = parse_gap_corrections(simulation)
        self.corrected: CorrectedCells | None = None
        self._lost_ids: IntColumn = np.empty(0, dtype=np.int64)

    def attach(self, targets: TargetManager, rules: OverrideRules | None = None) -> None:
        """Make node sets known; connection overrides do not concern gap junctions."""
        super().attach(targets, None)

    def create_connections(self, src_target: str | None = None, dst_target: str | None = None) -> None:
        """Read the edges whose two cells are simulated."""
        if self.source.is_virtual:
            logger.warning(
                "%s: no gap junctions, the population %s has no cells in this simulation",
                self.population.name,
                self.source.population_name,
            )
            return
        super().create_connections(src_target, dst_target)
        placement = place_synapses(self.table, self.target, self.population)
        lost = placement.section_index < 0
        self._lost_ids = self.own_id[lost]
        if lost.any():
            logger.warning(
                "%s: SKIPPED %d gap junctions, their section was deleted with the axon",
                self.population.name,
                int(lost.sum()),
            )
            self.keep(~lost)

    def configure_connections(self, conn_conf: ConnectionOverride) -> bool:
        """Overrides do not concern gap junctions: nothing is changed."""
        return False

    @property
    def own_id(self) -> IntColumn:
        """Id of the end on the target, shape (n,)."""
        return self._ids(OWN_ID)

    @property
    def partner_id(self) -> IntColumn:
        """Id of the end on the source, shape (n,)."""
        return self._ids(PARTNER_ID)

    @property
    def lost_ids(self) -> IntColumn:
        """Ids of ends on sections that were deleted with the axon."""
        return self._lost_ids

    def keep(self, rows: BoolColumn) -> None:
        """Forget all other rows."""
        self.table = self.table.take(rows)
        self._connections = self._new_connection_set()

    def finalize(self, base_seed: int | None = None, **_: Any) -> None:
        """Correct the cells as ``beta_features`` say, and create the half-gaps."""
        if self.corrections.concern(self.target.population_name):
            self.corrected = CorrectedCells(self.target.gid2cell, self.corrections)
        placement = place_synapses(self.table, self.target, self.population)
        self.synapses = no_objects(len(self.table))
        rows = placement.kept
        self.synapses[rows] = self._create(placement, rows)

    def save_seclamp(self, output_dir: Path, rank: int) -> None:
        """Write the currents of voltage clamps (``beta_features.vc_amp``), if there are any."""
        if self.corrected is not None and self.corrected.clamps:
            self.corrected.save_currents(output_dir, rank)

    def clear(self) -> None:
        """Drop the half-gaps and forget the edges."""
        self.corrected = None
        self._lost_ids = np.empty(0, dtype=np.int64)
        super().clear()

    def read_for_counting(self) -> None:
        """Read the edges whose two cells are simulated, wherever they end on them."""
        if not self.source.is_virtual:
            super().create_connections()

    def mechanism_rows(self) -> dict[str, IntColumn]:
        """Return all rows: each edge is half a junction."""
        return {transfer.GAP_MECHANISM: np.arange(len(self.table))}

    def _create(self, placement: Placement, rows: IntColumn) -> Any:
        return transfer.create_half_gaps(
            placement.sections,
            placement.section_index[rows],
            placement.x[rows],
            self.table["conductance"][rows],
            self.own_id[rows],
            self.partner_id[rows],
        )

    def _ids(self, name: str) -> IntColumn:
        values = self.table.columns.get(name)
        return np.empty(0, dtype=np.int64) if values is None else values.astype(np.int64)

    def _needed_attributes(self, rules: Sequence[PathwayRule]) -> tuple[str, ...]:
        return (*self._place_attributes(), *self.attributes)

    def _check(self, edges: EdgeTable) -> EdgeTable:
        self._check_position(edges)
        for name in (OWN_ID, PARTNER_ID):
            bad = edges[name] < 0 if len(edges) else np.zeros(0, dtype=bool)
            if bad.any():
                raise self._error(f"{name} is negative for {int(bad.sum())} edges", name, edges.edge_id[bad])
        return edges

    def _error(self, what: str, name: str, edge_ids: IntColumn, hint: str | None = None) -> CircuitError:
        return CircuitError(
            what,
            file=self.population.file,
            pointer=f"/edges/{self.population.name}/0/{name}",
            population=self.population.name,
            ids=edge_ids.tolist(),
            expected="one id from 0 per end of a junction, unique over all electrical edges",
            hint=hint,
        )


def save_seclamps(managers: Iterable[Any], output_dir: Path, rank: int) -> None:
    """Write the currents of all voltage clamps of this rank."""
    for manager in managers:
        if isinstance(manager, GapJunctionManager):
            manager.save_seclamp(output_dir, rank)


@dataclass(frozen=True)
class _Ends:
    """Ends of half-gaps of all ranks: their ids (ascending) and the gids they sit on."""

    ids: IntColumn
    gid: IntColumn
    lost: IntColumn

    @classmethod
    def gather(cls, managers: Sequence[GapJunctionManager], comm: Communicator) -> _Ends:
        nothing = np.empty(0, dtype=np.int64)
        mine = [
            np.concatenate([nothing, *parts])
            for parts in (
                [m.own_id for m in managers],
                [m.table.target_gid for m in managers],
                [m.lost_ids for m in managers],
            )
        ]
        ids, gid, lost = (np.concatenate(parts) for parts in zip(*comm.allgather(mine), strict=True))
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], gid[order], np.unique(lost))

    def gid_of(self, ids: IntColumn) -> IntColumn:
        """Return the cell that each end sits on; -1 for ends that do not exist."""
        if not self.ids.size:
            return np.full(ids.size, -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.ids, ids), self.ids.size - 1)
        return np.where(self.ids[place] == ids, self.gid[place], -1)

    @property
    def repeated(self) -> IntColumn:
        """Ids that more than one end has."""
        return np.unique(self.ids[1:][self.ids[1:] == self.ids[:-1]])


def pair_junctions(managers: Iterable[Any], comm: Communicator) -> None:
    """Check that every half-gap of every rank has its other half, on the right cell; collective.

    Halves whose partner sat on a section that was deleted with the axon are left out as well.

    Raises
    ------
    CircuitError
        Naming the edges whose partner is missing or sits on another cell, or that share an id; on all ranks.
    """
    gaps = [manager for manager in managers if isinstance(manager, GapJunctionManager)]
    if not gaps:
        return
    ends = _Ends.gather(gaps, comm)
    error: CircuitError | None = None
    for manager in gaps:
        error = error or _problem(manager, ends)
        widowed = np.isin(manager.partner_id, ends.lost)
        if widowed.any():
            manager.keep(~widowed)
    raise_collectively(comm, error)


def _problem(manager: GapJunctionManager, ends: _Ends) -> CircuitError | None:
    table = manager.table
    repeated = np.isin(manager.own_id, ends.repeated)
    if repeated.any():
        what = f"{int(repeated.sum())} edges share their {OWN_ID} with others (first: {_edge(manager, repeated)})"
        return manager._error(what, OWN_ID, table.edge_id[repeated])
    partner_gid = ends.gid_of(manager.partner_id)
    missing = (partner_gid < 0) & ~np.isin(manager.partner_id, ends.lost)
    if missing.any():
        what = f"{int(missing.sum())} gap junctions have no other half (first: {_edge(manager, missing)})"
        hint = f"each junction is two edges: the {PARTNER_ID} of one is the {OWN_ID} of the other"
        return manager._error(what, PARTNER_ID, table.edge_id[missing], hint)
    elsewhere = (partner_gid >= 0) & (partner_gid != table.source_gid)
    if elsewhere.any():
        what = (
            f"{int(elsewhere.sum())} gap junctions have their other half on a cell that is not their source "
            f"(first: {_edge(manager, elsewhere)}, on gid {int(partner_gid[elsewhere][0])})"
        )
        return manager._error(what, PARTNER_ID, table.edge_id[elsewhere])
    return None


def _edge(manager: GapJunctionManager, rows: BoolColumn) -> str:
    row = int(np.flatnonzero(rows)[0])
    table = manager.table
    ids = f"{OWN_ID} {manager.own_id[row]}, {PARTNER_ID} {manager.partner_id[row]}"
    return f"edge {table.edge_id[row]} from gid {table.source_gid[row]} to {table.target_gid[row]}, {ids}"
