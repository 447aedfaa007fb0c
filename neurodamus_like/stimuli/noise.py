"""Gaussian noise: independent samples, and the Ornstein-Uhlenbeck process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from neurodamus_like.config.models import Input
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, integer, number
from neurodamus_like.stimuli.signals import (
    NoiseProcess,
    count_noise_samples_before,
    ornstein_uhlenbeck_coefficients,
)
from neurodamus_like.stimuli.waveform import WaveformStim

NOISE_STEP_MS = 0.5
"""Interval between the samples of a noise current."""

CURRENT_OR_CONDUCTANCE = ("current_clamp", "conductance")

# Names of the streams, so that they differ from those of other purposes.
_NOISE_STREAM = (100, 500, 301)
_OU_STREAM = (2997, 291204, 124)


@dataclass(frozen=True, kw_only=True)
class NoiseParameters(Parameters):
    """Mean and variance of the samples; percents of the threshold current when `mean_percent` is given."""

    variance: float = number("nA² or percent of the threshold current", above=0)
    mean: float | None = number("nA", None)
    mean_percent: float | None = number("percent of the threshold current", None)

    def conflicts(self, info: Input) -> list[str]:
        """Exactly one of the two means."""
        if (self.mean is None) == (self.mean_percent is None):
            return ["give exactly one of mean (nA) and mean_percent (percent of the threshold current)"]
        return []


@stimulus_types.register("noise")
class Noise(WaveformStim):
    """Injects normally distributed samples, one every 0.5 ms, interpolated in between.

    The numbers of a cell come from the Random123 stream (noise block + 100, stimulus seed + 500, gid + 301),
    where gid is global and counted from 0. All points of one cell draw from it one after another.
    """

    IsNoise = True
    family = "noise"
    parameters_type = NoiseParameters

    def waveforms(self, cell: Any, n_points: int) -> Iterator[NoiseProcess]:
        """Yield a different noise for each point."""
        info, run = self.stim_info, self.context.run
        mean, variance = self._moments(cell)
        stream = self.stream(_NOISE_STREAM, cell.gid)
        if info.delay_ms > 0:
            stream.skip(count_noise_samples_before(info.delay_ms, info.duration_ms, run.dt_ms, NOISE_STEP_MS))
        for point in range(n_points):
            noise = NoiseProcess(
                *(stream.ids, run.random_seed, mean, 0.0, math.sqrt(variance), False),
                *(info.delay_ms, info.duration_ms, NOISE_STEP_MS, stream.position),
            )
            if point + 1 < n_points:
                stream.normal(mean, variance, noise.n_samples)
            yield noise

    def _moments(self, cell: Any) -> tuple[float, float]:
        p = self.parameters
        if p.mean is not None:
            return p.mean, p.variance
        threshold = self.positive_reference(cell)
        return threshold * p.mean_percent / 100, threshold * p.variance / 100


@dataclass(frozen=True, kw_only=True)
class OrnsteinUhlenbeckParameters(Parameters):
    """Correlation time, mean and standard deviation of the process."""

    input_types: ClassVar[tuple[str, ...]] = CURRENT_OR_CONDUCTANCE

    tau: float = number("ms", minimum=0)
    mean: float = number("nA or µS")
    sigma: float = number("nA or µS", above=0)
    reversal: float = number("mV", 0.0)
    dt: float = number("ms", 0.25, above=0)
    random_seed: int | None = integer(None)


@stimulus_types.register("ornstein_uhlenbeck", "OrnsteinUhlenbeck")
class OrnsteinUhlenbeck(WaveformStim):
    """An Ornstein-Uhlenbeck process as current or conductance.

    The numbers come from the Random123 stream (OU block + 2997, stimulus seed + 291204, `random_seed` or gid + 124),
    where gid is global and counted from 0. All points of one cell receive the same signal.
    """

    IsNoise = True
    family = "ornstein_uhlenbeck"
    parameters_type: ClassVar[type[Parameters]] = OrnsteinUhlenbeckParameters

    def waveform(self, cell: Any) -> NoiseProcess:
        """Return the noise of a cell."""
        info, run, p = self.stim_info, self.context.run, self.parameters
        mean, sigma = self.moments(cell)
        ids = self.stream(_OU_STREAM, cell.gid, p.random_seed).ids
        coefficients = ornstein_uhlenbeck_coefficients(p.tau, sigma, p.dt)
        return NoiseProcess(ids, run.random_seed, mean, *coefficients, info.delay_ms, info.duration_ms, p.dt)

    def moments(self, cell: Any) -> tuple[float, float]:
        """Return mean and standard deviation for a cell."""
        return self.parameters.mean, self.parameters.sigma


@dataclass(frozen=True, kw_only=True)
class RelativeOrnsteinUhlenbeckParameters(Parameters):
    """Correlation time; mean and standard deviation in percent of the reference of each cell."""

    input_types: ClassVar[tuple[str, ...]] = CURRENT_OR_CONDUCTANCE

    tau: float = number("ms", minimum=0)
    mean_percent: float = number("percent of threshold current or 1 / input resistance")
    sd_percent: float = number("percent of threshold current or 1 / input resistance", above=0)
    reversal: float = number("mV", 0.0)
    dt: float = number("ms", 0.25, above=0)
    random_seed: int | None = integer(None)


@stimulus_types.register("relative_ornstein_uhlenbeck", "RelativeOrnsteinUhlenbeck")
class RelativeOrnsteinUhlenbeck(OrnsteinUhlenbeck):
    """An Ornstein-Uhlenbeck process relative to the threshold current or the inverse input resistance of each cell."""

    parameters_type = RelativeOrnsteinUhlenbeckParameters

    def moments(self, cell: Any) -> tuple[float, float]:
        """Return mean and standard deviation for a cell."""
        reference = self.positive_reference(cell)
        return (self.parameters.mean_percent / 100) * reference, (
            self.parameters.sd_percent / 100
        ) * reference
