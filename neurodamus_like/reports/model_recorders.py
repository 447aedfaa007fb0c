"""Reports of a model in files: recorders go into the files, and what they recorded comes out of them after the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import Report, Simulation
from neurodamus_like.engine.recorders import CompiledRecorder, create_file_recorder, membrane_currents_are_on
from neurodamus_like.engine.recording import FrameGrid
from neurodamus_like.io.checkpoints import ReportPosition
from neurodamus_like.io.core_frames import (
    FrameFiles,
    IntArray,
    RecordedColumns,
    RecordedPart,
    read_columns,
    write_columns,
)
from neurodamus_like.io.hdf5 import expand_ranges
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.reports.base import NodeElements, ReportModel, report_types
from neurodamus_like.reports.checks import check_reports
from neurodamus_like.reports.file_stream import type_of_values
from neurodamus_like.reports.layout import FrameTimes
from neurodamus_like.reports.manager import Found, ReportManager
from neurodamus_like.reports.stream import part_of_nodes, sources_of
from neurodamus_like.validation.problems import Problem


def problems_of_files(simulation: Simulation) -> list[Problem]:
    """Return a problem for each report that cannot be recorded from a model in files."""
    hint = "leave the option out: CoreNEURON records it from a model in memory"
    return [
        Problem(
            "error",
            f"report {report.name!r} cannot be recorded from a model in files",
            file=simulation.path,
            pointer=report.pointer or f"/reports/{report.name}",
            hint=hint,
        )
        for report in simulation.reports
        if report.enabled and (report.after_step or hasattr(report_types[report.kind], "stream_type"))
    ]


class ModelRecorders(ReportManager):
    """The reports of the cells that are built now, as recorders that go into the files of the model.

    Parameters
    ----------
    number_of
        Gives the recorder of each report, by its position in the configuration, a number in the whole model.
    *args, **kwargs
        As for :class:`~neurodamus_like.reports.manager.ReportManager`.
    """

    needs_elements = False

    def __init__(self, number_of: Callable[[int], int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._number_of = number_of
        self._recorders: list[tuple[Report, CompiledRecorder, RecordedColumns]] = []

    def enable(self, positions: Mapping[str, ReportPosition] | None = None) -> None:
        """Make the recorders: after cells and synapses exist, before the model is initialised.

        Nothing is restored in a run through files: there are no `positions` to go on from.
        """
        reports = [r for r in self.simulation.reports if r.enabled]
        self._raise_together(check_reports(reports, self.simulation.run))
        found = [self._find(report, self.model) for report in reports]
        self._raise_together([problem for of_report in found for problem in of_report.problems])
        for position, (report, of_report) in enumerate(zip(reports, found, strict=True)):
            self._warn_of_missing(report, of_report.missing)
            self._show_notes(report, of_report.notes)
            self._record(report, of_report, self._number_of(position))

    def write(self, folder: Path) -> tuple[dict[int, Path], bool]:
        """Write what the recorders record, once the model is initialised.

        Returns
        -------
        tuple
            Number of each recorder and its file, and whether membrane currents have to be computed.
        """
        files = {}
        for _, recorder, columns in self._recorders:
            first = np.array(recorder.take()).reshape(-1)
            files[columns.number] = write_columns(folder, replace(columns, first_frame=first))
        return files, bool(files) and membrane_currents_are_on()

    def _unreachable(self) -> list[tuple[Report, int]]:
        return [(report, recorder.count_unreachable()) for report, recorder, _ in self._recorders]

    def _record(self, report: Report, found: Found, number: int) -> None:
        run = self.simulation.run
        times = FrameTimes.between(report.start_ms, min(report.end_ms, run.tstop_ms), report.dt_ms)
        ordered = {n: sorted(nodes, key=lambda node: node.node_id) for n, nodes in found.elements.items()}
        sources = sources_of([node for nodes in ordered.values() for node in nodes])
        grid = FrameGrid(times.first, times.count, times.interval_ms)
        recorder = create_file_recorder(sources, grid, run.dt_ms, number, type_of_values(report))
        parts = {}
        for name, nodes in ordered.items():
            part = part_of_nodes(nodes)
            parts[name] = RecordedPart(part.node_ids, part.counts, part.element_ids, dict(part.attributes))
        nothing_yet = np.empty(0)
        columns = RecordedColumns(number, report.name, found.unit, parts, nothing_yet)
        self._recorders.append((report, recorder, columns))


class ModelReports(ReportManager):
    """Writes what the recorders of a model in files have recorded.

    Parameters
    ----------
    model
        Folder with the files of the model.
    frames
        Folder with the frames.
    numbers
        Recorders of this rank.
    *args, **kwargs
        As for :class:`~neurodamus_like.reports.manager.ReportManager`.
    """

    def __init__(self, model: Path, frames: Path, numbers: Sequence[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = frames
        self._frames: list[FrameFiles] = []
        self._recorded: dict[str, list[RecordedColumns]] = {}
        for number in numbers:
            columns = read_columns(model, number)
            self._recorded.setdefault(columns.report, []).append(columns)

    def finish(self) -> None:
        """Write all frames, block by block, and give the files their names.

        Raises
        ------
        SimulationError
            Frames are missing; on all ranks together.
        """
        with collectively(self.comm):
            for frames in self._frames:
                frames.open()
        for frames, stream in zip(self._frames, self.streams, strict=True):
            while not frames.is_done:
                stream.flush()
        super().finish()

    def _find(self, report: Report, model: ReportModel) -> Found:
        recorded = self._recorded.get(report.name, [])
        elements: dict[str, list[NodeElements]] = {m: [] for m in self._populations()}
        for columns in recorded:
            for name, part in columns.parts.items():
                elements[name] += _nodes_of(part)
        found = Found(elements, next((c.unit for c in recorded if c.unit), ""), [], [], [])
        if not self.comm.allreduce_sum(sum(len(nodes) for nodes in elements.values())):
            found.problems.append(self._nothing(report))
        return found

    def _recording(self, report: Report, found: Found) -> dict[str, Any]:
        run, recorded = self.simulation.run, self._recorded.get(report.name, [])
        times = FrameTimes.between(report.start_ms, min(report.end_ms, run.tstop_ms), report.dt_ms)
        order = column_order(recorded, list(found.elements))
        frames = FrameFiles(
            self._folder, recorded, order, times.count, times.interval_ms, type_of_values(report)
        )
        self._frames.append(frames)
        return {"recorder": frames}

    def _populations(self) -> list[str]:
        """Return the populations that any rank has recorded, in one order."""
        mine = {
            name for recorded in self._recorded.values() for columns in recorded for name in columns.parts
        }
        return sorted(set().union(*self.comm.allgather(mine)))


def column_order(recorded: Sequence[RecordedColumns], populations: Sequence[str]) -> IntArray:
    """Return where the columns of nodes by population, then ascending id, are among those of some recorders."""
    order = [np.empty(0, dtype=np.int64)]
    for name in populations:
        begin, nodes, begins, counts = 0, [], [], []
        for columns in recorded:
            for part_name, part in columns.parts.items():
                if part_name == name:
                    nodes.append(part.node_ids)
                    counts.append(part.counts)
                    begins.append(begin + np.cumsum(part.counts) - part.counts)
                begin += part.n_columns
        if nodes:
            by_id = np.argsort(np.concatenate(nodes), kind="stable")
            order.append(expand_ranges(np.concatenate(begins)[by_id], np.concatenate(counts)[by_id]))
    return np.concatenate(order)


def _nodes_of(part: RecordedPart) -> list[NodeElements]:
    ends = np.cumsum(part.counts)
    return [
        NodeElements(
            int(node_id),
            part.element_ids[end - count : end].tolist(),
            [],
            None,
            {name: values[end - count : end] for name, values in part.attributes.items()},
        )
        for node_id, count, end in zip(part.node_ids, part.counts, ends, strict=True)
    ]
