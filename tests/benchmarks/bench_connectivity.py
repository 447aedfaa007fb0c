"""Connectivity in numbers: overrides on 10 million rows, and what each step of making synapses costs.

Usage: python -m tests.benchmarks.bench_connectivity [--rows=N] [--overrides=N] [--synapses=N] [--skip-model]

1. Masks: seconds to decide about `rows` edges under `overrides` overrides (node sets of random nodes, of layers, and
   ones that match nothing), beside a loop over connections on a hundredth of the rows.
2. Model: big100 of the shared data, and the same circuit with `synapses` more edges, phase by phase; seconds,
   microseconds and bytes per synapse, for plain, overridden, minis and replay runs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.config.models import ConnectionOverride
from neurodamus_like.connectivity.overrides import PathwayRule, decide
from tests.helpers import run_python
from tests.obi_data import SHARED, link_obi_data

CELLS = 100_000


def _seconds(job: Callable[[], Any]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def _rules(kind: str, count: int, rng: np.random.Generator) -> list[PathwayRule]:
    def nodes(number: int) -> Any:
        if kind == "layers":
            return np.arange(number % 6, CELLS, 6)
        if kind == "random nodes":
            return np.flatnonzero(rng.random(CELLS) < 0.5)
        return np.array([CELLS + number])

    return [
        PathwayRule(
            ConnectionOverride(
                name=str(i),
                source="s",
                target="t",
                weight=float(i),
                spont_minis_Hz=0.1 * i,
                synapse_delay_override_ms=1.0 if i % 3 else None,
                synapse_configure="%s.mg = 1" if i % 10 == 0 else None,
                delay_ms=5.0 if i % 9 == 8 else 0.0,
            ),
            nodes(i),
            nodes(i // 6),
        )
        for i in range(count)
    ]


def _loop(rules: list[PathwayRule], source: Any, target: Any) -> None:
    """What one does without masks: each override, each connection."""
    connections = {(s, t): [1.0, None, None] for s, t in zip(source.tolist(), target.tolist(), strict=True)}
    for rule in rules:
        sources, targets = set(rule.source_id.tolist()), set(rule.target_id.tolist())
        for (s, t), settings in connections.items():
            if s in sources and t in targets:
                settings[:] = [
                    rule.block.weight,
                    rule.block.spont_minis_Hz,
                    rule.block.synapse_delay_override_ms,
                ]


def masks(rows: int, overrides: int) -> None:
    """Measure the decisions alone."""
    rng = np.random.default_rng(1)
    source, target = rng.integers(0, CELLS, rows), np.sort(rng.integers(0, CELLS, rows))
    print(f"deciding about {rows:,} edges between {CELLS:,} cells")
    for kind, count in (
        ("layers", 0),
        ("layers", 1),
        ("layers", overrides),
        ("no match", overrides),
        ("random nodes", overrides),
    ):
        rules = _rules(kind, count, rng)
        seconds = _seconds(lambda rules=rules: decide(rules, source, target, CELLS, CELLS))  # type: ignore[misc]
        print(f"  {count:3d} overrides of {kind:13}{seconds:8.2f} s {1e9 * seconds / rows:9.1f} ns per edge")
    part = slice(0, rows // 100)
    rules = _rules("layers", overrides, rng)
    seconds = _seconds(lambda: _loop(rules, source[part], target[part]))
    per_edge = 1e9 * seconds / (rows // 100)
    print(f"  loop over connections, {rows // 100:,} edges: {seconds:.2f} s {per_edge:9.1f} ns per edge")


_CHILD = """
import json, sys, time
from neurodamus_like import memory
from neurodamus_like.simulation.node import Node
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False, disable_reports=True)
node.load_targets(); node.prepare_output(); node.compute_load_balance(); node.create_cells()
marks = [(time.perf_counter(), memory.rss_bytes())]
def mark():
    marks.append((time.perf_counter(), memory.rss_bytes()))
node.create_synapses(); mark()
node.enable_replay(); mark()
from neurodamus_like.connectivity import synapse_rules
from neurodamus_like.engine.object_columns import has_object
steps = {}
for name in ("_create_synapses", "_connect_sources", "_schedule_weights", "_configure_synapses", "_create_minis",
             "_create_replay"):
    def timed(self, *args, method=getattr(synapse_rules.SynapseRuleManager, name), name=name):
        start, before = time.perf_counter(), memory.rss_bytes()
        result = method(self, *args)
        old = steps.get(name, (0.0, 0))
        steps[name] = (old[0] + time.perf_counter() - start, old[1] + memory.rss_bytes() - before)
        return result
    setattr(synapse_rules.SynapseRuleManager, name, timed)
