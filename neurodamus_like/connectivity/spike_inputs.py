"""Inputs that give synapses their spikes: of virtual nodes, replayed, or at given times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from neurodamus_like.config.models import EDGE_REPLAY, SPIKE_TRAINS, SYNAPSE_ACTIVITY, UNITS, Input
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.generated_spikes import generate_spikes, nodes_with_synapses
from neurodamus_like.connectivity.probe_units import units_train
from neurodamus_like.connectivity.replay import ReplayBlock
from neurodamus_like.connectivity.spike_files import load_train
from neurodamus_like.connectivity.synapse_table import IntColumn
from neurodamus_like.io.spikes import SpikeTrain
from neurodamus_like.parallel.mpi import world
from neurodamus_like.registry import Registry
from neurodamus_like.targets.manager import TargetManager

SpikeInput = Callable[[Input, TargetManager, Sequence[Any]], None]

SPIKE_INPUTS: Registry[SpikeInput] = Registry("spike input", "neurodamus_like.spike_inputs")
"""Module of an input -> function(input, targets, connection managers) that drives synapses."""


@SPIKE_INPUTS.register(SPIKE_TRAINS)
def drive_virtual_nodes(block: Input, targets: TargetManager, managers: Sequence[Any]) -> None:
    """Let the spikes of a file, a function, or recorded units drive the synapses of virtual nodes."""
    chosen = targets.get_target(block.node_set).populations
    driven: dict[str, list[EventDrivenManager]] = {}
    for manager in _event_driven(managers):
        if (
            manager.source.has_virtual_nodes
            and not manager.population.driven_by
            and manager.population.source in chosen
        ):
            driven.setdefault(manager.population.source, []).append(manager)
    for name, group in driven.items():
        train = _train_of(block, group, targets.get_target(block.node_set).node_ids(name))
        virtual = group[0].source.is_virtual_node(train.node_ids)
        for manager in group:
            _replay(manager, SpikeTrain(train.timestamps[virtual], train.node_ids[virtual]))


def _train_of(block: Input, group: Sequence[EventDrivenManager], node_ids: IntColumn) -> SpikeTrain:
    """Return the spikes of the nodes of one population; collective."""
    source = group[0].source
    if "spikes_function" in block.parameters:
        return generate_spikes(block, source, group, world())
    if block.parameters.get("format") == UNITS:
        driving = np.intersect1d(nodes_with_synapses(source, group, world()), node_ids)
        seed = group[0].simulation.run.random_seed
        return units_train(block, group[0].population.source, node_ids, driving, seed)
    return load_train(block, group[0].population.source)


@SPIKE_INPUTS.register(EDGE_REPLAY)
def drive_replayed_edges(block: Input, targets: TargetManager, managers: Sequence[Any]) -> None:
    """Let the spikes of a file drive the synapses that exist for this input alone."""
    for manager in _event_driven(managers):
        if manager.population.driven_by == block.name:
            _replay(manager, load_train(block, manager.population.source))


@SPIKE_INPUTS.register(SYNAPSE_ACTIVITY)
def drive_chosen_synapses(block: Input, targets: TargetManager, managers: Sequence[Any]) -> None:
    """Let synapses between two node sets fire at given times; no cell drives any synapse any more."""
    sources = targets.get_target(block.node_set)
    receivers = targets.get_target(block.parameters["targets"])
    times = np.asarray(block.parameters["timestamps"], dtype=np.float64)
    for manager in _event_driven(managers):
        if manager.source.is_virtual or manager.population.driven_by:
            continue
        manager.silence_sources()
        ids = sources.node_ids(manager.population.source) + manager.source.offset
        local = np.intersect1d(
            receivers.node_ids(manager.population.target) + manager.target.offset, manager.target.synapse_gids
        )
        manager.replay(ReplayBlock(np.repeat(ids, times.size), np.tile(times, ids.size), local))


def _event_driven(managers: Iterable[Any]) -> Iterator[EventDrivenManager]:
    return (manager for manager in managers if isinstance(manager, EventDrivenManager))


def _replay(manager: EventDrivenManager, train: SpikeTrain) -> None:
    gids = np.sort(manager.target.synapse_gids)
    manager.replay(ReplayBlock(train.node_ids + manager.source.offset, train.timestamps, gids))
