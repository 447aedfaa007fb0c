"""How long this rank computes in CoreNEURON, without waiting for others (``core/cpp/exchange_clock.cpp``).

NEURON tells this itself (``ParallelContext.step_time``); CoreNEURON does not, and the processor time of a block tells
nothing either, because ranks that wait are busy. So the few functions through which ranks exchange anything are
replaced by ones that look at the clock.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

from neurodamus_like.engine import nrn
from neurodamus_like.engine.bulk_build import build_helper
from neurodamus_like.exceptions import MechanismError
from neurodamus_like.logs import get_logger
from neurodamus_like.parallel.mpi import world

logger = get_logger(__name__)

_LIBRARY_NAME = "_Z19corenrn_mpi_libraryB5cxx11"
"""NEURON's variable with the name of CoreNEURON's library for this MPI: a C++ string, the address of its text first."""

_ASSIGN = "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE6assignEPKc"
"""``std::string::assign(const char*)``."""


def begin_block() -> None:
    """Measure the block of time that CoreNEURON simulates next; on one rank, nothing is measured."""
    path = _installed()
    if path is not None and _in_use(path):
        _clock(path).xc_begin_block()


def computing_s() -> float | None:
    """Return for how long this rank has computed in CoreNEURON so far.

    Processor time, in seconds, from the begin of each block to its last spike exchange, without all exchanges between
    ranks. None where it is not measured: on one rank, and where the measuring part cannot be compiled.
    """
    path = _installed()
    return float(_clock(path).xc_computing_s()) if path is not None and _in_use(path) else None


@cache
def _installed() -> Path | None:
    """Have CoreNEURON load the measuring library, once, before it loads the one that this stands for."""
    if world().size == 1:
        return None
    try:
        return _install()
    except (MechanismError, AttributeError, ValueError) as error:
        logger.info("how long ranks compute in CoreNEURON cannot be measured: %s", error)
        return None


def _install() -> Path:
    nrniv = ctypes.CDLL(str(Path(str(nrn.h.neuronhome())).parents[1] / "lib" / "libnrniv.so"))
    instead = ctypes.c_char_p.in_dll(nrniv, _LIBRARY_NAME).value
    if not instead:
        raise MechanismError("NEURON names no library of CoreNEURON for this MPI")
    path = build_helper("exchange_clock", linked=[Path(os.fsdecode(instead))])
    assign = getattr(nrniv, _ASSIGN)
    assign.argtypes, assign.restype = (ctypes.c_void_p, ctypes.c_char_p), ctypes.c_void_p
    assign(ctypes.addressof(ctypes.c_char_p.in_dll(nrniv, _LIBRARY_NAME)), os.fsencode(_plain(path)))
    return path


def _plain(path: Path) -> str:
    """Return a name that CoreNEURON's command line can take: the open folder gives the file another one."""
    name = str(path)
    if name.isascii() and not any(c.isspace() for c in name):
        return name
    return f"/proc/self/fd/{os.open(path.parent, os.O_RDONLY)}/{path.name}"


def _in_use(path: Path) -> bool:
    """Say whether CoreNEURON has loaded the library; it could not be loaded before CoreNEURON itself is."""
    try:
        ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return False
    return True


@cache
def _clock(path: Path) -> ctypes.CDLL:
    clock = ctypes.CDLL(str(path))
    clock.xc_computing_s.restype = ctypes.c_double
    return clock
