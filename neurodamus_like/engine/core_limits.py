"""What CoreNEURON leaves out or dies of, without an error that could be caught: found before the built model runs."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from neurodamus_like.engine import nrn
from neurodamus_like.engine.output import STDERR, caught_output
from neurodamus_like.exceptions import SimulationError

_EVENTS_LEFT_OUT = {
    "HocEvent": "calls of interpreted code at given times (CVode.event), which would not happen",
    "VecPlayStep": "vectors played without interpolation (Vector.play without its continuous flag)",
    "PlayRecord": "variables recorded at intervals (Vector.record with a time step), which would give one value",
}
"""Kind of a queued event -> what it means; ``PlayRecord`` is what NEURON calls recording at intervals."""


def refuse_what_would_be_left_out() -> None:
    """Look through the initialised model for what CoreNEURON does not simulate.

    Raises
    ------
    SimulationError
        With all that was found.
    """
    found = [*_of_the_membrane(), *_of_the_solver(), *_of_the_queue(), *_of_recordings()]
    if found:
        raise SimulationError(
            "CoreNEURON cannot simulate this model: " + "; ".join(found),
            hint='leave it out, or simulate with NEURON ("target_simulator": "NEURON")',
        )


def _of_the_membrane() -> Iterator[str]:
    sections = [section for section in nrn.h.allsec() if nrn.h.ismembrane("extracellular", sec=section)]
    if sections:
        yield f"the mechanism extracellular, in {len(sections)} sections such as {sections[0].name()}"


def _of_the_solver() -> Iterator[str]:
    nrniv = _nrniv()
    if nrn.h.cvode.active():
        yield "variable time steps (CVode)"
    if ctypes.c_void_p.in_dll(nrniv, "nrn_multisplit_setup_").value:
        yield "cells split over ranks (multisplit), whose voltages would be wrong"
    no_equations = nrniv._Z20nrndae_list_is_emptyv
    no_equations.restype = ctypes.c_bool
    if not no_equations():
        yield "equations besides the cables (LinearMechanism)"


def _nrniv() -> ctypes.CDLL:
    return ctypes.CDLL(str(Path(str(nrn.h.neuronhome())).parents[1] / "lib" / "libnrniv.so"))


def _of_recordings() -> Iterator[str]:
    """Have NEURON make the list of recorded variables for CoreNEURON, as it will: it says what it leaves out."""
    numbers, pointers = (ctypes.c_int * 3)(), (ctypes.c_void_p * 5)()
    size, requests, variables = (ctypes.byref(numbers, i * ctypes.sizeof(ctypes.c_int)) for i in range(3))
    vectors, *columns = (ctypes.byref(pointers, i * ctypes.sizeof(ctypes.c_void_p)) for i in range(5))
    make = _nrniv().nrnthread_get_trajectory_requests
    said = caught_output(lambda: make(0, size, requests, vectors, variables, *columns), STDERR)
    count = said.count("ignored because not a Range Variable")
    if count:
        yield (
            f"{count} recorded variables that do not belong to a section or a mechanism (Vector.record of a weight of "
            "a NetCon, of a global variable or of the diameter), whose vectors would have a wrong length: read "
            "what does not change once, or change and note it between blocks of time"
        )


def _of_the_queue() -> Iterator[str]:
    counts = Counter(kind for line in _queued_events() for kind in [_kind(line)] if kind)
    for kind, meaning in _EVENTS_LEFT_OUT.items():
        if counts[kind]:
            yield f"{counts[kind]} {meaning}"


def _kind(line: str) -> str | None:
    words = line.split()
    if words[:1] == ["HocEvent"]:
        return "HocEvent"
    if words[:1] == ["PlayRecordEvent"] and len(words) > 2 and words[2] in _EVENTS_LEFT_OUT:
        return words[2]
    return None


def _queued_events() -> list[str]:
    """Return what NEURON prints of each event in its queue; it tells their kinds in no other way."""
    times = nrn.h.Vector()
    nrn.h.cvode.print_event_queue(times)
    if not times.size():
        return []
    return caught_output(nrn.h.cvode.print_event_queue).splitlines()
