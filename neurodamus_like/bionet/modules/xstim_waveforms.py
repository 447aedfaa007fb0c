"""Waveforms of stimulation electrodes as objects: ``calculate(t)`` gives the current (mA) at a time (ms)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.stimuli.potential_waves import PotentialWave, make_wave, read_points
from neurodamus_like.stimuli.potentials import load_wave


class BaseWaveform(ABC):
    """A time course; subclasses say what `calculate` returns."""

    @abstractmethod
    def calculate(self, t: float) -> float:
        """Return the value at a time (ms)."""


class BaseWaveformType(BaseWaveform):
    """A time course that is 0 outside of an interval.

    Parameters
    ----------
    waveform_config
        ``amp`` (mA), ``del`` and ``dur`` (ms), and what else the shape needs.

    Raises
    ------
    ConfigurationError
        A number is missing.
    """

    _shape = "dc"

    def __init__(self, waveform_config: Mapping[str, Any]) -> None:
        self._wave = make_wave({**waveform_config, "shape": self._shape})
        self.amp = float(waveform_config["amp"])
        self.delay = float(waveform_config["del"])
        self.duration = float(waveform_config["dur"])

    def is_active(self, simulation_time: float) -> bool:
        """Say whether a time (ms) is inside of the interval, ends excluded."""
        return self.delay < simulation_time < self.delay + self.duration

    def calculate(self, t: float) -> float:
        """Return the value at a time (ms)."""
        return float(self._wave.at(t))


class WaveformTypeDC(BaseWaveformType):
    """A step."""


class WaveformTypeSin(BaseWaveformType):
    """A sine, with ``freq`` (Hz) and perhaps ``phase`` (rad, π by default) and ``offset`` (mA)."""

    _shape = "sin"


class WaveformCustom(BaseWaveform):
    """Points of a table with the columns ``time`` (ms) and ``amplitude`` (mA), interpolated."""

    def __init__(self, waveform_file: str | Path) -> None:
        self._wave: PotentialWave = read_points(Path(waveform_file))

    def calculate(self, t: float) -> float:
        """Return the value at a time (ms)."""
        return float(self._wave.at(t))


class ComplexWaveform(BaseWaveform):
    """The sum of other waveforms."""

    def __init__(self, el_collection: Sequence[BaseWaveform]) -> None:
        self.electrodes = el_collection

    def calculate(self, t: float) -> float:
        """Return the value at a time (ms)."""
        return sum((wave.calculate(t) for wave in self.electrodes), 0.0)


shape_classes: Mapping[str, type[WaveformTypeDC] | type[WaveformTypeSin]] = {
    "dc": WaveformTypeDC,
    "sin": WaveformTypeSin,
}
"""Value of ``shape`` -> class."""


class _Loaded(BaseWaveform):
    """A waveform that an input of a configuration could have."""

    def __init__(self, wave: PotentialWave) -> None:
        self._wave = wave

    def calculate(self, t: float) -> float:
        """Return the value at a time (ms)."""
        return float(self._wave.at(t))


def stimx_waveform_factory(waveform: str | Path | Mapping[str, Any]) -> BaseWaveform:
    """Return the waveform of a description, or of a ``.json`` or ``.csv`` file.

    Raises
    ------
    ConfigurationError, CircuitError
        The shape is unknown, a number is missing, or the file cannot be read.
    """
    if isinstance(waveform, str | Path):
        path = Path(waveform)
        return WaveformCustom(path) if path.suffix == ".csv" else _Loaded(load_wave(path))
    shape = str(waveform.get("shape")).lower()
    return shape_classes[shape](waveform) if shape in shape_classes else _Loaded(make_wave(waveform))


def iclamp_waveform_factory(conf: Mapping[str, Any]) -> BaseWaveform:
    """Return the waveform that is described under ``iclamp``.

    Raises
    ------
    ConfigurationError
        There is none, its shape is unknown, or a number is missing.
    """
    if not isinstance(conf.get("iclamp"), Mapping):
        raise ConfigurationError("there is no waveform under 'iclamp'", expected='{"iclamp": {"shape": ...}}')
    return stimx_waveform_factory(conf["iclamp"])
