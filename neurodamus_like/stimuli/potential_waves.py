"""Time courses of potentials outside of cells: constant, sine, or points of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.drive_source import DriveSource, WaveformKind
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.io.tables import check_ascending, read_table
from neurodamus_like.registry import Registry

FloatArray = npt.NDArray[np.float64]


class PotentialWave(Protocol):
    """A time course."""

    def at(self, time_ms: npt.ArrayLike) -> FloatArray:
        """Return the values at some times."""

    def source(self, rows: FloatArray, **timing: float) -> DriveSource:
        """Return the source that multiplies `rows` with it."""


@dataclass(frozen=True)
class ConstantWave:
    """`amplitude` between two times, both excluded; 0 elsewhere."""

    amplitude: float
    delay_ms: float
    duration_ms: float

    def at(self, time_ms: npt.ArrayLike) -> FloatArray:
        """Return the values at some times."""
        return np.where(self._active(time_ms), self.amplitude, 0.0)

    def source(self, rows: FloatArray, **timing: Any) -> DriveSource:
        """Return the source that multiplies `rows` with it."""
        numbers = (self.amplitude, self.delay_ms, self.duration_ms, 0.0, 0.0, 0.0)
        return DriveSource(WaveformKind.DC, rows, numbers=numbers, **timing)

    def _active(self, time_ms: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        times = np.asarray(time_ms, dtype=np.float64)
        return (times > self.delay_ms) & (times < self.delay_ms + self.duration_ms)


@dataclass(frozen=True)
class SineWave(ConstantWave):
    """``amplitude sin(2 pi frequency t + phase) + offset`` between two times, t from the begin of the run."""

    frequency_Hz: float
    phase_rad: float = math.pi
    offset: float = 0.0

    def at(self, time_ms: npt.ArrayLike) -> FloatArray:
        """Return the values at some times."""
        angle = 2 * math.pi * (self.frequency_Hz / 1000) * np.asarray(time_ms, dtype=np.float64)
        wave = self.amplitude * np.sin(angle + self.phase_rad) + self.offset
        return np.where(self._active(time_ms), wave, 0.0)

    def source(self, rows: FloatArray, **timing: Any) -> DriveSource:
        """Return the source that multiplies `rows` with it."""
        interval = (self.amplitude, self.delay_ms, self.duration_ms)
        numbers = (*interval, self.frequency_Hz, self.phase_rad, self.offset)
        return DriveSource(WaveformKind.SINE, rows, numbers=numbers, **timing)


@dataclass(frozen=True, eq=False)
class PointsWave:
    """Interpolated between points; the first value holds before them, the last behind."""

    time_ms: FloatArray
    value: FloatArray

    @property
    def duration_ms(self) -> float:
        """From the first to the last point."""
        return float(self.time_ms[-1] - self.time_ms[0])

    def at(self, time_ms: npt.ArrayLike) -> FloatArray:
        """Return the values at some times."""
        return np.interp(np.asarray(time_ms, dtype=np.float64), self.time_ms, self.value)

    def source(self, rows: FloatArray, **timing: Any) -> DriveSource:
        """Return the source that multiplies `rows` with it."""
        return DriveSource(WaveformKind.POINTS, rows, time_ms=self.time_ms, value=self.value, **timing)


SHAPES: Registry[Callable[[Mapping[str, Any]], PotentialWave]] = Registry("shape of a waveform")
"""Value of ``shape`` -> function that makes the waveform from its description."""


@SHAPES.register("dc")
def _constant(block: Mapping[str, Any]) -> PotentialWave:
    return ConstantWave(*_numbers(block, "amp", "del", "dur"))


@SHAPES.register("sin")
def _sine(block: Mapping[str, Any]) -> PotentialWave:
    given = _numbers(
        {"phase": math.pi, "offset": 0.0, **block}, "amp", "del", "dur", "freq", "phase", "offset"
    )
    return SineWave(*given)


def make_wave(block: Mapping[str, Any]) -> PotentialWave:
    """Return the waveform of a description such as ``{"shape": "dc", "amp": 0.1, "del": 10, "dur": 50}``.

    Raises
    ------
    ConfigurationError
        The shape is unknown, or a number is missing.
    """
    shape = block.get("shape")
    if not isinstance(shape, str) or shape not in SHAPES:
        raise ConfigurationError(
            f"unknown shape of a waveform: {shape!r}",
            expected="one of " + ", ".join(SHAPES.names()) + ", or a .csv file in place of the description",
            hint=did_you_mean(str(shape), SHAPES.names()) or None,
        )
    return SHAPES[shape](block)


def read_points(file: Path) -> PointsWave:
    """Read a table with the columns ``time`` (ms) and ``amplitude``.

    Raises
    ------
    CircuitError
        It cannot be read, a column is missing, or the times do not ascend.
    """
    table = read_table(file)
    return PointsWave(check_ascending(table, "time"), table.numbers("amplitude"))


def _numbers(block: Mapping[str, Any], *names: str) -> list[float]:
    found = []
    for name in names:
        value = block.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            what = f"{name!r} is missing" if value is None else f"{name!r} is no number: {value!r}"
            raise ConfigurationError(
                f"the waveform is incomplete: {what}",
                expected="numbers: amp (mA), del and dur (ms); for 'sin' freq (Hz), too, and perhaps phase (rad) "
                "and offset (mA)",
            )
        found.append(float(value))
    return found
