"""Memory of this process: resident size now, at its peak, and giving freed memory back to the system."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys

import psutil

_STATM = "/proc/self/statm"
_STATUS = "/proc/self/status"


def rss_bytes() -> int:
    """Return the resident set size of this process in bytes."""
    try:
        with open(_STATM, "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return int(psutil.Process().memory_info().rss)


def peak_rss_bytes() -> int:
    """Return the largest resident set size this process ever had, in bytes."""
    try:
        with open(_STATUS, "rb") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(b"VmHWM:"))
    except (OSError, StopIteration):
        pass
    # on Linux this would begin with the size of the process that started this one
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def available_bytes() -> int:
    """Return the memory that this machine can still give without swapping, in bytes."""
    return int(psutil.virtual_memory().available)


def trim(*, collect: bool = True) -> int:
    """Give freed heap memory back to the system (``malloc_trim`` of glibc; elsewhere only a collection).

    Parameters
    ----------
    collect
        Run Python's garbage collector first.

    Returns
    -------
    int
        By how many bytes the resident set shrank (0 if it did not).
    """
    before = rss_bytes()
    if collect:
        gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return max(0, before - rss_bytes())
    return max(0, before - rss_bytes())


def format_bytes(count: float) -> str:
    """Return a byte count for people, in powers of 1024: ``format_bytes(822e6) == '783.9 MiB'``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
