"""CoreNEURON in direct mode: the model that NEURON built is copied into CoreNEURON for each block of time, and back.

CoreNEURON fails silently in places; each is closed here: end times are handed over with all their digits, what
cannot be simulated is found before the first block, and a block that did not reach its end is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.config.models import CELL_ORDERS
from neurodamus_like.engine import exchange_clock, nrn
from neurodamus_like.engine.core_limits import refuse_what_would_be_left_out
from neurodamus_like.exceptions import MechanismError, SimulationError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import world

LIBRARY_VARIABLE = "CORENEURONLIB"
THREADS_VARIABLE = "OMP_NUM_THREADS"

_loaded: list[Path] = []


@dataclass(frozen=True)
class CoreSettings:
    """How CoreNEURON runs.

    Attributes
    ----------
    cell_order
        One of :data:`~neurodamus_like.config.models.CELL_ORDERS`.
    model_stats
        Print the number of instances and the memory of each mechanism, once.
    verbosity
        How much CoreNEURON says itself: 0 nothing, 1 errors, 2 progress, 3 everything.
    """

    cell_order: str = "unpermuted"
    model_stats: bool = False
    verbosity: int = 0


class CoreNeuron:
    """Advances the model that NEURON holds.

    Parameters
    ----------
    settings
        How CoreNEURON runs.
    """

    def __init__(self, settings: CoreSettings = CoreSettings()) -> None:
        self._settings = settings
        self._blocks_done = 0

    def advance(self, until_ms: float) -> None:
        """Integrate from now to `until_ms`; the model must have been initialised; collective.

        Costs a copy of the whole model there and back, about 4 us per synapse: few long blocks are cheaper.

        Raises
        ------
        MechanismError
            No library of mechanisms for CoreNEURON is known.
        SimulationError
            The model has something that CoreNEURON would leave out (on any rank), or CoreNEURON failed.
        """
        if not self._blocks_done:
            with collectively(world()):
                require_library()
                refuse_what_would_be_left_out()
        exchange_clock.begin_block()
        with switched_on(self._settings, model_stats=self._settings.model_stats and not self._blocks_done):
            nrn.advance(until_ms)
        self._blocks_done += 1
        if abs(nrn.now_ms() - until_ms) > 1.01 * nrn.h.dt:
            raise SimulationError(f"CoreNEURON stopped at t = {nrn.now_ms()!r} ms instead of {until_ms!r} ms")


@contextmanager
def switched_on(settings: CoreSettings = CoreSettings(), **more: Any) -> Iterator[None]:
    """Have ``ParallelContext.psolve`` use CoreNEURON inside the block.

    Parameters
    ----------
    settings
        How CoreNEURON runs.
    **more
        Further attributes of ``neuron.coreneuron``, such as ``file_mode``.
    """
    chosen = {
        "enable": True,
        "verbose": settings.verbosity,
        "cell_permute": CELL_ORDERS.index(settings.cell_order),
        "model_stats": settings.model_stats,
        **more,
    }
    nrn.coreneuron.nrncore_arg = _arguments
    before = {name: getattr(nrn.coreneuron, name) for name in chosen}
    for name, value in chosen.items():
        setattr(nrn.coreneuron, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(nrn.coreneuron, name, value)
        _loaded[:] = [library()] if LIBRARY_VARIABLE in os.environ else []


def _arguments(tstop_ms: float) -> str:
    # neuron.coreneuron writes the end time with six digits: a run to 12346.65 ms would make no progress at all
    text = str(type(nrn.coreneuron).nrncore_arg(nrn.coreneuron, tstop_ms))
    return text.replace(f" --tstop {float(tstop_ms):g}", f" --tstop {float(tstop_ms)!r}", 1)


def use_library(path: Path) -> None:
    """Have CoreNEURON use a library of mechanisms (``libcorenrnmech.so``).

    Raises
    ------
    MechanismError
        This process has simulated with another one, and CoreNEURON can load only one.
    """
    path = Path(path).resolve()
    if _loaded and _loaded[0] != path:
        raise MechanismError(
            "CoreNEURON has loaded another library of mechanisms in this process",
            file=path,
            expected=str(_loaded[0]),
            hint="run the two simulations in two processes",
        )
    os.environ[LIBRARY_VARIABLE] = str(path)


def library() -> Path:
    """Return the library of mechanisms that CoreNEURON uses."""
    return Path(os.environ[LIBRARY_VARIABLE])


def require_library() -> None:
    """Make sure that CoreNEURON has a library of mechanisms, and does not start threads that nobody asked for.

    Its threads wait by spinning, which takes processors away from other ranks.

    Raises
    ------
    MechanismError
        It has none, or the file is not there; CoreNEURON would end the process.
    """
    os.environ.setdefault(THREADS_VARIABLE, "1")
    if LIBRARY_VARIABLE not in os.environ:
        raise MechanismError(
            "CoreNEURON has no library of mechanisms",
            hint="compile one: `neurodamus-like compile --coreneuron`, or nrnivmodl -coreneuron",
        )
    if not library().is_file():
        raise MechanismError(f"the library of ${LIBRARY_VARIABLE} does not exist", file=library())
