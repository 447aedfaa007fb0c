"""What a field of electrodes costs per cell and time step, beside the same field set from Python as BMTK does it.

Usage: python -m tests.benchmarks.bench_potentials [--cells=N] [--steps=N] [--repeats=N]

Cells have 101 compartments with the mechanism ``extracellular`` in all three cases, in one process: without a field,
set by Python after each step (one HOC vector per cell, scattered to its compartments), and driven in compiled code.
The medians of the differences of processor time are shown. BMTK itself costs 1.2 ms per cell and step (NEURON 8.2).
"""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Any

import numpy as np

from neurodamus_like.engine import mechanisms, nrn
from neurodamus_like.engine.extracellular_drive import ExtracellularDrive
from neurodamus_like.stimuli.potential_waves import SineWave

N_SEGMENTS = 101
WAVE = SineWave(0.1, 0.0, 1e9, 8.0)


def build(n_cells: int) -> list[list[Any]]:
    """Return the sections of passive cells."""
    cells = []
    for number in range(n_cells):
        section = nrn.h.Section(name=f"cell{number}")
        section.L, section.diam, section.nseg = 1000, 2, N_SEGMENTS
        section.insert("pas")
        section.insert("extracellular")
        cells.append([section])
    return cells


def in_python(cells: list[list[Any]], rows: Any) -> Any:
    """Return a function that sets the potentials of all cells after a step."""
    vectors = []
    for (section,), row in zip(cells, rows, strict=True):
        pointers = nrn.h.PtrVector(N_SEGMENTS)
        for k, segment in enumerate(section):
            pointers.pset(k, segment._ref_e_extracellular)
        vectors.append((pointers, row))

    def apply(step: int) -> None:
        for pointers, row in vectors:
            amplitude = WAVE.at(step * nrn.h.dt)
            pointers.scatter(nrn.h.Vector(amplitude * row))

    return apply


def timed(steps: int, after_step: Any = None) -> float:
    """Return the seconds of processor time that some steps take."""
    nrn.h.finitialize(-70)
    begin = time.process_time()
    if after_step is None:
        nrn.advance(steps * nrn.h.dt)
    else:
        for step in range(steps):
            nrn.advance_one_step()
            after_step(step + 1)
    return time.process_time() - begin


def option(name: str, default: int) -> int:
    given = [a.partition("=")[2] for a in sys.argv[1:] if a.startswith(f"--{name}=")]
    return int(given[0]) if given else default


def main() -> None:
    """Measure and print."""
    n_cells, steps, repeats = option("cells", 50), option("steps", 1000), option("repeats", 5)
    mechanisms.load_library(mechanisms.build_mechanisms([]))
    nrn.h.dt = 0.1
    nrn.pc.set_maxstep(10)
    cells = build(n_cells)
    rows = np.random.default_rng(1).normal(size=(n_cells, N_SEGMENTS))
    apply = in_python(cells, rows)
    bare, python = [], []
    for _ in range(repeats):
        bare.append(timed(steps))
        python.append(timed(steps, apply))
    drive = ExtracellularDrive()
    drive.add_field(list(enumerate(cells)), [WAVE.source(rows.reshape(1, -1))])
    compiled = [timed(steps) for _ in range(repeats)]
    per_us = 1e6 / (n_cells * steps)
    cost = {
        name: (median(t) - median(bare)) * per_us for name, t in (("python", python), ("compiled", compiled))
    }
    print(f"{n_cells} cells x {N_SEGMENTS} compartments x {steps} steps, us per cell and step:")
    print(f"  the step itself         {median(bare) * per_us:8.2f}")
    print(f"  field set from Python   {cost['python']:8.2f}")
    print(
        f"  field in compiled code  {cost['compiled']:8.3f}   ({cost['python'] / cost['compiled']:.0f} times less)"
    )


if __name__ == "__main__":
    main()
