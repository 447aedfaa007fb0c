"""What a run was, in a few numbers: cells, synapses, spikes, rates per population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurodamus_like.circuit.manager import CircuitManager
from neurodamus_like.parallel.mpi import Communicator


@dataclass(frozen=True)
class PopulationSummary:
    """Numbers of one population, over all ranks."""

    name: str
    cells: int
    synapses: int
    spikes: int
    mean_rate_Hz: float


@dataclass(frozen=True)
class RunSummary:
    """Numbers of a run, over all ranks, and the files it wrote."""

    populations: tuple[PopulationSummary, ...]
    ranks: int
    tstop_ms: float
    files: tuple[Path, ...]

    @property
    def spike_count(self) -> int:
        """Spikes of all populations."""
        return sum(p.spikes for p in self.populations)


def summarize(
    cells: Mapping[str, int],
    synapses: Mapping[str, int],
    spikes: Mapping[str, int],
    *,
    ranks: int,
    tstop_ms: float,
    files: Sequence[Path],
) -> RunSummary:
    """Put counts per population (already summed over ranks) together."""
    rows = [
        PopulationSummary(
            name=name,
            cells=count,
            synapses=synapses.get(name, 0),
            spikes=spikes.get(name, 0),
            mean_rate_Hz=spikes.get(name, 0) / count / tstop_ms * 1000.0 if count and tstop_ms else 0.0,
        )
        for name, count in cells.items()
    ]
    return RunSummary(tuple(rows), ranks, round(tstop_ms, 9), tuple(files))


def count_model(circuits: CircuitManager, comm: Communicator) -> tuple[dict[str, int], dict[str, int]]:
    """Return the cells and the synapses of each population, over all ranks; collective."""
    mine: dict[str, int] = {}
    for manager in circuits.all_synapse_managers():
        name = manager.population.target
        mine[name] = mine.get(name, 0) + manager.synapse_count
    cells = {m.population_name: m.total_cells for m in circuits.all_node_managers()}
    synapses = comm.allreduce_sum(np.array([mine.get(name, 0) for name in cells], dtype=np.int64))
    return cells, dict(zip(cells, synapses.tolist(), strict=True))


def format_summary(summary: RunSummary) -> str:
    """Return the summary as a table with the list of files."""
    width = max([len("population"), *(len(p.name) for p in summary.populations)])
    lines = [f"{'population':<{width}}  {'cells':>8}  {'synapses':>10}  {'spikes':>9}  {'mean rate':>10}"]
    lines += [
        f"{p.name:<{width}}  {p.cells:>8,}  {p.synapses:>10,}  {p.spikes:>9,}  {p.mean_rate_Hz:>7.2f} Hz"
        for p in summary.populations
    ]
    rank_word = "rank" if summary.ranks == 1 else "ranks"
    lines.append(f"{summary.tstop_ms:g} ms of activity on {summary.ranks} {rank_word}")
    lines += [f"wrote {path}" for path in summary.files]
    return "\n".join(lines)
