"""Load balance: efficiency on skewed cells, predicted against measured cost of ranks, what the balance costs, scaling.

Usage: python -m tests.benchmarks.bench_load_balance [--plot=PNG] [--quick]

Shares of ranks are measured one after another in processes of their own, so that ranks do not disturb each other.
Exits with 1 if a target is missed: efficiency 0.98 with 8 cells per rank, shares within 5 %, the balance below 5 % of
building the model.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.config.dialect import load_simulation
from neurodamus_like.distribution.assignment import Assignment, deal, share
from neurodamus_like.distribution.pieces import share_in_pieces
from neurodamus_like.distribution.splitting import SectionTree
from neurodamus_like.parallel.partition import efficiency, partition_lpt, rank_loads
from neurodamus_like.plotting.backend import create_figure
from neurodamus_like.plotting.balance import plot_balance
from tests.helpers import run_python
from tests.obi_data import SHARED, link_obi_data

EFFICIENCY, SHARE_ERROR, COST = 0.98, 0.05, 0.05
RANKS = [2**k for k in range(1, 13)]

_COSTS = """
import json, sys, tempfile, time
from pathlib import Path
import numpy as np
from neurodamus_like.distribution import prototypes
from neurodamus_like.distribution.assignment import population_cells, share
from neurodamus_like.distribution.complexity import compute_costs
from neurodamus_like.distribution.mechanism_costs import load_costs
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.node import Node
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False)
cells = population_cells(node.simulation, node.load_targets())
library = nrn.loaded_libraries()[-1]
times = {}
def timed(name, function, clock=time.process_time):
    begin = clock(); result = function(); times[name] = clock() - begin
    return result
empty = Path(tempfile.mkdtemp())
from neurodamus_like.simulation.preparation import model_mechanisms
names = model_mechanisms(node.simulation, node._target)
timed("measure mechanisms, once per library", lambda: load_costs(names, library, cache_dir=empty),
    time.perf_counter)
costs = load_costs(names, library)
kept, prototypes.default_cache_dir = prototypes.default_cache_dir, lambda: empty
timed("costs of cells, first time", lambda: compute_costs(node.simulation, cells, costs, node.comm))
found = timed("costs of cells, again", lambda: compute_costs(node.simulation, cells, costs, node.comm))
prototypes.default_cache_dir = kept
ns = {c.population: c.ns for c in found}
parts = {}
shared = timed("partition", lambda: share(ns, cells, 2))
together = np.concatenate(list(ns.values()))
dear = {n: (v > np.median(together)).astype(int) for n, v in ns.items()}
for mode, owners in (("WholeCell", shared.owners), ("cheap and dear cells", dear)):
    parts[mode] = [
        [{n: cells[n][owners[n] == r].tolist() for n in cells},
         float(sum(ns[n][owners[n] == r].sum() for n in cells))] for r in range(2)]
begin = time.process_time()
node.compute_load_balance(); node.create_cells(); node.create_synapses(); node.enable_replay(); node.init()
times["building the model"] = time.process_time() - begin
print("RESULT" + json.dumps({"times": times, "parts": parts,
    "ns": {n: v.tolist() for n, v in ns.items()}, "ids": {n: v.tolist() for n, v in cells.items()}}))
"""

_STEP = """
import json, sys, time
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.node import Node
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False, disable_reports=True)
node.load_targets(); node.compute_load_balance(); node.create_cells(); node.create_synapses()
node.enable_replay(); node.init()
run, best = node.simulation.run, float("inf")
for repeat in range(3):
    nrn.h.finitialize(node.simulation.conditions.v_init_mV)
    begin = time.process_time(); nrn.pc.psolve(run.tstop_ms); best = min(best, time.process_time() - begin)
print("RESULT" + json.dumps(best * 1e9 * run.dt_ms / run.tstop_ms))
"""

_CORE_STEP = """
import json, sys, time
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.node import Node
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False, disable_reports=True, simulator="CORENEURON")
node.load_targets(); node.compute_load_balance(); node.create_cells(); node.create_synapses()
node.enable_replay(); node.init()
run, best = node.simulation.run, {}
def block(ms):
    begin = time.process_time(); node.engine.advance(nrn.now_ms() + ms)
    best[ms] = min(best.get(ms, float("inf")), time.process_time() - begin)
for repeat in range(3):
    nrn.h.finitialize(node.simulation.conditions.v_init_mV)
    block(1.0); block(run.tstop_ms - 1.0)
