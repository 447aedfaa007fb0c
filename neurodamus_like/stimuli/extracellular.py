"""Uniform electric fields outside the cells."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.circuit.orientation import read_rotations
from neurodamus_like.config.models import Input
from neurodamus_like.engine.rng import FloatArray
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, declare, number
from neurodamus_like.stimuli.signals import Signal, field_waveform

logger = logging.getLogger(__name__)

_METRES_PER_MICROMETRE = 1e-6
_MILLIVOLTS_PER_VOLT = 1e3
_STUB = re.compile(r"(axon|myelin)\[(\d+)\]$")
_STUB_SPAN_UM = {("axon", 0): (0.0, 30.0), ("axon", 1): (30.0, 30.0), ("myelin", 0): (60.0, 1000.0)}
"""Where sections without 3-D points are taken to be: begin and length, straight below the soma (along -y)."""


@dataclass(frozen=True)
class Field:
    """A field: amplitude (V/m) along the axes of the circuit, frequency and phase of its oscillation."""

    amplitude_V_per_m: tuple[float, float, float]
    frequency_Hz: float = 0.0
    phase_rad: float = 0.0


def _read_fields(raw: Any) -> tuple[Field, ...]:
    expected = "a list of fields, each with Ex, Ey, Ez (V/m) and optionally frequency (Hz) and phase (rad)"
    if isinstance(raw, str) or not isinstance(raw, Sequence) or not raw:
        raise ValueError(expected)
    try:
        found = [
            Field((float(f["Ex"]), float(f["Ey"]), float(f["Ez"])), float(f["frequency"]), float(f["phase"]))
            for f in ({"frequency": 0.0, "phase": 0.0, **given} for given in raw)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(expected) from error
    if not np.isfinite([[*f.amplitude_V_per_m, f.frequency_Hz, f.phase_rad] for f in found]).all():
        raise ValueError(expected)
    if any(f.frequency_Hz < 0 for f in found):
        raise ValueError("a frequency of 0 Hz or more")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class EFieldParameters(Parameters):
    """Superposed fields, and how they begin and end."""

    input_types: ClassVar[tuple[str, ...]] = ("extracellular_stimulation",)

    fields: tuple[Field, ...] = declare("a list of fields", _read_fields)
    ramp_up_time: float = number("ms", 0.0, minimum=0)
    ramp_down_time: float = number("ms", 0.0, minimum=0)


@stimulus_types.register("spatially_uniform_e_field", "SpatiallyUniformEField")
class SpatiallyUniformEField(BaseStim):
    """Uniform fields that oscillate in time, seen by every segment of the target cells.

    The potential of a segment is 0 at the soma and grows with the distance along the field. Several blocks that act on
    one cell add up. The block lasts `ramp_up_time` + `duration` + `ramp_down_time`.

    Notes
    -----
    As in the reference a segment lies where it begins, all segments of the soma lie in its centre (the mean of its
    3-D points), and sections without 3-D points go straight down (-y of the morphology) from there. A compartment set
    stands for its cells.
    """

    sections = "all"
    compartments = "all"
    parameters_type = EFieldParameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        limit = 1000.0 / (2 * context.run.dt_ms)
        for field in self.parameters.fields:
            if field.frequency_Hz >= limit:
                what = f"the frequency {field.frequency_Hz:g} Hz is too high for the time step"
                raise self.error(what, expected=f"less than {limit:g} Hz")
        cells = [cell_manager.get_cell(points.gid) for points in target_points]
        if not cells:
            return
        rotations = self._rotations(cells, cell_manager)
        for cell, rotation in zip(cells, rotations, strict=True):
            self._apply(cell, rotation)

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "mV at 1 mm"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the potential 1 mm from the soma along the strongest field, for each of `n_points` points."""
        info, p, run = self.stim_info, self.parameters, self.context.run
        end_ms = min(run.tstop_ms, info.delay_ms + p.ramp_up_time + info.duration_ms + p.ramp_down_time)
        times = np.arange(0.0, end_ms + run.dt_ms, run.dt_ms)
        strongest = max(p.fields, key=lambda f: float(np.linalg.norm(f.amplitude_V_per_m)))
        direction = np.array(strongest.amplitude_V_per_m)
        direction = direction / (float(np.linalg.norm(direction)) or 1.0)
        values = sum(float(direction @ f.amplitude_V_per_m) * self._waveform(times, f) for f in p.fields)
        return [Signal(times, np.asarray(values))] * n_points

    def _waveform(self, times_ms: FloatArray, field: Field) -> FloatArray:
        info, p = self.stim_info, self.parameters
        return field_waveform(
            times_ms,
            delay_ms=info.delay_ms,
            duration_ms=info.duration_ms,
            ramp_up_ms=p.ramp_up_time,
            ramp_down_ms=p.ramp_down_time,
            frequency_Hz=field.frequency_Hz,
            phase_rad=field.phase_rad,
        )

    def _rotations(self, cells: Sequence[Any], cell_manager: Any) -> FloatArray:
        ids = np.array([cell.node_id for cell in cells], dtype=np.int64)
        rotations = read_rotations(cell_manager.population, ids)
        if rotations is None:
            logger.warning(
                "input %r: the cells of %r have no orientation, the field acts along the axes of their morphologies",
                *(self.stim_info.name, cell_manager.population_name),
            )
            return np.broadcast_to(np.eye(3), (len(cells), 3, 3))
        return rotations

    def _apply(self, cell: Any, rotation: FloatArray) -> None:
        info, p = self.stim_info, self.parameters
        amplitudes = np.array([f.amplitude_V_per_m for f in p.fields])
        soma = _soma_centre(cell)
        for section_index, section in enumerate(cell.sections):
            displacements = (
                self._displacements(cell, section_index, soma) @ rotation.T * _METRES_PER_MICROMETRE
            )
            peaks = _MILLIVOLTS_PER_VOLT * displacements @ amplitudes.T
            n = len(peaks)
            for k in range(n):
                source = self.context.simulator.drive_field(
                    (cell.gid, section_index, k), section, (k + 0.5) / n
                )
                for field, peak in zip(p.fields, peaks[k].tolist(), strict=True):
                    source.add_electrode_source(
                        *(info.delay_ms, info.duration_ms, p.ramp_up_time, p.ramp_down_time),
                        *(peak, field.phase_rad, field.frequency_Hz),
                    )
                self.sources.append(source)

    def _displacements(self, cell: Any, section_index: int, soma: FloatArray) -> FloatArray:
        """Return the positions of the segments of a section relative to the soma, in µm of the morphology."""
        section, n = cell.sections[section_index], int(cell.sections[section_index].nseg)
        if cell.layout.kinds[section_index] == "soma":
            return np.zeros((n, 3))
        points = _points_3d(section)
        if len(points):
            arcs = np.array([section.arc3d(i) for i in range(len(points))])
            begins = arcs[-1] * np.arange(n) / n
            return np.stack([np.interp(begins, arcs, points[:, axis]) for axis in range(3)], axis=1) - soma
        found = _STUB.search(section.name())
        span = _STUB_SPAN_UM.get((found[1], int(found[2]))) if found else None
        if span is None:
            raise self.error(
                f"the section {section.name()} has no 3-D points",
                cell,
                "3-D points in every section but axon[0], axon[1] and myelin[0]",
            )
        below = span[0] + span[1] * (np.arange(n) + 0.5) / n
        return np.stack([np.zeros(n), -below, np.zeros(n)], axis=1)


def _points_3d(section: Any) -> FloatArray:
    n = int(section.n3d())
    return np.array([[section.x3d(i), section.y3d(i), section.z3d(i)] for i in range(n)]).reshape(n, 3)


def _soma_centre(cell: Any) -> FloatArray:
    somata = [s for s, kind in zip(cell.sections, cell.layout.kinds, strict=True) if kind == "soma"]
    points = np.concatenate([_points_3d(section) for section in somata])
    centre: FloatArray = points.mean(axis=0) if len(points) else np.zeros(3)
    return centre
