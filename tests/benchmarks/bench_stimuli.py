"""Set-up time and memory of every stimulus module for 1,000 targets of 10 s, and the speed of computed noise.

Usage: python -m tests.benchmarks.bench_stimuli [--targets=N] [--duration=MS]

Targets are bare cells of one compartment (of ten for the field). Each module is measured in a process of its own; the
stored variants of noise show what computing it on the way saves. Replay of spikes onto synapses is part of
`bench_connectivity`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.helpers import run_python

ROOT = Path(__file__).resolve().parents[2]

_CHILD = """
import json, sys, time
from pathlib import Path
import h5py
import numpy as np
from types import SimpleNamespace
from neurodamus_like import memory
from neurodamus_like.config import models as m
from neurodamus_like.engine import mechanisms, nrn
from neurodamus_like.stimuli import extracellular
from neurodamus_like.stimuli.manager import StimulusManager
from neurodamus_like.stimuli.waveform import WaveformStim
block, n, duration, library, stored, run_ms = json.loads(sys.argv[1])
nrn.load_mechanism_library(Path(library))
WaveformStim.computed_noise = not stored
run = m.Run(tstop_ms=duration, dt_ms=0.025, random_seed=1)
simulation = m.Simulation(Path("s.json"), m.Circuit(Path("c.json"), {}, {}), run, m.Output(Path("out")))
nrn.apply_run_settings(run, m.Conditions())
def make_cell(gid):
    soma = nrn.h.Section(name=f"soma{gid}")
    soma.L = soma.diam = 20
    soma.insert("pas")
    sections, kinds = [soma], ["soma"]
    if block["module"] == "spatially_uniform_e_field":
        dend = nrn.h.Section(name=f"dend{gid}")
        dend.connect(soma)
        for y in range(0, 101, 10):
            dend.pt3dadd(0, y, 0, 1)
        dend.nseg = 9
        sections.append(dend)
        kinds.append("dend")
    return SimpleNamespace(gid=gid, node_id=gid, population="A", threshold_current=0.2, holding_current=-0.05,
                           input_resistance=100.0, soma=soma, sections=sections, layout=SimpleNamespace(kinds=kinds))
def write_report(path):
    frames = int(duration)
    with h5py.File(path, "w") as h5:
        group = h5.create_group("report/A")
        group["data"] = np.full((frames, n), 0.1, dtype=np.float32)
        group["data"].attrs["units"] = "nA"
        group["mapping/node_ids"] = np.arange(n, dtype=np.uint64)
        group["mapping/index_pointers"] = np.arange(n + 1, dtype=np.uint64)
        group["mapping/element_ids"] = np.zeros(n, dtype=np.uint32)
        group["mapping/time"] = [0.0, float(frames), 1.0]
cells = {gid: make_cell(gid) for gid in range(n)}
extracellular.read_rotations = lambda population, ids: np.broadcast_to(np.eye(3), (len(ids), 3, 3))
if block["module"] == "replay":
    block["path"] = "report.h5"
    write_report("report.h5")
manager = SimpleNamespace(population_name="A", population=None, local_gids=list(cells), get_cell=cells.__getitem__)
class Target:
    def get_point_list(self, manager, sections="soma", compartments="center"):
        return [SimpleNamespace(gid=g, sclst_ids=[0], sclst=[c.soma], x=[0.5]) for g, c in cells.items()]
class Targets:
    def get_target(self, name):
        return Target()
