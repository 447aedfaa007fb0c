"""What a simulation needs, found out without building it: cells, synapses, reports, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neurodamus_like import memory
from neurodamus_like.config.models import Report
from neurodamus_like.connectivity.counting import EdgeCounts, count_objects
from neurodamus_like.connectivity.manager import ConnectionManagerBase
from neurodamus_like.connectivity.overrides import OverrideRules
from neurodamus_like.distribution.cell_kinds import CellKinds, choose_cells, read_kinds
from neurodamus_like.distribution.memory_estimate import MemoryModel, PopulationModel, ReportSize
from neurodamus_like.distribution.memory_units import MemoryUnits, load_units, save_units
from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import ConfigurationError, SimulationError
from neurodamus_like.logs import get_logger
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.reports.layout import FrameTimes
from neurodamus_like.simulation import preparation
from neurodamus_like.simulation.memory_sample import sample_key

if TYPE_CHECKING:
    from neurodamus_like.simulation.node import Node

logger = get_logger(__name__)

IntArray = npt.NDArray[np.int64]

MAX_EDGES_READ = 50_000_000
"""So many edges are read on each rank; beyond that, others are concluded from these."""

_PROBE = "neurodamus_like.simulation.memory_probe"
_PROBE_TIMEOUT_S = 900
_LAUNCHER = ("PMI", "PMIX", "OMPI_", "MPI_LOCAL", "HYDI_", "SLURM_", "PALS_", "MV2_")


def count_model(node: Node, max_edges: int = MAX_EDGES_READ) -> tuple[MemoryModel, list[EdgeCounts]]:
    """Return all that the memory of a simulation follows from, and how many objects its edges become; collective.

    Parameters
    ----------
    node
        A node that has nothing yet; its cells and synapses are counted and not made.
    max_edges
        How many edges each rank reads at most.
    """
    node.load_targets()
    base = float(node.comm.allreduce_max(memory.rss_bytes())) if node.comm.size > 1 else None
    node.compute_load_balance()
    counts = _everywhere(node, _count_edges(node, max_edges))
    cells = {m.population_name: m.all_node_ids for m in node.circuits.all_node_managers()}
    kinds = {name: read_kinds(node.simulation.circuit.nodes[name], ids) for name, ids in cells.items()}
    populations = [_population(name, ids, kinds[name], counts) for name, ids in cells.items()]
    mechanisms = sorted({name for of in counts for name in of.synapses})
    units = _units(node, choose_cells(kinds, cells), mechanisms)
    model = MemoryModel(
        units,
        populations,
        trains=max((of.trains for of in counts), default=0),
        reports=[_report_size(node, r, units, counts) for r in node.simulation.reports if r.enabled],
        rank_base=base,
        buffer_bytes=node.options.buffer_mb(node.simulation.simulator) * 1e6,
        simulator=node.simulation.simulator,
    )
    return model, counts


def _count_edges(node: Node, max_edges: int) -> list[EdgeCounts]:
    with node.timer.phase("counting"), collectively(node.comm):
        managers = [
            node.circuits.get_create_edge_manager(population)
            for population in preparation.edge_populations(
                node.simulation, node.circuits, node.target_manager
            )
        ]
        rules = OverrideRules(node.simulation.connection_overrides, node.target_manager)
        for manager in managers:
            manager.attach(node.target_manager, rules)
    node.enable_replay()
    with node.timer.phase("counting"), collectively(node.comm):
        return [count_objects(m, max_edges) for m in managers if isinstance(m, ConnectionManagerBase)]


def _everywhere(node: Node, local: Sequence[EdgeCounts]) -> list[EdgeCounts]:
    """Return the counts of all ranks together, on all ranks."""
    result = []
    for parts in zip(*node.comm.allgather(list(local)), strict=True):
        ids = np.concatenate([part.node_ids for part in parts])
        order = np.argsort(ids)
        whole = EdgeCounts(parts[0].population, parts[0].target, ids[order])
        for name in ("rows", "netcons", "replayed", "minis"):
            setattr(whole, name, np.concatenate([getattr(part, name) for part in parts])[order])
        for mechanism in sorted({name for part in parts for name in part.synapses}):
            of = [part.synapses.get(mechanism, np.zeros_like(part.rows)) for part in parts]
            whole.synapses[mechanism] = np.concatenate(of)[order]
        whole.trains = max(part.trains for part in parts)
        result.append(whole)
    return result


def _population(name: str, ids: IntArray, kinds: CellKinds, counts: Sequence[EdgeCounts]) -> PopulationModel:
    model = PopulationModel(name, ids, kinds.names, kinds.kind, kinds.types)
    for of in (c for c in counts if c.target == name):
        for mechanism, numbers in of.synapses.items():
            model.synapses[mechanism] = model.synapses.get(mechanism, 0) + numbers
        model.rows, model.netcons = model.rows + of.rows, model.netcons + of.netcons
        model.replayed, model.minis = model.replayed + of.replayed, model.minis + of.minis
    return model


def _report_size(node: Node, report: Report, units: MemoryUnits, counts: Sequence[EdgeCounts]) -> ReportSize:
    target = node.target_manager.get_target(report.cells)
    members = {name: target.node_ids(name) for name in units.populations}
    if report.kind == "synapse":
        columns = float(sum(of.rows[np.isin(of.node_ids, members[of.target])].sum() for of in counts))
    else:
        columns = sum(
            ids.size * units.populations[n].columns.get(report.name, 0.0) for n, ids in members.items()
        )
    end = min(report.end_ms, node.simulation.run.tstop_ms)
    frames = FrameTimes.between(report.start_ms, end, report.dt_ms).count
    return ReportSize(report.name, columns, frames, report.dt_ms)


def _units(
    node: Node, cells: Mapping[str, Sequence[tuple[int, str]]], mechanisms: Sequence[str]
) -> MemoryUnits:
    units: MemoryUnits | None = None
    with node.timer.phase("measuring"), collectively(node.comm):
        if node.comm.rank == 0:
            key = sample_key(node.simulation, cells, mechanisms)
            units = load_units(key)
            if units is None:
                logger.info("measuring what %d cells take", sum(len(of) for of in cells.values()))
                units = _measure(node, cells, mechanisms)
                save_units(key, units)
    shared = node.comm.bcast(units)
    assert shared is not None
    return shared


def _measure(
    node: Node, cells: Mapping[str, Sequence[tuple[int, str]]], mechanisms: Sequence[str]
) -> MemoryUnits:
    if not node.simulation.path.is_file():
        raise ConfigurationError(
            "the memory of a simulation can only be estimated from a file", file=node.simulation.path
        )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_LAUNCHER)}
    request = {
        "config": str(node.simulation.path),
        "nrnmech": str(nrn.loaded_libraries()[-1]),
        "cells": cells,
        "mechanisms": list(mechanisms),
        "script": None if node.options.script is None else str(node.options.script.absolute()),
        "disable_reports": node.options.disable_reports,
    }
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "request.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", _PROBE, str(asked), str(answer)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
        if done.returncode or not answer.is_file():
            raise SimulationError(
                "the memory of cells could not be measured: " + (done.stderr.strip() or done.stdout)[-1000:],
                file=node.simulation.path,
                hint="can the model be built at all? try `run` with a small node set",
            )
        return MemoryUnits.from_json(answer.read_text(encoding="utf-8"))
