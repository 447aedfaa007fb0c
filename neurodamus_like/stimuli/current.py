"""Injected currents without chance: ramps, pulses, sines, holding and threshold currents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neurodamus_like.config.models import Input
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, number
from neurodamus_like.stimuli.signals import Signal, SignalBuilder
from neurodamus_like.stimuli.waveform import WaveformStim


class _Ramp(WaveformStim):
    def ramp(self, start_nA: float, end_nA: float) -> Signal:
        """Return a linear ramp over the whole block."""
        info = self.stim_info
        return SignalBuilder(delay_ms=info.delay_ms).ramp(start_nA, end_nA, info.duration_ms).build()


@dataclass(frozen=True, kw_only=True)
class LinearParameters(Parameters):
    """Amplitudes at the begin and the end of the ramp."""

    amp_start: float = number("nA")
    amp_end: float | None = number("nA", None)

    @property
    def ends(self) -> tuple[float, float]:
        """Both amplitudes."""
        return self.amp_start, self.amp_start if self.amp_end is None else self.amp_end

    def inactive(self, info: Input) -> bool:
        """Nothing is injected when both ends are 0."""
        return not any(self.ends)


@stimulus_types.register("linear")
class Linear(_Ramp):
    """Injects a linear current ramp."""

    parameters_type = LinearParameters

    @cached_property
    def _signal(self) -> Signal:
        return self.ramp(*self.parameters.ends)

    def waveform(self, cell: Any) -> Signal:
        """Return the same ramp for every cell."""
        return self._signal


@dataclass(frozen=True, kw_only=True)
class RelativeLinearParameters(Parameters):
    """Percents of the threshold current at the begin and the end of the ramp."""

    percent_start: float = number("percent of the threshold current")
    percent_end: float | None = number("percent of the threshold current", None)

    @property
    def ends(self) -> tuple[float, float]:
        """Both percents."""
        return self.percent_start, self.percent_start if self.percent_end is None else self.percent_end

    def inactive(self, info: Input) -> bool:
        """Nothing is injected when both ends are 0."""
        return not any(self.ends)


@stimulus_types.register("relative_linear", "RelativeLinear")
class RelativeLinear(_Ramp):
    """Injects a linear current ramp relative to the threshold current of each cell."""

    parameters_type = RelativeLinearParameters

    def waveform(self, cell: Any) -> Signal:
        """Return the ramp of a cell."""
        threshold = self.reference(cell)
        start, end = self.parameters.ends
        return self.ramp(threshold * (start / 100), threshold * (end / 100))


@dataclass(frozen=True, kw_only=True)
class SubThresholdParameters(Parameters):
    """How far below the threshold current."""

    percent_less: float = number("percent of the threshold current")


@stimulus_types.register("subthreshold")
class SubThreshold(_Ramp):
    """Injects a constant current some percent below the threshold current of each cell."""

    parameters_type = SubThresholdParameters

    def waveform(self, cell: Any) -> Signal:
        """Return the step of a cell."""
        amplitude = self.reference(cell) * (100 - self.parameters.percent_less) / 100
        return self.ramp(amplitude, amplitude)


@stimulus_types.register("hyperpolarizing")
class Hyperpolarizing(_Ramp):
    """Injects the holding current of each cell."""

    def waveform(self, cell: Any) -> Signal:
        """Return the step of a cell."""
        if cell.holding_current is None:
            raise self.error(
                "it needs the holding_current of every target cell",
                cell,
                "@dynamics:holding_current in the node file",
            )
        return self.ramp(float(cell.holding_current), float(cell.holding_current))


@dataclass(frozen=True, kw_only=True)
class PulseParameters(Parameters):
    """Amplitude, width and rate of the pulses."""

    amp_start: float = number("nA")
    width: float = number("ms", minimum=0)
    frequency: float = number("Hz", minimum=0)

    def inactive(self, info: Input) -> bool:
        """Nothing is injected without frequency or width."""
        return not (self.frequency and self.width)

    def conflicts(self, info: Input) -> list[str]:
        """Pulses must not overlap."""
        if self.frequency > 0 and self.width > 1000.0 / self.frequency:
            return [f"a pulse of {self.width} ms is longer than the period at {self.frequency} Hz"]
        return []


@stimulus_types.register("pulse")
class Pulse(WaveformStim):
    """Injects a train of square pulses."""

    parameters_type = PulseParameters

    @cached_property
    def _signal(self) -> Signal:
        p, builder = self.parameters, SignalBuilder(delay_ms=self.stim_info.delay_ms)
        return builder.pulse_train(p.amp_start, p.frequency, p.width, self._duration_ms(builder)).build()

    def waveform(self, cell: Any) -> Signal:
        """Return the same train for every cell."""
        return self._signal

    def _duration_ms(self, builder: SignalBuilder) -> float:
        """Return the duration of the block, without whole periods that the run does not reach."""
        period_ms = 1000.0 / self.parameters.frequency
        needed = int(max(0.0, self.context.run.tstop_ms - builder.time_ms) / period_ms) + 2
        surplus = int(self.stim_info.duration_ms / period_ms) - needed
        return needed * period_ms if surplus > 0 else self.stim_info.duration_ms


@dataclass(frozen=True, kw_only=True)
class SinusoidalParameters(Parameters):
    """Amplitude and frequency of the sine, and the interval between its samples."""

    amp_start: float = number("nA")
    frequency: float = number("Hz", minimum=0)
    dt: float = number("ms", 0.025, above=0)

    def inactive(self, info: Input) -> bool:
        """Nothing is injected at 0 Hz."""
        return not self.frequency

    def conflicts(self, info: Input) -> list[str]:
        """The samples must be able to follow the sine."""
        limit = 1000.0 / (2 * self.dt)
        if self.frequency >= limit:
            return [
                f"frequency is {self.frequency:g} Hz, samples {self.dt:g} ms apart carry less than {limit:g} Hz"
            ]
        return []


@stimulus_types.register("sinusoidal")
class Sinusoidal(WaveformStim):
    """Injects a sinusoidal current."""

    parameters_type = SinusoidalParameters

    @cached_property
    def _signal(self) -> Signal:
        p, info = self.parameters, self.stim_info
        builder = SignalBuilder(delay_ms=info.delay_ms)
        reached_ms = self.context.run.tstop_ms - builder.time_ms + 2 * p.dt
        duration_ms = min(info.duration_ms, max(reached_ms, p.dt))
        return builder.sine(p.amp_start, p.frequency, p.dt, duration_ms).build()

    def waveform(self, cell: Any) -> Signal:
        """Return the same sine for every cell."""
        return self._signal
