"""What the inputs of a configuration do to one cell each, without building or simulating anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurodamus_like.config.models import Input, Simulation
from neurodamus_like.connectivity.spike_files import load_train
from neurodamus_like.engine.rng import FloatArray
from neurodamus_like.exceptions import TargetError
from neurodamus_like.io.nodes import read_nodes
from neurodamus_like.io.spikes import read_spikes
from neurodamus_like.simulation.preparation import simulated_populations
from neurodamus_like.stimuli.base import BlockCounts, stimulus_types
from neurodamus_like.stimuli.checks import SPIKE_MODULES
from neurodamus_like.stimuli.signals import Signal, staircase
from neurodamus_like.targets.manager import NodesetTarget, TargetManager
from neurodamus_like.targets.offsets import GidOffsets

_PROPERTIES = ("threshold_current", "holding_current", "input_resistance")


@dataclass(frozen=True)
class InputPreview:
    """The signal of one input block.

    Attributes
    ----------
    name, module
        The block.
    signal
        What one cell receives, as far as the run goes; None when the block acts on no such cell.
    unit
        Of the signal.
    population, node_id
        The cell; None where the signal is that of no single cell.
    """

    name: str
    module: str
    signal: Signal | None
    unit: str = ""
    population: str | None = None
    node_id: int | None = None


def preview_inputs(simulation: Simulation, node: tuple[str | None, int] | None = None) -> list[InputPreview]:
    """Return the signal of each input block, in file order.

    Parameters
    ----------
    simulation
        The configuration.
    node
        Population (None: the first that has it) and id of the cell; by default each block shows its first cell.

    Raises
    ------
    TargetError
        The cell is not simulated.
    StimulusError, ProblemsError
        A block is wrong.
    """
    targets = _NumberedTargets(simulation)
    if node is not None:
        targets.check_simulated(*node)
    counts, found = BlockCounts(), []
    for info in simulation.inputs:
        if info.module in SPIKE_MODULES:
            found.append(_replayed(info, simulation.run.tstop_ms))
            continue
        stim_type: Any = stimulus_types[info.module]
        context = counts.context(stim_type, simulation.run)
        stim = None if context is None else stim_type([], info, None, context=context)
        counts.add(stim_type, [stim])
        cell = targets.cell_of(info, node)
        if stim is None or cell is None or not hasattr(stim, "signals"):
            found.append(InputPreview(info.name, info.module, None))
            continue
        (signal,) = list(stim.signals(cell, 1)) or [None]
        found.append(InputPreview(info.name, info.module, signal, stim.unit, cell.population, cell.node_id))
    return found


class _NumberedTargets:
    """Targets with the gids that the run will use (they are part of the names of random streams)."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.manager = TargetManager(simulation)
        populations = simulated_populations(simulation, self.manager.get_target(simulation.node_set))
        self.manager.set_offsets(GidOffsets.of_populations(populations))
        self.simulated = self.manager.get_target(simulation.node_set)
        self.populations = [p.name for p, _ in populations if not p.is_virtual]

    def check_simulated(self, population: str | None, node_id: int) -> None:
        names = [population] if population is not None else self.populations
        if not any(node_id in self.simulated.node_ids(name) for name in names):
            raise TargetError(
                f"the node {node_id} of {' or '.join(map(repr, names))} is not simulated",
                file=self.simulation.path,
                ids=[node_id],
                hint="give population:id of a node of the node set",
            )

    def cell_of(self, info: Input, node: tuple[str | None, int] | None) -> Any | None:
        """Return the first cell that a block acts on, or the given one if it does."""
        wanted, node_id = node or (None, None)
        for population in self.populations if wanted is None else [wanted]:
            ids = np.intersect1d(self._nodes(info, population), self.simulated.node_ids(population))
            if node_id is not None:
                ids = ids[ids == node_id]
            if ids.size:
                return self._cell(population, int(ids[0]))
        return None

    def _nodes(self, info: Input, population: str) -> Any:
        if info.compartment_set is not None:
            chosen = self.manager.get_compartment_set(info.compartment_set)
            return chosen.node_id if chosen.population == population else np.empty(0, dtype=np.int64)
        target: NodesetTarget = self.manager.get_target(info.node_set)
        return target.node_ids(population)

    def _cell(self, population: str, node_id: int) -> Any:
        nodes = self.simulation.circuit.nodes[population]
        names = {f"dynamics_params/{name}": name for name in _PROPERTIES}
        columns: Mapping[str, Any] = read_nodes(
            nodes.file, population, [], np.array([node_id], dtype=np.int64), optional=list(names)
        ).columns
        values = {
            short: float(columns[full][0]) if full in columns else None for full, short in names.items()
        }
        gid = node_id + self.manager.offsets.offset(population)
        return SimpleNamespace(gid=gid, node_id=node_id, population=population, **values)


def _replayed(info: Input, tstop_ms: float) -> InputPreview:
    times = _spike_times(info)
    times = times[(times >= info.delay_ms) & (times <= tstop_ms)]
    edges = np.arange(0.0, np.ceil(tstop_ms) + 1.0)
    counts, _ = np.histogram(times, bins=edges)
    signal = staircase(edges[:-1].tolist(), counts.tolist(), tstop_ms)
    return InputPreview(info.name, info.module, signal, "spikes / ms of all sources")


def _spike_times(info: Input) -> FloatArray:
    if "timestamps" in info.parameters:
        return np.asarray(info.parameters["timestamps"], dtype=np.float64)
    if "format" in info.parameters:
        return load_train(info).timestamps if "spike_file" in info.parameters else np.empty(0)
    trains = read_spikes(info.parameters["spike_file"])
    return np.concatenate([np.empty(0), *(np.asarray(train.timestamps) for train in trains.values())])
