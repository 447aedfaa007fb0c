"""Injected currents that come from files: tables, and sweeps of the Allen Cell Types Database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import Input
from neurodamus_like.io.sweeps import read_sweep
from neurodamus_like.io.tables import check_ascending, read_table
from neurodamus_like.stimuli.base import StimulusContext, stimulus_types
from neurodamus_like.stimuli.clamps import ClampParameters, ClampStim
from neurodamus_like.stimuli.parameters import declare, number, read_path
from neurodamus_like.stimuli.signals import Signal, staircase


@dataclass(frozen=True, eq=False)
class CurrentSamples:
    """Samples of a current, each held until the next, and when the electrode is on."""

    samples: Signal
    delay_ms: float
    duration_ms: float


class _SampledCurrent(ClampStim):
    """Base of currents from files."""

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        self._current: CurrentSamples | None = None
        super().__init__(target_points, stim_info, cell_manager, context=context)

    @property
    def current(self) -> CurrentSamples:
        """The samples, read once."""
        if self._current is None:
            self._current = self.parameters.load()
        return self._current

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "nA"

    def _clamp(self, section: Any, x: float) -> list[Any]:
        found = self.current
        return [
            self.context.simulator.inject_samples(
                section, x, found.samples, delay_ms=found.delay_ms, duration_ms=found.duration_ms
            )
        ]

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the steps for each of `n_points` points."""
        found = self.current
        end = min(self.context.run.tstop_ms, found.delay_ms + found.duration_ms)
        inside = found.samples.time_ms < end
        times, values = found.samples.time_ms[inside], found.samples.value[inside]
        return [
            staircase(times.tolist(), np.where(times >= found.delay_ms, values, 0.0).tolist(), end)
        ] * n_points


@dataclass(frozen=True, kw_only=True)
class TableParameters(ClampParameters):
    """A table of times (ms) and amplitudes (nA)."""

    file: Path = declare("the path of a table", read_path)  # noqa: RUF009
    separator: str = declare("a character", str, " ")
    timestamps_column: str = declare("the name of a column", str, "timestamps")
    amplitudes_column: str = declare("the name of a column", str, "amps")

    def load(self) -> CurrentSamples:
        """Read the table.

        The current is 0 before the first time. The last amplitude, unless it is 0, holds for one more step: the
        smallest interval, or, where the first time is another one, what divides both (in whole ms).

        Raises
        ------
        CircuitError
            The file cannot be read, lacks a column, or times do not ascend.
        ValueError
            There are fewer than two rows, or the first time is negative.
        """
        table = read_table(self.file, self.separator)
        times = check_ascending(table, self.timestamps_column)
        amps = table.numbers(self.amplitudes_column)
        if len(times) < 2 or times[0] < 0:
            raise ValueError(f"{self.file} needs two rows or more, and times from 0 ms on")
        end_ms = float(times[-1]) + (_last_step(times) if amps[-1] != 0 else 0.0)
        if times[0] > 0:
            times, amps = np.append(0.0, times), np.append(0.0, amps)
        return CurrentSamples(Signal(times, amps), 0.0, end_ms)

    def check_files(self, info: Input) -> None:
        """Read the table."""
        self.load()


def _last_step(times_ms: Any) -> float:
    step = float(np.diff(times_ms).min())
    divisor = int(np.gcd(int(step), int(times_ms[0])))
    return float(divisor) if times_ms[0] > 0 and times_ms[0] != step and divisor else step


@stimulus_types.register("current_table")
class CurrentTable(_SampledCurrent):
    """A current from a table; each amplitude holds until the next time."""

    parameters_type = TableParameters


def _read_window(raw: Any) -> tuple[float, float]:
    if isinstance(raw, list | tuple) and len(raw) == 2 and 0 <= raw[0] < raw[1]:
        return float(raw[0]), float(raw[1])
    raise ValueError("[start, stop] in ms with 0 <= start < stop")


def _read_sweep_id(raw: Any) -> int | float | str:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError("the number or name of a sweep")
    return raw


@dataclass(frozen=True, kw_only=True)
class SweepParameters(ClampParameters):
    """A sweep of an NWB file of the Allen Cell Types Database."""

    file: Path = declare("the path of an NWB file", read_path)  # noqa: RUF009
    sweep_id: int | float | str = declare("the number of a sweep", _read_sweep_id)
    downsample: float | None = number("ms", None, above=0)
    sweep_window: tuple[float, float] | None = declare("[start, stop] in ms", _read_window, None)
    delay: float = number("ms", 0.0, minimum=0)

    def load(self) -> CurrentSamples:
        """Read the sweep: samples begin with the run, whatever the `delay`, which only keeps the electrode off before.

        Raises
        ------
        CircuitError
            The file cannot be read, or lacks the sweep.
        ValueError
            The window has no samples.
        """
        sweep = read_sweep(self.file, self.sweep_id)
        if self.downsample is not None:
            sweep = sweep.thinned(self.downsample)
        if self.sweep_window is not None:
            sweep = sweep.between(*self.sweep_window)
        n = len(sweep.amplitude_nA)
        if not n:
            raise ValueError(f"the sweep has no samples between {self.sweep_window} ms")
        times = np.arange(n, dtype=np.float64) * sweep.step_ms
        return CurrentSamples(Signal(times, sweep.amplitude_nA), self.delay, n * sweep.step_ms * 1000.0)

    def check_files(self, info: Input) -> None:
        """Read the sweep."""
        self.load()


@stimulus_types.register("current_sweep")
class CurrentSweep(_SampledCurrent):
    """The current of a recorded sweep; each sample holds until the next, the last one to the end."""

    parameters_type = SweepParameters
