"""Synapses of big100 and of half a million: seconds and bytes of each step, beside the floor measured in the same run.

Usage: python -m tests.benchmarks.bench_synapses [--synapses=N]

The floor is the time that the simulator itself takes to make the same objects: the clock runs only inside the calls
of the factory that make objects and set their values, in one pass over bare arrays, in C++ and in tight Python. What
a step takes on top of it is ours. Peak memory is compared with that of the cells and bare objects. The figures of the
reference simulator (154 us and 2.6 kB per synapse with replay) are those of the shared data.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from neurodamus_like.io.spikes import read_spikes
from tests.benchmarks.bench_connectivity import _larger
from tests.helpers import run_python
from tests.obi_data import link_obi_data

REFERENCE_US, REFERENCE_BYTES = 154.0, 2600.0

_CHILD = """
import json, sys, time
from neurodamus_like import memory
from neurodamus_like.connectivity import events, synapse_rules
from neurodamus_like.engine import artificial, makers, nrn, synapse_factory
from neurodamus_like.engine.object_columns import has_object
from neurodamus_like.simulation.node import Node
clock = time.process_time
floor = {}
trimmed = sys.argv[3] == "trimmed"
class Clocked:
    def __init__(self, real): self.real = real
    def __getattr__(self, name):
        method = getattr(self.real, name)
        def timed(*args):
            if trimmed:
                memory.trim(collect=False)
            start, before = clock(), memory.rss_bytes()
            result = method(*args)
            old = floor.get(name, (0.0, 0))
            floor[name] = (old[0] + clock() - start, old[1] + memory.rss_bytes() - before)
            return result
        return timed
for module in (synapse_factory, artificial):
    module.maker = lambda: Clocked(makers.maker())
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False, disable_reports=True)
node.load_targets(); node.prepare_output(); node.compute_load_balance(); node.create_cells()
steps, base = {}, memory.rss_bytes()
def step(name, job):
    start, before = clock(), memory.rss_bytes()
    result = job()
    old = steps.get(name, (0.0, 0))
    steps[name] = (old[0] + clock() - start, old[1] + memory.rss_bytes() - before)
    return result
owner = events if hasattr(events, "place_synapses") else synapse_rules
place = owner.place_synapses
owner.place_synapses = lambda *args: step("of which sections and positions", lambda: place(*args))
step("reading and overrides", node.create_synapses)
step("replay plan", node.enable_replay)
step("creating", node.finalize_synapses)
whole = memory.rss_bytes() - base
peak = memory.peak_rss_bytes()
start = clock(); nrn.initialize(-65.0); init = clock() - start
managers = list(node.circuits.all_synapse_managers())
print("RESULT" + json.dumps({"steps": steps, "floor": floor, "whole": whole, "peak": peak, "base": base, "init": init,
    "synapses": sum(len(m.table) for m in managers),
    "recurrent": sum(int(has_object(m.netcons).sum()) for m in managers),
    "replay": sum(len(m.replay_stim.netcons) for m in managers)}))
"""


def _measure(config: Path, out: Path, factory: str) -> dict[str, Any]:
    """Return what one run says; the sizes of bare objects come from a second one.

    Free memory that the heap still holds would hide the size of the objects that are put there: the second run gives it
    back before each call.
    """
    found = _run(config, out, factory, "as it is")
    bare = _run(config, out, factory, "trimmed")["floor"]
    found["floor"] = {name: (seconds, bare[name][1]) for name, (seconds, _) in found["floor"].items()}
    return found


def _run(config: Path, out: Path, factory: str, how: str) -> dict[str, Any]:
    env = {"NEURODAMUS_LIKE_FACTORY": factory}
    done = run_python(["-c", _CHILD, str(config), str(out), how], 1200, env=env)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    found: dict[str, Any] = json.loads(line[6:])
    return found


def _print(title: str, config: Path, out: Path) -> None:
    runs = {name: _measure(config, out, name) for name in ("compiled", "python")}
    first = runs["compiled"]
    n = first["synapses"]
    print(
        f"{title}: {n:,} synapses, {first['recurrent']:,} NetCons from cells, {first['replay']:,} of replay"
    )
    print(f"  {'cpu time':34}{'compiled':>22}{'python':>22}")

    def row(name: str, of: str, key: str) -> None:
        cells = ""
        for run in runs.values():
            seconds, size = run[of].get(key, (0.0, 0))
            cells += f"{seconds:8.2f} s {1e6 * seconds / n:6.2f} us{size / n:6.0f} B"[:26].rjust(26)
        print(f"  {name:34}{cells}")

    for key in first["steps"]:
        row(key, "steps", key)
    for key in first["floor"]:
        row(f"floor: {key}", "floor", key)
    for name, run in runs.items():
        total = sum(v[0] for k, v in run["steps"].items() if not k.startswith("of which"))
        floor = sum(v[0] for v in run["floor"].values())
        bare = sum(v[1] for v in run["floor"].values())
        print(
            f"  {name}: {total:.2f} s, floor {floor:.2f} s ({total / floor:.2f}x); {1e6 * total / n:.2f} us/synapse "
            f"(reference {REFERENCE_US:.0f}, {REFERENCE_US * n / total / 1e6:.0f}x); {run['whole'] / n:.0f} B "
            f"(objects alone {bare / n:.0f}, reference {REFERENCE_BYTES:.0f}); peak {run['peak'] / 2**20:.0f} MB, bare "
            f"model {(run['base'] + bare) / 2**20:.0f} MB ({run['peak'] / (run['base'] + bare):.2f}x); "
            f"finitialize {1e6 * run['init'] / n:.2f} us per synapse"
        )


def _longer(config: Path) -> Path:
    """Write a copy of a configuration that ends after its last replayed spike: every source then gets NetCons."""
    content = json.loads(config.read_text())
    spikes = read_spikes(config.parent / content["inputs"]["replay"]["spike_file"])
    content["run"]["tstop"] = max(float(train.timestamps.max()) for train in spikes.values()) + 1.0
    longer = config.with_name("simulation_config_longer.json")
    longer.write_text(json.dumps(content))
    return longer


def main(argv: list[str]) -> None:
    """Measure and print."""
    extra = next((int(a.split("=")[1]) for a in argv if a.startswith("--synapses=")), 300_000)
    with tempfile.TemporaryDirectory() as folder:
        obi = link_obi_data(Path(folder))
        out = Path(folder) / "out"
        config = obi / "big100" / "simulation_config.json"
        _print("big100", config, out)
        _print("big100 with all of its replay", _longer(config), out)
        _print(f"big100 and {extra:,} more", _larger(obi, extra), out)


if __name__ == "__main__":
    main(sys.argv[1:])
