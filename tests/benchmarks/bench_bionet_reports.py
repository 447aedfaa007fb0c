"""What reports of BMTK models add to a run: ours and BMTK's, on the same folders, in one go.

Usage: python -m tests.benchmarks.bench_bionet_reports [--cells=N] [--steps=N] [--peer-steps=N] [--repeat=N]

* ecp: N detailed cells (default 300) of the five types of the shared data, 1000 synapses on each, and the potential at
  86 sites in every one of --steps steps (default 1000).
* netcon: the 14-cell model, with one variable of each of the 3280 synapses of four cells in every step.

Ours is the CPU time of the time steps with and without the report, interleaved in one process, medians of --repeat runs
(default 5), with files written; user time leaves out what the kernel takes for writing them. BMTK runs once with and
once without, --peer-steps steps (default 100) of the ecp case; it is looked for in NEURODAMUS_LIKE_PEER_PYTHON (0 steps
leave it out).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.allen_data import allen_library, copy_case
from tests.helpers import clean_environment, run_python

DT_MS = 0.1
SITES = "bio_components/recXelectrodes/linear_electrode.csv"

_OURS = """
import json, os, sys, time
from dataclasses import replace
from pathlib import Path
from neurodamus_like.engine import nrn
from neurodamus_like.reports.manager import ReportManager
from neurodamus_like.simulation.node import Node
config, library, repeat = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
node = Node(config, nrnmech=library, progress=False)
reports, node.simulation = node.simulation.reports, replace(node.simulation, reports=())
node.load_targets(); node.prepare_output(); node.compute_load_balance(); node.create_cells()
node.create_synapses(); node.enable_replay(); node.init()
def run(reports):
    nrn.h.cvode.use_fast_imem(0)
    node._reports = manager = ReportManager(replace(node.simulation, reports=reports), node.target_manager,
        list(node.circuits.all_node_managers()), node.comm, node.output_dir,
        edge_managers=list(node.circuits.all_synapse_managers()))
    manager.enable()
    nrn.h.finitialize(node.simulation.conditions.v_init_mV)
    user, cpu, wall = os.times().user, time.process_time(), time.perf_counter()
    node.solve()
    manager.finish()
    return os.times().user - user, time.process_time() - cpu, time.perf_counter() - wall
times = [(run(()), run(reports)) for _ in range(repeat)]
columns = sum(s.n_columns for s in node._reports.streams)
print("RESULT" + json.dumps({"times": times, "columns": columns}))
"""

_THEIRS = """
import json, sys, time
from bmtk.simulator import bionet
conf = bionet.Config.from_json(sys.argv[1])
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
cpu, wall = time.process_time(), time.perf_counter()
sim.run()
print("RESULT" + json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))
"""

_BUILD = """
import sys
import numpy as np
from neurodamus_like.builder import NetworkBuilder
folder, n = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(3)
types = (("Scnn1a_473845048_m", "472363762_fit"), ("Rorb_325404214_m", "473863510_fit"),
         ("Nr5a1_471087815_m", "473863035_fit"), ("Pvalb_470522102_m", "472912177_fit"),
         ("Pvalb_469628681_m", "473862421_fit"))
net, drive = NetworkBuilder("v1"), NetworkBuilder("drive")
for k, (morphology, fit) in enumerate(types):
    count = len(range(k, n, len(types)))
    net.add_nodes(N=count, model_type="biophysical", model_template="ctdb:Biophys1.hoc", morphology=morphology + ".swc",
        model_processing="aibs_perisomatic", dynamics_params=fit + ".json", x=rng.uniform(20, 300, count),
        y=rng.uniform(-450, 450, count), z=rng.uniform(20, 300, count),
        rotation_angle_yaxis=rng.uniform(0, 6.28, count))
drive.add_nodes(N=100, model_type="virtual")
net.add_edges(source=drive.nodes(), target=net.nodes(), connection_rule=10,
    syn_weight=5e-4, delay=2.0, model_template="exp2syn", dynamics_params="AMPA_ExcToExc.json",
    target_sections=["basal"], distance_range=[0.0, 150.0])
