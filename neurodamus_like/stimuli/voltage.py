"""Voltage clamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from neurodamus_like.config.models import Input
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, iterate_points, stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, number, numbers
from neurodamus_like.stimuli.signals import Signal, staircase, step_levels


@dataclass(frozen=True, kw_only=True)
class SEClampParameters(Parameters):
    """Holding voltage, series resistance and, optionally, further levels."""

    input_types: ClassVar[tuple[str, ...]] = ("voltage_clamp",)

    voltage: float = number("mV")
    series_resistance: float = number("MΩ", 0.01, above=0)
    duration_levels: tuple[float, ...] | None = numbers("ms", minimum=0)
    voltage_levels: tuple[float, ...] | None = numbers("mV")

    def conflicts(self, info: Input) -> list[str]:
        """The clamp begins at 0; levels come in pairs and end within the duration."""
        problems = []
        durations, levels = self.duration_levels or (), self.voltage_levels or ()
        if info.delay_ms != 0:
            problems.append(f"delay is {info.delay_ms} ms, but a voltage clamp begins at 0")
        if len(durations) != len(levels):
            problems.append(f"{len(durations)} duration_levels for {len(levels)} voltage_levels")
        if sum(durations) > info.duration_ms:
            problems.append(
                f"duration_levels sum to {sum(durations)} ms, the duration is {info.duration_ms} ms"
            )
        return problems


@stimulus_types.register("seclamp")
class SEClamp(BaseStim):
    """Clamps the voltage with a single electrode.

    `voltage` holds from 0 on; ``voltage_levels[k]`` begins at the sum of the first k + 1 `duration_levels`;
    the clamp ends after the duration of the block.
    """

    parameters_type = SEClampParameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        p = self.parameters
        levels = step_levels(p.duration_levels, p.voltage_levels, p.voltage) if p.duration_levels else None
        for point_list in target_points:
            for section, x in iterate_points(point_list):
                clamp = context.simulator.clamp_voltage(
                    section,
                    x,
                    voltage_mV=p.voltage,
                    resistance_MOhm=p.series_resistance,
                    duration_ms=stim_info.duration_ms,
                    levels=levels,
                )
                self.sources.append(clamp)

    @property
    def unit(self) -> str:
        """Unit of the signal."""
        return "mV"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the commanded voltage (steps, each drawn as two points) for each of `n_points` points."""
        p, end_ms = self.parameters, min(self.stim_info.duration_ms, self.context.run.tstop_ms)
        levels = step_levels(p.duration_levels or (), p.voltage_levels or (), p.voltage)
        starts = [0.0, *levels.time_ms.tolist()]
        return [staircase(starts, [p.voltage, *levels.value.tolist()], end_ms)] * n_points
