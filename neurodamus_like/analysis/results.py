"""What a run left behind, found through its simulation configuration: spikes, sources of replay, reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.config.dialect import load_simulation
from neurodamus_like.config.models import Report, Simulation
from neurodamus_like.exceptions import CircuitError, ReportError, SimulationError, did_you_mean
from neurodamus_like.io.node_sets import NodeSets
from neurodamus_like.io.reports import ReportData, read_report
from neurodamus_like.io.spikes import SpikeTrain, read_spikes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PopulationSpikes:
    """Spikes of one population, by time.

    Attributes
    ----------
    name
        Of the node population.
    cell_ids
        Node ids of the cells that took part, ascending.
    times_ms, node_ids
        Shape (n_spikes,); node ids are inside the population.
    is_virtual
        True if the spikes were replayed, not simulated.
    """

    name: str
    cell_ids: IntArray
    times_ms: FloatArray
    node_ids: IntArray
    is_virtual: bool = False

    @property
    def size(self) -> int:
        """Number of cells that took part."""
        return len(self.cell_ids)

    @property
    def rows(self) -> IntArray:
        """Index in `cell_ids` of each spike's cell, shape (n_spikes,)."""
        return np.searchsorted(self.cell_ids, self.node_ids).astype(np.int64)


@dataclass(frozen=True)
class Traces:
    """A few columns of a report: `values` has shape (n_times, n_cells); `cells` are (population, node id)."""

    cells: tuple[tuple[str, int], ...]
    times_ms: FloatArray
    values: FloatArray
    units: str = "mV"


@dataclass(frozen=True)
class RunResults:
    """Results of one run; reports are read when asked for.

    Attributes
    ----------
    simulation
        The configuration.
    populations
        Spikes: simulated populations by name, then virtual ones that were replayed.
    """

    simulation: Simulation
    populations: tuple[PopulationSpikes, ...]

    @property
    def n_edges(self) -> int:
        """Number of edges of the circuit between the populations of this run."""
        names = {p.name for p in self.populations}
        edges = self.simulation.circuit.edges.values()
        return sum(e.size for e in edges if e.source in names and e.target in names)

    def report_path(self, name: str) -> Path:
        """Return the file of the report `name`.

        Raises
        ------
        ReportError
            The configuration has no such report.
        """
        known = {r.name: r for r in self.simulation.reports}
        if name not in known:
            raise ReportError(
                f"the run has no report {name!r}",
                file=self.simulation.path,
                pointer="/reports",
                hint=did_you_mean(name, known) or None,
            )
        return self.simulation.output.directory / known[name].file_name

    def read_report(self, name: str) -> dict[str, ReportData]:
        """Return the report `name`, by population."""
        return read_report(self.report_path(name))

    def pick_traces(self, count: int) -> Traces | None:
        """Return soma traces of `count` cells of all populations; None without a report of soma voltages."""
        report = next((r for r in self.simulation.reports if _is_soma_voltage(r)), None)
        if report is None or not self.report_path(report.name).exists():
            return None
        data = self.read_report(report.name)
        cells = self._pick_cells(data, count)
        if not cells:
            return None
        values = np.column_stack([_soma_column(data[population], node_id) for population, node_id in cells])
        return Traces(tuple(cells), data[cells[0][0]].times_ms, values, data[cells[0][0]].units)

    def _pick_cells(self, data: dict[str, ReportData], count: int) -> list[tuple[str, int]]:
        """Share `count` among the reported populations; in each, cells from the most to the median active."""
        reported = [p for p in self.populations if p.name in data]
        chosen = []
        for number, population in enumerate(reported):
            share = count // len(reported) + (number < count % len(reported))
            ids = np.unique(data[population.name].node_ids)
            activity = np.bincount(population.rows, minlength=population.size)
            activity = activity[np.searchsorted(population.cell_ids, ids)]
            ranked = ids[np.lexsort((ids, -activity))]
            picks = np.unique(
                np.linspace(0, max(len(ranked) // 2 - 1, 0), min(share, len(ranked))).astype(int)
            )
            chosen += [(population.name, int(i)) for i in ranked[picks]]
        return chosen


def _is_soma_voltage(report: Report) -> bool:
    return (
        report.enabled
        and report.kind == "compartment"
        and report.sections == "soma"
        and "v" in report.variables
    )


def _soma_column(data: ReportData, node_id: int) -> FloatArray:
    return np.asarray(data.values[:, data.columns_of(node_id).start], dtype=np.float64)


def load_results(simulation_config: str | Path) -> RunResults:
    """Return what the run of `simulation_config` left.

    Parameters
    ----------
    simulation_config
        The configuration that was run; results are looked for in its output directory.

    Raises
    ------
    SimulationError
        There is no spike file: the run has not been done, or has failed.
    """
    simulation = load_simulation(simulation_config)
    path = simulation.output.directory / simulation.output.spikes_file
    if not path.exists():
        raise SimulationError(
            "this simulation has no results yet", file=path, hint=f"neurodamus-like run {simulation_config}"
        )
    spikes = read_spikes(path)
    populations = [
        _make_spikes(name, cell_ids, spikes[name])
        for name, cell_ids in sorted(_simulated_cells(simulation).items())
        if name in spikes
    ]
    return RunResults(simulation, (*populations, *_replayed(simulation)))


def spikes_of_file(path: str | Path) -> tuple[PopulationSpikes, ...]:
    """Return the spikes of a SONATA spike file, by population; the cells are those that fired.

    Raises
    ------
    CircuitError
        It is no spike file.
    """
    trains = read_spikes(Path(path))
    if not trains:
        raise CircuitError(
            "the file holds no spikes",
            file=path,
            pointer="/spikes",
            expected="a SONATA spike file, such as out.h5",
            hint="reports are drawn by `neurodamus-like plot report`",
        )
    return tuple(_make_spikes(name, np.unique(train.node_ids), train) for name, train in trains.items())


def _simulated_cells(simulation: Simulation) -> dict[str, IntArray]:
    real = {p.name: p for p in simulation.circuit.nodes.values() if not p.is_virtual}
    if simulation.node_set is None:
        return {p.name: np.arange(p.size) for p in real.values()}
    sets = NodeSets.from_files(simulation.circuit.node_sets_file, simulation.node_sets_file)
    return sets.resolve(simulation.node_set, {p.name: p.file for p in real.values()})


def _replayed(simulation: Simulation) -> list[PopulationSpikes]:
    blocks = [i for i in simulation.inputs if i.module == "synapse_replay"]
    trains = [read_spikes(Path(block.parameters["spike_file"])) for block in blocks]
    virtual = [p for p in simulation.circuit.nodes.values() if p.is_virtual]
    firsts = [(p, next((t[p.name] for t in trains if p.name in t), None)) for p in virtual]
    return [_make_spikes(p.name, np.arange(p.size), train, True) for p, train in firsts if train is not None]


def _make_spikes(
    name: str, cell_ids: IntArray, train: SpikeTrain, is_virtual: bool = False
) -> PopulationSpikes:
    return PopulationSpikes(name, cell_ids, train.timestamps, train.node_ids, is_virtual)
