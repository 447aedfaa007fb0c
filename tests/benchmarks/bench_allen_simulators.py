"""NEURON against CoreNEURON on whole models of the Allen Institute: processor seconds of solving, the same spikes.

Usage: python -m tests.benchmarks.bench_allen_simulators [--repeat=N]

Both models run in turns as they are, 3 s with their reports; medians of N (default 3) repetitions. Needs ../shared
beside the checkout, and BMTK's MOD files (NEURODAMUS_LIKE_PEER_PYTHON). Exits with 1 if spikes differ.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.allen_data import allen_core_library, copy_case
from tests.helpers import run_python

CASES = {"bio_14cells": "config.simulation_short.json", "9_cells": "config.json"}
_CHILD = """
import hashlib, sys, time
from pathlib import Path
from neurodamus_like.simulation.node import Neurodamus
config, out, simulator, library = sys.argv[1:5]
model = Neurodamus(config, simulator=simulator, nrnmech=library, output_path=out, progress=False)
cpu = time.process_time()
model.solve()
cpu = time.process_time() - cpu
model.write_results()
print("RESULT", cpu, hashlib.md5((Path(out) / "spikes.h5").read_bytes()).hexdigest())
"""


def main(arguments: list[str]) -> None:
    """Run both models on both simulators and print a table."""
    repeat = int(dict(a.lstrip("-").partition("=")[::2] for a in arguments).get("repeat", 3))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "library").mkdir()
        library = allen_core_library(folder / "library")
        for case, name in CASES.items():
            config = copy_case(case, folder) / name
            seconds: dict[str, list[float]] = {"NEURON": [], "CORENEURON": []}
            spikes = set()
            for simulator, times in list(seconds.items()) * repeat:
                done = run_python(
                    ["-c", _CHILD, str(config), str(folder / simulator), simulator, str(library)], 600
                )
                found = next((x for x in done.stdout.splitlines() if x.startswith("RESULT")), None)
                if found is None:
                    raise SystemExit(done.stdout + done.stderr)
                times.append(float(found.split()[1]))
                spikes.add(found.split()[2])
            slow, fast = (statistics.median(times) for times in seconds.values())
            print(f"{case}: NEURON {slow:.2f} s, CoreNEURON {fast:.2f} s, {slow / fast:.1f} times as fast")
            if len(spikes) != 1:
                raise SystemExit(f"{case}: the simulators give different spikes")


if __name__ == "__main__":
    main(sys.argv[1:])
