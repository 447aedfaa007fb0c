"""The run loop: integrate in blocks, hand each finished block on, show progress."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurodamus_like.engine import exchange_clock, nrn
from neurodamus_like.engine.coreneuron import CoreNeuron, CoreSettings
from neurodamus_like.progress import Progress
from neurodamus_like.simulation.options import RunOptions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BlockLengths:
    """How long blocks may be: a signal or a full buffer waits for the end of one.

    Attributes
    ----------
    first_ms, shortest_ms, longest_ms
        Lengths in simulated time.
    most_s
        A block that takes longer than this is followed by shorter ones.
    """

    first_ms: float
    shortest_ms: float
    longest_ms: float
    most_s: float

    def next_ms(self, length_ms: float, took_s: float) -> float:
        """Return the length of the block after one of `length_ms` that took `took_s`; below the first, whole ms."""
        if took_s > self.most_s:
            return max(self.shortest_ms, float(int(length_ms / 2)))
        if 2 * took_s <= self.most_s:
            return min(self.longest_ms, 2 * length_ms)
        return length_ms


NEURON_BLOCKS = BlockLengths(25.0, 1.0, 25.0, most_s=10.0)
CORENEURON_BLOCKS = BlockLengths(125.0, 125.0, 500.0, most_s=60.0)
"""Each block copies the model into CoreNEURON and back, which takes as long as a few milliseconds of activity."""


@dataclass(frozen=True)
class Engine:
    """What integrates the model.

    Attributes
    ----------
    advance
        Integrates up to a time (ms).
    blocks
        Lengths of blocks that cost little besides the integration.
    computing_s
        Returns for how long this rank has computed so far, without waiting for others; None where it is not known.
    """

    advance: Callable[[float], None]
    blocks: BlockLengths
    computing_s: Callable[[], float | None]


def engine_for(simulator: str, options: RunOptions) -> Engine:
    """Return the engine of a simulator, ``NEURON`` or ``CORENEURON``."""
    if simulator == "NEURON":
        return Engine(nrn.advance, NEURON_BLOCKS, nrn.compute_time_s)
    settings = CoreSettings(options.cell_permute, options.model_stats, 2 if options.debug else 0)
    return Engine(CoreNeuron(settings).advance, CORENEURON_BLOCKS, exchange_clock.computing_s)


def advance_in_blocks(
    tstop_ms: float,
    *,
    blocks: BlockLengths = NEURON_BLOCKS,
    buffer_ms: float = math.inf,
    after_block: Callable[[], None] = lambda: None,
    advance: Callable[[float], None] = nrn.advance,
    stops: Sequence[float] = (),
    slowest: Callable[[float], float] = lambda seconds: seconds,
) -> None:
    """Integrate from now to `tstop_ms`.

    Parameters
    ----------
    tstop_ms
        End time.
    blocks
        How long blocks may be; results do not depend on it.
    buffer_ms
        A length that no block may exceed.
    after_block
        Called when a block is done, on every rank.
    advance
        Integrates up to a time.
    stops
        Times, ascending, at which a block must end.
    slowest
        Returns the largest of the values that all ranks give, so that their blocks are the same.
    """
    start_ms = nrn.now_ms()
    waiting = [stop for stop in stops if start_ms < stop <= tstop_ms]
    length_ms, warned = min(blocks.first_ms, buffer_ms), False
    with Progress("simulation", total=tstop_ms - start_ms, unit="ms") as progress:
        since_ms, number, reached = start_ms, 0, start_ms
        while reached < tstop_ms:
            end_ms = since_ms + (number + 1) * length_ms
            until = min(end_ms, tstop_ms, *waiting[:1])
            began_s = time.perf_counter()
            advance(until)
            took_s = slowest(time.perf_counter() - began_s)
            waiting = [stop for stop in waiting if stop > until]
            after_block()
            progress.update(until - reached)
            reached = until
            if until < end_ms:
                continue
            number += 1
            next_ms = min(blocks.next_ms(length_ms, took_s), buffer_ms)
            if next_ms != length_ms:
                since_ms, number, length_ms = reached, 0, next_ms
            elif took_s > blocks.most_s and not warned:
                warned = True
                logger.warning(
                    "%g ms take %.0f s: a signal is acted on that late, so let Slurm send it earlier (submit --margin)",
                    length_ms,
                    took_s,
                )
