"""Building and running networks of the Allen dialect: seconds of our engine beside BMTK's, same folder, same machine.

Usage: python -m tests.benchmarks.bench_allen [--cells=N] [--sources=N] [--repeat=N] [--without-peer]

A population of N (default 60) detailed cells of three perisomatic types with drawn synapses from N (default 100)
virtual nodes, 8 per pair, so 48,000 synapses. Shown are the seconds per further cell of a type, per synapse, and of
50 ms of activity; medians of the repetitions. BMTK is looked for in NEURODAMUS_LIKE_PEER_PYTHON. Needs ../shared
beside the checkout (morphologies and fits).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from neurodamus_like.builder import NetworkBuilder
from tests.allen_data import allen_library
from tests.obi_data import SHARED

TYPES = (
    ("Scnn1a_473845048_m.swc", "472363762_fit.json"),
    ("Rorb_325404214_m.swc", "473863510_fit.json"),
    ("Nr5a1_471087815_m.swc", "473863035_fit.json"),
)
TSTOP_MS = 50.0

RUN = """
import json, resource, sys, time
from IMPORT import bionet
conf = bionet.Config.from_json(sys.argv[1])
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
build, cells = net.build_nodes, []
def timed():
    start = time.perf_counter()
    build()
    cells.append(time.perf_counter() - start)
net.build_nodes = timed
start = time.perf_counter()
sim = bionet.BioSimulator.from_config(conf, network=net)
PREPARE
synapses = time.perf_counter()
sim.run()
end = time.perf_counter()
print("RESULT", json.dumps([sum(cells), synapses - start - sum(cells), end - synapses]))
"""

BARE = """
import json, statistics, sys, time
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.node import Neurodamus
model = Neurodamus(sys.argv[1], output_path=sys.argv[2], progress=False, quiet=True)
conditions, tstop = model.simulation.conditions, model.simulation.run.tstop_ms
ours, bare = [], []
for repeat in range(5):
    for solve, times in ((lambda: nrn.pc.psolve(tstop), bare), (model.solve, ours)):
        nrn.h.finitialize(conditions.v_init_mV)
        begin = time.process_time()
        solve()
        times.append(time.process_time() - begin)
print("RESULT", json.dumps([statistics.median(ours), statistics.median(bare)]))
"""


def write_model(folder: Path, n_cells: int, n_sources: int) -> Path:
    """Write the network and its configuration."""
    cells = NetworkBuilder("cells", progress=False)
    for morphology, fit in TYPES:
        cells.add_nodes(
            N=n_cells // len(TYPES),
            model_type="biophysical",
            model_template="ctdb:Biophys1.hoc",
            model_processing="aibs_perisomatic",
            morphology=morphology,
            dynamics_params=fit,
        )
    source = NetworkBuilder("source", progress=False)
    source.add_nodes(N=n_sources, model_type="virtual")
    cells.add_edges(
        source=source.nodes(),
        connection_rule=8,
        syn_weight=1e-5,
        delay=2.0,
        model_template="exp2syn",
        dynamics_params="AMPA_ExcToExc.json",
        target_sections=["basal", "apical"],
        distance_range=[0.0, 150.0],
    )
    for network in (cells, source):
        network.save(folder / "network")
    with h5py.File(folder / "spikes.h5", "w") as h5:
        group = h5.create_group("spikes/source")
        group["timestamps"] = np.linspace(1.0, TSTOP_MS, n_sources)
        group["node_ids"] = np.arange(n_sources, dtype=np.uint64)
    components = SHARED / "data/allen/bio_components"
    machine = folder / "mechanisms" / os.uname().machine
    machine.mkdir(parents=True)
    (machine / "libnrnmech.so").symlink_to(allen_library())
    config = {
        "run": {"tstop": TSTOP_MS, "dt": 0.1, "dL": 20.0, "nsteps_block": 1000},
        "conditions": {"celsius": 34.0, "v_init": -80.0},
        "components": {
            "morphologies_dir": str(components / "morphologies"),
            "synaptic_models_dir": str(components / "synaptic_models"),
            "biophysical_neuron_models_dir": str(components / "biophysical_neuron_templates/ctdb"),
            "mechanisms_dir": "${configdir}/mechanisms",
        },
        "networks": {
            "nodes": [_files("nodes", "node", name) for name in ("cells", "source")],
            "edges": [_files("edges", "edge", "source_cells")],
        },
        "inputs": {
            "spikes": {
                "input_type": "spikes",
                "module": "sonata",
                "input_file": "${configdir}/spikes.h5",
                "node_set": "source",
            }
        },
        "output": {"output_dir": "${configdir}/output", "log_file": "log.txt", "spikes_file": "spikes.h5"},
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def _files(kind: str, singular: str, name: str) -> dict[str, str]:
    base = f"${{configdir}}/network/{name}"
    return {f"{kind}_file": f"{base}_{kind}.h5", f"{singular}_types_file": f"{base}_{singular}_types.csv"}


def measure(python: str, config: Path, ours: bool, repeat: int) -> list[float]:
    """Return the median seconds for cells, synapses and the run."""
    text = RUN.replace("IMPORT", "neurodamus_like" if ours else "bmtk.simulator")
    text = text.replace("PREPARE", "net.node.finalize_synapses()" if ours else "")
    rows = []
    for _ in range(repeat):
        shutil.rmtree(config.parent / "output", ignore_errors=True)
        done = subprocess.run(
            [python, "-c", text, str(config)], cwd=config.parent, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        rows.append(json.loads(next(x for x in done.stdout.splitlines() if x.startswith("RESULT"))[7:]))
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def measure_bare(config: Path) -> tuple[float, float]:
    """Return processor seconds of our run and of bare calls of NEURON on one model."""
    args = [sys.executable, "-c", BARE, str(config), str(config.parent / "bare")]
    done = subprocess.run(args, cwd=config.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    ours, bare = json.loads(next(x for x in done.stdout.splitlines() if x.startswith("RESULT"))[7:])
    return ours, bare


def main(arguments: list[str]) -> None:
    """Run both simulators on the network with many cells and on one with a cell of each type."""
    options = dict(a.lstrip("-").partition("=")[::2] for a in arguments)
    n, sources, repeat = (int(options.get(k, v)) for k, v in (("cells", 60), ("sources", 100), ("repeat", 3)))
    peer = None if "without-peer" in options else os.environ.get("NEURODAMUS_LIKE_PEER_PYTHON")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        configs = [write_model(Path(folder) / str(k), k, sources) for k in (len(TYPES), n)]
        run, bare = measure_bare(configs[1])
        print(f"run {run:.2f} cpu s, bare NEURON {bare:.2f} cpu s ({run / bare:.3f})")
        for name, python in (("ours", sys.executable), ("BMTK", peer)):
            if python is not None:
                few, many = (measure(python, config, name == "ours", repeat) for config in configs)
                more = n - len(TYPES)
                each = ((many[0] - few[0]) / more, (many[1] - few[1]) / (more * sources * 8), many[2])
                found[name] = each
                print(
                    f"{name}: {1e3 * each[0]:.1f} ms per further cell, {1e6 * each[1]:.1f} us per synapse, "
                    f"{each[2]:.2f} s for {TSTOP_MS:g} ms of {n} cells"
                )
    if len(found) == 2:
        ratios = [theirs / ours for ours, theirs in zip(found["ours"], found["BMTK"], strict=True)]
        print("BMTK / ours: cells {:.1f}, synapses {:.1f}, run {:.2f}".format(*ratios))


if __name__ == "__main__":
    main(sys.argv[1:])
