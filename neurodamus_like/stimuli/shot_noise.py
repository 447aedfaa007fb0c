"""Shot noise: bi-exponential shots at random times with random peaks, as current or conductance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from neurodamus_like.config.models import Input
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.noise import CURRENT_OR_CONDUCTANCE
from neurodamus_like.stimuli.parameters import Parameters, integer, number
from neurodamus_like.stimuli.signals import (
    Shots,
    Signal,
    SignalBuilder,
    count_samples,
    shot_noise_samples,
    shots_from_moments,
)
from neurodamus_like.stimuli.waveform import WaveformStim

_STREAM = (2997, 19216, 124)


@dataclass(frozen=True, kw_only=True)
class ShotParameters(Parameters):
    """Time course of a shot and of its samples."""

    input_types: ClassVar[tuple[str, ...]] = CURRENT_OR_CONDUCTANCE

    rise_time: float = number("ms", above=0)
    decay_time: float = number("ms", above=0)
    reversal: float = number("mV", 0.0)
    dt: float = number("ms", 0.25, above=0)
    random_seed: int | None = integer(None)

    def conflicts(self, info: Input) -> list[str]:
        """A shot must rise faster than it decays."""
        if self.rise_time >= self.decay_time:
            return [
                f"rise_time ({self.rise_time:g} ms) must be less than decay_time ({self.decay_time:g} ms)"
            ]
        return []

    def inactive(self, info: Input) -> bool:
        """Nothing happens in a block shorter than a sample."""
        return int(info.duration_ms / self.dt) == 0


@dataclass(frozen=True, kw_only=True)
class ShotNoiseParameters(ShotParameters):
    """Rate and peaks of the shots."""

    rate: float = number("Hz", minimum=0)
    amp_mean: float = number("nA or µS", nonzero=True)
    amp_var: float = number("nA² or µS²", above=0)

    def inactive(self, info: Input) -> bool:
        """Nothing happens without shots."""
        return not self.rate or super().inactive(info)


@stimulus_types.register("shot_noise", "ShotNoise")
class ShotNoise(WaveformStim):
    """Shots with exponential intervals and gamma distributed peaks.

    The numbers come from the Random123 stream (shot noise block + 2997, stimulus seed + 19216, `random_seed` or
    gid + 124), where gid is global and counted from 0. All points of one cell receive the same signal.
    """

    IsNoise = True
    family = "shot_noise"
    parameters_type: ClassVar[type[Parameters]] = ShotNoiseParameters

    def waveform(self, cell: Any) -> Signal:
        """Return the signal of a cell, as far as the run goes."""
        info, p = self.stim_info, self.parameters
        builder = SignalBuilder(delay_ms=info.delay_ms)
        start_ms = builder.time_ms
        n_run = count_samples(start_ms, max(self.context.run.tstop_ms, start_ms), p.dt) + 1
        block = shot_noise_samples(
            self.stream(_STREAM, cell.gid, p.random_seed),
            self.shots(cell),
            rise_ms=p.rise_time,
            decay_ms=p.decay_time,
            step_ms=p.dt,
            duration_ms=info.duration_ms,
            n_samples=count_samples(start_ms, start_ms + info.duration_ms, p.dt),
            n_needed=n_run,
        )
        return builder.samples(block, p.dt, info.duration_ms).build()

    def shots(self, cell: Any) -> Shots:
        """Return rate and peaks for a cell."""
        return Shots(self.parameters.rate, self.parameters.amp_mean, self.parameters.amp_var)

    def _shots_from_moments(self, mean: float, sd: float) -> Shots:
        p = self.parameters
        return shots_from_moments(mean, sd, p.relative_skew, p.rise_time, p.decay_time)


@dataclass(frozen=True, kw_only=True)
class AbsoluteShotNoiseParameters(ShotParameters):
    """Mean, standard deviation and skewness of the signal.

    A `relative_skew` of 0 means equal shots; towards 1 they become small and many, without end.
    """

    mean: float = number("nA or µS", nonzero=True)
    sigma: float = number("nA or µS", above=0)
    relative_skew: float = number("fraction", 0.5, minimum=0, below=1)


@stimulus_types.register("absolute_shot_noise", "AbsoluteShotNoise")
class AbsoluteShotNoise(ShotNoise):
    """Shot noise with a given mean, standard deviation and skewness."""

    parameters_type = AbsoluteShotNoiseParameters

    def shots(self, cell: Any) -> Shots:
        """Return rate and peaks."""
        return self._shots_from_moments(self.parameters.mean, self.parameters.sigma)


@dataclass(frozen=True, kw_only=True)
class RelativeShotNoiseParameters(ShotParameters):
    """Mean and standard deviation of the signal in percent of the reference of each cell; skewness."""

    mean_percent: float = number("percent of threshold current or 1 / input resistance")
    sd_percent: float = number("percent of threshold current or 1 / input resistance", above=0)
    relative_skew: float = number("fraction", 0.5, minimum=0, below=1)

    def inactive(self, info: Input) -> bool:
        """Nothing happens with a mean of 0."""
        return not self.mean_percent or super().inactive(info)


@stimulus_types.register("relative_shot_noise", "RelativeShotNoise")
class RelativeShotNoise(ShotNoise):
    """Shot noise relative to the threshold current or the inverse input resistance of each cell."""

    parameters_type = RelativeShotNoiseParameters

    def shots(self, cell: Any) -> Shots:
        """Return rate and peaks for a cell."""
        p, reference = self.parameters, self.positive_reference(cell)
        return self._shots_from_moments((p.mean_percent / 100) * reference, (p.sd_percent / 100) * reference)
