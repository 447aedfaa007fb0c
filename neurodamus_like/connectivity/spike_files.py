"""Files of inputs that drive synapses: reading them, and what is wrong with them, without a simulator."""

from __future__ import annotations

from collections.abc import Iterable

from neurodamus_like.config.models import EDGE_REPLAY, SPIKE_TRAINS, UNITS, Input
from neurodamus_like.connectivity.probe_units import check_units_input
from neurodamus_like.connectivity.spike_generators import SPIKE_GENERATORS
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.io.spike_formats import read_spike_train
from neurodamus_like.io.spikes import SpikeTrain

_MODULES = (SPIKE_TRAINS, EDGE_REPLAY)


def load_train(block: Input) -> SpikeTrain:
    """Return the spikes in the file of an input.

    Raises
    ------
    CircuitError
        The file is damaged, or lacks what the input names.
    """
    p = block.parameters
    return read_spike_train(
        p["spike_file"], p.get("format", "sonata"), population=p.get("population"), trial=p.get("trial")
    )


def check_spike_inputs(inputs: Iterable[Input], *, functions: bool = True) -> list[NeurodamusLikeError]:
    """Return what is wrong with the files of inputs that drive synapses, and with the names of functions.

    Parameters
    ----------
    inputs
        The blocks; others are passed over.
    functions
        All functions have been registered, so that a missing one is an error.
    """
    errors: list[NeurodamusLikeError] = []
    for block in inputs:
        if block.module not in _MODULES:
            continue
        try:
            if "spike_file" in block.parameters:
                load_train(block)
            elif block.parameters.get("format") == UNITS:
                check_units_input(block)
            elif functions:
                SPIKE_GENERATORS[block.parameters["spikes_function"]]
        except NeurodamusLikeError as error:
            error.message = f"input {block.name!r}: {error.message}"
            if error.file is None:
                error.pointer = block.pointer
            errors.append(error)
    return errors
