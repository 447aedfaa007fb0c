"""Variables of compartments: voltage, currents, concentrations, states of mechanisms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neurodamus_like.config.models import Report
from neurodamus_like.engine.recorders import enable_membrane_currents
from neurodamus_like.exceptions import ReportError
from neurodamus_like.reports.base import NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.variables import SectionVariables, Variable


@report_types.register("compartment")
class MembraneReport:
    """One variable at compartments of cells.

    ``sections: soma`` is the centre of the soma; with ``compartments: center`` the centre of each section,
    with ``all`` the centre of each segment. The element id is the report section id.
    """

    def __init__(self, report: Report) -> None:
        self.report = report

    def problems(self) -> list[ReportError]:
        """Exactly one variable is needed."""
        if len(self.report.variables) == 1:
            return []
        given = ", ".join(self.report.variables) or "none"
        return [report_error(self.report, f"variable_name gives {given}", expected="exactly one variable")]

    def prepare(self) -> None:
        """Turn on total membrane currents if they are reported."""
        if self._variable.needs_membrane_currents:
            enable_membrane_currents()

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the compartments of each local cell of the population."""
        for points in self.point_lists(model.target_manager, cell_manager):
            cell = cell_manager.get_cell(points.gid)
            yield NodeElements(cell.node_id, list(points.sclst_ids), self._references(cell, points))

    def unit(self) -> str:
        """Return the unit that the simulator knows for the variable."""
        return self._variable.unit()

    def point_lists(self, target_manager: Any, cell_manager: Any) -> list[Any]:
        """Return the points of the local cells that are reported."""
        target = target_manager.get_target(self.report.cells)
        return list(
            target.get_point_list(
                cell_manager, sections=self.report.sections, compartments=self.report.compartments
            )
        )

    @property
    def _variable(self) -> Variable:
        return Variable.parse(self.report.variables[0])

    def _references(self, cell: Any, points: Any) -> list[Any]:
        finders: dict[int, SectionVariables] = {}
        references = []
        for section_id, section, x in zip(points.sclst_ids, points.sclst, points.x, strict=True):
            if section_id not in finders:
                finders[section_id] = SectionVariables(section, self._variable)
            found = finders[section_id].references(x)
            if len(found) != 1:
                raise self._ambiguous(cell, section_id, x, len(found))
            references.append(found[0])
        return references

    def _ambiguous(self, cell: Any, section_id: int, x: float, count: int) -> ReportError:
        name = self.report.variables[0]
        return report_error(
            self.report,
            f"variable {name!r} is found {count} times at section {section_id}, x = {x:g}",
            population=cell.population,
            ids=[cell.node_id],
            expected="one per compartment",
            hint="use a report of type summation" if count else _where_it_could_be(name),
        )


def _where_it_could_be(name: str) -> str:
    return (
        f"check the spelling (mechanism.variable, such as {name.partition('.')[0]}.i), or report only the sections "
        "that have it"
    )


@report_types.register("compartment_set")
class CompartmentSetReport(MembraneReport):
    """One variable at the points of a compartment set, as far as their cells are in the report's node set."""

    def problems(self) -> list[ReportError]:
        """One variable and the name of a compartment set are needed."""
        problems = super().problems()
        if self.report.compartment_set is None:
            problems.append(report_error(self.report, "compartment_set is missing"))
        return problems

    def point_lists(self, target_manager: Any, cell_manager: Any) -> list[Any]:
        """Return the points of the set that are on local cells of the node set."""
        target = target_manager.get_target(self.report.cells)
        compartment_set = target_manager.get_compartment_set(self.report.compartment_set)
        return list(target.get_point_list_from_compartment_set(cell_manager, compartment_set))
