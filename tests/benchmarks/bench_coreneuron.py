"""NEURON against CoreNEURON on the yardstick circuit: time and memory, with and without vector instructions, recording.

Usage: python -m tests.benchmarks.bench_coreneuron [--repeats=N]

All variants run in turns, so that a busy machine slows all of them; the table has medians. Times of solving are
processor time. The last rows add a report of all compartments every 0.1 ms. Exits with 1 if spikes differ or a
target is missed.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from neurodamus_like.engine.mech_build import build_mechanisms
from tests.helpers import run_python
from tests.obi_data import SHARED, link_obi_data

_CHILD = """
import hashlib, json, sys, time
from pathlib import Path
from neurodamus_like import memory
from neurodamus_like.simulation.node import Neurodamus
config, out, simulator, library = sys.argv[1:5]
model = Neurodamus(config, simulator=simulator, nrnmech=library, output_path=out, progress=False)
built = memory.rss_bytes()
cpu, wall = time.process_time(), time.perf_counter()
model.solve()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
model.write_results()
print("RESULT" + json.dumps({"solve": cpu, "solve_wall": wall, "peak": memory.peak_rss_bytes() / 2**20,
    "built": built / 2**20, "spikes": hashlib.md5((Path(out) / "out.h5").read_bytes()).hexdigest(),
    "count": model.summary().spike_count}))
"""

VARIANTS = {
    "NEURON": ("NEURON", "vector", "config"),
    "CoreNEURON, -O2": ("CORENEURON", "plain", "config"),
    "CoreNEURON, vector flags": ("CORENEURON", "vector", "config"),
    "NEURON, all compartments": ("NEURON", "vector", "recorded"),
    "CoreNEURON, all compartments": ("CORENEURON", "vector", "recorded"),
}
"""Name -> simulator, library, configuration."""


def _libraries(folder: Path) -> dict[str, Path]:
    """Put both libraries of both sets of flags beside each other, as --nrnmech wants them."""
    found = {}
    for name, flags in (("plain", {"core_flags": ""}), ("vector", {})):
        library = build_mechanisms([], coreneuron=True, **flags)
        (folder / name).mkdir()
        assert library.corenrnmech is not None
        for file in (library.nrnmech, library.corenrnmech):
            shutil.copy(file, folder / name)
        found[name] = folder / name / library.nrnmech.name
    return found


def _configurations(config: Path, folder: Path) -> dict[str, Path]:
    document = json.loads(config.read_text())
    everything = {"type": "compartment", "variable_name": "v", "sections": "all", "compartments": "all"}
    document["reports"] = {
        "all": {
            **{**everything, "cells": document["node_set"], "dt": 0.1},
            **{"start_time": 0, "end_time": document["run"]["tstop"]},
        }
    }
    recorded = config.with_name("recorded.json")
    recorded.write_text(json.dumps(document))
    return {"config": config, "recorded": recorded}


def _run(config: Path, out: Path, simulator: str, library: Path) -> dict[str, Any]:
    started = time.perf_counter()
    done = run_python(["-c", _CHILD, str(config), str(out), simulator, str(library)], 900)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    result: dict[str, Any] = json.loads(line[len("RESULT") :])
    return {**result, "wall": time.perf_counter() - started}


def _measure(repeats: int) -> dict[str, list[dict[str, Any]]]:
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = link_obi_data(folder / "obi") / "big100" / "simulation_config.json"
        libraries, configs = _libraries(folder), _configurations(config, folder)
        for _ in range(repeats):
            for variant, (simulator, library, which) in VARIANTS.items():
                runs[variant].append(_run(configs[which], folder / "out", simulator, libraries[library]))
    return runs


def main(argv: list[str]) -> None:
    """Measure and print."""
    repeats = next((int(a.split("=")[1]) for a in argv if a.startswith("--repeats=")), 3)
    runs = _measure(repeats)
    reference = json.loads((SHARED / "oracles" / "benchmarks.json").read_text())["neurodamus_big100"]
    median = {
        name: {key: statistics.median(r[key] for r in results) for key in ("solve", "wall", "peak", "built")}
        for name, results in runs.items()
    }
    base = median["NEURON"]["solve"]
    print(f"{'big100, 1 rank, 20 ms':32}{'solve, cpu s':>14}{'ratio':>8}{'process, s':>12}{'peak, MB':>10}")
    for name, m in median.items():
        print(f"{name:32}{m['solve']:>14.2f}{base / m['solve']:>8.2f}{m['wall']:>12.1f}{m['peak']:>10.0f}")
    for name, label in (("neuron_1_rank_s", "NEURON"), ("coreneuron_1_rank_s", "CoreNEURON")):
        r = reference[name]
        print(
            f"{'reference, ' + label:32}{r['solve_20ms']:>14.2f}{'':8}{r['total_wall']:>12.1f}{r['peak_rss_mb']:>10}"
        )
    core, vector = median["CoreNEURON, vector flags"], median["CoreNEURON, all compartments"]
    print(f"recording all compartments in CoreNEURON: {100 * (vector['solve'] / core['solve'] - 1):+.1f} %")
    missed = [
        name
        for name, met in (
            ("the same 66 spikes", len({r["spikes"] for results in runs.values() for r in results}) == 1),
            ("66 spikes", runs["NEURON"][0]["count"] == 66),
            ("12 s in all", core["wall"] < 12),
            ("5 s of solving", core["solve"] < 5),
            ("recording below 15 %", vector["solve"] < 1.15 * core["solve"]),
        )
        if not met
    ]
    print("targets: " + ("all met" if not missed else "MISSED " + ", ".join(missed)))
    if missed:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
