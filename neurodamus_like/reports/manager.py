"""ReportManager: sets up all reports of a simulation and moves their data into files as the run goes."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from neurodamus_like.config.models import Report, Simulation
from neurodamus_like.exceptions import NeurodamusLikeError, ProblemsError, ReportError
from neurodamus_like.io.checkpoints import ReportPosition
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.base import NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.checks import check_reports
from neurodamus_like.reports.file_stream import FileStream
from neurodamus_like.reports.sizes import check_sizes, format_sizes, free_bytes
from neurodamus_like.reports.stream import ReportStream

DEFAULT_BUFFER_MB = 8.0
USUAL_BLOCK_MS = 25.0
"""Memory for so much simulated time is set aside, if the buffer allows as much; longer blocks take more."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReportOptions:
    """How reports are written.

    Attributes
    ----------
    buffer_mb
        How many 10^6 bytes one report may hold in the memory of one rank between two calls of
        :meth:`ReportManager.flush`.
    max_report_mb
        Largest allowed size of one report, 10^6 bytes; None: no limit.
    compression_level
        1 to 9: compress finished files with gzip; None: leave them as they were written.
    """

    buffer_mb: float = DEFAULT_BUFFER_MB
    max_report_mb: float | None = None
    compression_level: int | None = None


@dataclass(frozen=True)
class Found:
    """What a report has on this rank."""

    elements: dict[str, list[NodeElements]]
    unit: str
    missing: list[str]
    notes: list[str]
    problems: list[NeurodamusLikeError]


