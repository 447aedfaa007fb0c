"""Signals that ask a run to stop: it goes on to the end of a block, on all ranks, before anybody acts on them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from neurodamus_like.exceptions import NeurodamusLikeError

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
"""What Slurm sends before it takes a job's nodes away (SIGTERM), or earlier with ``--signal=USR1@60``."""


class RunInterrupted(NeurodamusLikeError):
    """A signal ended the run, after a checkpoint was written to `directory`; raised on all ranks together."""

    def __init__(self, time_ms: float, directory: Path) -> None:
        super().__init__(
            f"a signal stopped the run at {time_ms:g} ms, after a checkpoint",
            file=directory,
            hint=f"go on with --restore={directory}",
        )
        self.directory = directory
        self.collective = True


class StopRequest:
    """Remembers whether one of :data:`STOP_SIGNALS` came."""

    def __init__(self) -> None:
        self.received = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals inside the block, if this is the main thread (Python allows no other)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = True
