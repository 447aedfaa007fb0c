"""How often Python runs during a simulation: not once per time step, unless a module asks for that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bent_cells import SCRIPT, write_model
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

COUNT = """
from neurodamus_like.progress import configure_progress

class Blocks(SimulatorMod):
    def block(self, sim, block_interval):
        pass

class Steps(SimulatorMod):
    def step(self, sim, tstep):
        pass

def count(config, *mods):
    conf = bionet.Config.from_json(config)
    conf.build_env()
    net = bionet.BioNetwork.from_config(conf)
    sim = bionet.BioSimulator.from_config(conf, network=net)
    for mod in mods:
        sim.add_mod(mod)
    sim.initialize()
    configure_progress(enabled=False)  # whether a line of progress is due depends on the load of the machine
    calls = []
    sys.setprofile(lambda frame, event, argument: calls.append(1) if event in ("call", "c_call") else None)
    net.node.solve()
    sys.setprofile(None)
    return len(calls)

few, many = sys.argv[1:]
count(few)  # what is imported or made at first use
print(json.dumps([count(few, Blocks()), count(many, Blocks()), count(few, Steps()), count(many, Steps())]))
"""

FIELD = {
    "module": "xstim",
    "input_type": "lfp",
    "positions_file": "${configdir}/positions.csv",
    "waveform": {"shape": "sin", "del": 2.0, "amp": 0.05, "dur": 15.0, "freq": 80.0},
}
INPUTS = {
    "field": FIELD,
    "table": {"module": "IClamp", "input_type": "csv", "file": "${configdir}/currents.csv"},
    "voltage": {
        **{
            "module": "SEClamp",
            "input_type": "voltage_clamp",
            "node_set": {"population": "bent", "node_id": [1]},
        },
        **{"amp": -50.0, "delay": 2.0, "duration": 5.0},
    },
    "spikes": {
        **{"module": "csv", "input_type": "spikes", "node_set": "ext"},
        "input_file": "${configdir}/spikes.csv",
    },
}
REPORTS = {
    "v": {"module": "membrane_report", "variable_name": "v", "cells": "bent", "sections": "soma", "dt": 1.0},
    "syn": {"module": "netcon_report", "variable_name": "g", "cells": "bent", "dt": 1.0},
    "ecp": {
        "module": "extracellular",
        "electrode_positions": "${configdir}/sites.csv",
        "cells": "bent",
        "dt": 1.0,
    },
}


def test_no_python_in_a_time_step(tmp_path: Path) -> None:
    (tmp_path / "positions.csv").write_text("pos_x pos_y pos_z\n100 50 20\n")
    (tmp_path / "sites.csv").write_text("channel x_pos y_pos z_pos\n0 60 0 0\n1 0 90 0\n")
    (tmp_path / "currents.csv").write_text("timestamps amps\n2 0.1\n4 0.3\n6 0.2\n")
    (tmp_path / "spikes.csv").write_text("timestamps population node_ids\n1.5 ext 0\n3.0 ext 2\n")
    configs = []
    edges = {"ext_bent": True, "bent_bent": True}
    for name, dt in (("few", 0.1), ("many", 0.025)):
        path = write_model(tmp_path, INPUTS, name, edges=edges, tstop=40.0, dt=dt)
        path.write_text(json.dumps({**json.loads(path.read_text()), "reports": REPORTS}))
        configs.append(str(path))
    done = run_python(["-c", SCRIPT + COUNT, *configs], 200, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    few, many, few_stepwise, many_stepwise = json.loads(done.stdout.splitlines()[-1])
    # 1200 steps more, in the same time, with the same rows of reports
    assert abs(many - few) < 60
    assert many_stepwise - few_stepwise >= 1200
