"""The synapses of one edge population on this rank, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np

from neurodamus_like.connectivity.compact import Column, compact, compact_integers, writable
from neurodamus_like.connectivity.settings import (
    BoolColumn,
    ConnectionSettings,
    FloatColumn,
    IntColumn,
    concatenate,
)
from neurodamus_like.io.edges import EdgeTable

__all__ = ["POSITION_MODES", "BoolColumn", "FloatColumn", "IntColumn", "SynapseTable"]

POSITION_MODES = (
    ("afferent_section_pos",),
    ("afferent_section_fraction",),
    ("afferent_segment_id", "afferent_segment_offset"),
    ("morpho_section_fraction_post",),
    ("morpho_segment_id_post", "morpho_offset_segment_post"),
)
"""Attribute sets that place a synapse on its section, in the order of preference."""


SECTION_COLUMNS = ("afferent_section_id", "morpho_section_id_post")
"""Attributes that name the section, today's and the oldest."""

_IDS = ("source_gid", "target_gid", "edge_id", "synapse_id", "section_id")


class SynapseTable:
    """One row per synapse, ordered by target, then by row in the edge file.

    Everything is held in the smallest type that keeps it exact (:mod:`~neurodamus_like.connectivity.compact`), and
    widened when asked for.

    Parameters
    ----------
    source_gid, target_gid
        Global ids.
    edge_id
        Row in the edge file.
    synapse_id
        Place among all incoming edges of the target in this population, from 0; keys the random streams.
    section_id
        Edge numbering of sections.
    delay_ms
        Of the edge, on the grid of the time step.
    columns
        SONATA attribute -> numbers.
    group
        Row of `settings` per synapse; 0 by default.
    settings
        What connection overrides decided, for each group of synapses.

    Attributes
    ----------
    columns
        SONATA attribute -> values in a compact type; ``table[name]`` gives them as float64.
    settings
        See above.
    """

    def __init__(
        self,
        source_gid: IntColumn,
        target_gid: IntColumn,
        edge_id: IntColumn,
        synapse_id: IntColumn,
        section_id: IntColumn,
        delay_ms: Column,
        columns: Mapping[str, Column],
        group: Column | None = None,
        settings: ConnectionSettings | None = None,
    ) -> None:
        ids = (source_gid, target_gid, edge_id, synapse_id, section_id)
        self._ids = {
            name: compact_integers(np.asarray(values)) for name, values in zip(_IDS, ids, strict=True)
        }
        self._delay: Column = compact(np.asarray(delay_ms))
        self._delay_unit_ms = 1.0
        self.columns: dict[str, Column] = {name: compact(np.asarray(v)) for name, v in columns.items()}
        self._group: Column = np.broadcast_to(np.int8(0), len(self)) if group is None else compact(group)
        self.settings = ConnectionSettings.default() if settings is None else settings

    def __len__(self) -> int:
        return int(self._ids["target_gid"].size)

    @property
    def source_gid(self) -> IntColumn:
        """Global ids of the sources, int64[n]."""
        return self._ids["source_gid"].astype(np.int64)

    @property
    def target_gid(self) -> IntColumn:
        """Global ids of the targets, int64[n]."""
        return self._ids["target_gid"].astype(np.int64)

    @property
    def edge_id(self) -> IntColumn:
        """Rows in the edge file, int64[n]."""
        return self._ids["edge_id"].astype(np.int64)

    @property
    def synapse_id(self) -> IntColumn:
        """Places among the incoming edges of the target, int64[n]."""
        return self._ids["synapse_id"].astype(np.int64)

    @property
    def section_id(self) -> IntColumn:
        """Sections in the numbering of edges, int64[n]."""
        return self._ids["section_id"].astype(np.int64)

    @property
    def delay_ms(self) -> FloatColumn:
        """Delays of the edges, float64[n]."""
        delay: FloatColumn = self._delay.astype(np.float64) * self._delay_unit_ms
        return delay

    @property
    def group(self) -> Column:
        """Row of `settings` of each synapse, shape (n,); changed by :meth:`regroup` only."""
        return self._group

    def regroup(self, rows: IntColumn | BoolColumn, group: int | IntColumn) -> None:
        """Give other settings to some synapses."""
        groups = np.array(self._group, dtype=np.int64)
        groups[rows] = group
        self._group = compact(groups)

    @property
    def weight_factor(self) -> FloatColumn:
        """Multiplies the conductance in the NetCon weight, shape (n,)."""
        return self.settings.weight_factor[self._group]

    @property
    def netcon_delay_ms(self) -> FloatColumn:
        """Delay of NetCons: that of the edge, unless an override gives another that is not zero."""
        wanted = self.settings.delay_override_ms[self._group]
        return np.where(np.isnan(wanted) | (wanted == 0), self.delay_ms, wanted)

    @property
    def netcon_weight(self) -> FloatColumn:
        """Weight of NetCons: conductance times weight factor, in the unit of the mechanism."""
        weight: FloatColumn = self["conductance"] * self.weight_factor
        return weight

    def __getitem__(self, name: str) -> FloatColumn:
        return self.columns[name].astype(np.float64)

    def get(self, name: str, default: float) -> FloatColumn:
        """Return a column, or `default` in every row when the edge file lacks it."""
        return self[name] if name in self.columns else np.full(len(self), default)

    def change(self, name: str, rows: IntColumn, value: float) -> None:
        """Write another value into some rows of a column."""
        self.columns[name] = writable(self.columns[name])
        self.columns[name][rows] = value

    def rows_onto(self, tgid: int) -> IntColumn:
        """Return the rows of the synapses onto one cell, ascending."""
        target = self._ids["target_gid"]
        known = np.iinfo(target.dtype)
        if not known.min <= tgid <= known.max:
            return np.empty(0, dtype=np.int64)
        value = target.dtype.type(tgid)  # of the same type, or numpy widens the whole column to compare
        return np.arange(target.searchsorted(value), target.searchsorted(value, side="right"))

    def rows_between(self, sgid: int, tgid: int) -> IntColumn:
        """Return the rows of the synapses from one cell to another, ascending."""
        rows = self.rows_onto(tgid)
        found: IntColumn = rows[self._ids["source_gid"][rows] == sgid]
        return found

    @property
    def connection_count(self) -> int:
        """Number of distinct (source, target) pairs."""
        if not len(self):
            return 0
        order = np.lexsort((self._ids["source_gid"], self._ids["target_gid"]))
        new = np.zeros(len(self) - 1, dtype=bool)
        for name in ("source_gid", "target_gid"):
            ids = self._ids[name][order]
            new |= ids[1:] != ids[:-1]
        return int(new.sum()) + 1

    @property
    def position_mode(self) -> tuple[str, ...]:
        """The attribute set used for placing synapses."""
        return next(mode for mode in POSITION_MODES if all(name in self.columns for name in mode))

    @classmethod
    def from_edges(
        cls,
        edges: EdgeTable,
        source_offset: int,
        target_offset: int,
        dt_ms: float,
        group: Column | None = None,
        settings: ConnectionSettings | None = None,
    ) -> SynapseTable:
        """Build the table from edges as read from a file; sections and delays that edges of their kind lack are 0."""
        columns = dict(edges.columns)
        section_id = _pop(columns, SECTION_COLUMNS, len(edges)).astype(np.int64)
        steps = delay_steps(_pop(columns, ("delay",), len(edges)), dt_ms)
        ids = (
            edges.source_id + source_offset,
            edges.target_id + target_offset,
            edges.edge_id,
            edges.synapse_id,
        )
        table = cls(*ids, section_id, steps, columns, group, settings)
        table._delay_unit_ms = dt_ms
        return table

    def take(self, rows: IntColumn | BoolColumn) -> SynapseTable:
        """Return the given rows, in the given order; settings are shared."""
        part = copy(self)
        part._ids = {name: values[rows] for name, values in self._ids.items()}
        part._delay, part._group = self._delay[rows], self._group[rows]
        part.columns = {name: values[rows] for name, values in self.columns.items()}
        return part

    def joined(self, other: SynapseTable) -> SynapseTable:
        """Return the rows of both tables, ordered by target, then by row in the edge file.

        Columns that only one of them has are NaN in the rows of the other.
        """
        if not len(self) or not len(other):
            return other if not len(self) else self
        names = dict.fromkeys([*self.columns, *other.columns])
        both = {name: np.concatenate([part.get(name, np.nan) for part in (self, other)]) for name in names}
        ids = {name: np.concatenate([part._ids[name] for part in (self, other)]) for name in _IDS}
        table = SynapseTable(
            **ids,
            delay_ms=np.concatenate([self.delay_ms, other.delay_ms]),
            columns=both,
            group=np.concatenate([self._group, other._group.astype(np.int64) + len(self.settings)]),
            settings=concatenate(self.settings, other.settings),
        )
        return table.take(np.lexsort((table._ids["edge_id"], table._ids["target_gid"])))


def _pop(columns: dict[str, Column], names: tuple[str, ...], size: int) -> Column:
    found = [columns.pop(name) for name in names if name in columns]
    return found[0] if found else np.zeros(size)


def delay_steps(delay_ms: Column, dt_ms: float) -> IntColumn:
    """Cut delays to whole time steps, as the OBI engine does: int(delay / dt + 1e-5).

    Parameters
    ----------
    delay_ms
        Delays in ms, shape (n,).
    dt_ms
        Time step.

    Returns
    -------
    IntColumn
        Numbers of steps; times `dt_ms` they are the delays of NetCons.
    """
    return np.trunc(delay_ms.astype(np.float64) / dt_ms + 1e-5).astype(np.int64)
