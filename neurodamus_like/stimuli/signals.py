"""Waveforms as pure arrays: what is played into a clamp, without a simulator.

A signal is a list of points (time, value) that is interpolated linearly; two points at the same time make a
step. Outside its blocks a signal has its base value, and every block begins and ends with it. Random signals take
their numbers from a keyed stream (:mod:`neurodamus_like.engine.rng`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.rng import RandomStream

FloatArray = npt.NDArray[np.float64]

_NO_VARIANCE = 1e-12
"""Relative variance below which all shots are equal (what is left of 0 by rounding)."""

_COUNT_TOLERANCE = 1e-11
"""What HOC adds before rounding down when it counts the steps of a range."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Points of a piecewise linear function of time.

    Attributes
    ----------
    time_ms
        Shape (n,), non-decreasing.
    value
        Shape (n,), in the unit of whatever it drives (nA, µS, mV).
    """

    time_ms: FloatArray
    value: FloatArray

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def end_ms(self) -> float:
        """Time of the last point; 0 for an empty signal."""
        return float(self.time_ms[-1]) if len(self) else 0.0

    def truncated(self, t_end_ms: float) -> Signal:
        """Return the signal without the points that cannot matter up to `t_end_ms`.

        The first point after `t_end_ms` stays, so that interpolation up to that time gives the same bits.
        """
        keep = int(np.searchsorted(self.time_ms, t_end_ms, side="right")) + 1
        if keep >= len(self):
            return self
        return Signal(self.time_ms[:keep].copy(), self.value[:keep].copy())

    def at(self, time_ms: npt.ArrayLike) -> FloatArray:
        """Return the interpolated values; at a step, the value after it; the last one for ever after."""
        times = np.asarray(time_ms, dtype=float)
        right = np.clip(np.searchsorted(self.time_ms, times, side="right"), 1, max(len(self) - 1, 1))
        t0, t1 = self.time_ms[right - 1], self.time_ms[right]
        y0, y1 = self.value[right - 1], self.value[right]
        span = np.where(t1 > t0, t1 - t0, 1.0)
        inside = y0 + (y1 - y0) * np.clip((times - t0) / span, 0.0, 1.0)
        return np.where(times >= self.end_ms, self.value[-1], inside)


class SignalBuilder:
    """Puts a signal together, block after block.

    Parameters
    ----------
    base
        Value outside the blocks.
    delay_ms
        When the first block begins. A positive delay puts a first point (0, base); with a negative one the
        first block begins at 0 with its full length, as in the reference.
    """

    def __init__(self, base: float = 0.0, delay_ms: float = 0.0) -> None:
        self.base = base
        self.time_ms = 0.0
        self._times: list[FloatArray] = []
        self._values: list[FloatArray] = []
        if delay_ms > 0:
            self._point(base)
            self.time_ms = float(delay_ms)

    def _point(self, value: float) -> None:
        self._append([self.time_ms], [value])

    def _append(self, times: Sequence[float] | FloatArray, values: Sequence[float] | FloatArray) -> None:
        self._times.append(np.asarray(times, dtype=float))
        self._values.append(np.asarray(values, dtype=float))

    def wait(self, duration_ms: float) -> SignalBuilder:
        """Let time pass at the base value."""
        self.time_ms += duration_ms
        return self

    def ramp(self, start: float, end: float, duration_ms: float) -> SignalBuilder:
        """Add a linear ramp (a constant when `start` equals `end`) between two base points."""
        before = self.time_ms
        self.time_ms += duration_ms
        self._append([before, before, self.time_ms, self.time_ms], [self.base, start, end, self.base])
        return self

    def pulse_train(
        self, amplitude: float, frequency_Hz: float, width_ms: float, duration_ms: float
    ) -> SignalBuilder:
        """Add square pulses; the last one is cut at the end of the block.

        Raises
        ------
        ValueError
            A pulse is longer than the period, or `frequency_Hz` or `width_ms` is not positive.
        """
        if frequency_Hz <= 0 or width_ms <= 0:
            raise ValueError("frequency and width of a pulse train must be positive")
        period_ms = 1000.0 / frequency_Hz
        if width_ms > period_ms:
            raise ValueError(f"a pulse of {width_ms} ms is longer than the period of {period_ms} ms")
        n_full = int(duration_ms / period_ms)
        for _ in range(n_full):
            self.ramp(amplitude, amplitude, width_ms).wait(period_ms - width_ms)
        rest_ms = duration_ms - n_full * period_ms
        if rest_ms > 0:
            last_ms = min(width_ms, rest_ms)
            self.ramp(amplitude, amplitude, last_ms).wait(rest_ms - last_ms)
        self._point(self.base)
        return self

    def sine(
        self, amplitude: float, frequency_Hz: float, step_ms: float, duration_ms: float
    ) -> SignalBuilder:
        """Add samples of a sine, `step_ms` apart and both ends included, and a base point at the end."""
        n = count_samples(self.time_ms, self.time_ms + duration_ms, step_ms)
        omega = 2 * math.pi / 1000 * frequency_Hz * step_ms
        wave = np.fromiter((math.sin(omega * k) for k in range(n)), dtype=np.float64, count=n)
        self._append(self.time_ms + step_ms * np.arange(n, dtype=np.float64), amplitude * wave)
        self.time_ms += duration_ms
        self._point(self.base)
        return self

    def samples(self, values: npt.ArrayLike, step_ms: float, duration_ms: float) -> SignalBuilder:
        """Add given samples, `step_ms` apart, between two base points; the block lasts `duration_ms`."""
        block: FloatArray = np.asarray(values, dtype=np.float64)
        self._point(self.base)
        times: FloatArray = self.time_ms + step_ms * np.arange(len(block), dtype=np.float64)
        self._append(times, block)
        self.time_ms += duration_ms
        self._point(self.base)
        return self

    def insert(self, points: Signal) -> SignalBuilder:
        """Add given points between two base points, at their own times."""
        self._point(self.base)
        self._append(points.time_ms, points.value)
        self.time_ms = points.end_ms
        self._point(self.base)
        return self

    def build(self) -> Signal:
        """Return the signal."""
        if not self._times:
            return Signal(np.empty(0), np.empty(0))
        return Signal(np.concatenate(self._times), np.concatenate(self._values))


def count_samples(start_ms: float, end_ms: float, step_ms: float) -> int:
    """Return how many samples lie in [start, end], both ends included."""
    return max(0, math.floor((end_ms - start_ms) / step_ms + _COUNT_TOLERANCE) + 1)


def count_noise_samples_before(delay_ms: float, duration_ms: float, dt_ms: float, step_ms: float) -> int:
    """Return how many numbers a noise block skips so that its stream is aligned with absolute time.

    The interval before the block is walked in pieces of the length of the block; each piece has samples
    `step_ms` apart, both ends included, and the next piece begins one integration step `dt_ms` later.
    """
    if duration_ms <= 0:
        return 0
    last_ms = delay_ms - dt_ms
    piece_ms = duration_ms - dt_ms
    total, begin_ms = 0, 0.0
    while begin_ms < last_ms:
        end_ms = begin_ms + piece_ms if begin_ms + piece_ms < last_ms else last_ms
        total += count_samples(begin_ms, end_ms, step_ms)
        begin_ms = end_ms + dt_ms
    return total


@dataclass(frozen=True)
class NoiseProcess:
    """Gaussian noise as a recipe: sampled, interpolated, between two base points of 0.

    The samples are mean + x with x[k] = decay x[k-1] + scale z[k], where z are standard normal numbers of the stream,
    after one that choosing the distribution draws. It can be made into a signal, or computed as the simulation goes.

    Attributes
    ----------
    ids, global_index, first_word
        The stream, and how many words of it were used before.
    mean, decay, scale
        See above; `mean` and `scale` in the unit of whatever is driven.
    from_zero
        x[0] is 0 instead of scale z[0].
    delay_ms, duration_ms, step_ms
        When the block begins, how long it lasts, and the interval between samples.
    """

    ids: tuple[int, int, int]
    global_index: int
    mean: float
    decay: float
    scale: float
    from_zero: bool
    delay_ms: float
    duration_ms: float
    step_ms: float
    first_word: int = 0

    @property
    def start_ms(self) -> float:
        """When the first sample is reached."""
        return max(0.0, self.delay_ms)

    @property
    def n_samples(self) -> int:
        """Number of samples, both ends included."""
        return count_samples(self.start_ms, self.start_ms + self.duration_ms, self.step_ms)

    def samples(self, n: int) -> FloatArray:
        """Return the first `n` samples."""
        stream = RandomStream(*self.ids, global_index=self.global_index)
        stream.position = self.first_word
        noise = stream.normal(0.0, 1.0, n) * self.scale
        if self.from_zero:
            noise[:1] = 0.0
        if self.decay:
            noise = _autoregression(noise, self.decay)
        return noise + self.mean

    def signal(self, t_end_ms: float) -> Signal:
        """Return the noise as a signal, as far as it matters up to `t_end_ms`."""
        needed = count_samples(self.start_ms, max(t_end_ms, self.start_ms), self.step_ms) + 1
        block = self.samples(min(self.n_samples, needed))
        builder = SignalBuilder(delay_ms=self.delay_ms)
        return builder.samples(block, self.step_ms, self.duration_ms).build().truncated(t_end_ms)


def _autoregression(innovations: FloatArray, decay: float) -> FloatArray:
    chain = accumulate(innovations.tolist(), lambda x, innovation: x * decay + innovation)
    return np.fromiter(chain, dtype=np.float64, count=len(innovations))


def ornstein_uhlenbeck_coefficients(tau_ms: float, sigma: float, step_ms: float) -> tuple[float, float, bool]:
    """Return (decay, scale, from_zero) of an Ornstein-Uhlenbeck process sampled every `step_ms`.

    The update is exact for any step (Gillespie 1996, Phys Rev E 54:2084); without correlation time the noise is white.
    """
    if tau_ms < 1e-9:
        return 0.0, sigma, False
    decay = math.exp(-step_ms / tau_ms)
    return decay, sigma * math.sqrt(1 - decay * decay), True


@dataclass(frozen=True)
class Shots:
    """Shots of a Poisson process with gamma distributed peaks: rate (Hz), mean and variance of the peaks."""

    rate_Hz: float
    amp_mean: float
    amp_var: float


def shots_from_moments(
    mean: float, sd: float, relative_skew: float, rise_ms: float, decay_ms: float
) -> Shots:
    """Return the shots whose sum has a given mean, standard deviation and skewness.

    The cumulants of filtered Poisson shots (Campbell's theorem; Rice 1944, Bell Syst Tech J 23) are inverted for gamma
    distributed peaks.

    Parameters
    ----------
    mean, sd
        Of the signal.
    relative_skew
        Where its skewness lies between the smallest possible value (0) and twice that (1).
    rise_ms, decay_ms
        Time constants of a shot.
    """
    peak_ms = math.log(decay_ms / rise_ms) / (1 / rise_ms - 1 / decay_ms)
    peak = math.exp(-peak_ms / decay_ms) - math.exp(-peak_ms / rise_ms)
    area = (decay_ms - rise_ms) / peak
    a = 1 / (decay_ms + rise_ms)
    b = 1 / ((decay_ms + 2 * rise_ms) * (2 * decay_ms + rise_ms))
    skew = (1 + relative_skew) * ((8 / 3) * (b / a**2) * (sd / mean))
    theta1 = 2 / (a * area) * (sd**2 / mean)
    theta2 = (3 * a) / (4 * b * area) * (sd * skew)
    amp_mean = 2 * theta1 - theta2
    return Shots(mean / (amp_mean * area) * 1000, amp_mean, amp_mean * (theta2 - theta1))


def shot_noise_samples(
    stream: RandomStream,
    shots: Shots,
    *,
    rise_ms: float,
    decay_ms: float,
    step_ms: float,
    duration_ms: float,
    n_samples: int,
    n_needed: int | None = None,
) -> FloatArray:
    """Return samples of shot noise.

    Parameters
    ----------
    stream
        Gives the intervals between shots, then their peaks.
    shots
        Rate and peaks; a negative mean turns the signal over.
    rise_ms, decay_ms
        Time constants of a shot, which has a unit peak in continuous time.
    step_ms, duration_ms
        Interval between samples, and the time in which shots fall.
    n_samples
        Number of samples of the whole block.
    n_needed
        How many of them to return; all by default.
    """
    n_needed = n_samples if n_needed is None else min(n_needed, n_samples)
    index = np.rint(_poisson_times(stream, shots.rate_Hz, duration_ms) / step_ms).astype(np.int64)
    index = index[index < n_samples]
    within = index[index < n_needed]
    impulses = np.zeros(n_needed)
    np.add.at(impulses, within, _peaks(stream, shots, len(within), of=len(index)))
    return _biexponential(impulses, math.exp(-step_ms / rise_ms), math.exp(-step_ms / decay_ms))


def _peaks(stream: RandomStream, shots: Shots, n: int, of: int) -> FloatArray:
    mean = abs(shots.amp_mean)
    if shots.amp_var <= _NO_VARIANCE * mean**2:
        return np.full(n, shots.amp_mean)
    scale = shots.amp_var / mean
    return math.copysign(1.0, shots.amp_mean) * stream.gamma(mean / scale, scale, n, of=of)


def _poisson_times(stream: RandomStream, rate_Hz: float, duration_ms: float) -> FloatArray:
    expected = 1 + int(duration_ms * (rate_Hz / 1000))
    n = int(expected + 3 * math.sqrt(expected))
    intervals = stream.negexp(1 / rate_Hz, n)
    times: FloatArray = np.cumsum(intervals) * 1000
    while times[-1] < duration_ms:
        intervals = np.concatenate([intervals, stream.draw(n)])
        times = np.cumsum(intervals) * 1000
    return times[times < duration_ms]


def _biexponential(impulses: FloatArray, b: float, a: float) -> FloatArray:
    """Filter impulses with a difference of exponentials of unit peak; `b` and `a` are what is left after a sample."""
    d, r = -math.log(a), -math.log(b)
    peak = math.log(r / d) / (r - d)
    norm = (a / b - 1) / (a**peak - b**peak)
    out = np.empty(len(impulses))
    slow = fast = 0.0
    for k, impulse in enumerate(impulses.tolist()):
        out[k] = slow
        slow, fast = a * slow + b * fast, b * fast + impulse
    out *= norm
    return out


def resistance_of(conductance: Signal) -> Signal:
    """Return the series resistance (MΩ) that makes a clamp a conductance (µS); 1e9 MΩ where there is none.

    What is interpolated between points is then the resistance. A first point at 0 is added.
    """
    g = np.concatenate([[0.0], conductance.value])
    open_ = (g > 1e-9) & (g < 1e9)
    resistance = np.where(open_, 1.0 / np.where(open_, g, 1.0), 1e9)
    return Signal(np.concatenate([[0.0], conductance.time_ms]), resistance)


def field_waveform(
    time_ms: npt.ArrayLike,
    *,
    delay_ms: float,
    duration_ms: float,
    ramp_up_ms: float = 0.0,
    ramp_down_ms: float = 0.0,
    frequency_Hz: float = 0.0,
    phase_rad: float = 0.0,
) -> FloatArray:
    """Return the time course of an oscillating field, relative to its peak: a cosine between two ramps."""
    since = np.asarray(time_ms, dtype=np.float64) - delay_ms
    fall = ramp_up_ms + duration_ms
    ramp = np.ones_like(since)
    if ramp_up_ms > 0:
        ramp = np.minimum(ramp, since / ramp_up_ms)
    if ramp_down_ms > 0:
        ramp = np.minimum(ramp, 1 - (since - fall) / ramp_down_ms)
    on = (since > 0) & (since < fall + ramp_down_ms)
    wave: FloatArray = np.where(on, ramp, 0.0) * np.cos(2 * math.pi * frequency_Hz / 1000 * since + phase_rad)
    return wave


def staircase(starts_ms: Sequence[float], levels: Sequence[float], end_ms: float) -> Signal:
    """Return steps as points to be interpolated: each level holds until the next begins, the last until `end_ms`."""
    times = np.minimum(np.append(np.asarray(starts_ms, dtype=float), end_ms), end_ms)
    values = np.asarray(levels, dtype=float)
    return Signal(np.stack([times[:-1], times[1:]], axis=1).ravel(), np.repeat(values, 2))


def step_levels(durations_ms: Sequence[float], levels: Sequence[float], before: float) -> Signal:
    """Return steps to be played without interpolation: `levels[k]` begins at ``cumsum(durations_ms)[k]``.

    Parameters
    ----------
    durations_ms, levels
        Equally many.
    before
        The value from 0 until the first level begins.
    """
    begin = np.cumsum(np.asarray(durations_ms, dtype=float))
    values = np.asarray(levels, dtype=float)
    if len(begin) and begin[0] > 0:
        begin, values = np.append(0.0, begin), np.append(before, values)
    return Signal(begin, values)
