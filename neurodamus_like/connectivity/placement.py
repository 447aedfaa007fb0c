"""Where a synapse sits: from edge columns to sections of this rank and positions along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.circuit.cells.base_cell import BaseCell, CellLayout
from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn, SynapseTable
from neurodamus_like.exceptions import SectionIdError

X_MIN, X_MAX = 1e-7, 0.9999999
"""Synapses stay off the ends of a section, where NEURON would put them on the parent's node."""


@dataclass(frozen=True)
class Placement:
    """Sections and positions of synapses.

    Attributes
    ----------
    sections
        Sections of the targeted cells on this rank.
    section_index
        Row of `sections` per synapse; -1 where the section was deleted with the axon.
    x
        Position along the section.
    """

    sections: list[Any]
    section_index: IntColumn
    x: FloatColumn

    @property
    def kept(self) -> IntColumn:
        """Rows whose section still exists, sorted by section and position (stable)."""
        rows = np.flatnonzero(self.section_index >= 0)
        return rows[np.lexsort((self.x[rows], self.section_index[rows]))]

    @property
    def skipped_count(self) -> int:
        """How many synapses sit on deleted sections."""
        return int((self.section_index < 0).sum())


def place_synapses(table: SynapseTable, cells: CellManagerBase, edges: EdgePopulation) -> Placement:
    """Place all synapses of a table, in bulk per section layout.

    Parameters
    ----------
    table
        The synapses.
    cells
        Cells of the target population on this rank.
    edges
        Where the table comes from, for messages.

    Raises
    ------
    SectionIdError
        An edge names a section that the cell does not have.
    """
    sections: list[Any] = []
    section_index = np.full(len(table), -1, dtype=np.int64)
    x = np.full(len(table), 0.5)
    gids, first_row = np.unique(table.target_gid, return_index=True)
    if not gids.size:
        return Placement(sections, section_index, x)
    bounds = np.append(first_row, len(table))
    bases = np.zeros(gids.size, dtype=np.int64)
    groups: dict[int, list[int]] = {}
    targets: list[BaseCell] = [cells.get_cell(gid) for gid in gids.tolist()]
    for number, cell in enumerate(targets):
        bases[number] = len(sections)
        sections.extend(cell.sections)
        # a piece lacks sections that other copies have
        whole = cell.node_id not in cells.splits
        groups.setdefault(id(cell.layout if whole else cell), []).append(number)
    row_base = np.repeat(bases, np.diff(bounds))
    for numbers in groups.values():
        rows = np.concatenate([np.arange(bounds[n], bounds[n + 1]) for n in numbers])
        position = _positions_in_cell(table, rows, targets[numbers[0]], edges)
        found = position >= 0
        rows, position = rows[found], position[found]
        section_index[rows] = row_base[rows] + position
        x[rows] = _positions_on_section(table, rows, position, targets[numbers[0]])
    if cells.splits:
        sections, section_index = _without_gaps(sections, section_index)
    return Placement(sections, section_index, x)


def _without_gaps(sections: list[Any], section_index: IntColumn) -> tuple[list[Any], IntColumn]:
    """Leave out the sections that other ranks have; no synapse refers to them."""
    present = np.array([section is not None for section in sections])
    new = np.where(present, np.cumsum(present) - 1, -1)
    return [section for section in sections if section is not None], np.where(
        section_index >= 0, new[section_index], -1
    )


def _positions_in_cell(
    table: SynapseTable, rows: IntColumn, cell: BaseCell, edges: EdgePopulation
) -> IntColumn:
    section_ids = table.section_id[rows]
    outside = (section_ids < 0) | (section_ids >= cell.layout.edge_table.size)
    if outside.any():
        bad = rows[outside]
        raise SectionIdError(
            f"{bad.size} edges name a section their target does not have (first: section "
            f"{int(table.section_id[bad[0]])} of gid {int(table.target_gid[bad[0]])})",
            file=edges.file,
            pointer="afferent_section_id",
            ids=table.edge_id[bad].tolist(),
            population=edges.name,
            expected=f"section ids 0 to {cell.layout.edge_table.size - 1}",
            hint="do the morphologies belong to this circuit?",
        )
    return cell.layout.edge_table[section_ids]


def _positions_on_section(
    table: SynapseTable, rows: IntColumn, position: IntColumn, cell: BaseCell
) -> FloatColumn:
    mode = table.position_mode
    if len(mode) == 1:
        x = table[mode[0]][rows]
    else:
        segment, offset = table[mode[0]][rows].astype(np.int64), table[mode[1]][rows]
        x = _x_of_segments(cell.layout, cell.sections, position, segment, offset)
    return np.clip(x, X_MIN, X_MAX)


def _x_of_segments(
    layout: CellLayout,
    sections: Sequence[Any],
    position: IntColumn,
    segment: IntColumn,
    offset_um: FloatColumn,
) -> FloatColumn:
    used, inverse = np.unique(position, return_inverse=True)
    arcs = [layout.arcs_of(p, sections[p]) for p in used.tolist()]
    counts = np.array([a.arc_um.size for a in arcs])
    starts = np.concatenate([[0], np.cumsum(counts)])
    flat = np.concatenate([*(a.arc_um for a in arcs), [0.0]])
    length = np.array([a.length_um for a in arcs])[inverse]
    last = counts[inverse] - 1
    point = starts[inverse] + np.clip(segment, 0, np.maximum(last, 0))
    arc = np.where(last >= 0, flat[np.minimum(point, flat.size - 1)], 0.0)
    x: FloatColumn = (arc + offset_um) / length
    # NEURON's fraction runs from the connected end; a mirrored section counts from the other one.
    return np.where(np.array([a.reversed for a in arcs])[inverse], 1.0 - np.clip(x, X_MIN, X_MAX), x)
