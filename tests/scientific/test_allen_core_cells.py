"""Cells of the Allen Institute on CoreNEURON: the spikes, voltages and extracellular potentials of NEURON."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.allen_data import allen_core_library, copy_case, read_spike_list, simulate_allen

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

RUNS = {"neuron": ("NEURON", 1), "core": ("CORENEURON", 1), "core2": ("CORENEURON", 2)}
REPORTS = {
    "soma": {"module": "membrane_report", "variable_name": "v", "sections": "soma"},
    "calcium": {"module": "membrane_report", "variable_name": "cai", "sections": "soma"},
    "sodium": {
        "module": "membrane_report",
        "variable_name": "g_NaV",
        "sections": "soma",
        "cells": [2, 3, 6, 8],
    },
    "synapses": {"module": "netcon_report", "variable_name": "g", "syn_type": "Exp2Syn", "cells": [0, 8]},
    "ecp": {
        "module": "extracellular",
        "electrode_positions": "../bio_components/recXelectrodes/linear_electrode.csv",
    },
}
CLAMP = {
    "module": "IClamp",
    "input_type": "current_clamp",
    "node_set": {"model_type": "biophysical"},
    "amp": 0.4,
    "delay": 5.0,
    "duration": 30.0,
}
PERISOMATIC, ALL_ACTIVE = "aibs_perisomatic e 473863510_fit.json", "aibs_allactive e 485184849_fit.json"


@pytest.fixture(scope="module")
def results(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The 14 cells, two of them all-active, every detailed one driven to spike."""
    folder = copy_case("bio_14cells", tmp_path_factory.mktemp("core"))
    types = folder / "network" / "v1_node_types.csv"
    assert PERISOMATIC in types.read_text()
    types.write_text(types.read_text().replace(PERISOMATIC, ALL_ACTIVE))
    config = json.loads((folder / "config.simulation_short.json").read_text())
    config["run"]["tstop"] = 50.0
    config["inputs"]["clamp"] = CLAMP
    config["reports"] = {name: {"cells": "biophysical", **block} for name, block in REPORTS.items()}
    config["node_sets"] = {"biophysical": {"model_type": "biophysical"}}
    path = folder / "driven.json"
    path.write_text(json.dumps(config))
    library = allen_core_library(tmp_path_factory.mktemp("library"))
    return {
        name: simulate_allen(path, folder / name, ranks, f"--simulator={simulator}", nrnmech=library)
        for name, (simulator, ranks) in RUNS.items()
    }


@pytest.mark.parametrize("run", ["core", "core2"])
def test_same_spikes(results: dict[str, Path], run: str) -> None:
    expected = read_spike_list(results["neuron"] / "spikes.h5", "v1")
    assert {node for node, _ in expected} == set(range(10))
    assert read_spike_list(results[run] / "spikes.h5", "v1") == expected


@pytest.mark.parametrize("run", ["core", "core2"])
@pytest.mark.parametrize("report", REPORTS)
def test_same_reports(results: dict[str, Path], run: str, report: str) -> None:
    name = "ecp/data" if report == "ecp" else "report/v1/data"
    expected, found = (_data(results[r] / f"{report}.h5", name) for r in ("neuron", run))
    assert np.ptp(expected, axis=0).max() > 0
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=1e-9 * scale if report == "ecp" else 1e-8 * scale
    )


def _data(path: Path, name: str) -> np.ndarray:
    with h5py.File(path) as h5:
        return np.asarray(h5[name][()])