steps = (run.tstop_ms - 2.0) / run.dt_ms
print("RESULT" + json.dumps((best[run.tstop_ms - 1.0] - best[1.0]) * 1e9 / steps))
"""
"""A long block less a short one: what copying the model costs is in both."""


def main(argv: list[str]) -> None:
    """Measure and print everything; with `--quick` the small circuit only."""
    plot = next((Path(a.partition("=")[2]) for a in argv if a.startswith("--plot=")), None)
    missed = skewed(plot)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        circuits = {"demo, 120 cells": write_demo_circuit(folder / "demo", n_cells=120, tstop_ms=20.0)}
        if SHARED.is_dir() and "--quick" not in argv:
            obi = link_obi_data(folder / "obi")
            circuits["big100"] = obi / "big100/simulation_config.json"
        for title, config in circuits.items():
            missed += shares(title, config, folder)
        scaling(title, config, folder, (1, 2, 4), (8, 16, 32, 64))
        weak_scaling(folder, 30, (1, 2, 4), (8, 16, 32, 64))
    for line in missed:
        print("MISSED:", line)
    sys.exit(bool(missed))


def skewed(plot: Path | None) -> list[str]:
    """Print efficiencies of cells with lognormal costs, 8 per rank, none above a rank's share; draw them."""
    print("\n8 cells per rank, lognormal costs (sigma 0.7, cut at 6 times the mean): average / maximum\n")
    print("| ranks | RoundRobin | LPT | WholeCell |\n|---|---|---|---|")
    found: dict[str, list[float]] = {"RoundRobin": [], "LPT": [], "WholeCell": []}
    for ranks in RANKS:
        ns = np.random.default_rng(ranks).lognormal(0, 0.7, 8 * ranks)
        ns = np.minimum(ns, 6 * ns.mean())
        cells = {"A": np.arange(ns.size)}
        loads = rank_loads(ns, deal(cells, ranks).owners["A"], ranks)
        best = share({"A": ns}, cells, ranks).efficiency
        for mode, value in zip(
            found,
            (efficiency(loads), efficiency(rank_loads(ns, partition_lpt(ns, ranks), ranks)), best),
            strict=True,
        ):
            found[mode].append(float(value or 0))
        print(f"| {ranks} | " + " | ".join(f"{values[-1]:.3f}" for values in found.values()) + " |")
    giant()
    if plot is not None:
        figure = create_figure(6.0, 3.6)
        plot_balance(RANKS, found, figure.add_subplot()).set_title("8 cells per rank, lognormal costs")
        plot.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(plot, dpi=120)
    return [
        f"efficiency {e:.3f} on {r} ranks"
        for r, e in zip(RANKS, found["WholeCell"], strict=True)
        if e < EFFICIENCY
    ]


def giant() -> None:
    """Print efficiencies where one cell of 20 is as large as all others together."""
    rng = np.random.default_rng(0)
    parents = np.array([-1, *(rng.integers(max(0, i - 6), i) for i in range(1, 200))])
    tree = SectionTree(parents, rng.uniform(0.5, 1.5, 200), np.arange(200) > 0)
    ns = np.append(rng.lognormal(0, 0.5, 19), 0.0)
    ns[-1] = ns.sum()
    tree = SectionTree(parents, tree.ns * ns[-1] / tree.ns.sum(), tree.cuttable)
    cells = {"A": np.arange(20)}
    print("\n20 cells, the largest (200 sections) as large as all others together\n")
    print("| ranks | WholeCell | MultiSplit | split cells |\n|---|---|---|---|")
    for ranks in (2, 4, 8, 16):
        whole = share({"A": ns}, cells, ranks).efficiency
        split, _ = share_in_pieces(
            {"A": ns}, cells, ranks, lambda _, node_id: tree if node_id == 19 else None
        )
        print(f"| {ranks} | {whole:.3f} | {split.efficiency:.3f} | {split.split_count} |")


