"""Clamps at chosen places of cells: steps of current, and a voltage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.config.models import Input
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, declare, number
from neurodamus_like.stimuli.signals import Signal, staircase

_PLACE_STREAM = (8663, 331, 7)
_CLOSED_MOHM = 10.0e20
"""Series resistance of a voltage clamp outside of its interval."""
_FIRST_MOHM = 1.0
"""And in the first time step."""
_KINDS = {"somatic": "soma", "axonal": "axon", "basal": "dend", "apical": "apic"}


def _read_names(raw: Any) -> tuple[str, ...]:
    names = raw if isinstance(raw, list | tuple) else [raw]
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("the name of a section such as soma, dend or apic, or a list of them")
    return tuple(_KINDS.get(str(name), str(name)) for name in names)


def _read_index(raw: Any) -> int | tuple[float, float]:
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return raw
    pair = isinstance(raw, list | tuple) and len(raw) == 2 and all(isinstance(d, int | float) for d in raw)
    if pair and 0 <= raw[0] < raw[1]:
        return float(raw[0]), float(raw[1])
    raise ValueError("the number of a section, or [smallest, largest] distance from the soma in µm")


def _read_numbers(raw: Any) -> tuple[float, ...]:
    values = raw if isinstance(raw, list | tuple) else [raw]
    if not values or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(v) for v in values
    ):
        raise ValueError("a number or a list of numbers")
    return tuple(float(value) for value in values)


@dataclass(frozen=True, kw_only=True)
class ClampParameters(Parameters):
    """Where the clamp is: a place on a section by number, or a random one in a range of distances from the soma."""

    section_name: tuple[str, ...] = declare("the name of a section", _read_names, ("soma",))
    section_index: int | tuple[float, float] = declare("the number of a section", _read_index, 0)
    section_dist: float = number("of the length of the section", 0.5, minimum=0)

    def conflicts(self, info: Input) -> list[str]:
        """A place on a section is at most at its end, and a section by number has one name."""
        found = []
        if self.section_dist > 1:
            found.append(f"section_dist is {self.section_dist:g}, it goes from 0 to 1")
        if isinstance(self.section_index, int) and len(self.section_name) > 1:
            found.append("several names in section_name need a range of distances in section_index")
        return found


class ClampStim(BaseStim):
    """Base of clamps: one on every detailed cell, or several; subclasses make them with `_clamp`."""

    parameters_type = ClampParameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        for points in target_points:
            if len(points.x):
                self.sources += self._clamp(*self.place(cell_manager.get_cell(points.gid)))

    def _clamp(self, section: Any, x: float) -> list[Any]:
        raise TypeError(f"{type(self).__name__} defines no _clamp()")

    def place(self, cell: Any) -> tuple[Any, float]:
        """Return section and position of the clamp on a cell.

        Raises
        ------
        StimulusError
            The cell has no such section, or none in the range of distances.
        """
        p = self.parameters
        if not isinstance(p.section_index, int):
            return self._random_place(cell, *p.section_index)
        sections = [section for _, section in cell.sections_of(p.section_name[0])]
        if p.section_index >= len(sections):
            raise self.error(
                f"the cell has no section {p.section_name[0]}[{p.section_index}]",
                cell,
                f"a number below {len(sections)}" if sections else "one of " + ", ".join(_kinds_of(cell)),
            )
        return sections[p.section_index], p.section_dist

    def _random_place(self, cell: Any, low_um: float, high_um: float) -> tuple[Any, float]:
        """Return a segment drawn with a probability that grows with its length in the range."""
        table = self.context.simulator.segments_of(cell)
        half = table.length_um / 2
        inside = np.minimum(table.distance_um + half, high_um) - np.maximum(table.distance_um - half, low_um)
        weight = np.where(np.isin(table.kind, self.parameters.section_name), np.maximum(inside, 0.0), 0.0)
        if not weight.sum() > 0:
            raise self.error(
                f"no segment of {', '.join(self.parameters.section_name)} lies {low_um:g} to {high_um:g} µm "
                "from the soma",
                cell,
            )
        total = np.cumsum(weight)
        drawn = float(self.stream(_PLACE_STREAM, cell.gid).uniform01(1)[0]) * total[-1]
        k = int(np.searchsorted(total, drawn, side="right"))
        return cell.sections[int(table.section[k])], float(table.x[k])


def _kinds_of(cell: Any) -> list[str]:
    return list(dict.fromkeys(cell.layout.kinds))


@dataclass(frozen=True, kw_only=True)
class StepParameters(ClampParameters):
    """Amplitudes (nA), begins and durations (ms) of steps: numbers, or lists of equal length."""

    amp: tuple[float, ...] = declare("a number in nA", _read_numbers)
    delay: tuple[float, ...] = declare("a number in ms", _read_numbers)
    duration: tuple[float, ...] = declare("a number in ms", _read_numbers)

    def conflicts(self, info: Input) -> list[str]:
        """Lists are of equal length, and steps last."""
        found = super().conflicts(info)
        lengths = {name: len(getattr(self, name)) for name in ("amp", "delay", "duration")}
        if len(set(lengths.values())) > 1:
            found.append(
                "amp, delay and duration differ in length: " + ", ".join(str(n) for n in lengths.values())
            )
        if min(self.duration) < 0:
            found.append(f"a duration is negative: {min(self.duration):g} ms")
        return found


@stimulus_types.register("current_steps", "iclamp")
class CurrentSteps(ClampStim):
    """Steps of current, each of an electrode of its own; steps at the same time add up."""

    parameters_type = StepParameters

    def _steps(self) -> Iterator[tuple[float, float, float]]:
        p = self.parameters
        yield from zip(p.amp, p.delay, p.duration, strict=True)

    def _clamp(self, section: Any, x: float) -> list[Any]:
        inject = self.context.simulator.inject_steps
        return [
            inject(section, x, amplitude_nA=amp, delay_ms=delay, duration_ms=duration)
            for amp, delay, duration in self._steps()
        ]

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "nA"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the sum of the steps for each of `n_points` points."""
        tstop = self.context.run.tstop_ms
        edges = np.unique([0.0, *(e for _, b, d in self._steps() for e in (b, b + d))])
        edges = edges[edges < tstop]
        levels = [sum(a for a, b, d in self._steps() if b <= edge < b + d) for edge in edges.tolist()]
        return [staircase(edges.tolist(), levels, tstop)] * n_points


