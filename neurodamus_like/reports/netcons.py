"""Variables of the synapses behind the NetCons of cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import ReportError, did_you_mean
from neurodamus_like.reports.base import NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.selection import cells_of
from neurodamus_like.reports.variables import Variable, reference_of

NO_SOURCE = -1
"""Source of events that no gid sends."""
NO_POSITION = -1.0
WEIGHT = "weight"


@report_types.register("netcons")
class NetconReport:
    """One variable of each synapse of a cell, in the order in which they were made.

    The parameter ``mechanism`` is how the names of the mechanisms begin that count; an empty one takes all. With
    ``of_netcon`` the variable is that of the NetCon instead, of which only the ``weight`` can change. The
    element id is the position of the section in the cell's list of all sections, ``element_pos`` that on the section
    (0 and -1 for artificial cells); ``src_ids`` and ``trg_ids`` are the gids of both ends, the source -1 if it is a
    virtual node. Cells without such a synapse are left out.
    """

    of_cells = False

    def __init__(self, report: Report) -> None:
        self.report = report
        self._mechanism = str(report.parameters.get("mechanism", ""))
        self._of_netcon = bool(report.parameters.get("of_netcon", False))
        self._found: str = ""

    def problems(self) -> list[ReportError]:
        """Exactly one variable is needed; of NetCons only the weight."""
        if self._of_netcon and self.report.variables != (WEIGHT,):
            message = f"NetCons have no variable {', '.join(self.report.variables)!r} that could be recorded"
            return [report_error(self.report, message, expected=f"variable_name {WEIGHT!r}")]
        if len(self.report.variables) == 1:
            return []
        return [
            report_error(self.report, "a file holds one variable", expected="exactly one in variable_name")
        ]

    def prepare(self) -> None:
        """Nothing has to be computed that is not."""

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the synapses of each local cell of the population that has any."""
        managers = [m for m in model.edge_managers if m.population.target == cell_manager.population_name]
        for cell in cells_of(self.report, model, cell_manager):
            rows = [row for manager in managers for row in self._synapses(manager, cell)]
            if rows:
                sections, references, positions, sources = map(list, zip(*rows, strict=True))
                attributes = {
                    "element_pos": np.array(positions, dtype=np.float64),
                    "src_ids": np.array(sources, dtype=np.int64),
                    "trg_ids": np.full(len(rows), cell.gid, dtype=np.int64),
                }
                yield NodeElements(cell.node_id, sections, references, None, attributes)

    def unit(self) -> str:
        """Return the unit that the mechanism gives."""
        return Variable(self._found, self.report.variables[0]).unit() if self._found else ""

    def _synapses(self, manager: Any, cell: Any) -> Iterator[tuple[int, Any, float, int]]:
        """Yield section, reference, position on the section and source of the synapses of one cell."""
        processes = getattr(manager, "synapses", None)
        rows = manager.table.rows_onto(cell.gid)
        if processes is None or not len(processes) or not len(rows):
            return
        table = manager.table.take(rows)
        positions = table.get("afferent_section_pos", 0.5)
        netcons = netcons_of(manager, rows) if self._of_netcon else {}
        sources = np.full(len(rows), NO_SOURCE) if manager.source.is_virtual else table.source_gid
        for row, section, x, source in zip(rows.tolist(), table.section_id, positions, sources, strict=True):
            process = processes[row]
            if process is None or not process.hname().startswith(self._mechanism):
                continue
            if self._of_netcon and row not in netcons:
                continue
            where = (0, NO_POSITION)
            if section >= 0:
                where = (int(section), float(cell.sections[section](x).x))
            reference = netcons[row]._ref_weight[0] if self._of_netcon else self._reference(process)
            yield where[0], reference, where[1], int(source)

    def _reference(self, process: Any) -> Any:
        found = reference_of(process, self.report.variables[0])
        if found is None:
            raise self._no_such_variable(process)
        self._found = self._found or process.hname().partition("[")[0]
        return found

    def _no_such_variable(self, process: Any) -> ReportError:
        mechanism, name = process.hname().partition("[")[0], self.report.variables[0]
        known = [n for n in dir(process) if not n.startswith("_") and reference_of(process, n) is not None]
        return report_error(
            self.report,
            f"the synapse {mechanism} has no variable {name!r}",
            expected="one of " + ", ".join(known),
            hint=did_you_mean(name, known) or None,
        )


def netcons_of(manager: Any, rows: npt.NDArray[np.int64]) -> dict[int, Any]:
    """Return row -> the NetCon of some synapses that have one, be its source a cell or a virtual node."""
    found = {row: manager.netcons[row] for row in rows.tolist()} if len(manager.netcons) else {}
    stim = manager.replay_stim
    for place in np.flatnonzero(np.isin(stim.rows, rows)).tolist():
        found.setdefault(int(stim.rows[place]), stim.netcons[place])
        if found[int(stim.rows[place])] is None:
            found[int(stim.rows[place])] = stim.netcons[place]
    return {row: netcon for row, netcon in found.items() if netcon is not None}
