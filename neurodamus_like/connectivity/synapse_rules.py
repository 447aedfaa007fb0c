"""SynapseRuleManager: chemical synapses, from columns to point processes, NetCons and their artificial sources."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from neurodamus_like.circuit.engines import EDGE_ENGINES
from neurodamus_like.connectivity.compact import in_blocks
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.helper_types import HelperType, resolve_synapse_type
from neurodamus_like.connectivity.overrides import PathwayRule
from neurodamus_like.connectivity.placement import Placement, place_synapses
from neurodamus_like.connectivity.synapse_table import (
    POSITION_MODES,
    SECTION_COLUMNS,
    IntColumn,
    SynapseTable,
)
from neurodamus_like.connectivity.synapse_types import (
    EXCITATORY,
    INHIBITORY,
    KINETICS,
    SynapseType,
    scale_release_probability,
    synapse_type_names,
)
from neurodamus_like.engine import synapse_factory
from neurodamus_like.io.edges import EdgeTable

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE = 20_000
"""Columns of parameters exist for so many synapses at a time."""


@EDGE_ENGINES.register("chemical")
class SynapseRuleManager(EventDrivenManager):
    """Chemical synapses of one edge population onto the cells of this rank."""

    CONNECTIONS_TYPE: ClassVar[str] = "Synaptic"
    default_type: ClassVar[str | None] = None
    """Synapse type of edges that no override changes; None: AMPA/NMDA or GABA, by ``syn_type_id``."""

    attributes = ("delay", "conductance")
    optional_attributes = (
        "syn_type_id",
        *KINETICS,
        "u_hill_coefficient",
        "conductance_scale_factor",
        *SECTION_COLUMNS,
        *(name for mode in POSITION_MODES for name in mode),
    )

    def mechanism_rows(self) -> dict[str, IntColumn]:
        """Return the rows of each point process; types written in HOC go by their own name."""
        found: dict[str, IntColumn] = {}
        for name, rows in synapse_type_names(self.table, self.default_type).items():
            kind = resolve_synapse_type(name, self.population)
            mechanism = kind.name if isinstance(kind, HelperType) else kind.mechanism
            found[mechanism] = np.concatenate([found.get(mechanism, rows[:0]), rows])
        return found

    def _create_synapses(self) -> IntColumn:
        """Create all point processes; return the rows that have one, in the order of the sections."""
        placement = place_synapses(self.table, self.target, self.population)
        self._sections = placement.sections
        if placement.skipped_count:
            logger.warning(
                "%s: SKIPPED %d synapses, their section was deleted with the axon",
                self.population.name,
                placement.skipped_count,
            )
        in_order = placement.kept
        for name, rows in synapse_type_names(self.table, self.default_type).items():
            of_type = np.zeros(len(self.table), dtype=bool)
            of_type[rows] = True
            of_type_in_order = in_order[of_type[in_order]]
            for block in in_blocks(of_type_in_order, _ROWS_AT_ONCE):
                self._create(name, placement, block)
        return in_order

    def _create(self, type_name: str, placement: Placement, rows: IntColumn) -> None:
        kind = resolve_synapse_type(type_name, self.population)
        part = self._scaled(self.table.take(rows), kind)
        where = (placement.sections, placement.section_index[rows], placement.x[rows])
        if isinstance(kind, HelperType):
            created, helpers = kind.create(part, self.simulation, self.population_ids, *where)
            self._kept += helpers
            mechanism = str(created[0].hname()).split("[")[0]
        else:
            streams = kind.rng_ids(part, self.context) if kind.rng_ids else None
            mechanism = kind.mechanism
            created = synapse_factory.create_point_processes(
                mechanism, *where, kind.parameters(part, self.context), streams
            )
        self.synapses[rows] = created
        index = synapse_factory.netcon_type_index(mechanism)
        self._nc_type_index[rows] = -1 if index is None else index

    def _scaled(self, part: SynapseTable, kind: SynapseType | HelperType) -> SynapseTable:
        """Scale release probabilities by extracellular calcium, where the edges have a Hill coefficient."""
        calcium = self.simulation.conditions.extracellular_calcium_mM
        if calcium is not None and "u_hill_coefficient" in part.columns:
            hill = np.nan_to_num(part["u_hill_coefficient"])
            for name in ("u_syn", *kind.hill_scaled):
                if name in part.columns:
                    part.columns[name] = scale_release_probability(part[name], hill, calcium)
        return part

    def _needed_attributes(self, rules: Sequence[PathwayRule]) -> tuple[str, ...]:
        names = {rule.block.modoverride for rule in rules if rule.block.modoverride}
        plain = not rules or any(not rule.block.modoverride for rule in rules if rule.creates)
        needed = [*self._place_attributes(), *self.attributes]
        if plain:
            names |= {self.default_type} if self.default_type else {EXCITATORY, INHIBITORY}
            needed += [] if self.default_type else ["syn_type_id"]
        for name in sorted(names):
            needed += resolve_synapse_type(name, self.population).attributes
        return tuple(dict.fromkeys(needed))

    def _check(self, edges: EdgeTable) -> EdgeTable:
        self._check_position(edges)
        return edges
