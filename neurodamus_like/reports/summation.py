"""Sums of variables: over all compartments of a cell, or of all mechanisms in each compartment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurodamus_like.config.models import Report
from neurodamus_like.engine.recorders import enable_membrane_currents
from neurodamus_like.exceptions import ReportError
from neurodamus_like.reports.base import FloatArray, NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.variables import SectionVariables, Variable


@report_types.register("summation")
class SummationReport:
    """Weighted sums of one or more variables.

    ``sections: soma`` sums over all compartments of the cell, into one value with element id 0; other
    sections have one value per point. Electrode currents are subtracted; with ``scaling: area`` everything
    else but ``i_membrane`` is multiplied by the area of its compartment. Compartments without a variable
    add nothing.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.variables = [Variable.parse(text) for text in report.variables]
        self._found: set[Variable] = set()

    def problems(self) -> list[ReportError]:
        """At least one variable is needed."""
        if self.variables:
            return []
        return [report_error(self.report, "variable_name is empty", expected="one variable or more")]

    def prepare(self) -> None:
        """Turn on total membrane currents if they are summed."""
        if any(v.needs_membrane_currents for v in self.variables):
            enable_membrane_currents()

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the sums of each local cell of the population."""
        target = model.target_manager.get_target(self.report.cells)
        whole_cell = self.report.sections == "soma"
        sections = "all" if whole_cell else self.report.sections
        compartments = "all" if whole_cell else self.report.compartments
        for points in target.get_point_list(cell_manager, sections=sections, compartments=compartments):
            node_id = cell_manager.get_cell(points.gid).node_id
            parts = list(self._sums(points))
            references = [reference for part, _ in parts for reference in part]
            if whole_cell:
                row = [weight for _, weights in parts for weight in weights]
                yield NodeElements(node_id, [0], references, [_row(row)])
            else:
                yield NodeElements(node_id, list(points.sclst_ids), references, [_row(w) for _, w in parts])

    def unit(self) -> str:
        """Return nA for sums of currents, else the unit that all summed variables share."""
        units = {self._unit(variable) for variable in self.variables if variable in self._found}
        return units.pop() if len(units) == 1 else ""

    @property
    def missing(self) -> list[str]:
        """Variables that no compartment of this rank has."""
        pairs = zip(self.report.variables, self.variables, strict=True)
        return [text for text, variable in pairs if variable not in self._found]

    def _unit(self, variable: Variable) -> str:
        unit = variable.unit()
        return "nA" if unit == "mA/cm2" and self.report.scaling == "area" else unit

    def _sums(self, points: Any) -> Iterator[tuple[list[Any], list[float]]]:
        """Yield the references and their weights at each point."""
        by_area = self.report.scaling == "area"
        finders: dict[int, list[tuple[Variable, SectionVariables]]] = {}
        for section_id, section, x in zip(points.sclst_ids, points.sclst, points.x, strict=True):
            if section_id not in finders:
                finders[section_id] = [(v, SectionVariables(section, v)) for v in self.variables]
            references: list[Any] = []
            weights: list[float] = []
            for variable, finder in finders[section_id]:
                found = finder.references(x)
                if found:
                    self._found.add(variable)
                    references += found
                    weights += [variable.scale(section(x), by_area=by_area)] * len(found)
            yield references, weights


def _row(weights: Sequence[float]) -> FloatArray:
    return np.array(weights, dtype=np.float64).reshape(1, -1)
