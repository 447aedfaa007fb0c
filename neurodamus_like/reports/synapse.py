"""Variables of synapses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import ReportError
from neurodamus_like.reports.base import NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.variables import Variable, reference_of

Compartments = frozenset[tuple[str, int]]
"""(section name, segment number) of compartments."""


@report_types.register("synapse")
class SynapseReport:
    """One variable of all synapses of a mechanism that lie on the reported compartments.

    The element id is the number of the synapse among the incoming edges of its cell in its edge population:
    with several edge populations it is not unique. Cells without such a synapse are left out.
    """

    of_cells = False

    def __init__(self, report: Report) -> None:
        self.report = report

    def problems(self) -> list[ReportError]:
        """Exactly one variable is needed."""
        if len(self.report.variables) == 1:
            return []
        given = ", ".join(self.report.variables) or "none"
        return [report_error(self.report, f"variable_name gives {given}", expected="exactly one variable")]

    def prepare(self) -> None:
        """Nothing has to be computed that is not."""

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the synapses of each local cell of the population that has any."""
        target = model.target_manager.get_target(self.report.cells)
        points = target.get_point_list(
            cell_manager, sections=self.report.sections, compartments=self.report.compartments
        )
        managers = [m for m in model.edge_managers if m.population.target == cell_manager.population_name]
        for point_list in points:
            found = [pair for manager in managers for pair in self._synapses(manager, point_list)]
            if found:
                node_id = cell_manager.get_cell(point_list.gid).node_id
                yield NodeElements(node_id, [i for i, _ in found], [r for _, r in found])

    def unit(self) -> str:
        """Return the unit that the mechanism gives."""
        return self._variable.unit()

    @property
    def _variable(self) -> Variable:
        return Variable.parse(self.report.variables[0])

    def _synapses(self, manager: Any, points: Any) -> Iterator[tuple[int, Any]]:
        """Yield synapse id and reference of the synapses of one cell on its points, by synapse id."""
        table, synapses = manager.table, getattr(manager, "synapses", np.empty(0, dtype=object))
        rows = table.rows_onto(points.gid) if len(synapses) else np.empty(0, dtype=np.int64)
        ids = table.take(rows).synapse_id
        compartments = _compartments(points)
        for synapse_id, row in sorted(zip(ids.tolist(), rows.tolist(), strict=True)):
            process = synapses[row]
            if process is None or not process.hname().startswith(self._variable.mechanism):
                continue
            segment = process.get_segment()
            if (segment.sec.name(), _number(segment.x, segment.sec)) not in compartments:
                continue
            reference = reference_of(process, self._variable.name)
            if reference is None:
                raise self._no_such_variable(process)
            yield synapse_id, reference

    def _no_such_variable(self, process: Any) -> ReportError:
        mechanism = process.hname().partition("[")[0]
        return report_error(self.report, f"the synapse {mechanism} has no variable {self._variable.name!r}")


def _compartments(points: Any) -> Compartments:
    pairs = zip(points.sclst, points.x, strict=True)
    return frozenset((section.name(), _number(x, section)) for section, x in pairs)


def _number(x: float, section: Any) -> int:
    n_segments = int(section.nseg)
    return min(int(x * n_segments), n_segments - 1)
