"""Models of the Allen dialect on CoreNEURON: the spikes and reports of NEURON, or a refusal that says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests import allen_model, bent_cells
from tests.allen_data import read_spike_list
from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

RUN = ["-m", "neurodamus_like.cli.main", "run", "--no-progress"]
REPORTS: dict[str, dict[str, Any]] = {
    "soma": {"module": "membrane_report", "variable_name": "v", "sections": "soma", "dt": 0.1},
    "all": {"module": "membrane_report", "variable_name": "v", "sections": "all", "dt": 0.5},
    "currents": {"module": "membrane_report", "variable_name": "i_membrane_", "sections": "all"},
    "synapses": {"module": "netcon_report", "variable_name": "g", "syn_type": "Exp2Syn"},
    "ecp": {"module": "extracellular", "electrode_positions": "${configdir}/sites.csv"},
}
DATA = {
    "soma": "report/bent/data",
    "all": "report/bent/data",
    "currents": "report/bent/data",
    "synapses": "report/bent/data",
    "ecp": "ecp/data",
}
RUNS = {"neuron": ("NEURON", 1), "core": ("CORENEURON", 1), "core2": ("CORENEURON", 2)}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cells that spike, driven by virtual nodes and a clamp."""
    folder = tmp_path_factory.mktemp("core")
    (folder / "sites.csv").write_text("channel x_pos y_pos z_pos\n0 60 40 30\n1 -150 90 60\n")
    rows = [f"{1.5 + 0.8 * k} ext {k % 4}" for k in range(20)]
    (folder / "spikes.csv").write_text("\n".join(["timestamps population node_ids", *rows]) + "\n")
    inputs = {
        "spikes": {
            "input_type": "spikes",
            "module": "csv",
            "input_file": "${configdir}/spikes.csv",
            "node_set": "ext",
        },
        "clamp": {
            "input_type": "current_clamp",
            "module": "IClamp",
            "node_set": {"population": "bent", "node_id": [1]},
            "amp": 0.5,
            "delay": 2.0,
            "duration": 12.0,
        },
    }
    path = bent_cells.write_model(folder, inputs, edges={"ext_bent": True, "bent_bent": True})
    content = json.loads(path.read_text())
    content["reports"] = {
        name: {"file_name": f"{name}.h5", "cells": "bent", **block} for name, block in REPORTS.items()
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def results(config: Path) -> dict[str, Path]:
    found = {}
    for name, (simulator, ranks) in RUNS.items():
        found[name] = config.parent / name
        args = [*RUN, str(config), f"--simulator={simulator}", f"--output-path={found[name]}"]
        done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
        assert done.returncode == 0, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("run", ["core", "core2"])
def test_same_spikes(results: dict[str, Path], run: str) -> None:
    expected = read_spike_list(results["neuron"] / "spikes.h5", "bent")
    assert {node for node, _ in expected} == {0, 1, 2}
    assert read_spike_list(results[run] / "spikes.h5", "bent") == expected


@pytest.mark.parametrize("run", ["core", "core2"])
@pytest.mark.parametrize("report", REPORTS)
def test_same_reports(results: dict[str, Path], run: str, report: str) -> None:
    expected, found = (_data(results[name] / f"{report}.h5", DATA[report]) for name in ("neuron", run))
    assert np.ptp(expected, axis=0).max() > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7 * np.abs(expected).max())


def _data(path: Path, name: str) -> np.ndarray:
    with h5py.File(path) as h5:
        return np.asarray(h5[name][()])


def test_artificial_cells_that_neuron_has_built_in(tmp_path: Path) -> None:
    config = allen_model.write_model(tmp_path / "model")
    found = []
    for simulator in ("NEURON", "CORENEURON"):
        args = [*RUN, str(config), f"--simulator={simulator}", f"--output-path={tmp_path / simulator}"]
        done = run_python(args, 300)
        assert done.returncode == 0, done.stdout + done.stderr
        found.append(read_spike_list(tmp_path / simulator / "spikes.h5", "cells"))
    assert found[0] == found[1]
    fired = [node for node, _ in found[0]]
    # IntFire1, each more than once: refractoriness and decay count
    assert min(fired.count(2), fired.count(3)) > 1


def test_other_artificial_cells_are_refused(tmp_path: Path) -> None:
    config = allen_model.write_model(tmp_path / "model")
    types = tmp_path / "model" / "network" / "cells_node_types.csv"
    types.write_text(types.read_text().replace("nrn:IntFire1", "nrn:IntFire2"))
    done = run_python([*RUN, str(config), "--simulator=CORENEURON"], 200)
    assert done.returncode == 1
    assert "CoreNEURON does not have NEURON's IntFire2" in done.stderr
    assert "simulate with NEURON" in done.stderr
    assert "Traceback" not in done.stderr


FIELD = {"shape": "dc", "del": 3.0, "amp": -0.06, "dur": 8.0}


@pytest.mark.parametrize("module", ["xstim", "comsol"])
def test_fields_are_refused(tmp_path: Path, module: str) -> None:
    (tmp_path / "sites.csv").write_text("pos_x pos_y pos_z\n100 50 20\n")
    block = {
        "xstim": {"positions_file": "${configdir}/sites.csv", "waveform": FIELD},
        "comsol": {"comsol_files": "${configdir}/sites.csv", "waveforms": FIELD},
    }[module]
    config = bent_cells.write_model(tmp_path, {"field": {"input_type": "lfp", "module": module, **block}})
    done = run_python([*RUN, str(config), "--simulator=CORENEURON"], 200)
    assert done.returncode == 1
    assert "CoreNEURON has no extracellular potential" in done.stderr
    assert "/inputs/field/module" in done.stderr
    assert "Traceback" not in done.stderr
