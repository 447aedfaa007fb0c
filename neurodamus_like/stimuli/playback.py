"""What stimuli become in the simulator: clamps, current and conductance sources, fields, spikes.

The only file of this room that touches the simulator; everything it makes lives until the model is cleared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine import nrn
from neurodamus_like.engine.drive_source import DriveSource
from neurodamus_like.engine.extracellular_drive import ExtracellularDrive
from neurodamus_like.engine.rng import FloatArray
from neurodamus_like.engine.segments import SegmentTable, read_segments
from neurodamus_like.exceptions import MechanismError, StimulusError
from neurodamus_like.stimuli.signals import NoiseProcess, Signal, resistance_of, staircase

_SYNAPSE_TIMES_MS = (0.2, 1.7)
_SYNAPSE_DELAY_MS = 0.1


class SimulatorPlayer:
    """Puts signals into NEURON (see :class:`neurodamus_like.stimuli.base.Player`).

    Parameters
    ----------
    coreneuron
        The run is done by CoreNEURON, which cannot play vectors without interpolation.
    """

    def __init__(self, *, coreneuron: bool = False) -> None:
        self._coreneuron = coreneuron
        self._times: tuple[FloatArray, Any] | None = None
        self._values: tuple[FloatArray, Any] | None = None
        self._conductance: tuple[Signal, Signal] | None = None
        self._fields: dict[Any, Any] = {}
        self._drive: ExtracellularDrive | None = None
        self._driven: set[Any] = set()

    def play_current(self, section: Any, x: float, signal: Signal, *, electrode: bool) -> Any:
        """Inject a current (nA): into the membrane, or with an electrode."""
        source = _point_process("IClamp" if electrode else "MembraneCurrentSource", section, x)
        source.dur = signal.end_ms
        self._play(signal, source._ref_amp)
        return source

    def play_conductance(
        self, section: Any, x: float, signal: Signal, *, reversal_mV: float, electrode: bool
    ) -> Any:
        """Open a conductance (µS) by driving the series resistance of a clamp."""
        source = _point_process("SEClamp" if electrode else "ConductanceSource", section, x)
        source.dur1 = signal.end_ms
        source.amp1 = reversal_mV
        if self._conductance is None or self._conductance[0] is not signal:
            self._conductance = (signal, resistance_of(signal))
        self._play(self._conductance[1], source._ref_rs)
        return source

    def play_noise(
        self, section: Any, x: float, noise: NoiseProcess, *, reversal_mV: float | None
    ) -> Any | None:
        """Compute a noise as the simulation goes; None when the library lacks the point process for it."""
        name = "GaussianNoiseCurrent" if reversal_mV is None else "GaussianNoiseConductance"
        if not nrn.has_global(name):
            return None
        source = _point_process(name, section, x)
        source.start, source.stop = noise.start_ms, noise.start_ms + noise.duration_ms
        source.interval, source.samples = noise.step_ms, noise.n_samples
        source.mean, source.decay, source.scale = noise.mean, noise.decay, noise.scale
        source.from_zero, source.first_word = float(noise.from_zero), noise.first_word
        source.noise.set_ids(*(number & 0xFFFFFFFF for number in noise.ids))
        if reversal_mV is not None:
            source.reversal = reversal_mV
        return source

    def clamp_voltage(
        self,
        section: Any,
        x: float,
        *,
        voltage_mV: float,
        resistance_MOhm: float,
        duration_ms: float,
        levels: Signal | None,
    ) -> Any:
        """Clamp the voltage; `levels` are steps played onto it."""
        clamp = _point_process("SEClamp", section, x)
        clamp.rs, clamp.dur1, clamp.amp1 = resistance_MOhm, duration_ms, voltage_mV
        if levels is not None:
            self._play_steps(levels, clamp._ref_amp1)
        return clamp

    def inject_steps(
        self, section: Any, x: float, *, amplitude_nA: float, delay_ms: float, duration_ms: float
    ) -> Any:
        """Inject a constant current with an electrode."""
        clamp = _point_process("IClamp", section, x)
        clamp.amp, clamp.delay, clamp.dur = amplitude_nA, delay_ms, duration_ms
        return clamp

    def inject_samples(
        self, section: Any, x: float, samples: Signal, *, delay_ms: float, duration_ms: float
    ) -> Any:
        """Inject a current with an electrode that holds each value until the next."""
        clamp = _point_process("IClamp", section, x)
        clamp.delay, clamp.dur = delay_ms, duration_ms
        self._play_steps(samples, clamp._ref_amp)
        return clamp

    def hold_voltage(
        self,
        section: Any,
        x: float,
        *,
        delay_ms: float,
        duration_ms: float,
        voltage_mV: float,
        resistance_MOhm: Signal,
    ) -> Any:
        """Clamp the voltage for an interval through a resistance that changes in steps."""
        clamp = _point_process("SEClamp", section, x)
        clamp.dur1, clamp.dur2, clamp.dur3 = delay_ms, duration_ms, 0.0
        clamp.amp1, clamp.amp2, clamp.amp3 = 0.0, voltage_mV, 0.0
        self._play_steps(resistance_MOhm, clamp._ref_rs)
        return clamp

    def drive_potentials(
        self, cells: Sequence[tuple[int, Sequence[Any]]], sources: Sequence[DriveSource]
    ) -> Any:
        """Superpose potentials outside of all segments of cells (gid, sections).

        Raises
        ------
        StimulusError
            A cell is in a uniform field, too, which sets the same potential.
        """
        gids = [gid for gid, _ in cells]
        self._refuse_both({key[0] for key in self._fields}, gids)
        self._driven.update(gids)
        if self._drive is None:
            self._drive = ExtracellularDrive()
        return self._drive.add_field(cells, sources)

    def drive_field(self, key: Any, section: Any, x: float) -> Any:
        """Return the source of the extracellular potential of the segment `key`, made at the first call."""
        if key not in self._fields:
            self._refuse_both(self._driven, [key[0]])
            section.insert("extracellular")
            source = _point_process("EFieldIntegrator", section, x)
            nrn.h.setpointer(section(x).extracellular._ref_e, "e_ext", source)
            source.enabled = 1
            self._fields[key] = source
        return self._fields[key]

    def segments_of(self, cell: Any) -> SegmentTable:
        """Return lengths of the segments of a cell, and their distances from the soma."""
        soma = cell.sections_of("soma")[0][1]
        return read_segments(cell.sections, soma, cell.layout.kinds)

    def drive_synapse(self, section: Any, x: float, times_ms: npt.NDArray[Any], weight_uS: float) -> Any:
        """Send spikes to an excitatory synapse made for them (`Exp2Syn`, 0.2 and 1.7 ms, 0 mV)."""
        synapse = _point_process("Exp2Syn", section, x)
        synapse.tau1, synapse.tau2 = _SYNAPSE_TIMES_MS
        stim, times = _artificial_cell("VecStim"), nrn.h.Vector(times_ms)
        stim.play(times)
        connection = nrn.h.NetCon(stim, synapse, 10, _SYNAPSE_DELAY_MS, weight_uS)
        nrn.keep(stim, times, connection)
        return synapse

    def _refuse_both(self, others: set[Any], gids: Sequence[int]) -> None:
        both = sorted(others.intersection(gids))
        if both:
            raise StimulusError(
                "cells are in a uniform electric field and in the field of electrodes or of a solution",
                ids=both,
                hint="give the two kinds of fields to different cells",
            )

    def _play_steps(self, levels: Signal, target: Any) -> None:
        """Play levels that hold until the next."""
        if self._coreneuron:
            self._play(staircase(levels.time_ms.tolist(), levels.value.tolist(), levels.end_ms), target)
        else:
            self._play(levels, target, steps=True)

    def _play(self, signal: Signal, target: Any, steps: bool = False) -> None:
        """Play a signal; times and values that several points in a row share are stored once."""
        if self._times is None or not np.array_equal(self._times[0], signal.time_ms):
            self._times = (signal.time_ms, nrn.h.Vector(signal.time_ms))
        if self._values is None or self._values[0] is not signal.value:
            self._values = (signal.value, nrn.h.Vector(signal.value))
        times, values = self._times[1], self._values[1]
        values.play(target, times, *(() if steps else (1,)))
        nrn.keep(times, values)


def _point_process(name: str, section: Any, x: float) -> Any:
    _require(name)
    source = getattr(nrn.h, name)(x, sec=section)
    nrn.keep(source)
    return source


def _artificial_cell(name: str) -> Any:
    _require(name)
    return getattr(nrn.h, name)()


def _require(name: str) -> None:
    if not nrn.has_global(name):
        raise MechanismError(
            f"the mechanism {name} is not compiled in",
            expected=f"{name} in the mechanism library",
            hint="compile with `neurodamus-like compile`, which adds the package's own core/mod",
        )