@dataclass(frozen=True, kw_only=True)
class VoltageStepParameters(ClampParameters):
    """Voltage, interval and series resistance."""

    input_types: ClassVar[tuple[str, ...]] = ("voltage_clamp",)

    amp: float = number("mV")
    delay: float = number("ms", minimum=0)
    duration: float = number("ms", minimum=0)
    resistance: float = number("MΩ", 1.0, above=0)


@stimulus_types.register("voltage_step")
class VoltageStep(ClampStim):
    """Clamps the voltage of every target cell for an interval.

    Notes
    -----
    As in BMTK, the resistance is set after each time step for the next one, from the time one step earlier: the clamp
    opens one step after `delay`. In the first step of the run the resistance is always 1 MΩ; with a `delay` above 0
    the cell is pulled towards 0 mV in it.
    """

    parameters_type = VoltageStepParameters

    def _clamp(self, section: Any, x: float) -> list[Any]:
        p = self.parameters
        clamp = self.context.simulator.hold_voltage(
            section,
            x,
            delay_ms=p.delay,
            duration_ms=p.duration,
            voltage_mV=p.amp,
            resistance_MOhm=self.resistance(),
        )
        return [clamp]

    def resistance(self) -> Signal:
        """Return the series resistance: a point for each change."""
        p, run = self.parameters, self.context.run
        seen_ms = run.dt_ms * np.arange(round(run.tstop_ms / run.dt_ms))
        open_ = (p.delay <= seen_ms) & (seen_ms <= p.delay + p.duration)
        values = np.append(_FIRST_MOHM, np.where(open_, p.resistance, _CLOSED_MOHM))
        changes = np.flatnonzero(np.append(True, np.diff(values) != 0))
        return Signal(np.asarray(changes * run.dt_ms, dtype=np.float64), values[changes])

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "mV"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the voltage between begin and end for each of `n_points` points."""
        p = self.parameters
        end = min(p.delay + p.duration, self.context.run.tstop_ms)
        return [staircase([p.delay], [p.amp], end)] * n_points
