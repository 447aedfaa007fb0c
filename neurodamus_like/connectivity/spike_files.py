"""Files of inputs that drive synapses: reading them, and what is wrong with them, without a simulator."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from neurodamus_like.config.models import EDGE_REPLAY, SPIKE_TRAINS, UNITS, Input
from neurodamus_like.connectivity.probe_units import check_units_input
from neurodamus_like.connectivity.spike_generators import SPIKE_GENERATORS
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.io.spike_formats import find_population, read_spike_train
from neurodamus_like.io.spikes import SpikeTrain

logger = logging.getLogger(__name__)

_MODULES = (SPIKE_TRAINS, EDGE_REPLAY)


def load_train(block: Input, source: str | None = None) -> SpikeTrain:
    """Return the spikes in the file of an input.

    Parameters
    ----------
    block
        The input.
    source
        Population whose nodes are to fire, see :func:`neurodamus_like.io.spike_formats.read_spike_train`.

    Raises
    ------
    CircuitError
        The file is damaged, or lacks what the input names.
    """
    p = block.parameters
    return read_spike_train(
        p["spike_file"],
        p.get("format", "sonata"),
        population=p.get("population"),
        source=source,
        trial=p.get("trial"),
    )


def check_spike_inputs(
    inputs: Iterable[Input], *, functions: bool = True, populations: Collection[str] = ()
) -> list[NeurodamusLikeError]:
    """Return what is wrong with the files of inputs that drive synapses, and with the names of functions.

    Parameters
    ----------
    inputs
        The blocks; others are passed over.
    functions
        All functions have been registered, so that a missing one is an error.
    populations
        Those of the circuit; none: whose spikes a file holds is not looked at.
    """
    errors: list[NeurodamusLikeError] = []
    for block in inputs:
        if block.module not in _MODULES:
            continue
        try:
            if "spike_file" in block.parameters:
                load_train(block)
                _check_populations(block, populations)
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


def _check_populations(block: Input, populations: Collection[str]) -> None:
    p = block.parameters
    if populations and p.get("population") is None and p.get("format", "sonata") == "sonata":
        found = find_population(p["spike_file"], populations)
        if found is not None and found not in populations:
            logger.warning(
                "input %r: %s has spikes of %r, which is no population of the circuit; they are used",
                *(block.name, p["spike_file"], found),
            )
