"""Edges of the kind ``edge_types`` with what their synapses need, read for the cells of this rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.connectivity.synapse_table import BoolColumn, FloatColumn, IntColumn
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.edges import EdgeTable, edge_attribute_names, read_edges
from neurodamus_like.io.node_types import TypedTable, check_types, read_types
from neurodamus_like.io.parameter_files import ParameterFiles
from neurodamus_like.io.regions import Region, parse_region

SECTION_IDS = ("afferent_section_id", "sec_id")
SECTION_POSITIONS = ("afferent_section_pos", "sec_x")
_TRUE = ("true", "1", "1.0")
SWC_ID, SWC_POSITION = "afferent_swc_id", "afferent_swc_pos"


@dataclass(frozen=True)
class TypedEdges:
    """Edges and their properties.

    Attributes
    ----------
    edges
        Ends and numbers of the edges, ordered by target, then by row in the file.
    table
        Their properties.
    """

    edges: EdgeTable
    table: TypedTable

    @classmethod
    def read(
        cls, population: EdgePopulation, target_ids: IntColumn, source_ids: IntColumn | None = None
    ) -> TypedEdges:
        """Read the edges onto some targets (from some sources; None means all).

        Raises
        ------
        CircuitError
            The file is damaged, an edge has a type that is not in the table, or a number is impossible.
        """
        names = edge_attribute_names(population.file, population.name)
        edges = read_edges(population, target_ids, [], names, source_ids)
        type_ids = edges.columns.get("edge_type_id", np.full(len(edges), -1)).astype(np.int64)
        types = read_types(population, "edge_type_id")
        check_types(population, type_ids, types)
        columns = {name: values for name, values in edges.columns.items() if name != "edge_type_id"}
        found = cls(edges, TypedTable(population, type_ids, columns, types))
        found._check_numbers()
        return found

    def __len__(self) -> int:
        return len(self.edges)

    @property
    def population(self) -> EdgePopulation:
        """The edge population."""
        assert isinstance(self.table.population, EdgePopulation)
        return self.table.population

    def _check_numbers(self) -> None:
        count, x = self.table.numbers("nsyns"), self.first_of(SECTION_POSITIONS)
        without_x = ~np.isnan(self.first_of(SECTION_IDS)) & np.isnan(x) & ~self.is_junction
        for bad, what, expected in (
            ((count < 0) | (count != np.floor(count)) & ~np.isnan(count), "nsyns", "whole numbers from 0"),
            ((x < 0) | (x > 1), "afferent_section_pos", "positions along sections from 0 to 1"),
            (without_x, "afferent_section_pos", "a position for each section id"),
            (np.isinf(self.table.numbers("delay")), "delay", "ms"),
        ):
            if bad.any():
                raise CircuitError(
                    f"{int(bad.sum())} edges have no usable {what!r}, such as edge "
                    f"{int(self.edges.edge_id[np.flatnonzero(bad)[0]])}",
                    file=self.population.file,
                    population=self.population.name,
                    ids=np.unique(self.table.type_ids[bad]).tolist(),
                    expected=f"{expected} (ids: edge types)",
                )

    @cached_property
    def is_junction(self) -> BoolColumn:
        """Which edges are gap junctions."""
        keys, which = self.table.distinct("is_gap_junction")
        return np.array([str(key).lower() in _TRUE for (key,) in keys], dtype=bool)[which]

    def delays_ms(self) -> FloatColumn:
        """Return the delay of each edge.

        Raises
        ------
        CircuitError
            An edge has none, or it is negative.
        """
        delays = self.table.numbers("delay")
        bad = np.isnan(delays) & ~self.is_junction | (delays < 0)
        if bad.any():
            raise CircuitError(
                "edges have no delay, or a negative one",
                file=self.population.types_file or self.population.file,
                population=self.population.name,
                ids=np.unique(self.table.type_ids[bad]).tolist(),
                expected="'delay' (ms) in the edges file or in the table of edge types (ids: edge types)",
            )
        return np.nan_to_num(delays)

    def first_of(self, names: tuple[str, ...]) -> FloatColumn:
        """Return the first of some properties that a row has, NaN where it has none."""
        found = np.full(len(self), np.nan)
        for name in names:
            if self.table.has(name):
                found = np.where(np.isnan(found), self.table.numbers(name), found)
        return found

    def regions(self) -> tuple[list[Region], IntColumn]:
        """Return the distinct regions where synapses may be, and which of them each edge has, int64[n]."""
        keys, which = self.table.distinct("target_sections", "distance_range")
        file = self.population.types_file or self.population.file
        return [parse_region(sections, distance, file) for sections, distance in keys], which

    def parameters(self) -> tuple[list[Mapping[str, Any]], IntColumn]:
        """Return the distinct ``dynamics_params``, and which of them each edge has, int64[n]."""
        files = ParameterFiles(self.population.components.synaptic_models_dir, "synaptic_models_dir")
        keys, which = self.table.distinct("dynamics_params")
        return [{} if text is None else files.read(text) for (text,) in keys], which
