"""A BMTK model with electrodes, reports and a field goes on from a checkpoint, on the same and on more ranks."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests import bent_cells
from tests.allen_data import read_spike_list, simulate_allen

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

END_MS, SAVED_MS = 16.0, 3.6
INPUTS = {
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
        "duration": 9.0,
    },
    "field": {
        "input_type": "lfp",
        "module": "xstim",
        "positions_file": "${configdir}/needle.csv",
        "waveform": {"shape": "sin", "amp": 0.01, "del": 3.0, "dur": 15.0, "freq": 90.0},
    },
}
DATA = {"soma": "report/bent/data", "synapses": "report/bent/data", "clamps": "data", "ecp": "ecp/data"}
REPORTS = {
    "soma": {"module": "membrane_report", "variable_name": "v", "sections": "soma"},
    "synapses": {"module": "netcon_report", "variable_name": "g", "syn_type": "Exp2Syn"},
    "clamps": {"module": "clamp_report", "variable_name": "ic"},
    "ecp": {"module": "extracellular", "electrode_positions": "${configdir}/sites.csv"},
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The whole run, and the second half of one that was saved, on one and on two ranks."""
    folder = tmp_path_factory.mktemp("restart")
    (folder / "sites.csv").write_text("channel x_pos y_pos z_pos\n0 60 40 30\n1 -150 90 60\n")
    (folder / "needle.csv").write_text(
        "pos_x pos_y pos_z rotation_x rotation_y rotation_z\n400 300 200 0 0 0\n"
    )
    rows = [f"{1.5 + 0.8 * k} ext {k % 4}" for k in range(24)]
    (folder / "spikes.csv").write_text("\n".join(["timestamps population node_ids", *rows]) + "\n")
    config = bent_cells.write_model(folder, INPUTS, edges={"ext_bent": True, "bent_bent": True})
    content = json.loads(config.read_text())
    content["reports"] = {
        name: {"file_name": f"{name}.h5", **({} if name == "clamps" else {"cells": "bent"}), **block}
        for name, block in REPORTS.items()
    }
    paths = {}
    for name, end in (("whole", END_MS), ("half", SAVED_MS)):
        content["run"] |= {"tstop": end, "nsteps_block": 70}
        paths[name] = folder / f"{name}.json"
        paths[name].write_text(json.dumps(content))
    checkpoint = folder / "checkpoint"
    simulate_allen(paths["half"], folder / "half", 1, f"--save={checkpoint}")
    return {
        "whole": simulate_allen(paths["whole"], folder / "whole"),
        **{
            f"on {ranks}": simulate_allen(
                paths["whole"], folder / f"restored{ranks}", ranks, f"--restore={checkpoint}"
            )
            for ranks in (1, 2)
        },
    }


def test_the_same_number_of_ranks_writes_the_same_files(outputs: dict[str, Path]) -> None:
    for name in ("spikes", "soma", "synapses", "clamps"):
        found, expected = ((outputs[run] / f"{name}.h5").read_bytes() for run in ("on 1", "whole"))
        assert found == expected, name
    # potentials are computed for all rows of a block at once, and blocks begin elsewhere
    _assert_close(outputs, "on 1", "ecp", 1e-13)


def test_more_ranks_go_on(outputs: dict[str, Path]) -> None:
    expected = read_spike_list(outputs["whole"] / "spikes.h5", "bent")
    assert {time > SAVED_MS for _, time in expected} == {True, False}
    assert read_spike_list(outputs["on 2"] / "spikes.h5", "bent") == expected
    for name in DATA:
        # NEURON solves the cells of a rank together where they have a layer outside: sums are taken in another order
        _assert_close(outputs, "on 2", name, 1e-9)


def _assert_close(outputs: dict[str, Path], run: str, name: str, relative: float) -> None:
    tables = []
    for folder in (outputs[run], outputs["whole"]):
        with h5py.File(folder / f"{name}.h5") as h5:
            tables.append(h5[DATA[name]][()])
    found, expected = tables
    assert np.ptp(expected[int(SAVED_MS / END_MS * len(expected)) :]) > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * np.abs(expected).max(), err_msg=name)
