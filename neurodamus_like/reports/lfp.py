"""Extracellular potentials: what each cell adds at each contact of an electrode."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neurodamus_like.circuit.geometry import iterate_compartments, ordered_sections
from neurodamus_like.config.models import Report
from neurodamus_like.engine.recorders import enable_membrane_currents
from neurodamus_like.exceptions import ReportError
from neurodamus_like.io.electrodes import read_electrode_factors, read_probe
from neurodamus_like.reports.base import FloatArray, NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.electrode_factors import compute_line_source_factors

logger = logging.getLogger(__name__)


@report_types.register("lfp")
class LfpReport:
    """``V = M @ i_membrane`` of each cell, per recorded step: mV at each contact.

    ``electrodes_file`` is either an electrodes file (HDF5), whose factors are taken as they are, or a table of
    contact positions (.csv), for which line-source factors are computed. The element id is the number of the
    contact. Only the sums are stored, never the membrane currents.
    """

    def __init__(self, report: Report) -> None:
        self.report = report

    def problems(self) -> list[ReportError]:
        """An electrodes file is needed."""
        file = self.report.electrodes_file
        if file is None:
            hint = "write one with `neurodamus-like electrodes`, or give a csv file of contact positions"
            return [report_error(self.report, "electrodes_file is missing", hint=hint)]
        if not Path(file).is_file():
            return [report_error(self.report, "the electrodes file does not exist", file=file)]
        return []

    def prepare(self) -> None:
        """Turn on total membrane currents."""
        enable_membrane_currents()

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the contacts of each local cell of the population that the electrodes file knows."""
        target = model.target_manager.get_target(self.report.cells)
        points = target.get_point_list(cell_manager, sections="soma", compartments="center")
        cells = [cell_manager.get_cell(p.gid) for p in points]
        for cell, factors in self._factors(cell_manager, cells):
            references = [s._ref_i_membrane_ for section in ordered_sections(cell) for s in section]
            if len(factors) != len(references):
                raise self._does_not_fit(cell, len(factors), len(references))
            contacts = list(range(factors.shape[1]))
            yield NodeElements(cell.node_id, contacts, references, [factors.T.copy()])

    def unit(self) -> str:
        """Return mV."""
        return "mV"

    def _factors(self, cell_manager: Any, cells: Sequence[Any]) -> Iterator[tuple[Any, FloatArray]]:
        """Yield cells with their factors, shape (compartments, contacts)."""
        file = self.report.electrodes_file
        if not cells or file is None:
            return
        if file.suffix.lower() == ".csv":
            contacts = read_probe(file).positions_um
            for cell, compartments in iterate_compartments(cell_manager, cells):
                yield cell, compute_line_source_factors(compartments, contacts)
            return
        known = read_electrode_factors(file, cell_manager.population_name, [c.node_id for c in cells])
        missing = [cell.node_id for cell in cells if cell.node_id not in known]
        if missing:
            logger.warning(
                "report %r: %s has no factors of %d nodes of %s (%s ...); they are left out",
                *(self.report.name, file, len(missing), cell_manager.population_name, missing[0]),
            )
        yield from ((cell, known[cell.node_id]) for cell in cells if cell.node_id in known)

    def _does_not_fit(self, cell: Any, given: int, needed: int) -> ReportError:
        return report_error(
            self.report,
            f"the electrodes file has factors of {given} compartments, the cell has {needed}",
            file=self.report.electrodes_file,
            population=cell.population,
            ids=[cell.node_id],
            expected="factors of the same model (morphology, axon, nseg)",
            hint="write the file again with `neurodamus-like electrodes`",
        )
