"""Synapses of the Allen families stp*, exp1* and tmgsyn: the same spikes and voltages as in BMTK."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, peer_python, run

from neurodamus_like.engine.mech_build import build_mechanisms
from neurodamus_like.engine.mech_sources import core_dir
from tests.allen_data import assert_same_spikes, read_spike_list
from tests.peers.test_bionet_bmtk import BALL_AND_STICK

pytestmark = pytest.mark.slow

# name -> states with their derivatives and initial values, what an event does, further parameters
RELEASE = "g = g + w * n * p0\n n = n - n * p0"
FACILITATION = {
    "n": ("(1 - n) / tau_r", "1"),
    "tau_r": ("(tau_r0 - tau_r) / tau_FDR", "tau_r0"),
    "D": ("(1 - D) / tau_D", "1"),
    "pb": ("(pbtilde - pb) / tau_i", "pbtilde"),
    "p": ("(pb - p) / tau_f", "pbtilde"),
}
FACILITATING = """g = g + w * n * p * D
 n = n - n * p * D
 tau_r = tau_r - a_FDR * tau_r
 D = D - a_D * D
 pb = pb - a_i * pb
 p = p + a_f * (1 - p)"""
FACILITATION_PARAMETERS = (
    "tau_r0=200 tau_FDR=500 a_FDR=0.2 a_D=0.1 tau_D=150 a_i=0.1 tau_i=400 a_f=0.1 tau_f=90 pbtilde=0.5"
)
MODELS: dict[str, tuple[dict[str, tuple[str, str]], str, str]] = {
    "exp1syn": ({}, "g = g + w", "tau=1"),
    "exp1isyn": ({}, "g = g + w", "tau=1"),
    "stp1syn": ({"n": ("(1 - n) / tau_r", "1")}, RELEASE, "p0=0.3 tau_r=100"),
    "stp2syn": (
        {k: FACILITATION[k] for k in ("n", "tau_r")},
        RELEASE + "\n tau_r = tau_r - 0.1 * tau_r",
        "p0=0.3 tau_r0=100 tau_FDR=500",
    ),
    "stp3syn": (
        {k: FACILITATION[k] for k in ("n", "tau_r", "D")},
        "g = g + w * n * p0 * D\n n = n - n * p0 * D\n D = D - 0.2 * D\n tau_r = tau_r - 0.1 * tau_r",
        "p0=0.3 tau_r0=100 tau_FDR=500 tau_D=90",
    ),
    "stp4syn": (
        {"n": ("(1 - n) / tau_r", "1"), "p": ("0.01 * (p0 - p)", "p0")},
        "g = g + w * n * p\n n = n - n * p\n p = p + 0.2 * (1 - p)",
        "p0=0.3 tau_r=100",
    ),
    "stp5syn": (FACILITATION, FACILITATING, FACILITATION_PARAMETERS),
    "stp5isyn": (FACILITATION, FACILITATING, FACILITATION_PARAMETERS),
    "tmgsyn": (
        {"n": ("(1 - n) / tau_rec", "1"), "p": ("(u0 - p) / tau_facil", "u0")},
        "p = p + U * (1 - p)\n g = g + w * n * p\n n = n - n * p",
        "tau_rec=100 tau_facil=50 U=0.2 u0=0",
    ),
}


def write_mechanism(folder: Path, name: str) -> None:
    """Write a point process of our own with the name and the parameters of an Allen one."""
    states, event, parameters = MODELS[name]
    decay = "tau" if name.startswith("exp1") else "tau_1"
    values = ["e=0", *([] if decay == "tau" else ["tau_1=5"]), *parameters.split()]
    names = ", ".join(value.split("=")[0] for value in values)
    changes = {"g": (f"-g / {decay}", "0"), **states}
    lines = [
        f"NEURON {{ POINT_PROCESS {name} RANGE {names}, i NONSPECIFIC_CURRENT i }}",
        "PARAMETER { " + " ".join(value.replace("=", " = ") for value in values) + " }",
        "ASSIGNED { v (mV) i (nA) }",
        f"STATE {{ {' '.join(changes)} }}",
        "INITIAL {",
        *(f" {state} = {start}" for state, (_, start) in changes.items()),
        "}",
        "BREAKPOINT { SOLVE relaxation METHOD cnexp",
        f" i = g * {'e' if 'isyn' in name else '(v - e)'} }}",
        "DERIVATIVE relaxation {",
        *(f" {state}' = {change}" for state, (change, _) in changes.items()),
        "}",
        f"NET_RECEIVE(w) {{\n {event}\n}}",
    ]
    (folder / f"{name}.mod").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    peer_python("bmtk.simulator.bionet")
    folder = tmp_path_factory.mktemp("synapses")
    mods = folder / "mods"
    mods.mkdir()
    for name in MODELS:
        write_mechanism(mods, name)
    for part in ("stimuli/VecStim", "cells/ReportRecorder"):
        shutil.copy(core_dir() / "mod" / f"{part}.mod", mods)
    machine = folder / "mechanisms" / os.uname().machine
    machine.mkdir(parents=True)
    (machine / "libnrnmech.so").symlink_to(build_mechanisms([mods], with_core=False).nrnmech)
    (folder / "templates").mkdir()
    (folder / "templates" / "BallAndStick.hoc").write_text(BALL_AND_STICK)
    text = (SCRIPTS / "bionet_synapses.py").read_text()
    script = folder / "build.py"
    script.write_text(text.replace("from bmtk.builder import", "from neurodamus_like.builder import"))
    run(sys.executable, script, folder, cwd=folder)
    return folder


def test_families_of_synapses(network: Path) -> None:
    text = (SCRIPTS / "bionet_run.py").read_text()
    shutil.copy(SCRIPTS / "one_at_a_time.py", network)
    scripts = {
        "bmtk": (peer_python("bmtk.simulator.bionet"), "import one_at_a_time\n" + text),
        "ours": (sys.executable, text.replace("from bmtk.simulator import", "from neurodamus_like import")),
    }
    voltages = {}
    for name, (python, code) in scripts.items():
        script = network / f"run_{name}.py"
        script.write_text(code)
        run(python, script, network, network / f"{name}.npz", cwd=network)
        shutil.copyfile(network / "output" / "spikes.h5", network / f"{name}.h5")
        voltages[name] = np.load(network / f"{name}.npz")
    assert len(voltages["ours"].files) == len(MODELS) + 1
    assert set(voltages["ours"].files) == set(voltages["bmtk"].files)
    for gid in voltages["ours"].files:
        expected = voltages["bmtk"][gid]
        np.testing.assert_allclose(voltages["ours"][gid], expected, atol=1e-6, rtol=0, err_msg=f"cell {gid}")
        assert np.ptp(expected) > 1.0, gid
    assert_same_spikes(*(read_spike_list(network / f"{name}.h5", "cells") for name in scripts))
