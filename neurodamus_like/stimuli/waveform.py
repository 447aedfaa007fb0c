"""Stimuli that play one signal into each of their points, as a current or as a conductance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from neurodamus_like.config.models import Input
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, iterate_points
from neurodamus_like.stimuli.signals import NoiseProcess, Signal, SignalBuilder


class WaveformStim(BaseStim):
    """Base of injected currents (nA) and conductances (µS): subclasses give the signal of each point."""

    computed_noise = True
    """Let the simulator compute noise as it goes, where it can, instead of storing it."""

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        self._last: tuple[Signal | NoiseProcess, Signal] | None = None
        if self.inactive:
            return
        for point_list in target_points:
            cell = cell_manager.get_cell(point_list.gid)
            points = list(iterate_points(point_list))
            for (section, x), waveform in zip(points, self.waveforms(cell, len(points)), strict=True):
                self._deliver(section, x, waveform)

    @property
    def is_conductance(self) -> bool:
        """True when the block asks for a conductance instead of a current."""
        return self.stim_info.input_type == "conductance"

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "µS" if self.is_conductance else "nA"

    def signals(self, cell: Any, n_points: int) -> Iterator[Signal]:
        """Yield the signal of each of `n_points` points of a cell, as far as the run goes; empty when inactive."""
        if self.inactive:
            yield from [SignalBuilder().build()] * n_points
            return
        for waveform in self.waveforms(cell, n_points):
            yield self._as_signal(waveform)

    def waveforms(self, cell: Any, n_points: int) -> Iterator[Signal | NoiseProcess]:
        """Yield what each of the `n_points` points of a cell receives."""
        yield from [self.waveform(cell)] * n_points

    def waveform(self, cell: Any) -> Signal | NoiseProcess:
        """Return what all points of a cell receive."""
        raise TypeError(f"{type(self).__name__} defines neither waveform() nor waveforms()")

    def reference(self, cell: Any) -> float:
        """Return what percents of a relative stimulus mean: threshold current (nA), or 1 / input resistance (µS).

        Raises
        ------
        StimulusError
            The cell has none.
        """
        name = "input_resistance" if self.is_conductance else "threshold_current"
        value = getattr(cell, name)
        if value is None or (self.is_conductance and not value > 0):
            raise self.error(
                f"it needs the {name} of every target cell", cell, f"@dynamics:{name} in the node file"
            )
        return 1.0 / value if self.is_conductance else float(value)

    def positive_reference(self, cell: Any) -> float:
        """Return the reference of a stimulus that cannot be relative to 0.

        Raises
        ------
        StimulusError
            The cell has none, or it is not above 0.
        """
        value = self.reference(cell)
        if not value > 0:
            raise self.error(f"the threshold current of the cell is {value:g} nA", cell, "more than 0 nA")
        return value

    def _as_signal(self, waveform: Signal | NoiseProcess) -> Signal:
        """Return the signal up to the end of the run; the same object for the same waveform (stored once)."""
        if self._last is None or self._last[0] is not waveform:
            end_ms = self.context.run.tstop_ms
            cut = (
                waveform.signal(end_ms) if isinstance(waveform, NoiseProcess) else waveform.truncated(end_ms)
            )
            self._last = (waveform, cut)
        return self._last[1]

    def _deliver(self, section: Any, x: float, waveform: Signal | NoiseProcess) -> None:
        source, player = None, self.context.simulator
        electrode = self.stim_info.represents_physical_electrode
        reversal = self.parameters.reversal if self.is_conductance else None
        if isinstance(waveform, NoiseProcess) and self.computed_noise and not electrode:
            source = player.play_noise(section, x, waveform, reversal_mV=reversal)
        if source is None:
            signal = self._as_signal(waveform)
            if reversal is None:
                source = player.play_current(section, x, signal, electrode=electrode)
            else:
                source = player.play_conductance(
                    section, x, signal, reversal_mV=reversal, electrode=electrode
                )
        self.sources.append(source)
