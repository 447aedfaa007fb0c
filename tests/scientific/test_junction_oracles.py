"""Gap junctions and neuromodulation of the ring against the reference, on 1, 2 and 4 ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_python
from tests.obi_data import load_oracle, write_oracle_config
from tests.scientific.oracle_runs import assert_spikes_equal, simulate

pytestmark = [pytest.mark.neuron, pytest.mark.slow]


def ring_oracle(case: str) -> dict[str, Any]:
    """Return an oracle of the ring, with the magnesium constants of the reference's common mechanisms."""
    oracle = load_oracle(case)
    oracle["simulation_config"]["conditions"]["mechanisms"] = {
        "ProbAMPANMDA_EMS": {"slope_mg": 0.062, "scale_mg": 3.57}
    }
    return oracle


def soma_report(node_set: str) -> dict[str, Any]:
    common = {"sections": "soma", "type": "compartment", "variable_name": "v", "unit": "mV", "dt": 0.1}
    return {"soma": {"cells": node_set, "start_time": 0, "end_time": 50, **common}}


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize(
    ("case", "populations"), [("ringtest_gj", ["RingC"]), ("ringtest_neuromod", ["RingA", "RingB"])]
)
def test_ring(case: str, populations: list[str], ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = ring_oracle(case)
    output = simulate(write_oracle_config(oracle, obi, tmp_path), ranks)
    assert_spikes_equal(output, oracle, populations)


def test_voltages_do_not_depend_on_the_number_of_ranks(obi: Path, tmp_path: Path) -> None:
    oracle = ring_oracle("ringtest_gj")
    config = oracle["simulation_config"]
    config["reports"] = soma_report("Ring:C")
    config["inputs"]["Stimulus"] = {**config["inputs"]["Stimulus"], "node_set": "first"}
    config["node_sets_file"] = str(tmp_path / "node_sets.json")
    (tmp_path / "node_sets.json").write_text(
        '{"Ring:C": {"population": "RingC"}, "first": {"population": "RingC", "node_id": [0]}}'
    )
    voltages = []
    for ranks in (1, 2, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        with h5py.File(simulate(write_oracle_config(oracle, obi, folder), ranks) / "soma.h5") as file:
            voltages.append(file["report/RingC/data"][:])
    assert np.array_equal(voltages[0], voltages[1])
    assert np.array_equal(voltages[0], voltages[2])
    before = voltages[0][40]
    moved = np.abs(voltages[0][50:250] - before).max(axis=0)
    assert moved[0] > 50
    assert moved[2] > 0.1, "the junction brings the spike of cell 0 to cell 2"
    assert moved[2] > 5 * moved[1]


CORRECTIONS = """
import json, sys
from neurodamus_like.simulation.node import Neurodamus
node = Neurodamus(sys.argv[1], progress=False)
cells = node.circuits.get_node_manager("RingC")
manager = next(m for m in node.circuits.all_synapse_managers() if m.CONNECTIONS_TYPE == "GapJunction")
one = cells.get_cell(1)
leak = sorted({seg.g_pas for section in one.sections for seg in section if section.has_membrane("pas")})
print("RESULT" + json.dumps([leak, [c.amp for c in manager.corrected.holding], sorted(manager.corrected.clamps),
                             sum(len(list(section)) for section in one.sections)]))
"""


@pytest.mark.parametrize("procedure", ["validation_sim", "find_holding_current"])
def test_files_of_corrections(procedure: str, obi: Path, tmp_path: Path) -> None:
    """The correction files that come with the ring name every segment of cell 1."""
    oracle = ring_oracle("ringtest_gj")
    files = obi / "ringtest" / "gapjunctions"
    oracle["simulation_config"]["beta_features"] = {
        "gapjunction_target_population": "RingC",
        "gjc": 0.2,
        "deterministic_stoch": True,
        "procedure_type": procedure,
        "load_g_pas_file": str(files / "test_g_pas_passive.hdf5"),
        "manual_MEComboInfo_file": str(files / "test_holding_per_gid.hdf5"),
        "vc_amp": str(files / "test_holding_voltage.hdf5"),
    }
    done = run_python(["-c", CORRECTIONS, str(write_oracle_config(oracle, obi, tmp_path))], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    leak, holding, clamped, segments = json.loads(line[6:])
    assert segments == 5
    assert leak == [0.033]
    assert "their g_pas is not used" not in done.stderr
    assert holding == ([pytest.approx(-0.00108486, abs=1e-8)] if procedure == "validation_sim" else [])
    assert clamped == ([] if procedure == "validation_sim" else [1, 2])
