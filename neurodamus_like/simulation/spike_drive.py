"""Inputs that are spikes: which blocks they are, and which synapses each of them drives."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import Input, Simulation
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.replay import SpikeManager
from neurodamus_like.connectivity.spike_inputs import SPIKE_INPUTS
from neurodamus_like.targets.manager import TargetManager

logger = logging.getLogger(__name__)

REPLAY_MODULE = "synapse_replay"


def drives_synapses(block: Input) -> bool:
    """Say whether an input is spikes on synapses, and not a current, conductance or field."""
    return block.module == REPLAY_MODULE or block.module in SPIKE_INPUTS


def drive_synapses(
    block: Input, simulation: Simulation, targets: TargetManager, managers: Sequence[Any]
) -> None:
    """Plan which synapses the spikes of an input drive.

    Parameters
    ----------
    block
        The input.
    simulation, targets
        What is simulated.
    managers
        Of the edges; none of their synapses has been made yet.
    """
    if block.module in SPIKE_INPUTS:
        SPIKE_INPUTS[block.module](block, targets, managers)
        return
    spikes = SpikeManager(Path(block.parameters["spike_file"]))
    target = targets.get_target(block.node_set)
    covered = 0
    for manager in managers:
        source = manager.population.source
        if not isinstance(manager, EventDrivenManager) or source not in spikes.population_names:
            continue
        ids = np.intersect1d(target.node_ids(manager.population.target), manager.target.synapse_node_ids)
        manager.replay(
            spikes.block(
                source,
                manager.source.offset,
                ids + manager.target.offset,
                start_ms=block.delay_ms,
                stop_ms=simulation.run.tstop_ms,
            )
        )
        covered += 1
    if not covered:
        logger.warning("input %s: no edges come from the populations of %s", block.name, spikes.file)
