"""Scripts of BMTK with their import line changed: networks that both simulators run, with the same results."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, peer_python, run

from tests.allen_data import allen_library, assert_same_spikes, read_spike_list
from tests.obi_data import SHARED

pytestmark = pytest.mark.slow

GAP = """
NEURON { POINT_PROCESS Gap RANGE g, i, vgap NONSPECIFIC_CURRENT i }
PARAMETER { g = 0 (microsiemens) }
ASSIGNED { v (millivolt) vgap (millivolt) i (nanoamp) }
BREAKPOINT { i = g * (v - vgap) }
"""

BALL_AND_STICK = """
begintemplate BallAndStick
public soma, dend, all
create soma[1], dend[1]
objref all
proc init() {
    all = new SectionList()
    connect dend[0](0), soma[0](1)
    soma[0] { all.append() L = 20 diam = 18 insert hh }
    dend[0] { all.append() L = 250 diam = 1.5 insert pas e_pas = -65 g_pas = 2e-4 }
    forall Ra = 120
}
endtemplate BallAndStick
"""


def _script(name: str, folder: Path, ours: bool) -> tuple[str, Path]:
    """Return the interpreter and the script: BMTK's own text, or the same with the import lines changed."""
    text = (SCRIPTS / f"{name}.py").read_text()
    if not ours:
        path = folder / f"{name}_bmtk.py"
        path.write_text(text)
        return peer_python("bmtk.simulator.bionet"), path
    path = folder / f"{name}_ours.py"
    changed = text.replace("from bmtk.builder import", "from neurodamus_like.builder import")
    path.write_text(changed.replace("from bmtk.simulator import", "from neurodamus_like import"))
    return sys.executable, path


def _prepare(folder: Path, library: Path) -> Path:
    """Write what the network of the scripts needs besides the network; return the folder of components."""
    components = SHARED / "data" / "allen" / "bio_components"
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "BallAndStick.hoc").write_text(BALL_AND_STICK)
    cells = folder / "cells"
    cells.mkdir()
    for kind in ("ctdb", "nml"):
        for path in (components / "biophysical_neuron_templates" / kind).iterdir():
            shutil.copyfile(path, cells / path.name)
    machine = folder / "mechanisms" / os.uname().machine
    machine.mkdir(parents=True)
    (machine / "libnrnmech.so").symlink_to(library)
    return components


@pytest.fixture(scope="module")
def library(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    gap = tmp_path_factory.mktemp("gap")
    (gap / "gap.mod").write_text(GAP)
    return allen_library(gap)


@pytest.fixture(scope="module", params=["ours", "bmtk"])
def network(request: pytest.FixtureRequest, library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network made by one of the two builders."""
    folder = tmp_path_factory.mktemp(request.param)
    components = _prepare(folder, library)
    python, script = _script("bionet_network", folder, ours=request.param == "ours")
    run(python, script, folder, components, *_directed(), cwd=folder)
    return folder


def _directed() -> list[str]:
    """BMTK's directed axon stubs need scikit-learn."""
    done = subprocess.run([peer_python(), "-c", "import sklearn"], capture_output=True, check=False)
    return ["directed"] if done.returncode == 0 else []


def test_both_simulators_run_the_network(network: Path) -> None:
    results = []
    for ours in (True, False):
        python, script = _script("bionet_run", network, ours)
        out = network / f"voltage_{ours}.npz"
        run(python, script, network, out, cwd=network)
        shutil.copyfile(network / "output" / "spikes.h5", network / f"spikes_{ours}.h5")
        results.append(np.load(out))
    assert sorted(results[0].files, key=int) == [str(gid) for gid in range(8)]
    for gid in results[0].files:
        np.testing.assert_allclose(results[0][gid], results[1][gid], atol=1e-6, rtol=0, err_msg=f"cell {gid}")
    spikes = [read_spike_list(network / f"spikes_{ours}.h5", "cortex") for ours in (True, False)]
    assert_same_spikes(*spikes)
    assert {node for node, _ in spikes[0]} >= {0, 2, 4, 8}
