"""What compiled code prints, kept off the terminal."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_STDOUT = 1


@contextmanager
def silenced_output() -> Iterator[None]:
    """Drop what C code prints to standard output inside the block; Python's own output goes on after it."""
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept = os.dup(_STDOUT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDOUT)
        yield
        libc.fflush(None)
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)
        os.close(nowhere)