class ReportManager:
    """The reports of a simulation. All public methods are collective.

    Parameters
    ----------
    simulation
        Report blocks, time step and duration.
    target_manager
        Finds node sets and compartment sets.
    cell_managers
        One per population, the same on all ranks; virtual ones are left out.
    comm
        The ranks.
    output_dir
        Where files go; made if it does not exist.
    options
        How they are written.
    edge_managers
        Managers of synapses, for reports of them.
    stimuli
        Stimuli that were made, for reports of clamps.
    """

    needs_elements: ClassVar[bool] = True
    """Whether a report of nothing is an error."""

    def __init__(
        self,
        simulation: Simulation,
        target_manager: Any,
        cell_managers: Iterable[Any],
        comm: Communicator,
        output_dir: Path,
        options: ReportOptions = ReportOptions(),
        edge_managers: Iterable[Any] = (),
        stimuli: Iterable[Any] = (),
    ) -> None:
        self.simulation = simulation
        self.model = ReportModel(target_manager, tuple(edge_managers), tuple(stimuli))
        self.cell_managers = [m for m in cell_managers if not getattr(m, "is_virtual", False)]
        self.comm = comm
        self.output_dir = Path(output_dir)
        self.options = options
        self.streams: list[FileStream] = []
        self._written: list[Any] = []
        """What is written once, when it is set up."""
        self._block_ms = math.inf
        self._positions: Mapping[str, ReportPosition] = {}

    @property
    def files(self) -> list[Path]:
        """The files of the reports, in the order of the configuration."""
        return [s.path for s in (*self.streams, *self._written)]

    def enable(self, positions: Mapping[str, ReportPosition] | None = None) -> None:
        """Set up all reports: after cells and synapses exist, before the model is initialised.

        Parameters
        ----------
        positions
            Name of a report -> how far it was written before the run was restored.

        Raises
        ------
        ProblemsError
            What is wrong with any report on any rank, all at once, on all ranks.
        """
        self._positions = positions or {}
        self.add([report for report in self.simulation.reports if report.enabled])

    def add(
        self, reports: Sequence[Report], target_manager: Any = None, stimuli: Iterable[Any] | None = None
    ) -> None:
        """Set up more reports, before the model is initialised.

        Parameters
        ----------
        reports
            What to record.
        target_manager
            Finds their node sets; by default that of the simulation.
        stimuli
            What was applied so far, for reports of clamps; by default what was when the manager was made.

        Raises
        ------
        ProblemsError
            As in :meth:`enable`.
        """
        model = self.model if target_manager is None else replace(self.model, target_manager=target_manager)
        model = model if stimuli is None else replace(model, stimuli=tuple(stimuli))
        present = [stream.report for stream in (*self.streams, *self._written)]
        self._raise_together(check_reports([*present, *reports], self.simulation.run))
        found = [self._find(report, model) for report in reports]
        self._raise_together([problem for of_report in found for problem in of_report.problems])
        added = []
        for report, of_report in zip(reports, found, strict=True):
            self._warn_of_missing(report, of_report.missing)
            self._show_notes(report, of_report.notes)
            added.append(self._stream(report, of_report))
        self.streams += [stream for stream in added if isinstance(stream, FileStream)]
        self._written += [stream for stream in added if not isinstance(stream, FileStream)]
        self._check_room()
        for stream in added:
            stream.open(self._positions.get(stream.report.name))
        self._block_ms = self._compute_block_ms()
        for stream in self.streams:
            stream.expect_blocks(min(self._block_ms, USUAL_BLOCK_MS))

    def check_reach(self) -> None:
        """Make sure that the engine can record what it is asked for; after the model is initialised.

        Raises
        ------
        ProblemsError
            On all ranks, with each report that asks for variables that CoreNEURON does not have.
        """
        lost = self._unreachable()
        self._raise_together(
            report_error(
                report,
                f"CoreNEURON does not have {count} of the variables {', '.join(report.variables)}",
                expected="voltages, membrane currents, and variables of mechanisms and synapses",
                hint="simulate with NEURON, or record something else",
            )
            for report, count in lost
            if count
        )

    def _unreachable(self) -> list[tuple[Report, int]]:
        """Return how many variables of each report CoreNEURON will not have on this rank."""
        return [(stream.report, stream.unreachable()) for stream in self.streams]

    def block_ms(self) -> float:
        """Return after how much simulated time :meth:`flush` should be called to stay within the buffers.

        A multiple of the time step, the same on all ranks; infinite without reports.
        """
        return self._block_ms

    def flush(self) -> None:
        """Write what was recorded since the last call."""
        for stream in self.streams:
            stream.flush()

    def finish(self) -> None:
        """Write what is left and give the files their names."""
        for stream in self.streams:
            stream.finish(self.options.compression_level)

    def _find(self, report: Report, model: ReportModel) -> Found:
        """Look up what a report has on this rank; what goes wrong on the way is part of the answer."""
        kind = report_types[report.kind](report)
        found = Found({}, "", [], [], [])
        kind.prepare()
        for manager in self.cell_managers:
            try:
                found.elements[manager.population_name] = list(kind.elements(model, manager))
            except NeurodamusLikeError as error:
                found.problems.append(error)
        local = sum(len(nodes) for nodes in found.elements.values())
        if not self.comm.allreduce_sum(local + len(found.problems)) and self.needs_elements:
            found.problems.append(self._nothing(report))
        return replace(
            found,
            unit=kind.unit(),
            missing=list(getattr(kind, "missing", ())),
            notes=list(getattr(kind, "notes", ())),
        )

    def _nothing(self, report: Report) -> ReportError:
        of_cells = getattr(report_types[report.kind], "of_cells", True)
        what = "cell" if of_cells else f"synapse {', '.join(report.variables)} on it"
        return report_error(report, f"the node set {report.cells!r} has no {what} in this simulation")

    def _stream(self, report: Report, found: Found) -> FileStream:
        units = [unit for unit in self.comm.allgather(found.unit) if unit]
        unit = report.unit if report.unit is not None else next(iter(units), "")
        stream_type = getattr(report_types[report.kind], "stream_type", ReportStream)
        return stream_type(
            report,
            self.simulation.run,
            found.elements,
            self.output_dir,
            self.comm,
            unit=unit,
            **self._recording(report, found),
        )

    def _recording(self, report: Report, found: Found) -> dict[str, Any]:
        """Return the options of a stream that say how its frames come about."""
        return {"coreneuron": self.simulation.simulator == "CORENEURON"}

    def _warn_of_missing(self, report: Report, missing: list[str]) -> None:
        """Warn of variables that are nowhere; they count as zero."""
        everywhere = set.intersection(*(set(names) for names in self.comm.allgather(missing)))
        for name in sorted(everywhere):
            logger.warning("report %r: no compartment has the variable %s; it counts as 0", report.name, name)

    def _show_notes(self, report: Report, notes: list[str]) -> None:
        """Show what report types found strange, on any rank."""
        for note in dict.fromkeys(text for part in self.comm.allgather(notes) for text in part):
            logger.warning("report %r: %s", report.name, note)

    def _check_room(self) -> None:
        """Say how large the files will be; refuse what is above the limit or does not fit on the disk."""
        problems: list[ReportError] = []
        sizes = [stream.expected_size for stream in (*self.streams, *self._written)]
        if sizes and self.comm.rank == 0:
            free = free_bytes(self.output_dir)
            logger.info("%s", format_sizes(sizes, free))
            problems = list(check_sizes(sizes, free, self.options.max_report_mb))
        self._raise_together(problems)

    def _raise_together(self, problems: Iterable[object]) -> None:
        texts = [text for part in self.comm.allgather([str(p) for p in problems]) for text in part]
        if texts:
            raise _collective(ProblemsError(list(dict.fromkeys(texts))))

    def _compute_block_ms(self) -> float:
        heaviest = self.comm.allreduce_max(max((s.bytes_per_ms for s in self.streams), default=0.0))
        if not heaviest:
            return math.inf
        dt_ms = self.simulation.run.dt_ms
        return max(1, int(self.options.buffer_mb * 1e6 / heaviest / dt_ms)) * dt_ms


def _collective(error: ProblemsError) -> ProblemsError:
    """Mark an error that all ranks raise together, so that one of them shows it."""
    error.collective = True
    return error
