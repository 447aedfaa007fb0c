"""Spike sources that are no cells, the kinds of NetCons, and what holds synapses."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodamus_like.connectivity.synapse_table import IntColumn, SynapseTable
from neurodamus_like.engine import artificial
from neurodamus_like.engine.object_columns import ObjectColumn, joined, no_objects


class NetConType(IntEnum):
    """Kind of a NetCon, as mechanisms read it from its weight vector."""

    NC_PRESYN = 0
    NC_SPONTMINI = 1
    NC_REPLAY = 2
    NC_NEUROMODULATOR = 10


@dataclass
class ArtificialStim:
    """Spike sources that are no cells, with their NetCons.

    Attributes
    ----------
    rows
        Synapse row that each NetCon drives.
    netstims
        The sources.
    netcons
        The NetCons, aligned with `rows`.
    kept
        What must live as long (Vectors).
    """

    rows: IntColumn = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    netstims: ObjectColumn = field(default_factory=lambda: no_objects(0))
    netcons: ObjectColumn = field(default_factory=lambda: no_objects(0))
    kept: list[Any] = field(default_factory=list)

    def extend(self, rows: IntColumn, netstims: ObjectColumn, netcons: ObjectColumn, kept: list[Any]) -> None:
        """Add sources."""
        self.rows = np.concatenate([self.rows, rows])
        self.netcons = joined([self.netcons, netcons])
        self.netstims = joined([self.netstims, netstims])
        self.kept += kept

    def restart_events(self) -> None:
        """Let the sources send their next event again, after a restore."""
        artificial.restart_stims(self.netstims)


class ReplayStim(ArtificialStim):
    """Sources of replayed spikes."""


class SpontMinis(ArtificialStim):
    """Sources of spontaneous release."""


class SynapseOwner(Protocol):
    """What holds the rows that connections look at."""

    table: SynapseTable
    synapses: ObjectColumn
    netcons: ObjectColumn
    replay_stim: ReplayStim
    minis_stim: SpontMinis

    @property
    def population_ids(self) -> tuple[int, int]:
        """Ids of source and target population."""

    def sections_of(self, rows: IntColumn) -> list[Any]:
        """Return the section of each row (None where it was deleted)."""

    def add_rows(self, table: SynapseTable) -> None:
        """Add synapses."""

    def replay_connection(self, sgid: int, tgid: int, times_ms: npt.ArrayLike) -> None:
        """Let spikes drive the synapses from one cell to another."""
