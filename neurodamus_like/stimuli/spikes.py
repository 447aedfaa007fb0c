"""Spikes that come from no cell: independent Poisson trains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.config.models import Input
from neurodamus_like.engine.rng import FloatArray, RandomStream
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, iterate_points, stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, number
from neurodamus_like.stimuli.signals import Signal

_STREAM = (2997, 558122, 124)


@dataclass(frozen=True, kw_only=True)
class PoissonParameters(Parameters):
    """Rate of the spikes and weight of each."""

    input_types: ClassVar[tuple[str, ...]] = ("spikes",)

    rate: float = number("Hz", minimum=0)
    weight: float = number("µS", minimum=0)

    def inactive(self, info: Input) -> bool:
        """Nothing happens without spikes or weight."""
        return not (self.rate and self.weight)


@stimulus_types.register("poisson")
class Poisson(BaseStim):
    """A Poisson train of spikes into each target point, between the delay and the end of the block.

    The specification names only `rate` and `weight`, and other simulators of the field have no such stimulus for
    detailed cells. Here every point gets a synapse of its own: bi-exponential (0.2 and 1.7 ms), reversing at 0 mV,
    whose conductance peaks at `weight` µS for each spike. The intervals of a cell come from the Random123 stream
    (poisson block + 2997, stimulus seed + 558122, gid + 124); all points of one cell draw from it one after another.
    """

    IsNoise = True
    family = "poisson"
    parameters_type = PoissonParameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        if self.inactive:
            return
        for point_list in target_points:
            points = list(iterate_points(point_list))
            trains = self.spike_times(cell_manager.get_cell(point_list.gid), len(points))
            for (section, x), times_ms in zip(points, trains, strict=True):
                source = context.simulator.drive_synapse(section, x, times_ms, self.parameters.weight)
                self.sources.append(source)

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "µS per spike"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return each train as spikes of the height of the weight."""
        zero, peak = 0.0, self.parameters.weight
        trains = [] if self.inactive else self.spike_times(cell, n_points)
        return [Signal(np.repeat(times, 3), np.tile([zero, peak, zero], len(times))) for times in trains]

    def spike_times(self, cell: Any, n_points: int) -> list[FloatArray]:
        """Return the times (ms) of the spikes of each of `n_points` points of a cell, as far as the run goes."""
        info, run = self.stim_info, self.context.run
        stream = self.stream(_STREAM, cell.gid)
        begin_ms = max(0.0, info.delay_ms)
        length_ms = min(info.duration_ms, run.tstop_ms - begin_ms)
        return [begin_ms + _intervals_up_to(stream, self.parameters.rate, length_ms) for _ in range(n_points)]


def _intervals_up_to(stream: RandomStream, rate_Hz: float, length_ms: float) -> FloatArray:
    expected = max(0.0, length_ms * rate_Hz / 1000)
    n = int(expected + 5 * math.sqrt(expected) + 5)
    times = np.cumsum(stream.negexp(1000 / rate_Hz, n))
    while times[-1] < length_ms:
        times = np.append(times, times[-1] + np.cumsum(stream.draw(n)))
    return times[times < length_ms]
