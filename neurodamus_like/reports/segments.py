"""Variables of segments, named by their section and their position on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Report
from neurodamus_like.engine.recorders import enable_membrane_currents
from neurodamus_like.exceptions import ReportError, did_you_mean
from neurodamus_like.io.swc_ids import find_swc_ids
from neurodamus_like.reports.base import NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.selection import detailed_cells_of
from neurodamus_like.reports.variables import SectionVariables, Variable, names_on, reference_of

SWC_TYPES = {"soma": 1, "axon": 2, "dend": 3, "apic": 4}


@report_types.register("segments")
class SegmentReport:
    """One variable at the middle of the soma, or at all segments of some kinds of sections.

    The element id is the position of the section in the cell's list of all sections, ``element_pos`` the position on
    the section. The parameter ``section_kinds`` lists soma, axon, dend, apic; without it the report is about the
    middle of the soma. The variable is a range variable as NEURON names it (``v``, ``cai``, ``gbar_NaTs``), or
    ``mechanism.variable``.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.kinds: tuple[str, ...] = tuple(report.parameters.get("section_kinds", ()))

    def problems(self) -> list[ReportError]:
        """Exactly one variable is needed."""
        if len(self.report.variables) == 1:
            return []
        return [
            report_error(self.report, "a file holds one variable", expected="exactly one in variable_name")
        ]

    def prepare(self) -> None:
        """Turn on total membrane currents if they are reported."""
        if Variable.parse(self._name).needs_membrane_currents:
            enable_membrane_currents()

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the segments of each local cell of the population."""
        for cell in detailed_cells_of(self.report, model, cell_manager):
            points = list(self._points(cell))
            references = [self._reference(cell, cell.sections[number], x) for number, x in points]
            attributes: dict[str, Sequence[Any] | npt.NDArray[Any]] = {"element_pos": [x for _, x in points]}
            if self.kinds:
                types = [SWC_TYPES.get(cell.layout.kinds[number], 5) for number, _ in points]
                attributes["seg_types"] = types
                attributes |= _swc_ids(cell, points)
            if points:
                yield NodeElements(cell.node_id, [n for n, _ in points], references, None, attributes)

    def unit(self) -> str:
        """Return the unit that the simulator knows for the variable."""
        return Variable.parse(self._name).unit()

    @property
    def _name(self) -> str:
        return self.report.variables[0]

    def _points(self, cell: Any) -> Iterator[tuple[int, float]]:
        if not self.kinds:
            yield cell.layout.kinds.index("soma"), 0.5
            return
        for number, (kind, section) in enumerate(zip(cell.layout.kinds, cell.sections, strict=True)):
            if kind in self.kinds:
                yield from ((number, segment.x) for segment in section)

    def _reference(self, cell: Any, section: Any, x: float) -> Any:
        direct = reference_of(
            section(x), Variable.parse(self._name).mechanism if "." not in self._name else self._name
        )
        if direct is not None:
            return direct
        found = (
            SectionVariables(section, Variable.parse(self._name)).references(x) if "." in self._name else []
        )
        if len(found) != 1:
            raise self._unknown(cell, section, x)
        return found[0]

    def _unknown(self, cell: Any, section: Any, x: float) -> ReportError:
        known = names_on(section(x))
        what = section.name().rpartition(".")[2]
        hint = did_you_mean(self._name, known) or f"{what} has " + ", ".join(sorted(known)[:24])
        return report_error(
            self.report,
            f"the segment {what}({x:g}) has no variable {self._name!r}",
            population=cell.population,
            ids=[cell.node_id],
            expected="a variable that all reported segments have",
            hint=hint,
        )


def _swc_ids(cell: Any, points: Sequence[tuple[int, float]]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows of the SWC file at both ends of each segment; -1 where there is none."""
    node = getattr(cell, "node", None)
    path = None if node is None else node.morphology_file
    section = np.array([number for number, _ in points], dtype=np.int64)
    if path is None or Path(path).suffix.lower() != ".swc":
        return dict.fromkeys(("swc_ids_beg", "swc_ids_end"), np.full(len(section), -1, dtype=np.int64))
    half = np.array([0.5 / cell.sections[number].nseg for number, _ in points])
    middle = np.array([x for _, x in points])
    return {
        f"swc_ids_{name}": find_swc_ids(Path(path), len(cell.sections), section, middle + sign * half)
        for name, sign in (("beg", -1.0), ("end", 1.0))
    }
