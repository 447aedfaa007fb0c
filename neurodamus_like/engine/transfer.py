"""Continuous coupling of voltages between cells on any ranks, through ParallelContext's transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine.nrn import h, pc, unit_of
from neurodamus_like.engine.object_columns import ObjectColumn
from neurodamus_like.engine.synapse_factory import (
    FloatColumn,
    IntColumn,
    create_point_processes,
)

GAP_MECHANISM = "Gap"
"""Point process of half a gap junction: ``i = (v - vgap) g``."""


def create_half_gaps(
    sections: Sequence[Any],
    section_index: IntColumn,
    x: FloatColumn,
    conductance_nS: FloatColumn,
    own_id: IntColumn,
    partner_id: IntColumn,
) -> ObjectColumn:
    """Create one half of a gap junction per row, and couple it to its other half.

    The voltage at each half is made known to all ranks under `own_id`; its point process follows the voltage that is
    known under `partner_id`. ``nrn.initialize`` sets the transfer up, once all halves of all ranks exist.

    Parameters
    ----------
    sections
        Sections of this rank.
    section_index
        Row of `sections` per half, shape (n,).
    x
        Position along the section in [0, 1], shape (n,).
    conductance_nS
        Of the junction, shape (n,).
    own_id, partner_id
        Ids of both ends, from 0, shape (n,); `own_id` is unique over all ranks.

    Returns
    -------
    numpy.ndarray
        The n point processes.
    """
    gaps = create_point_processes(GAP_MECHANISM, sections, section_index, x, {"g": conductance_nS})
    rows = zip(
        gaps,
        section_index.tolist(),
        x.tolist(),
        own_id.tolist(),
        partner_id.tolist(),
        strict=True,
    )
    for gap, index, position, own, partner in rows:
        section = sections[index]
        pc.source_var(section(position)._ref_v, own, sec=section)
        pc.target_var(gap, gap._ref_vgap, partner)
    return gaps


def from_microsiemens(conductance_uS: FloatColumn) -> FloatColumn:
    """Return conductances of gap junctions in the unit of the loaded mechanism: nS in the package's own, else µS."""
    return conductance_uS * 1e3 if unit_of("g", GAP_MECHANISM) == "nS" else conductance_uS


def inject_steady(section: Any, x: float, amplitude_nA: float) -> Any:
    """Inject a constant current during the whole run; it ends with the last reference to the result."""
    clamp = h.IClamp(section(x))
    clamp.delay, clamp.dur, clamp.amp = 0.0, 9e9, amplitude_nA
    return clamp


class VoltageClamp:
    """Holds a voltage during the whole run and records the current that this takes.

    Parameters
    ----------
    section, x
        Where.
    voltage_mV
        What to hold.
    """

    SERIES_RESISTANCE_MOHM = 1e-7

    def __init__(self, section: Any, x: float, voltage_mV: float) -> None:
        self.clamp = h.SEClamp(section(x))
        self.clamp.dur1, self.clamp.amp1 = 9e9, voltage_mV
        self.clamp.rs = self.SERIES_RESISTANCE_MOHM
        self._current = h.Vector().record(self.clamp._ref_i)

    def restore(self, current_nA: NDArray[np.float64]) -> None:
        """Put the current of an earlier part of the run in place of all so far."""
        self._current.from_python(current_nA)

    @property
    def current_nA(self) -> NDArray[np.float64]:
        """The current of each time step so far, shape (steps,)."""
        return np.array(self._current.as_numpy(), dtype=np.float64)


def remove_mechanism(section: Any, name: str) -> None:
    """Take a density mechanism out of a section."""
    section.uninsert(name)


def density_mechanisms(section: Any) -> list[str]:
    """Return the names of the density mechanisms of a section, ions left out."""
    return [
        mechanism.name()
        for mechanism in section(0.5)
        if not mechanism.is_ion() and mechanism.name() not in ("capacitance", "morphology")
    ]
