"""What is wrong with input blocks, found without a simulator and before anything is built."""

from __future__ import annotations

from collections.abc import Iterable

from neurodamus_like.config.models import EDGE_REPLAY, SPIKE_TRAINS, SYNAPSE_ACTIVITY, Input, Simulation
from neurodamus_like.exceptions import NeurodamusLikeError, StimulusError, did_you_mean
from neurodamus_like.stimuli import (  # noqa: F401 (they register their types)
    clamps,
    computed_potentials,
    current,
    current_files,
    extracellular,
    noise,
    potentials,
    report_replay,
    shot_noise,
    spikes,
    voltage,
)
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.validation.problems import Problem

SPIKE_MODULES = frozenset({"synapse_replay", SPIKE_TRAINS, EDGE_REPLAY, SYNAPSE_ACTIVITY})
"""Modules that deliver spikes to synapses: connectivity/ builds them, not this room."""


def known_modules() -> set[str]:
    """Return the names of all stimulus modules, with those that users registered."""
    return {*stimulus_types.names(), *SPIKE_MODULES}


def check_inputs(inputs: Iterable[Input], simulation: Simulation | None = None) -> list[NeurodamusLikeError]:
    """Return everything that is wrong with input blocks, without a simulator and before anything is built.

    Unknown modules, wrong ``input_type``, missing or impossible values, what the simulator cannot do.

    Parameters
    ----------
    inputs
        The blocks.
    simulation
        Names the file in the errors, and the simulator.
    """
    errors: list[NeurodamusLikeError] = []
    for info in inputs:
        if info.module in SPIKE_MODULES:
            continue
        if info.module not in stimulus_types:
            errors.append(unknown_module(info))
            continue
        parameters = getattr(stimulus_types[info.module], "parameters_type", None)
        if parameters is not None:
            errors.extend(parameters.problems_of(info))
        if simulation is not None and simulation.simulator == "CORENEURON":
            errors.extend(_beyond_coreneuron(info))
    for error in errors:
        error.file = error.file or (simulation.path if simulation else None)
    return errors


def find_unknown_keys(inputs: Iterable[Input], simulation: Simulation | None = None) -> list[Problem]:
    """Return a warning for each key of input blocks that has no effect.

    Parameters
    ----------
    inputs, simulation
        As for :func:`check_inputs`.
    """
    found: list[NeurodamusLikeError] = []
    for info in inputs:
        if info.module in stimulus_types and info.module not in SPIKE_MODULES:
            parameters = getattr(stimulus_types[info.module], "parameters_type", None)
            found.extend([] if parameters is None else parameters.unknown_keys_of(info))
    for error in found:
        error.file = simulation.path if simulation else None
    return [Problem.from_error(error, "warning") for error in found]


def unknown_module(info: Input) -> StimulusError:
    """Return the error for a block whose module nobody registered."""
    known = known_modules()
    return StimulusError(
        f"input {info.name!r}: there is no stimulus module {info.module!r}",
        pointer=f"{info.pointer or '/inputs/' + info.name}/module",
        expected="one of " + ", ".join(sorted(known)),
        hint=did_you_mean(info.module, known) or "register your own with @StimulusManager.register_type",
    )


def _beyond_coreneuron(info: Input) -> Iterable[StimulusError]:
    if info.input_type == "extracellular_stimulation":
        yield StimulusError(
            f"input {info.name!r} (module {info.module!r}): CoreNEURON has no extracellular potential",
            pointer=f"{info.pointer or '/inputs/' + info.name}/module",
            hint='set "target_simulator": "NEURON"',
        )
