"""Playback of a recorded report as an injected current."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import Input
from neurodamus_like.engine.rng import FloatArray
from neurodamus_like.io.reports import ReportData, read_report
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, iterate_points, stimulus_types
from neurodamus_like.stimuli.parameters import Parameters, declare, flag, read_path
from neurodamus_like.stimuli.signals import Signal, SignalBuilder, staircase

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReplayParameters(Parameters):
    """The report, and whether its values are interpolated."""

    path: Path = declare("the path of a SONATA report", read_path)  # noqa: RUF009
    interpolate: bool = flag()


@stimulus_types.register("replay")
class Replay(BaseStim):
    """Injects the column of each cell in a SONATA report (soma or compartment, nA).

    The first frame is played when the block begins, the last one no later than the block ends; with `interpolate` false
    each value holds until the next. Populations that the report does not have receive nothing.
    """

    parameters_type = ReplayParameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        for point_list in target_points:
            cell = cell_manager.get_cell(point_list.gid)
            if cell.population not in self._reports:
                continue
            (signal,) = self.signals(cell, 1)
            for section, x in iterate_points(point_list):
                player, electrode = context.simulator, stim_info.represents_physical_electrode
                self.sources.append(player.play_current(section, x, signal, electrode=electrode))

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "nA"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the signal of a cell for each of `n_points` points, as far as the run goes."""
        report = self._reports.get(cell.population)
        if report is None:
            return [SignalBuilder().build()] * n_points
        times, values = self._frames(report, cell)
        builder = SignalBuilder(delay_ms=self.stim_info.delay_ms)
        times = times + builder.time_ms
        if self.parameters.interpolate:
            inside = Signal(times, values)
        else:
            end_ms = min(builder.time_ms + self.stim_info.duration_ms, times[-1] + report.time[2])
            inside = staircase(times.tolist(), values.tolist(), float(end_ms))
        signal = builder.insert(inside).build()
        return [signal.truncated(self.context.run.tstop_ms)] * n_points

    def _frames(self, report: ReportData, cell: Any) -> tuple[FloatArray, FloatArray]:
        row = np.flatnonzero(report.node_ids == cell.node_id)
        if not row.size:
            what = f"the report {self.parameters.path} lacks the cell"
            raise self.error(what, cell, "a column for every target cell")
        columns = report.columns_of(cell.node_id)
        if columns.stop - columns.start != 1:
            raise self.error(
                f"the report {self.parameters.path} has {columns.stop - columns.start} columns for the cell",
                cell,
                "one column for each cell (sections: soma, compartments: center)",
            )
        times = report.times_ms - report.times_ms[0]
        reached = times <= self.stim_info.duration_ms
        return times[reached], np.asarray(report.values[reached, columns.start], dtype=np.float64)

    @cached_property
    def _reports(self) -> dict[str, ReportData]:
        reports = read_report(self.parameters.path)
        for name, report in reports.items():
            if report.units and report.units != "nA":
                logger.warning(
                    "input %r: the report of %r is in %s, its values are injected as nA",
                    *(self.stim_info.name, name, report.units),
                )
        return reports
