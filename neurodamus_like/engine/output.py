"""What compiled code prints, kept off the terminal."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STDOUT, STDERR = 1, 2


@contextmanager
def silenced_output() -> Iterator[None]:
    """Drop what C code prints to standard output inside the block; Python's own output goes on after it."""
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept = os.dup(STDOUT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDOUT)
        yield
        libc.fflush(None)
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)
        os.close(nowhere)


def caught_output(function: Callable[[], object], stream: int = STDOUT) -> str:
    """Call a function and return what C code writes to standard output, or to `stream`, meanwhile."""
    libc = ctypes.CDLL(None)
    sys.stdout.flush()
    sys.stderr.flush()
    libc.fflush(None)
    kept = os.dup(stream)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), stream)
        try:
            function()
            libc.fflush(None)
        finally:
            os.dup2(kept, stream)
            os.close(kept)
        caught.seek(0)
        return caught.read().decode(errors="replace")
