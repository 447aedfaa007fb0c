"""The yardstick circuit (100 cells, 200,000 synapses, 20 ms): seconds and memory, beside the floor and the reference.

Usage: python -m tests.benchmarks.bench_big100 [--ranks=N]

Measured in this one run: our phases, and the integration of the same model driven by bare NEURON calls. The floors of
cells and synapses are in bench_cells and bench_synapses. The figures of the reference simulator come from
``oracles/benchmarks.json`` of the shared data. Exits with 1 if spikes differ from the reference or a target is missed.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.helpers import run_mpi, run_python
from tests.obi_data import SHARED, link_obi_data

_CHILD = """
import json, sys, time
from neurodamus_like import memory
from neurodamus_like.simulation.node import Node
from neurodamus_like.engine import nrn
rss0 = memory.rss_bytes()
start = time.perf_counter()
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False)
node.load_targets(); node.compute_load_balance()
node.create_cells(); rss_cells = memory.rss_bytes()
node.create_synapses(); node.enable_replay(); rss_edges = memory.rss_bytes()
node.finalize_synapses(); rss_synapses = memory.rss_bytes()
node.enable_stimulus(); node.enable_reports(); node.sim_init()
node.run_all()
total = time.perf_counter() - start
phases = {r.name: r.seconds_max for r in node.timer.summary(node.comm).rows}
summary = node.summary()
if node.comm.rank == 0:
    print("RESULT" + json.dumps({"phases": phases, "total": total, "spikes": summary.spike_count,
        "peak_mb": memory.peak_rss_bytes() / 2**20, "cells_mb": (rss_cells - rss0) / 2**20,
        "synapses_mb": (rss_synapses - rss_cells) / 2**20}))
"""

_SOLVE = """
import json, sys, time
from neurodamus_like.simulation.node import Node
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.run_loop import advance_in_blocks
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False, disable_reports=True)
node.load_targets(); node.compute_load_balance(); node.create_cells(); node.create_synapses()
node.enable_replay(); node.init()
tstop = node.simulation.run.tstop_ms
ours, bare = [], []
for repeat in range(5):
    nrn.h.finitialize(node.simulation.conditions.v_init_mV)
    t = time.process_time(); nrn.pc.psolve(tstop); bare.append(time.process_time() - t)
    nrn.h.finitialize(node.simulation.conditions.v_init_mV)
    t = time.process_time(); node.solve(); ours.append(time.process_time() - t)
t = time.process_time(); node.write_results(); output = time.process_time() - t
print("RESULT" + json.dumps({"ours": ours, "bare": bare, "output": output}))
"""


def _result(text: str) -> dict[str, Any]:
    line = next(line for line in text.splitlines() if line.startswith("RESULT"))
    result: dict[str, Any] = json.loads(line[len("RESULT") :])
    return result


def _run(code: str, config: Path, out: Path, ranks: int) -> dict[str, Any]:
    args = ["-c", code, str(config), str(out)]
    done = run_python(args, 900) if ranks == 1 else run_mpi(ranks, args, 900)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return _result(done.stdout)


def main(argv: list[str]) -> None:
    """Measure and print."""
    ranks = next((int(a.split("=")[1]) for a in argv if a.startswith("--ranks=")), 1)
    reference = json.loads((SHARED / "oracles" / "benchmarks.json").read_text())
    ref = reference["neurodamus_big100"]["neuron_1_rank_s" if ranks == 1 else "neuron_2_ranks_s"]
    with tempfile.TemporaryDirectory() as folder:
        obi = link_obi_data(Path(folder))
        config = obi / "big100" / "simulation_config.json"
        started = time.perf_counter()
        run = _run(_CHILD, config, Path(folder) / "out", ranks)
        wall = time.perf_counter() - started
        solve = _run(_SOLVE, config, Path(folder) / "out2", 1)
    phases = run["phases"]
    print(f"big100 on {ranks} rank(s): {run['spikes']} spikes (reference 66)")
    print(f"{'':28}{'ours':>10}{'reference':>12}")
    create = phases.get("edges", 0) + phases.get("replay", 0) + phases.get("synapses", 0)
    ref_create = sum(
        ref.get(k, 0)
        for k in (
            "read_synapses",
            "replay_setup",
            "instantiate",
            "instantiate_recurrent",
            "instantiate_projections_and_replay",
        )
    )
    rows = [
        ("cells, s", phases["cells"], ref["cells"]),
        ("synapses, read + create, s", create, ref_create),
        ("initialise, s", phases["initialise"], ref.get("finalize_stdinit", float("nan"))),
        ("solve 20 ms, s", phases["solve"], ref["solve_20ms"]),
        ("whole process, s", wall, ref["total_wall"]),
        ("peak memory, MB", run["peak_mb"], ref.get("peak_rss_mb", ref.get("peak_rss_mb_per_rank"))),
        ("per cell, ms", 1e3 * phases["cells"] / 100 * ranks, 180.0),
        ("per synapse, us", 1e6 * create / 200_000 * ranks, 154.0),
        ("per synapse, B", 2**20 * run["synapses_mb"] / 200_000 * ranks, 2600.0),
    ]
    for name, ours, theirs in rows:
        print(f"{name:28}{ours:>10.2f}{theirs:>12.2f}")
    bare, ours = statistics.median(solve["bare"]), statistics.median(solve["ours"])
    added = statistics.median(o / b for o, b in zip(solve["ours"], solve["bare"], strict=True)) - 1
    added += solve["output"] / bare
    print(
        f"solve, cpu s: bare psolve {bare:.2f}, our run loop {ours:.2f} (with spike output {100 * added:+.1f} %, "
        f"median of {len(solve['ours'])} pairs)"
    )
    missed = [
        name
        for name, met in (
            ("66 spikes", run["spikes"] == 66),
            ("half the reference's time", wall < 0.5 * ref["total_wall"]),
            ("the reference's memory", run["peak_mb"] <= rows[5][2]),
            ("25 ms per cell", rows[6][1] <= 25.0),
            ("2 % on top of bare NEURON", added < 0.02),
        )
        if not met
    ]
    print("targets: " + ("all met" if not missed else "MISSED " + ", ".join(missed)))
    if missed:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
