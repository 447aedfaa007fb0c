"""Where spikes are detected: in the soma or in the axon initial segment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

RUN = """
import json, sys
import numpy as np
from neurodamus_like import Neurodamus
from neurodamus_like.engine import nrn

sim = Neurodamus(sys.argv[1], progress=False)
cells = sim.circuits.node_managers["Exc"].gid2cell
places = {"AIS": lambda hoc: hoc.axon[1](0.5), "soma": lambda hoc: hoc.soma[0](1.0)}
recorded = {
    place: {gid: nrn.h.Vector().record(at(cell.hoc)._ref_v) for gid, cell in cells.items()}
    for place, at in places.items()
}
sim.sim_init()
sim.solve()
threshold, dt = sim.simulation.run.spike_threshold_mV, sim.simulation.run.dt_ms

def crossings(vector):
    v = np.array(vector)
    return ((np.flatnonzero((v[:-1] <= threshold) & (v[1:] > threshold)) + 1) * dt).round(6).tolist()

times, node_ids = sim.spikes.local_spikes()["Exc"]
answer = {place: {gid: crossings(v) for gid, v in vectors.items()} for place, vectors in recorded.items()}
answer["spikes"] = {
    gid: times[node_ids == cell.node_id].round(6).tolist() for gid, cell in cells.items()
}
print("ANSWER" + json.dumps(answer))
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_demo_circuit(tmp_path / "circuit", n_cells=10, tstop_ms=60.0, seed=3)


def _use_ais(config: Path) -> None:
    document = json.loads(config.read_text())
    document["conditions"]["spike_location"] = "AIS"
    for block in document["inputs"].values():
        if "mean_percent" in block:
            block["mean_percent"] = 200.0
    config.write_text(json.dumps(document))


def test_spikes_are_threshold_crossings_in_the_ais(config: Path) -> None:
    _use_ais(config)
    done = run_python(["-c", RUN, str(config)], 180)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout.partition("ANSWER")[2])
    assert sum(map(len, answer["spikes"].values())) > 5
    assert answer["spikes"] == answer["AIS"]
    assert answer["spikes"] != answer["soma"]


def test_a_cell_without_a_second_axonal_section_is_refused(config: Path) -> None:
    _use_ais(config)
    for file in (config.parent / "hoc").glob("*.hoc"):
        text = file.read_text()
        changed = text.replace(
            "    re_init_rng()\n}", "    re_init_rng()\n    axon[1] delete_section()\n}", 1
        )
        assert changed != text
        file.write_text(changed)
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config)], 120)
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert "Traceback" not in text
    for expected in ("error: ", "axon[1]", "/conditions/spike_location", "Demo"):
        assert expected in text
