"""What one instance of a mechanism costs per time step in NEURON, measured in a process of its own.

``python -m neurodamus_like.engine.mech_timing LIBRARY NAME...`` prints one JSON line for each measurement. A
mechanism that ends the process (some do without their random streams) ends this process only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time_ns
from typing import Any

from neurodamus_like.engine import nrn
from neurodamus_like.engine.nrn import h, pc

SECTIONS, SEGMENTS = 400, 3
"""Size of the model that mechanisms are inserted in: branched like a few cells, and with about as many data."""

INSTANCES = SECTIONS * SEGMENTS

STEPS, REPEATS = 40, 5
"""Time steps of one measurement; how many are made (the fastest counts)."""

CELSIUS, DT_MS, V_INIT_MV = 34.0, 0.025, -80.0

COMPARTMENT, JUNCTION = "compartment", "junction"
"""Names under which the costs of a segment, and of the node without area at the end of a section, are reported."""


def measure(names: Sequence[str]) -> None:
    """Print a JSON line with name, nanoseconds per instance and step, and ions, for each mechanism.

    Before it tries a mechanism it prints a line that only names it. The first two lines are those of
    :data:`COMPARTMENT` and :data:`JUNCTION`. ``ns`` is null where a mechanism cannot be created.
    """
    h.celsius, h.dt = CELSIUS, DT_MS
    segment, end = _measure_tree()
    _print(COMPARTMENT, segment)
    _print(JUNCTION, end)
    bare, _ = _step_with(None)
    ions: dict[str, float] = {}
    for name in names:
        print(json.dumps({"begin": name}), flush=True)
        try:
            total, found = _step_with(name)
        except (RuntimeError, AttributeError, TypeError):
            _print(name, None)
            continue
        for ion in sorted(found - ions.keys()):
            ions[ion] = max((_step_with(ion)[0] - bare) / INSTANCES, 0.0)
            _print(ion, ions[ion])
        _print(name, (total - bare) / INSTANCES - sum(ions[ion] for ion in found), found)


def _print(name: str, ns: float | None, ions: set[str] | None = None) -> None:
    value = None if ns is None else max(round(ns, 3), 0.0)
    print(json.dumps({"name": name, "ns": value, "ions": sorted(ions or ())}), flush=True)


def _tree(sections: int, segments: int) -> list[Any]:
    made: list[Any] = []
    for index in range(sections):
        section = h.Section(name=f"s{index}")
        section.nseg, section.L, section.diam = segments, 10.0 * segments, 1.0
        if made:
            section.connect(made[(index - 1) // 2](1))
        made.append(section)
    return made


def _measure_tree() -> tuple[float, float]:
    """Return the costs of a segment and of a section's end."""
    short, long = (_step_of(_tree(SECTIONS, segments)) for segments in (1, SEGMENTS))
    segment = (long - short) / (SECTIONS * (SEGMENTS - 1))
    return segment, short / SECTIONS - segment


def _step_of(sections: list[Any]) -> float:
    return _step_ns() if sections else 0.0


def _step_with(name: str | None) -> tuple[float, set[str]]:
    """Return the time of a step of the model with one instance of a mechanism per segment, and its ions."""
    sections, made = _tree(SECTIONS, SEGMENTS), []
    if name in _density_names():
        for section in sections:
            section.insert(name)
    elif name is not None:
        constructor: Callable[[Any], Any] = getattr(h, name)
        made = [constructor(segment) for section in sections for segment in section]
    ions = {ion for ion in _density_names() if ion.endswith("_ion") and sections[0].has_membrane(ion)} - {
        name
    }
    step = _step_ns()
    del made
    return step, ions


def _density_names() -> set[str]:
    table, names, text = h.MechanismType(0), set(), h.ref("")
    for index in range(int(table.count())):
        table.select(index)
        table.selected(text)
        names.add(str(text[0]))
    return names


def _step_ns() -> float:
    h.finitialize(V_INIT_MV)
    pc.set_maxstep(10)
    pc.psolve(h.t + 2 * DT_MS)
    best = float("inf")
    for _ in range(REPEATS):
        begin = process_time_ns()
        pc.psolve(h.t + STEPS * DT_MS)
        best = min(best, float(process_time_ns() - begin))
    return best / STEPS


if __name__ == "__main__":
    if sys.argv[1]:
        nrn.load_mechanism_library(Path(sys.argv[1]))
    measure(sys.argv[2:])
