"""Extracellular potentials of all cells together, at the contacts of electrodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.circuit.geometry import Compartments, iterate_compartments, ordered_sections
from neurodamus_like.config.models import Report
from neurodamus_like.engine.recorders import enable_membrane_currents
from neurodamus_like.exceptions import NeurodamusLikeError, ReportError, did_you_mean
from neurodamus_like.io.electrodes import Probe, read_probe
from neurodamus_like.reports.base import FloatArray, NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.electrode_factors import (
    BOUNDED_FACTOR_METHODS,
    EXTRACELLULAR_CONDUCTIVITY,
    find_contacts_inside,
)
from neurodamus_like.reports.potentials import GID, PotentialStream
from neurodamus_like.reports.selection import detailed_cells_of

OF_RADIUS = "auto"
"""Value of ``minimum_distance``: the radius of each segment."""


@report_types.register("extracellular")
class ExtracellularReport:
    """Potential (mV) at each contact, from the total membrane currents of the cells.

    Parameters of the report: ``method`` (``line`` or ``point`` sources), ``conductivity`` (S/m), ``minimum_distance``
    (µm, ``auto`` for the radius of each segment, or None) and ``contributions_dir``.
    """

    stream_type = PotentialStream

    def __init__(self, report: Report) -> None:
        self.report = report
        self._inside: dict[int, list[int]] = defaultdict(list)

    def problems(self) -> list[ReportError]:
        """A table of contacts and a known method are needed."""
        found = []
        method = self._method
        if method not in BOUNDED_FACTOR_METHODS:
            known = list(BOUNDED_FACTOR_METHODS)
            expected, hint = "one of " + ", ".join(known), did_you_mean(method, known) or None
            found.append(
                report_error(self.report, f"unknown method {method!r}", expected=expected, hint=hint)
            )
        if self.report.electrodes_file is None:
            found.append(report_error(self.report, "the table of electrode positions is missing"))
            return found
        try:
            self._probe  # noqa: B018 (reads the file)
        except NeurodamusLikeError as error:
            message = f"{self.report.electrodes_file}: {error.message}"
            found.append(
                report_error(self.report, message, file=error.file, expected=error.expected, hint=error.hint)
            )
        return found

    def prepare(self) -> None:
        """Turn on total membrane currents."""
        enable_membrane_currents()

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield each local cell with sections, with the factors of its segments."""
        cells = detailed_cells_of(self.report, model, cell_manager)
        contacts = list(range(len(self._probe)))
        for cell, compartments in iterate_compartments(cell_manager, cells):
            references = [s._ref_i_membrane_ for section in ordered_sections(cell) for s in section]
            factors = self._factors(cell, compartments)
            yield NodeElements(cell.node_id, contacts, references, [factors.T], {GID: [cell.gid]})

    def unit(self) -> str:
        """Return mV."""
        return "mV"

    @property
    def notes(self) -> list[str]:
        """What is strange about the contacts."""
        return [
            f"contact {self._probe.names[contact]!r} lies inside of node {', '.join(map(str, nodes[:5]))}"
            f"{' ...' if len(nodes) > 5 else ''}: its potential has no meaning there (minimum_distance: "
            f'"{OF_RADIUS}" keeps contacts at the surface)'
            for contact, nodes in sorted(self._inside.items())
        ]

    @cached_property
    def _probe(self) -> Probe:
        assert self.report.electrodes_file is not None
        return read_probe(Path(self.report.electrodes_file))

    @property
    def _method(self) -> str:
        return str(self.report.parameters.get("method", "line"))

    def _factors(self, cell: Any, compartments: Compartments) -> FloatArray:
        contacts = self._probe.positions_um
        least = self.report.parameters.get("minimum_distance")
        minimum = 0.5 * compartments.diameter_um if least == OF_RADIUS else least
        conductivity = float(self.report.parameters.get("conductivity", EXTRACELLULAR_CONDUCTIVITY))
        factors = BOUNDED_FACTOR_METHODS[self._method](compartments, contacts, conductivity, minimum)
        if minimum is None:
            for contact in np.flatnonzero(find_contacts_inside(compartments, contacts)).tolist():
                self._inside[contact].append(cell.node_id)
        self._check_finite(cell, factors)
        return factors

    def _check_finite(self, cell: Any, factors: FloatArray) -> None:
        lost = np.flatnonzero(~np.isfinite(factors).all(axis=0))
        if lost.size:
            names = ", ".join(self._probe.names[n] for n in lost[:5].tolist())
            raise report_error(
                self.report,
                f"contact {names} lies on the axis of a segment, where the potential is infinite",
                file=self.report.electrodes_file,
                population=cell.population,
                ids=[cell.node_id],
                hint=f'move it, or give minimum_distance: a number of µm, or "{OF_RADIUS}" for the radius of segments',
            )
