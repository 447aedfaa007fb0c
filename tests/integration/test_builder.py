"""A network of the builder, from rules to spikes, through the command line."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import run_python

from neurodamus_like.builder import DistanceDelay, NetworkBuilder, Probability, SynapsePlacement
from neurodamus_like.builder.demo import write_demo_circuit


def command(*words: str, cwd: Path) -> str:
    done = run_python(["-m", "neurodamus_like.cli.main", *words], cwd=cwd, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.neuron
@pytest.mark.slow
def test_a_network_in_the_obi_dialect_runs(tmp_path: Path) -> None:
    write_demo_circuit(tmp_path / "demo", n_cells=10)
    net = NetworkBuilder("Exc", seed=1)
    net.import_nodes(tmp_path / "demo" / "nodes.h5", population="Exc")
    synapses = net.add_edges(
        connection_rule=Probability(0.5, n_syn=(2, 4), self_connections=False),
        conductance=0.7,
        u_syn=0.5,
        depression_time=670.0,
        facilitation_time=17.0,
        decay_time=1.74,
        n_rrp_vesicles=2,
        syn_type_id=120,
        u_hill_coefficient=2.8,
        conductance_scale_factor=0.7,
    )
    place = SynapsePlacement(["basal", "apical"], (0.0, 300.0), tmp_path / "demo" / "swc")
    synapses.add_properties(["afferent_section_id", "afferent_section_pos"], rule=place)
    synapses.add_properties("delay", rule=DistanceDelay(300.0, offset=0.5))
    folders = {"morphologies_dir": "../../demo/swc", "biophysical_neuron_models_dir": "../../demo/hoc"}
    net.save(tmp_path / "sim" / "circuit", dialect="obi", components=folders)
    words = ["--iclamp=0.8,5,90", "--report-vars=v", "--tstop=100", "--dt=0.025"]
    command("new", str(tmp_path / "sim"), *words, cwd=tmp_path)
    shown = command("validate", str(tmp_path / "sim" / "config.json"), cwd=tmp_path)
    assert "error" not in shown.lower().replace("0 errors", "")
    command("run", str(tmp_path / "sim" / "config.json"), cwd=tmp_path)
    with h5py.File(tmp_path / "sim" / "output" / "spikes.h5") as h5:
        assert h5["spikes/Exc/timestamps"].shape[0] > 5
    reports = list((tmp_path / "sim" / "output").glob("v_report*"))
    with h5py.File(reports[0]) as h5:
        assert np.isfinite(h5["report/Exc/data"][()]).all()
