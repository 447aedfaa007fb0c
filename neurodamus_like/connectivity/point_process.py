"""Edges onto point cells: NetCons straight to the artificial cell, without a synapse of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.circuit.cells.point_cell import PointCell
from neurodamus_like.circuit.engines import EDGE_ENGINES
from neurodamus_like.connectivity.overrides import PathwayRule
from neurodamus_like.connectivity.synapse_rules import SynapseRuleManager
from neurodamus_like.connectivity.synapse_table import IntColumn
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.edges import EdgeTable


@EDGE_ENGINES.register("point_process")
class PointProcessManager(SynapseRuleManager):
    """Connections onto point cells: a weight (``conductance``) and a delay, one edge per pair of cells.

    The column `synapses` holds the artificial cells.
    """

    CONNECTIONS_TYPE: ClassVar[str] = "PointProcess"

    def sections_of(self, rows: IntColumn) -> list[Any]:
        """Point cells have no sections."""
        return [None] * int(rows.size)

    def mechanism_rows(self) -> dict[str, IntColumn]:
        """Events go to the cells themselves."""
        return {}

    def _needed_attributes(self, rules: Sequence[PathwayRule]) -> tuple[str, ...]:
        return self.attributes

    def _check(self, edges: EdgeTable) -> EdgeTable:
        if not len(edges):
            return edges
        pairs, first = np.unique(np.stack([edges.target_id, edges.source_id]), axis=1, return_index=True)
        if pairs.shape[1] < len(edges):
            repeated = np.setdiff1d(np.arange(len(edges)), first)
            raise CircuitError(
                f"{repeated.size} edges repeat a pair of point cells",
                file=self.population.file,
                population=self.population.name,
                ids=edges.edge_id[repeated].tolist(),
                expected="at most one edge from one cell to another",
            )
        return edges

    def _create_synapses(self) -> IntColumn:
        for row, gid in enumerate(self.table.target_gid.tolist()):
            cell: PointCell = self.target.get_cell(gid)
            self.synapses[row] = cell.pointcell
        return np.arange(len(self.table), dtype=np.int64)

    def _create_minis(self) -> None:
        """Point cells have no spontaneous minis."""
