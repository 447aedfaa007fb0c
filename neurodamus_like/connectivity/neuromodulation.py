"""NeuroModulationManager: events of virtual projections that reach the closest synapse of another edge population."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.circuit.engines import EDGE_ENGINES
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.nearest import closest
from neurodamus_like.connectivity.overrides import PathwayRule
from neurodamus_like.connectivity.placement import place_synapses
from neurodamus_like.connectivity.point_process import PointProcessManager
from neurodamus_like.connectivity.stims import ArtificialStim, NetConType
from neurodamus_like.connectivity.synapse_rules import SynapseRuleManager
from neurodamus_like.connectivity.synapse_table import (
    POSITION_MODES,
    SECTION_COLUMNS,
    FloatColumn,
    IntColumn,
)
from neurodamus_like.engine import synapse_factory
from neurodamus_like.engine.object_columns import ObjectColumn, has_object
from neurodamus_like.io.edges import EdgeTable

logger = logging.getLogger(__name__)

MAX_DISTANCE = 0.05
"""Synapses this far along the section, or farther, are not reached."""

_SECTION_BITS = 24
_N_WEIGHTS = 3
"""On or off, strength, decay time: the first values of the weight vector."""


@EDGE_ENGINES.register("neuromodulatory")
class NeuroModulationManager(EventDrivenManager):
    """Neuromodulatory edges of one population.

    An edge has no synapse of its own. Its events, which come from replay only, go to the chemical synapse on the same
    section of the same cell that is closest, if it is closer than :data:`MAX_DISTANCE`; of several at the same distance
    to the first (edge populations in the order of creation, then rows of the edge file). The column `synapses` holds
    these synapses, None where there is none. The weight vector of a NetCon begins with 1 (or 0 for a zero weight
    override), strength (uM) and decay time (ms), and has the kind 10 where the mechanism looks for it.
    """

    CONNECTIONS_TYPE: ClassVar[str] = "NeuroModulation"
    attributes = ("delay", "neuromod_strength", "neuromod_dtc")
    optional_attributes = (*SECTION_COLUMNS, *(name for mode in POSITION_MODES for name in mode))

    _others: tuple[SynapseRuleManager, ...] = ()

    def meet(self, managers: Sequence[Any]) -> None:
        """Learn whose synapses can be reached."""
        self._others = tuple(
            other
            for other in managers
            if isinstance(other, SynapseRuleManager)
            and not isinstance(other, PointProcessManager)
            and other.target is self.target
        )

    @property
    def strength_uM(self) -> FloatColumn:
        """Strength of the events of each edge: that of an override, else of the edge file; shape (n,)."""
        wanted = self.table.settings.neuromodulation_strength_uM[self.table.group]
        return np.where(np.isnan(wanted), self.table["neuromod_strength"], wanted)

    @property
    def decay_ms(self) -> FloatColumn:
        """Decay time of the events of each edge: that of an override, else of the edge file; shape (n,)."""
        wanted = self.table.settings.neuromodulation_dtc_ms[self.table.group]
        return np.where(np.isnan(wanted), self.table["neuromod_dtc"], wanted)

    def clear(self) -> None:
        """Drop NetCons and forget the edges."""
        self._others = ()
        super().clear()

    def _needed_attributes(self, rules: Sequence[PathwayRule]) -> tuple[str, ...]:
        return (*self._place_attributes(), *self.attributes)

    def _check(self, edges: EdgeTable) -> EdgeTable:
        edges.columns["conductance"] = np.ones(len(edges))
        self._check_position(edges)
        return edges

    def _create_synapses(self) -> IntColumn:
        if not len(self.table):
            return np.empty(0, dtype=np.int64)
        mine = place_synapses(self.table, self.target, self.population)
        best = np.full(len(self.table), MAX_DISTANCE)
        for other in self._others:
            theirs = place_synapses(other.table, other.target, other.population)
            rows = np.flatnonzero(theirs.section_index >= 0)
            found, distance = closest(
                _places(self.table.target_gid, self.table.section_id),
                mine.x,
                _places(other.table.target_gid[rows], other.table.section_id[rows]),
                theirs.x[rows],
            )
            nearer = distance < best
            best[nearer] = distance[nearer]
            self.synapses[nearer] = other.synapses[rows[found[nearer]]]
            self._nc_type_index[nearer] = other._nc_type_index[rows[found[nearer]]]
        return self._reached()

    def _reached(self) -> IntColumn:
        none = self._nc_type_index < _N_WEIGHTS
        has_synapse = has_object(self.synapses)
        deaf = has_synapse & none
        self.synapses[deaf] = None
        for what, count in (
            ("no synapse of another edge population close by", int((~has_synapse).sum())),
            ("a closest synapse whose mechanism knows no kinds of events", int(deaf.sum())),
        ):
            if count:
                logger.warning("%s: %d edges have %s", self.population.name, count, what)
        return np.flatnonzero(has_synapse & ~deaf)

    def _connect_sources(self) -> None:
        """Only replay sends neuromodulatory events."""

    def _schedule_weights(self) -> None:
        """Their weight does not change during the run."""

    def _configure_synapses(self) -> None:
        """The synapses belong to others, who have configured them."""

    def _create_minis(self) -> None:
        """Neuromodulation has no spontaneous events."""

    def _connect_stims(
        self,
        stim: ArtificialStim,
        rows: IntColumn,
        sources: ObjectColumn,
        source_index: IntColumn,
        delays_ms: FloatColumn,
        kind: NetConType,
        kept: list[Any],
    ) -> None:
        active = (self.table.weight_factor[rows] > 0).astype(np.float64)
        netcons = synapse_factory.connect_stims(sources, source_index, self.synapses[rows], active, delays_ms)
        for position, values in ((1, self.strength_uM), (2, self.decay_ms)):
            synapse_factory.set_netcon_weights(netcons, position, values[rows])
        index = self._nc_type_index[rows]
        for position in np.unique(index).tolist():
            synapse_factory.set_netcon_type(
                netcons[index == position], position, NetConType.NC_NEUROMODULATOR
            )
        stim.extend(rows, sources, netcons, kept)


def in_creation_order(managers: Iterable[Any]) -> list[Any]:
    """Return all managers in the order they create their objects: neuromodulation after the synapses it reaches."""
    ordered = sorted(managers, key=lambda manager: isinstance(manager, NeuroModulationManager))
    for manager in ordered:
        if isinstance(manager, NeuroModulationManager):
            manager.meet(ordered)
    return ordered


def _places(gid: IntColumn, section_id: IntColumn) -> IntColumn:
    """Return one number per section of a cell."""
    return (gid << _SECTION_BITS) | section_id