def shares(title: str, config: Path, folder: Path) -> list[str]:
    """Print predicted and measured shares of two ranks, and what the balance costs."""
    costs = _child(_COSTS, config, folder / "out")
    print(f"\n{title}: shares of 2 ranks, each measured alone\n")
    print(
        "| simulator | mode | rank | cells | predicted ms/step | measured | predicted share | measured | difference |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    missed = []
    for mode, parts in costs["parts"].items():
        predicted = np.array([ns for _, ns in parts])
        for engine, code in (("NEURON", _STEP), ("CoreNEURON", _CORE_STEP)):
            measured = np.array([_child(code, _part(config, cells), folder / "out") for cells, _ in parts])
            found, expected = measured / measured.sum(), predicted / predicted.sum()
            for rank, (cells, _) in enumerate(parts):
                error = found[rank] / expected[rank] - 1
                count = sum(len(ids) for ids in cells.values())
                print(
                    f"| {engine} | {mode} | {rank} | {count} | {predicted[rank] * 1e-6:.3f} | "
                    f"{measured[rank] * 1e-6:.3f} | {expected[rank]:.3f} | {found[rank]:.3f} | {100 * error:+.1f} % |"
                )
                if abs(error) > SHARE_ERROR:
                    missed.append(f"{title}, {engine}, {mode}: shares differ by {100 * error:.1f} %")
    times = costs["times"]
    print(f"\n{title}: CPU seconds (of the measurement, which is another process: wall)\n")
    print("| | s | of building |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.3f} | {100 * seconds / times['building the model']:.1f} % |")
    spent = times["costs of cells, first time"] + times["partition"]
    if spent > COST * times["building the model"]:
        missed.append(f"{title}: the balance costs {spent:.2f} s")
    return missed


def scaling(
    title: str, config: Path, folder: Path, measured: Sequence[int], predicted: Sequence[int]
) -> None:
    """Print the time of the slowest rank: shares measured one after another, and predictions beyond."""
    print(f"\n{title}: strong scaling, WholeCell; shares measured one after another\n")
    print("| ranks | slowest rank, ms/step | speed-up | average / maximum | predicted average / maximum |")
    print("|---|---|---|---|---|")
    ns, ids = _cell_costs(config, folder)
    one = 0.0
    for ranks in measured:
        steps, made = _measure_shares(config, folder, ranks, ns, ids)
        one = one or steps.max()
        print(
            f"| {ranks} | {steps.max():.3f} | {one / steps.max():.2f} | {efficiency(steps):.3f} | "
            f"{made.efficiency or 0:.3f} |"
        )
    for ranks in predicted:
        reached = share(ns, ids, ranks).efficiency or 0.0
        print(f"| {ranks} | | {ranks * reached:.1f} (predicted) | | {reached:.3f} |")


def weak_scaling(
    folder: Path, cells_per_rank: int, measured: Sequence[int], predicted: Sequence[int]
) -> None:
    """Print the time of the slowest rank for demo circuits that grow with the ranks; for many ranks predicted only."""
    print(
        f"\ndemo, {cells_per_rank} cells per rank: weak scaling, WholeCell; shares measured one after another\n"
    )
    print(
        "| ranks | cells | synapses per cell | slowest rank, ms/step, predicted | measured | "
        "average / maximum, predicted | measured |\n|---|---|---|---|---|---|---|"
    )
    for size in (*measured, *predicted):
        count = cells_per_rank * size
        config = write_demo_circuit(folder / f"weak{size}", n_cells=count, tstop_ms=5.0)
        expected, found = _prediction(config, size), ("", "")
        if size in measured:
            ns, ids = _cell_costs(config, folder)
            steps, _ = _measure_shares(config, folder, size, ns, ids)
            found = f"{steps.max():.3f}", f"{efficiency(steps):.3f}"
        synapses = sum(e.size for e in load_simulation(config).circuit.edges.values())
        print(
            f"| {size} | {count} | {synapses / count:.0f} | {expected['step_ms']:.3f} | {found[0]} | "
            f"{expected['whole_cell']:.3f} | {found[1]} |"
        )


def _prediction(config: Path, ranks: int) -> dict[str, float]:
    """Return what `neurodamus-like balance` says."""
    words = ["-m", "neurodamus_like.cli.main", "balance", str(config), f"--ranks={ranks}", "--json"]
    done = run_python(words, 900)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    (found,) = json.loads(done.stdout)
    return dict(found)


def _cell_costs(config: Path, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    found = _child(_COSTS, config, folder / "out")
    return {n: np.array(v) for n, v in found["ns"].items()}, {n: np.array(v) for n, v in found["ids"].items()}


def _measure_shares(
    config: Path, folder: Path, ranks: int, ns: dict[str, Any], ids: dict[str, Any]
) -> tuple[Any, Assignment]:
    """Return milliseconds per step of each rank, measured alone."""
    made = share(ns, ids, ranks)
    steps = []
    for rank in range(ranks):
        part = _part(config, {name: made.local_ids(name, rank).tolist() for name in ids}, tstop_ms=5.0)
        steps.append(_child(_STEP, part, folder / "out") * 1e-6)
    return np.array(steps), made


def _part(config: Path, cells: dict[str, list[int]], tstop_ms: float | None = None) -> Path:
    """Write a configuration that simulates some cells only."""
    raw: dict[str, Any] = json.loads(config.read_text())
    sets = json.loads((config.parent / raw["node_sets_file"]).read_text()) if "node_sets_file" in raw else {}
    names = {name: f"part_{name}" for name, ids in cells.items() if ids}
    sets |= {names[n]: {"population": n, "node_id": ids} for n, ids in cells.items() if ids}
    sets["part"] = list(names.values())
    (config.parent / "part_node_sets.json").write_text(json.dumps(sets))
    raw |= {"node_sets_file": "./part_node_sets.json", "node_set": "part", "reports": {}}
    raw["run"]["tstop"] = tstop_ms or raw["run"]["tstop"]
    path = config.parent / "part_simulation.json"
    path.write_text(json.dumps(raw))
    return path


def _child(code: str, config: Path, out: Path) -> Any:
    out.mkdir(exist_ok=True)
    done = run_python(["-c", code, str(config), str(out)], 900, cwd=out)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return json.loads(line[len("RESULT") :])


if __name__ == "__main__":
    main(sys.argv[1:])
