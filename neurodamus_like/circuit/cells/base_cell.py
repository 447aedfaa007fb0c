"""What every cell with sections offers, and the section numbering shared by all copies of one morphology."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.exceptions import SectionIdError

_SECTION_NAME = re.compile(r"(?:^|\.)([A-Za-z_]\w*?)\[(\d+)\]$")

REPORT_ORDER = ("soma", "axon", "dend", "apic", "ais", "node", "myelin")
"""Order of the section types in the report numbering (SONATA extension, compartment reports)."""


@dataclass
class SectionArcs:
    """Geometry of one section that placing synapses needs."""

    length_um: float
    arc_um: NDArray[np.float64]
    reversed: bool


@dataclass
class CellLayout:
    """Numbering and geometry of the sections of a cell, the same for every copy of (template, morphology).

    Two numberings exist. Edges use the order in which the morphology reader created the sections (`edge_table`:
    edge section id -> position in the template's list `all`, -1 where the section was deleted with the axon).
    Reports number by type (`report_ids`: position in `all` -> report section id).
    """

    kinds: tuple[str, ...]
    report_ids: NDArray[np.int64]
    edge_table: NDArray[np.int64]
    report_counts: dict[str, int]
    arcs: dict[int, SectionArcs] = field(default_factory=dict)

    @classmethod
    def of(cls, sections: Sequence[Any], counts: dict[str, int], n_edge_sections: int) -> CellLayout:
        """Read the layout from the sections of an instantiated template.

        Parameters
        ----------
        sections
            The template's list `all`; the edge section id of each is stored in the voltage at 0.0001.
        counts
            Number of sections per type as the morphology had them (the axon counts as it was before it was cut).
        n_edge_sections
            How many sections the morphology had.
        """
        offsets, total = {}, 0
        for kind in REPORT_ORDER:
            offsets[kind] = total
            total += counts.get(kind, 0)
        kinds, report_ids = [], []
        edge_table = np.full(n_edge_sections, -1, dtype=np.int64)
        for position, section in enumerate(sections):
            match = _SECTION_NAME.search(section.name())
            kind, index = (match[1], int(match[2])) if match else (section.name().rsplit(".", 1)[-1], 0)
            kinds.append(kind)
            report_ids.append(offsets.get(kind, total) + index)
            marker = round(section(0.0001).v)
            if 0 <= marker < n_edge_sections and edge_table[marker] < 0:
                edge_table[marker] = position
        return cls(tuple(kinds), np.array(report_ids, dtype=np.int64), edge_table, dict(counts))

    @cached_property
    def position_by_report_id(self) -> dict[int, int]:
        """Report section id -> position in `all`."""
        return {int(r): p for p, r in enumerate(self.report_ids)}

    def arcs_of(self, position: int, section: Any) -> SectionArcs:
        """Return the arc lengths of the 3-D points of a section, read once for all copies."""
        if position not in self.arcs:
            count = int(section.n3d())
            arc = np.array([section.arc3d(i) for i in range(count)], dtype=np.float64)
            self.arcs[position] = SectionArcs(float(section.L), arc, section.orientation() == 1)
        return self.arcs[position]


class BaseCell:
    """A cell with sections, on this rank.

    Attributes
    ----------
    gid
        Global id: node id plus the offset of the population.
    node_id, population
        SONATA identity.
    sections
        All sections, in the order of the template's list ``all``; None in place of those that other ranks have.
    layout
        Section numbering, shared by copies.
    threshold_current, holding_current
        nA; 0 when the nodes file does not give both.
    input_resistance
        MOhm, or None.
    """

    __slots__ = (
        "gid",
        "holding_current",
        "input_resistance",
        "layout",
        "node_id",
        "population",
        "sections",
        "threshold_current",
    )

    gid: int
    node_id: int
    population: str
    sections: list[Any]
    layout: CellLayout
    threshold_current: float
    holding_current: float
    input_resistance: float | None

    @property
    def hobj(self) -> Any:
        """The HOC object, under the name that simulation modules use."""
        return self.CellRef

    @property
    def CellRef(self) -> Any:
        """The HOC object."""
        raise TypeError(f"{type(self).__name__} has no HOC object")

    def sections_of(self, kind: str) -> list[tuple[int, Any]]:
        """Return (report section id, section) of a type: soma, axon, dend, apic, ... or all."""
        ids, kinds = self.layout.report_ids, self.layout.kinds
        return [
            (int(ids[p]), s)
            for p, s in enumerate(self.sections)
            if s is not None and kind in ("all", kinds[p])
        ]

    def section_by_report_id(self, section_id: int) -> Any:
        """Return the section with this id of the report numbering.

        Raises
        ------
        SectionIdError
            There is no such section, or it was deleted when the axon was replaced.
        """
        position = self.layout.position_by_report_id.get(int(section_id))
        if position is None:
            raise SectionIdError(
                f"cell {self.node_id} has no section {section_id}",
                population=self.population,
                ids=[self.node_id],
                expected=f"a report section id up to {int(self.layout.report_ids.max())} that still exists",
                hint="sections of a replaced axon cannot be addressed",
            )
        return self.sections[position]

    def holds_sections(self, section_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which sections (edge numbering) are on this rank; a replaced axon counts as beside the soma."""
        held = np.array([section is not None for section in self.sections])
        soma_here = bool(held[self.layout.kinds.index("soma")])
        table = self.layout.edge_table
        known = (section_ids >= 0) & (section_ids < table.size)
        positions = np.where(known, table[np.where(known, section_ids, 0)], -1)
        return np.where(positions >= 0, held[positions], soma_here)

    def getThreshold(self) -> float:
        """Threshold current in nA."""
        return self.threshold_current

    def getHypAmp(self) -> float:
        """Holding current in nA."""
        return self.holding_current
