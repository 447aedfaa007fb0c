"""The run loop: integrate in blocks, hand each finished block on, show progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurodamus_like.engine import exchange_clock, nrn
from neurodamus_like.engine.coreneuron import CoreNeuron, CoreSettings
from neurodamus_like.progress import Progress
from neurodamus_like.simulation.options import RunOptions

DEFAULT_BLOCK_MS = 25.0
CORENEURON_BLOCK_MS = 500.0
"""Each block copies the model into CoreNEURON and back, which takes as long as a few milliseconds of activity."""


@dataclass(frozen=True)
class Engine:
    """What integrates the model.

    Attributes
    ----------
    advance
        Integrates up to a time (ms).
    block_ms
        Length of a block that costs little besides the integration.
    computing_s
        Returns for how long this rank has computed so far, without waiting for others; None where it is not known.
    """

    advance: Callable[[float], None]
    block_ms: float
    computing_s: Callable[[], float | None]


def engine_for(simulator: str, options: RunOptions) -> Engine:
    """Return the engine of a simulator, ``NEURON`` or ``CORENEURON``."""
    if simulator == "NEURON":
        return Engine(nrn.advance, DEFAULT_BLOCK_MS, nrn.compute_time_s)
    settings = CoreSettings(options.cell_permute, options.model_stats, 2 if options.debug else 0)
    return Engine(CoreNeuron(settings).advance, CORENEURON_BLOCK_MS, exchange_clock.computing_s)


def advance_in_blocks(
    tstop_ms: float,
    *,
    block_ms: float = DEFAULT_BLOCK_MS,
    after_block: Callable[[], None] = lambda: None,
    advance: Callable[[float], None] = nrn.advance,
    stops: Sequence[float] = (),
) -> None:
    """Integrate from now to `tstop_ms`.

    Parameters
    ----------
    tstop_ms
        End time.
    block_ms
        Length of a block; results do not depend on it.
    after_block
        Called when a block is done, on every rank.
    advance
        Integrates up to a time.
    stops
        Times, ascending, at which a block must end.
    """
    start_ms = nrn.now_ms()
    waiting = [stop for stop in stops if start_ms < stop <= tstop_ms]
    with Progress("simulation", total=tstop_ms - start_ms, unit="ms") as progress:
        number, reached = 0, start_ms
        while reached < tstop_ms:
            until = min(start_ms + (number + 1) * block_ms, tstop_ms, *waiting[:1])
            number += until >= start_ms + (number + 1) * block_ms
            advance(until)
            waiting = [stop for stop in waiting if stop > until]
            after_block()
            progress.update(until - reached)
            reached = until