net.build(); net.save(output_dir=folder); drive.build(); drive.save(output_dir=folder)
"""


def build_ecp_case(folder: Path, n_cells: int) -> Path:
    """Make the network and its configuration; return the folder."""
    data = copy_case("bio_14cells", folder).parent
    network = data / "network"
    _check(run_python(["-c", _BUILD, str(network), str(n_cells)], 600))
    rng = np.random.default_rng(5)
    with h5py.File(data / "spikes.h5", "w") as h5:
        h5["spikes/drive/timestamps"] = np.sort(rng.uniform(0, 100, 300))
        h5["spikes/drive/node_ids"] = rng.integers(0, 100, 300)
    components = {
        "morphologies_dir": data / "bio_components/morphologies",
        "synaptic_models_dir": data / "bio_components/synaptic_models",
        "biophysical_neuron_models_dir": data / "bio_components/biophysical_neuron_templates/ctdb",
        "mechanisms_dir": data / "mechanisms",
    }
    names = ("v1", "drive")
    nodes = [{f"node{k}_file": f"{network}/{n}_node{v}" for k, v in _ENDINGS.items()} for n in names]
    edges = [{f"edge{k}_file": f"{network}/drive_v1_edge{v}" for k, v in _ENDINGS.items()}]
    spikes = {
        "input_type": "spikes",
        "module": "sonata",
        "input_file": str(data / "spikes.h5"),
        "node_set": "drive",
    }
    ecp = {
        "module": "extracellular",
        "electrode_positions": str(data / SITES),
        "cells": "v1",
        "file_name": "ecp.h5",
    }
    config = {
        "run": {"dt": DT_MS, "dL": 20.0, "spike_threshold": -15, "nsteps_block": 500},
        "conditions": {"celsius": 34.0, "v_init": -80.0},
        "components": {key: str(path) for key, path in components.items()},
        "networks": {"nodes": nodes, "edges": edges},
        "inputs": {"spikes": spikes},
        "reports": {"ecp": ecp},
    }
    (data / "base.json").write_text(json.dumps(config))
    return data


_ENDINGS = {"s": "s.h5", "_types": "_types.csv"}


def build_netcon_case(folder: Path) -> Path:
    """Make the configuration of the 14-cell model with a report of synapses; return its folder."""
    case = copy_case("bio_14cells", folder)
    config = json.loads((case / "config.simulation_short.json").read_text())
    circuit = json.loads((case / "config.circuit.json").read_text())
    circuit["components"]["mechanisms_dir"] = str(case / "mechanisms")
    (case / "config.circuit.json").write_text(json.dumps(circuit))
    report = {"module": "netcon_report", "variable_name": "g", "cells": [0, 1, 2, 3], "syn_type": "Exp2Syn"}
    (case / "base.json").write_text(json.dumps({**config, "reports": {"syn": report}}))
    return case


def write_config(folder: Path, steps: int, *, with_report: bool = True) -> Path:
    """Write the configuration for so many steps."""
    config = json.loads((folder / "base.json").read_text())
    config["run"] |= {"tstop": steps * DT_MS}
    config["output"] = {
        "output_dir": str(folder / "output"),
        "spikes_file": "spikes.h5",
        "log_file": "log.txt",
    }
    if not with_report:
        config["reports"] = {}
    path = folder / f"run_{steps}_{with_report}.json"
    path.write_text(json.dumps(config))
    return path


def measure(name: str, folder: Path, steps: int, peer_steps: int, repeat: int) -> None:
    """Run both simulators with and without the report, and print what it adds."""
    library = allen_library()
    machine = folder / "mechanisms" / os.uname().machine
    machine.mkdir(parents=True)
    (machine / "libnrnmech.so").symlink_to(library)
    args = ["-c", _OURS, str(write_config(folder, steps)), str(library), str(repeat)]
    found = _check(run_python(args, 3600, cwd=folder))
    print(f"{name}: {found['columns']} columns in every step")
    for clock in (0, 1, 2):
        without, with_report = (statistics.median(t[k][clock] for t in found["times"]) for k in (0, 1))
        _show(f"ours, {('user', 'CPU', 'wall')[clock]}", without, with_report, steps)
    python = os.environ.get("NEURODAMUS_LIKE_PEER_PYTHON")
    if not peer_steps or python is None:
        return
    times = []
    for with_report in (False, True):
        config = write_config(folder, peer_steps, with_report=with_report)
        done = subprocess.run(
            [python, "-c", _THEIRS, str(config)],
            cwd=folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        times.append(_check(done)[0])
    _show("BMTK, CPU", *times, peer_steps)


def _show(who: str, without: float, with_report: float, steps: int) -> None:
    step = [1e3 * seconds / steps for seconds in (without, with_report)]
    print(
        f"  {who:<11}{steps:>6} steps {without:>8.2f} s without {with_report:>8.2f} s with"
        f"  {100 * (with_report / without - 1):>+8.1f} %  ({step[0]:.3f} -> {step[1]:.3f} ms per step)"
    )


def _check(done: Any) -> Any:
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    return json.loads(lines[0].removeprefix("RESULT")) if lines else None


def main(argv: list[str]) -> None:
    """Measure and print."""
    options = dict(argument.lstrip("-").split("=") for argument in argv)
    steps, repeat = int(options.get("steps", 1000)), int(options.get("repeat", 5))
    peer_steps = int(options.get("peer-steps", 100))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        n_cells = int(options.get("cells", 300))
        measure(f"ecp, {n_cells} cells", build_ecp_case(Path(one), n_cells), steps, peer_steps, repeat)
        measure("netcon, 14 cells", build_netcon_case(Path(two)), 5 * steps, 10 * peer_steps, repeat)


if __name__ == "__main__":
    main(sys.argv[1:])
