"""Edges that tell what they are: synapses of any point process on detailed cells, events of artificial cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.circuit.engines import EDGE_ENGINES
from neurodamus_like.circuit.typed_cells import TypedCellManager
from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.overrides import PathwayRule
from neurodamus_like.connectivity.spike_inputs import SPIKE_INPUTS
from neurodamus_like.connectivity.synapse_models import (
    BUILT_IN,
    SYNAPSE_MODELS,
    make_synapse,
    point_process_model,
)
from neurodamus_like.connectivity.synapse_table import BoolColumn, FloatColumn, IntColumn, SynapseTable
from neurodamus_like.connectivity.typed_edges import TypedEdges
from neurodamus_like.connectivity.typed_junctions import JunctionIds, first_junction_id
from neurodamus_like.connectivity.typed_placement import ON_POINT_CELL, TypedPlacer, TypedPlaces
from neurodamus_like.connectivity.weight_functions import EdgeEnds, compute_weights
from neurodamus_like.engine import synapse_factory, transfer
from neurodamus_like.engine.object_columns import column_of
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.io.node_types import read_types

OWN_ID, PARTNER_ID = "afferent_junction_id", "efferent_junction_id"


def needed_mechanisms(population: EdgePopulation, simulation: Simulation) -> set[str]:
    """Return the point processes that the types of an edge population name, and those that drive them."""
    types = read_types(population, "edge_type_id")
    templates = set() if types is None else {t for t in types.values("model_template") if t is not None}
    needed = {point_process_model(t, {}).mechanism for t in templates if t not in SYNAPSE_MODELS}
    if types is not None and any(str(v).lower() in ("true", "1") for v in types.values("is_gap_junction")):
        needed.add(transfer.GAP_MECHANISM)
    driven = any(block.module in SPIKE_INPUTS for block in simulation.inputs)
    return needed | ({"VecStim"} if driven else set())


@EDGE_ENGINES.register("edge_types")
class TypedSynapseManager(EventDrivenManager):
    """Synapses of one edge population of the kind ``edge_types``.

    The table has a row for each synapse: an edge with ``nsyns`` on a detailed cell becomes so many of them.
    """

    CONNECTIONS_TYPE: ClassVar[str] = "Typed"
    uses_overrides: ClassVar[bool] = False
    target: TypedCellManager

    def sections_of(self, rows: IntColumn) -> list[Any]:
        """Return the section of each row; None for artificial cells."""
        pairs = zip(self.table.target_gid[rows].tolist(), self.table.section_id[rows].tolist(), strict=True)
        return [None if s == ON_POINT_CELL else self.target.get_cell(gid).sections[s] for gid, s in pairs]

    def _read(
        self, rules: Sequence[PathwayRule], source_ids: IntColumn | None, target_ids: IntColumn | None
    ) -> SynapseTable:
        local = np.array([gid - self.target.offset for gid in self.target.gid2cell], dtype=np.int64)
        wanted = local if target_ids is None else np.intersect1d(local, target_ids)
        self._edges = TypedEdges.read(self.population, wanted, source_ids)
        placer = TypedPlacer(self._edges, self.target)
        rows, targets = np.arange(len(self._edges)), self._edges.edges.target_id
        weights = self._weights(self._edges) * placer.weight_factors(targets)
        table = self._table(self._edges, placer.places(rows, targets), weights)
        return table.joined(self._source_halves(local)) if self._may_have_junctions() else table

    def _table(self, edges: TypedEdges, places: TypedPlaces, weights: FloatColumn) -> SynapseTable:
        """Return the table of synapses; the two ends of junctions have ids, other synapses have not."""
        row = places.edge
        ends = (edges.edges.source_id[row], edges.edges.target_id[row])
        swapped = places.node_id != ends[1]
        columns = {
            "conductance": weights[row],
            "afferent_section_pos": places.x,
            "edge_type_id": edges.table.type_ids[row].astype(np.float64),
        }
        if edges.is_junction.any():
            columns |= self._junction_ids(edges.is_junction[row], *ends, swapped)
        return SynapseTable(
            source_gid=np.where(swapped, ends[1], ends[0]) + self.source.offset,
            target_gid=places.node_id + self.target.offset,
            edge_id=edges.edges.edge_id[row],
            synapse_id=edges.edges.synapse_id[row],
            section_id=places.section_id,
            delay_ms=edges.delays_ms()[row],
            columns=columns,
        )

    def read_for_counting(self) -> None:
        """Read the edges onto local cells; each has `nsyns` synapses."""
        self._edges = TypedEdges.read(self.population, self.target.local_node_ids)
        edges, templates = self._edges.edges, self._edges.table.texts("model_template")
        on_cells = (
            np.array([t is not None for t in templates.tolist()], dtype=bool) & ~self._edges.is_junction
        )
        count = np.where(on_cells, np.nan_to_num(self._edges.table.numbers("nsyns"), nan=1.0), 1)
        row = np.repeat(np.arange(len(edges)), count.astype(np.int64))
        nothing = np.zeros(row.size)
        ends = (edges.source_id[row] + self.source.offset, edges.target_id[row] + self.target.offset)
        ids = (edges.edge_id[row], edges.synapse_id[row], nothing.astype(np.int64))
        self.table = SynapseTable(*ends, *ids, nothing, {})

    def mechanism_rows(self) -> dict[str, IntColumn]:
        """Return the rows of each point process; functions of users go by their own name."""
        row = self._edge_rows(np.arange(len(self.table)))
        junction, templates = self._edges.is_junction[row], self._edges.table.texts("model_template")[row]
        found = {transfer.GAP_MECHANISM: np.flatnonzero(junction)}
        for template in dict.fromkeys(templates[~junction].tolist()):
            if template is not None:
                model = BUILT_IN.get(template)
                name = template if model is None else model.mechanism
                found[name] = np.flatnonzero(~junction & (templates == template))
        return {name: rows for name, rows in found.items() if rows.size}

    def _may_have_junctions(self) -> bool:
        return self.population.source == self.population.target and self._edges.table.has("is_gap_junction")

    def _source_halves(self, local: IntColumn) -> SynapseTable:
        """Return the halves of gap junctions on their sources; they are placed when all targets are."""
        edges = TypedEdges.read(self.population, self.target.all_node_ids, local)
        order = np.lexsort((edges.edges.edge_id, edges.edges.source_id))
        rows = order[edges.is_junction[order]]
        places = TypedPlacer(edges, self.target).places(rows, edges.edges.source_id[rows])
        return self._table(edges, places, self._weights(edges))

    def _junction_ids(
        self, junction: BoolColumn, source: IntColumn, target: IntColumn, on_source: BoolColumn
    ) -> dict[str, FloatColumn]:
        if (junction & (source == target)).any():
            raise CircuitError(
                "a cell cannot have a gap junction with itself",
                file=self.population.file,
                population=self.population.name,
                ids=np.unique(source[junction & (source == target)]).tolist(),
            )
        ids = JunctionIds(self.population, first_junction_id(self.population, self.simulation.circuit))
        ends = ids.of_pairs(source[junction], target[junction])
        own, partner = np.full(junction.size, np.nan), np.full(junction.size, np.nan)
        own[junction] = np.where(on_source[junction], *ends)
        partner[junction] = np.where(on_source[junction], *ends[::-1])
        return {OWN_ID: own, PARTNER_ID: partner}

    def _weights(self, edges: TypedEdges) -> FloatColumn:
        ends = (edges.edges.source_id, edges.edges.target_id)
        nodes = [(end.population, end.offset) for end in (self.source, self.target)]
        return compute_weights(EdgeEnds(edges.table, *ends, *nodes))

    def _create_synapses(self) -> IntColumn:
        on_point = self.table.section_id == ON_POINT_CELL
        if on_point.any():
            gids, number = np.unique(self.table.target_gid[on_point], return_inverse=True)
            cells = column_of([self.target.get_cell(gid).pointcell for gid in gids.tolist()])
            self.synapses[np.flatnonzero(on_point)] = cells[np.asarray(number).reshape(-1)]
        junction = ~np.isnan(self.table.get(OWN_ID, np.nan))
        if junction.any():
            self._create_junctions(np.flatnonzero(junction))
        rows = np.flatnonzero(~on_point & ~junction)
        if rows.size:
            self._create_on_sections(rows)
        return np.flatnonzero(~junction)

    def _create_junctions(self, rows: IntColumn) -> None:
        sections, index = self._section_index(rows)
        self.synapses[rows] = transfer.create_half_gaps(
            sections,
            index,
            np.full(rows.size, 0.5),
            transfer.from_microsiemens(self.table["conductance"][rows]),
            self.table[OWN_ID][rows].astype(np.int64),
            self.table[PARTNER_ID][rows].astype(np.int64),
        )

    def _create_on_sections(self, rows: IntColumn) -> None:
        sections, index = self._section_index(rows)
        order = np.lexsort((self.table["afferent_section_pos"][rows], index))
        rows, index = rows[order], index[order]
        self._sections = sections
        edge_row = self._edge_rows(rows)
        templates, which = self._edges.table.distinct("model_template")
        for number in np.unique(which[edge_row]).tolist():
            chosen = np.flatnonzero(which[edge_row] == number)
            self._create(templates[number][0], rows[chosen], index[chosen], edge_row[chosen])

    def _edge_rows(self, rows: IntColumn) -> IntColumn:
        """Return the row of each synapse in the table of edges."""
        order = np.argsort(self._edges.edges.edge_id, kind="stable")
        at = np.searchsorted(self._edges.edges.edge_id, self.table.edge_id[rows], sorter=order)
        return order[at]

    def _section_index(self, rows: IntColumn) -> tuple[list[Any], IntColumn]:
        gids, inverse = np.unique(self.table.target_gid[rows], return_inverse=True)
        sections: list[Any] = []
        bases = np.zeros(gids.size, dtype=np.int64)
        for number, gid in enumerate(gids.tolist()):
            bases[number] = len(sections)
            sections += self.target.get_cell(gid).sections
        return sections, bases[np.asarray(inverse).reshape(-1)] + self.table.section_id[rows]

    def _create(self, template: str | None, rows: IntColumn, index: IntColumn, edge_row: IntColumn) -> None:
        if template is None:
            raise CircuitError(
                "edges onto detailed cells have no model_template",
                file=self.population.types_file or self.population.file,
                population=self.population.name,
                expected="the name of a synapse such as Exp2Syn",
            )
        parameters, which = self._edges.parameters()
        x = self.table["afferent_section_pos"][rows]
        if template in SYNAPSE_MODELS:
            triples = zip(which[edge_row].tolist(), x.tolist(), index.tolist(), strict=True)
            name = self.population.name
            made = column_of(
                [make_synapse(template, parameters[p], x, self._sections[s], name) for p, x, s in triples]
            )
        else:
            where = f"edges {self.population.name!r}"
            models = [point_process_model(template, p) for p in parameters]
            used = np.unique(which[edge_row])
            values = {int(p): models[p].values(parameters[p], where) for p in used.tolist()}
            columns = _columns(values, which[edge_row], where)
            made = synapse_factory.create_point_processes(
                models[used[0]].mechanism, self._sections, index, x, columns
            )
        self.synapses[rows] = made

    def _create_minis(self) -> None:
        """These synapses have no spontaneous minis."""


def _columns(values: dict[int, dict[str, float]], which: IntColumn, where: str) -> dict[str, FloatColumn]:
    """Return parameter -> value of each synapse, given the values of each set of parameters."""
    names = [tuple(sorted(v)) for v in values.values()]
    if len(set(names)) > 1:
        raise ConfigurationError(
            f"{where}: the dynamics_params of one model_template have different parameters: "
            + " and ".join(str(list(n)) for n in dict.fromkeys(names))
        )
    size = max(values) + 1
    columns = {}
    for name in names[0]:
        table = np.zeros(size)
        for number, found in values.items():
            table[number] = found[name]
        columns[name] = table[which]
    return columns
