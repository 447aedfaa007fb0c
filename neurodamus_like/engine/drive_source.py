"""What drives the potential outside of segments: waveforms in time, potentials in space."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_NOTHING: FloatArray = np.empty(0)


class WaveformKind(IntEnum):
    """Waveforms that the mechanism computes."""

    DC = 0
    SINE = 1
    POINTS = 2
    FRAMES = 3


@dataclass(frozen=True, eq=False)
class DriveSource:
    """A waveform, and the potentials that it multiplies.

    Attributes
    ----------
    kind
        Form of the waveform.
    rows
        Shape (1, segments): mV per unit of the waveform; for `FRAMES` (times, segments) in mV.
    lag_steps, period_steps, start_ms
        The waveform gets the time ``start_ms + ((step - lag_steps) modulo period_steps) dt``; a period of 0 is none.
    numbers
        Amplitude, delay (ms), duration (ms), frequency (Hz), phase (rad) and offset of `DC` and `SINE`.
    time_ms, value
        Points of `POINTS`, times of `FRAMES`.
    """

    kind: WaveformKind
    rows: FloatArray
    lag_steps: int = 0
    period_steps: float = 0.0
    start_ms: float = 0.0
    numbers: tuple[float, ...] = (0.0,) * 6
    time_ms: FloatArray = field(default_factory=lambda: _NOTHING)
    value: FloatArray = field(default_factory=lambda: _NOTHING)