stims = StimulusManager(Targets(), simulation, [manager])
parameters = {k: v for k, v in block.items() if k not in ("module", "input_type")}
delay = 0.0 if block["module"] == "seclamp" else 100.0
info = m.Input("stim", block["module"], block["input_type"], delay, duration, node_set="A", parameters=parameters)
before, start = memory.rss_bytes(), time.perf_counter()
stims.interpret(info)
seconds = time.perf_counter() - start
nrn.initialize(-70.0)
grown = (memory.rss_bytes() - before) / 2**20
start = time.process_time()
nrn.advance(run_ms)
print(json.dumps([seconds, grown, time.process_time() - start]))
"""

_CURRENT, _CONDUCTANCE = {"input_type": "current_clamp"}, {"input_type": "conductance"}
_FIELD = {"input_type": "extracellular_stimulation", "module": "spatially_uniform_e_field"}
_SHOT = {"rise_time": 0.4, "decay_time": 4.0}
_PERCENT = {"mean_percent": 80.0, "sd_percent": 20.0}
MODULES: list[tuple[dict[str, Any], bool]] = [
    ({**_CURRENT, "module": "linear", "amp_start": 0.1}, False),
    ({**_CURRENT, "module": "relative_linear", "percent_start": 80.0}, False),
    ({**_CURRENT, "module": "subthreshold", "percent_less": 20.0}, False),
    ({**_CURRENT, "module": "hyperpolarizing"}, False),
    ({**_CURRENT, "module": "pulse", "amp_start": 0.5, "width": 2.0, "frequency": 100.0}, False),
    ({**_CURRENT, "module": "sinusoidal", "amp_start": 0.3, "frequency": 80.0}, False),
    ({**_CURRENT, "module": "noise", "mean": 0.1, "variance": 0.01}, False),
    ({**_CURRENT, "module": "noise", "mean": 0.1, "variance": 0.01}, True),
    ({**_CURRENT, "module": "ornstein_uhlenbeck", "tau": 2.0, "mean": 0.1, "sigma": 0.05}, False),
    ({**_CURRENT, "module": "ornstein_uhlenbeck", "tau": 2.0, "mean": 0.1, "sigma": 0.05}, True),
    ({**_CONDUCTANCE, "module": "ornstein_uhlenbeck", "tau": 2.0, "mean": 0.01, "sigma": 0.005}, False),
    ({**_CONDUCTANCE, "module": "ornstein_uhlenbeck", "tau": 2.0, "mean": 0.01, "sigma": 0.005}, True),
    ({**_CURRENT, "module": "relative_ornstein_uhlenbeck", "tau": 2.0, **_PERCENT}, False),
    ({**_CURRENT, **_SHOT, "module": "shot_noise", "rate": 500.0, "amp_mean": 0.05, "amp_var": 0.001}, False),
    ({**_CURRENT, **_SHOT, "module": "relative_shot_noise", **_PERCENT}, False),
    ({**_CURRENT, **_SHOT, "module": "absolute_shot_noise", "mean": 0.1, "sigma": 0.02}, False),
    (
        {**_CONDUCTANCE, **_SHOT, "module": "shot_noise", "rate": 500.0, "amp_mean": 0.005, "amp_var": 1e-5},
        False,
    ),
    ({**_CURRENT, "module": "replay", "interpolate": False}, False),
    ({**_FIELD, "fields": [{"Ex": 0.0, "Ey": 10.0, "Ez": 0.0, "frequency": 100.0}]}, False),
    ({"input_type": "voltage_clamp", "module": "seclamp", "voltage": -70.0}, False),
    ({"input_type": "spikes", "module": "poisson", "rate": 20.0, "weight": 0.001}, False),
]
RUN_MS = 50.0


def measure(block: dict[str, Any], n: int, duration_ms: float, library: Path, stored: bool) -> list[float]:
    """Return set-up seconds, growth of memory (MB), and CPU seconds for the first 50 ms of the run."""
    arguments = json.dumps([block, n, duration_ms, str(library), stored, RUN_MS])
    with tempfile.TemporaryDirectory() as folder:
        done = run_python(["-c", _CHILD, arguments], 600, cwd=folder, env={"PYTHONPATH": str(ROOT)})
    if done.returncode:
        raise SystemExit(done.stderr)
    result: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def main(argv: list[str]) -> int:
    """Measure all modules and print a table."""
    options = dict(argument.lstrip("-").split("=", 1) for argument in argv)
    n, duration = int(options.get("targets", 1000)), float(options.get("duration", 10_000))
    if "library" in options:
        library = Path(options["library"])
    else:
        from neurodamus_like.engine import mechanisms

        library = mechanisms.build_mechanisms(()).nrnmech
    print(
        f"{n} targets, {duration:g} ms of signal\n{'module':<44} {'set-up s':>9} {'MB':>8} {'CPU s / 50 ms':>14}"
    )
    for block, stored in MODULES:
        seconds, megabytes, cpu = measure(block, n, duration, library, stored)
        name = f"{block['module']} ({block['input_type']}{', stored' if stored else ''})"
        print(f"{name:<44} {seconds:9.2f} {megabytes:8.1f} {cpu:14.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