node.finalize_synapses(); mark()
managers = list(node.circuits.all_synapse_managers())
print("RESULT" + json.dumps({
    "synapses": sum(m.synapse_count for m in managers),
    "netcons": sum(int(has_object(m.netcons).sum()) for m in managers),
    "replay": sum(len(m.replay_stim.netcons) for m in managers),
    "minis": sum(len(m.minis_stim.netcons) for m in managers),
    "marks": marks, "steps": steps, "peak": memory.peak_rss_bytes()}))
"""


def _model(config: Path, out: Path, title: str) -> None:
    done = run_python(["-c", _CHILD, str(config), str(out)], 1200)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    found = json.loads(line[6:])
    counts = ", ".join(f"{found[k]:,} {k}" for k in ("synapses", "netcons", "replay", "minis"))
    marks = found["marks"]
    total = marks[-1][0] - marks[0][0]
    n = found["synapses"]
    print(f"{title}: {counts}")
    steps = {
        "reading and overrides": (marks[1][0] - marks[0][0], marks[1][1] - marks[0][1]),
        "replay plan": (marks[2][0] - marks[1][0], marks[2][1] - marks[1][1]),
        **{name.strip("_").replace("_", " "): tuple(values) for name, values in found["steps"].items()},
        "all": (total, marks[-1][1] - marks[0][1]),
    }
    for name, (seconds, size) in steps.items():
        print(f"  {name:24}{seconds:8.2f} s {1e6 * seconds / n:8.2f} us {size / n:8.0f} B per synapse")


def _larger(obi: Path, extra: int) -> Path:
    """Write big100 with `extra` more external edges, copies of those that are there; return its configuration."""
    folder = obi / "larger"
    folder.mkdir()
    source = SHARED / "data" / "obi" / "big100"
    with h5py.File(source / "edges_external.h5") as old, h5py.File(folder / "edges_external.h5", "w") as new:
        name = next(iter(old["edges"]))
        group, copy = old[f"edges/{name}"], new.create_group(f"edges/{name}")
        size = group["target_node_id"].shape[0]
        rows = np.arange(size + extra) % size
        rows = rows[np.argsort(group["target_node_id"][()][rows], kind="stable")]
        for column in ("source_node_id", "target_node_id", "edge_type_id"):
            copy[column] = group[column][()][rows]
            for key, value in group[column].attrs.items():
                copy[column].attrs[key] = value
        for column, values in group["0"].items():
            copy[f"0/{column}"] = values[()][rows]
        targets = copy["target_node_id"][()]
        ids = np.arange(int(targets.max()) + 1)
        starts, ends = np.searchsorted(targets, ids), np.searchsorted(targets, ids, side="right")
        copy["indices/target_to_source/node_id_to_ranges"] = np.stack([ids, ids + 1], axis=1)
        copy["indices/target_to_source/range_to_edge_id"] = np.stack([starts, ends], axis=1)
    circuit = json.loads(
        (source / "circuit_config.json").read_text().replace("$BASE_DIR/", str(obi / "big100") + "/")
    )
    circuit["networks"]["edges"][1]["edges_file"] = str(folder / "edges_external.h5")
    (folder / "circuit_config.json").write_text(json.dumps(circuit))
    config = json.loads((source / "simulation_config.json").read_text())
    config["inputs"]["replay"]["spike_file"] = str(obi / "big100" / "replay.h5")
    config["node_sets_file"] = str(obi / "big100" / "node_sets.json")
    (folder / "simulation_config.json").write_text(json.dumps(config))
    return folder / "simulation_config.json"


def main(argv: list[str]) -> None:
    """Measure and print."""
    options = dict(a.removeprefix("--").split("=") for a in argv if "=" in a)
    masks(int(options.get("rows", 10_000_000)), int(options.get("overrides", 50)))
    if "--skip-model" in argv:
        return
    with tempfile.TemporaryDirectory() as folder:
        obi = link_obi_data(Path(folder))
        out = Path(folder) / "out"
        _model(obi / "big100" / "simulation_config.json", out, "big100 with replay")
        _model(obi / "big100" / "simulation_config_minis.json", out, "big100 with replay and minis")
        _model(_larger(obi, int(options.get("synapses", 300_000))), out, "big100 with more edges")


if __name__ == "__main__":
    main(sys.argv[1:])
