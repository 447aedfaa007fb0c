"""User scripts that send a run its stop signal at a given phase, so that tests depend on no clock."""

from __future__ import annotations

import signal
from pathlib import Path

_SCRIPT = """
import os
from neurodamus_like import Neurodamus
from neurodamus_like.parallel.mpi import world

phase = Neurodamus.{phase}

def with_signal(self, *args, **options):
    if world().rank == world().size - 1:
        os.kill(os.getpid(), {number})
    return phase(self, *args, **options)

Neurodamus.{phase} = with_signal
"""


def write_signal_script(path: Path, phase: str, number: signal.Signals = signal.SIGTERM) -> Path:
    """Write a file for ``--script``: the last rank gets a signal as it comes to a phase (a method of Node)."""
    path.write_text(_SCRIPT.format(phase=phase, number=int(number)), encoding="utf-8")
    return path
