"""Where the synapses of edges of the kind ``edge_types`` are: explicit places, drawn ones, artificial cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.circuit.typed_cells import TypedCellManager
from neurodamus_like.connectivity.random_placement import Candidates, find_candidates, place
from neurodamus_like.connectivity.synapse_table import BoolColumn, FloatColumn, IntColumn
from neurodamus_like.connectivity.typed_edges import (
    SECTION_IDS,
    SECTION_POSITIONS,
    SWC_ID,
    SWC_POSITION,
    TypedEdges,
)
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.io.swc_ids import find_swc_places

logger = logging.getLogger(__name__)

ON_POINT_CELL = -1
"""Section id of synapses onto artificial cells."""
_NOWHERE = -2


@dataclass(frozen=True)
class TypedPlaces:
    """Synapses and their places.

    Attributes
    ----------
    edge
        int64[n]: row of the edge that each synapse belongs to.
    node_id
        int64[n]: cell it is on.
    section_id, x
        Position in the list of its sections, and along the section.
    """

    edge: IntColumn
    node_id: IntColumn
    section_id: IntColumn
    x: FloatColumn


class TypedPlacer:
    """Finds the places of the synapses of some edges.

    Parameters
    ----------
    edges
        The edges.
    cells
        The cells of this rank that the synapses are on.
    """

    def __init__(self, edges: TypedEdges, cells: TypedCellManager) -> None:
        self._edges = edges
        self._cells = cells
        self._regions, self._which_region = edges.regions()
        self._found: dict[tuple[int, int], Candidates] = {}
        self._section = edges.first_of(SECTION_IDS)
        self._nsyns = edges.table.numbers("nsyns")

    def places(self, rows: IntColumn, node_id: IntColumn) -> TypedPlaces:
        """Return the places of the synapses of some edges on some cells.

        Parameters
        ----------
        rows
            Rows of the edges, in the order in which random numbers are taken.
        node_id
            int64[n]: the cell of this rank for each row; rows of one cell stand together.

        Raises
        ------
        CircuitError
            An edge does not say where its synapses are, or names a section that its cell does not have.
        """
        on_point = self._on_point_cells(node_id)
        section, x = self._explicit(rows, node_id, ~on_point)
        drawn = np.isnan(section) & ~on_point
        self._require_places(rows[drawn & np.isnan(self._nsyns[rows]) & ~self._edges.is_junction[rows]])
        count = np.where(drawn & ~self._edges.is_junction[rows], np.nan_to_num(self._nsyns[rows], nan=1.0), 1)
        at = np.repeat(np.arange(rows.size), count.astype(np.int64))
        sections = np.where(on_point, ON_POINT_CELL, np.nan_to_num(section)).astype(np.int64)[at]
        x = np.nan_to_num(x, nan=0.5)[at]
        edge, node = rows[at], node_id[at]
        self._check_sections(sections, node)
        self._draw(np.flatnonzero(drawn[at]), edge, node, sections, x)
        kept = sections != _NOWHERE
        return TypedPlaces(edge[kept], node[kept], sections[kept], x[kept])

    def weight_factors(self, node_id: IntColumn) -> FloatColumn:
        """Return what multiplies the weights: sign and ``nsyns`` of edges onto artificial cells, otherwise 1."""
        factor = np.ones(len(self._edges))
        several = self._on_point_cells(node_id) & np.isnan(self._section) & ~np.isnan(self._nsyns)
        chosen = np.flatnonzero(several)
        if chosen.size:
            parameters, which = self._edges.parameters()
            used, number = np.unique(which[chosen], return_inverse=True)
            signs = np.array([self._sign(parameters[p]) for p in used.tolist()])
            factor[chosen] = signs[np.asarray(number).reshape(-1)] * self._nsyns[chosen]
        return factor

    def _on_point_cells(self, node_id: IntColumn) -> BoolColumn:
        ids, inverse = np.unique(node_id, return_inverse=True)
        point = np.array([not self._cell(i).sections for i in ids.tolist()], dtype=bool)
        return point[np.asarray(inverse).reshape(-1)]

    def _explicit(
        self, rows: IntColumn, node_id: IntColumn, detailed: BoolColumn
    ) -> tuple[FloatColumn, FloatColumn]:
        """Return section and position of the edges that say them, by section or by row of the SWC file, else NaN."""
        section, x = self._section[rows].copy(), self._edges.first_of(SECTION_POSITIONS)[rows]
        if not self._edges.table.has(SWC_ID):
            return section, x
        swc = self._edges.table.numbers(SWC_ID)[rows]
        beyond = self._edges.table.numbers(SWC_POSITION, default=0.0)[rows]
        wanted = np.flatnonzero(np.isnan(section) & (swc >= 0) & detailed)
        for node in np.unique(node_id[wanted]).tolist():
            cell = self._cell(node)
            if cell.node.morphology_file is not None:
                of_cell = wanted[node_id[wanted] == node]
                path = Path(cell.node.morphology_file)
                section[of_cell], x[of_cell] = find_swc_places(
                    path, len(cell.sections), swc[of_cell], beyond[of_cell]
                )
        return section, x

    def _cell(self, node_id: int) -> Any:
        return self._cells.get_cell(node_id + self._cells.offset)

    def _sign(self, parameters: Any) -> float:
        if "sign" not in parameters:
            raise ConfigurationError(
                "dynamics_params of edges onto artificial cells lack 'sign'",
                file=self._edges.population.types_file,
                population=self._edges.population.name,
                expected="1 (excitatory) or -1 (inhibitory)",
            )
        return float(parameters["sign"])

    def _require_places(self, lost: IntColumn) -> None:
        if lost.size:
            raise CircuitError(
                "edges onto detailed cells do not say where their synapses are",
                file=self._edges.population.file,
                population=self._edges.population.name,
                ids=np.unique(self._edges.table.type_ids[lost]).tolist(),
                expected="afferent_section_id and afferent_section_pos, or nsyns with target_sections and "
                "distance_range (ids: edge types)",
            )

    def _check_sections(self, section_id: IntColumn, node_id: IntColumn) -> None:
        ids, inverse = np.unique(node_id, return_inverse=True)
        sizes = np.array([max(len(self._cell(i).sections), 1) for i in ids.tolist()], dtype=np.int64)
        bad = (section_id >= sizes[np.asarray(inverse).reshape(-1)]) | (section_id < ON_POINT_CELL)
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise CircuitError(
                f"{int(bad.sum())} edges name a section that their target does not have "
                f"(first: section {int(section_id[first])} of node {int(node_id[first])})",
                file=self._edges.population.file,
                population=self._edges.population.name,
                ids=np.unique(node_id[bad]).tolist(),
                hint="section ids are positions in the list 'all' of the finished cell: soma, dendrites, axon stub",
            )

    def _draw(
        self, rows: IntColumn, edge: IntColumn, node: IntColumn, section_id: IntColumn, x: FloatColumn
    ) -> None:
        """Fill in the places of the synapses `rows`; those whose region their cell does not have go nowhere."""
        nodes = node[rows]
        begins = np.flatnonzero(nodes[1:] != nodes[:-1]) + 1
        for part in np.split(rows, begins) if rows.size else ():
            cell = self._cell(int(node[part[0]]))
            which, numbers = np.unique(self._which_region[edge[part]], return_inverse=True)
            candidates = [self._candidates(cell, region) for region in which.tolist()]
            stream = self._cells.placement_stream(cell.gid)
            segment = place(candidates, np.asarray(numbers).reshape(-1), stream)
            section_id[part] = np.where(segment >= 0, cell.segments.section[segment], _NOWHERE)
            x[part] = cell.segments.x[segment]
        lost = np.flatnonzero(section_id == _NOWHERE)
        if lost.size:
            logger.warning(
                "%s: SKIPPED %d synapses, their cells have no such target_sections and distance_range "
                "(edge types %s)",
                self._edges.population.name,
                lost.size,
                np.unique(self._edges.table.type_ids[edge[lost]]).tolist(),
            )

    def _candidates(self, cell: Any, number: int) -> Candidates:
        key = (id(cell.layout), number)
        if key not in self._found:
            self._found[key] = find_candidates(cell.segments, self._regions[number])
        return self._found[key]
