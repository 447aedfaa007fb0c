"""Cycles against memory: peak memory of building and simulating a model through files, for several numbers of cycles.

Usage: python -m tests.benchmarks.bench_cycles [--cycles=1,2,4,8] [--plot=FILE]

Measured on the yardstick circuit (100 cells, 200,000 synapses, 20 ms) on one rank, each number of cycles in a process
of its own; the first row keeps the model in memory. Memory is what a process has more than before the first cell. Exits
with 1 if a number of cycles changes the spikes, or if building in cycles takes more memory than promised.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.helpers import run_python
from tests.obi_data import link_obi_data

_CHILD = """
import json, sys, time
from neurodamus_like import Neurodamus, memory
config, folder, cycles = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = {"modelbuilding_steps": cycles, "build_model": True, "build_path": folder + "/model"} if cycles else {}
node = Neurodamus(config, output_path=folder, auto_init=False, progress=False, disable_reports=True,
                  simulator="CORENEURON", **options)
base, start = memory.rss_bytes(), time.perf_counter()
node.build()
built, peak_build = time.perf_counter(), memory.peak_rss_bytes()
summary = node.run()
end, peak = time.perf_counter(), memory.peak_rss_bytes()
print("RESULT" + json.dumps({"build_mb": (peak_build - base) / 2**20, "all_mb": (peak - base) / 2**20,
    "build_s": built - start, "run_s": end - built, "spikes": summary.spike_count}))
"""

_FIXED_MB = 60.0
"""What does not shrink with the cycles: templates, morphologies, tables of NEURON, buffers of CoreNEURON."""


def measure(config: Path, cycles: int) -> dict[str, Any]:
    """Run one number of cycles (0: no files) in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = run_python(["-c", _CHILD, str(config), folder, str(cycles)], 900)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    result: dict[str, Any] = json.loads(line[len("RESULT") :])
    return result


def plot(results: dict[int, dict[str, Any]], path: Path) -> None:
    """Draw peak memory against the number of cycles."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cycles = [n for n in results if n]
    figure, axes = pyplot.subplots(figsize=(5.5, 3.5), layout="constrained")
    axes.axhline(results[0]["all_mb"], color="0.6", ls=":", label="model in memory (direct mode)")
    axes.plot(cycles, [results[n]["build_mb"] for n in cycles], "o-", label="building")
    axes.plot(cycles, [results[n]["all_mb"] for n in cycles], "s--", label="building and simulating")
    first = results[cycles[0]]["build_mb"]
    axes.plot(cycles, [first / n for n in cycles], color="0.7", lw=1, label="1/N of building in one cycle")
    axes.set(
        xscale="log",
        xticks=cycles,
        xlabel="cycles N",
        ylabel="peak memory above the start (MB)",
        ylim=(0, 1.4 * results[0]["all_mb"]),
    )
    axes.set_xticks(cycles, [str(n) for n in cycles])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path)


def main(argv: list[str]) -> None:
    """Measure and print."""
    options = dict(argument.removeprefix("--").split("=") for argument in argv)
    cycles = [0, *(int(n) for n in options.get("cycles", "1,2,4,8").split(","))]
    with tempfile.TemporaryDirectory() as folder:
        config = link_obi_data(Path(folder)) / "big100" / "simulation_config.json"
        results = {n: measure(config, n) for n in cycles}
    print(
        f"{'cycles':>10}{'building, MB':>15}{'at all, MB':>13}{'building, s':>13}{'rest, s':>10}{'spikes':>8}"
    )
    for n, r in results.items():
        print(
            f"{n or 'in memory':>10}{r['build_mb']:>15.0f}{r['all_mb']:>13.0f}"
            f"{r['build_s']:>13.1f}{r['run_s']:>10.1f}{r['spikes']:>8}"
        )
    if "plot" in options:
        plot(results, Path(options["plot"]))
    whole = results[cycles[1]]["build_mb"] * cycles[1]
    too_much = [n for n in cycles[1:] if results[n]["build_mb"] > whole / n + _FIXED_MB]
    differing = [n for n in cycles if results[n]["spikes"] != 66]
    print(f"targets: {'all met' if not too_much and not differing else f'MISSED {too_much} {differing}'}")
    if too_much or differing:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
