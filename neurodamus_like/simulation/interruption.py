"""Signals that ask a run to stop: they are noted, and all ranks act on them together at the next good place.

While the model is built that is the begin of the next phase, and during the run the end of a block. CoreNEURON on
files is one long call, in which a signal ends the process at once. What comes when the last block is done is not acted
on: the results are written.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.parallel.exit_codes import CHECKPOINTED, STOPPED
from neurodamus_like.parallel.mpi import Communicator

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
"""What Slurm sends before it takes a job's nodes away (SIGTERM), or earlier with ``--signal=USR1@60``."""

RECOVER = "`neurodamus-like recover` finishes the reports that were begun"


class RunInterrupted(NeurodamusLikeError):
    """A signal ended the run; raised on all ranks together.

    Parameters
    ----------
    message, hint
        What was done, and what to do.
    directory
        The checkpoint that was written; None: there is none.

    Attributes
    ----------
    exit_code
        With which the program ends.
    """

    def __init__(self, message: str, *, directory: Path | None = None, hint: str | None = None) -> None:
        super().__init__(message, file=directory, hint=hint)
        self.directory = directory
        self.collective = True
        self.exit_code = STOPPED if directory is None else CHECKPOINTED


class StopRequest:
    """Remembers whether one of :data:`STOP_SIGNALS` came."""

    def __init__(self) -> None:
        self.received = False
        self._listening = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals inside the block, if this is the main thread (Python allows no other).

        Blocks may be inside each other. What came in one is remembered until somebody acts on it.
        """
        if self._listening or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        self._listening = True
        try:
            yield
        finally:
            self._listening = False
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Let signals end the process at once inside the block, which is one long call of a library.

        No Python runs before the library returns, so that a signal would only be noted until it is of no use.
        """
        if not self._listening:
            yield
            return
        noting = {number: signal.signal(number, signal.SIG_DFL) for number in STOP_SIGNALS}
        try:
            if self.received:  # since somebody asked for the last time
                os.kill(os.getpid(), signal.SIGTERM)
            yield
        finally:
            for number, handler in noting.items():
                signal.signal(number, handler)

    def came(self, comm: Communicator) -> bool:
        """Say whether a signal came to any rank; collective."""
        return bool(comm.allreduce_max(int(self.received)))

    def end(self, message: str, **more: Any) -> RunInterrupted:
        """Return the error that ends the run, and forget the signal."""
        self.received = False
        return RunInterrupted(message, **more)

    def end_before(self, phase: str, comm: Communicator) -> None:
        """End the run before a phase of the build if a signal came to any rank; collective.

        Raises
        ------
        RunInterrupted
            It did.
        """
        if self.came(comm):
            raise self.end(
                f"a signal stopped the run before the phase {phase!r}: nothing was simulated, and no checkpoint written"
            )

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = True


REQUEST = StopRequest()
"""The one of this process, to which signals go."""
