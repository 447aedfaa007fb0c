"""Reports of a BMTK model on 1, 2 and 4 ranks, and extracellular potentials against their formula."""

from __future__ import annotations

import json
import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.allen_data import allen_library, copy_case, simulate_allen

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

SITES = "../bio_components/recXelectrodes/linear_electrode.csv"
ECP = {"module": "extracellular", "electrode_positions": SITES, "dt": 0.5}
REPORTS = {
    "ecp": {**ECP, "contributions_dir": "cells", "file_name_nwb": "all.nwb"},
    "points": {**ECP, "cells": [3], "method": "point", "conductivity": 0.5},
    "currents": {"module": "membrane_report", "variable_name": "i_membrane_", "cells": [3], "dt": 0.5},
    "syn": {"module": "netcon_report", "variable_name": "g", "cells": "v1", "syn_type": None, "dt": 5.0},
    "weights": {"module": "syn_weight", "cells": "biophysical", "dt": 25.0},
    "clamp": {"module": "clamp_report", "variable_name": "ic"},
    "save": {"module": "save_synapses", "network_dir": "NETWORK"},
}
REPORTS["syn"]["syn_type"] = "Exp2Syn"
INPUT = {"module": "IClamp", "input_type": "current_clamp", "amp": 0.1, "delay": 5.0, "duration": 10.0}


def write_config(folder: Path, network: Path) -> Path:
    config = json.loads((folder / "config.simulation_short.json").read_text())
    config["run"] |= {"tstop": 50.0, "nsteps_block": 130}
    config["inputs"]["clamp"] = {**INPUT, "node_set": {"node_id": [1, 4]}}
    config["reports"] = {**REPORTS, "save": {**REPORTS["save"], "network_dir": str(network)}}
    path = folder / "reports.json"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_case("bio_14cells", tmp_path_factory.mktemp("ranks"))


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[int, Path]:
    found = {}
    for ranks in (1, 2, 4):
        output = folder / f"out{ranks}"
        config = write_config(folder, output / "network")
        found[ranks] = simulate_allen(config, output, ranks, nrnmech=allen_library())
    return found


def test_any_number_of_ranks_writes_the_same(results: dict[int, Path]) -> None:
    names = sorted(p.relative_to(results[1]) for p in results[1].rglob("*.h5"))
    assert len(names) == 6 + 10 + 3 + 1
    for ranks in (2, 4):
        for name in names:
            same = (results[ranks] / name).read_bytes() == (results[1] / name).read_bytes()
            assert same or name.name == "ecp.h5", name
        totals = []
        for n in (1, ranks):
            with h5py.File(results[n] / "ecp.h5") as h5:
                totals.append(h5["ecp/data"][()])
        np.testing.assert_allclose(*totals, rtol=0, atol=1e-12 * np.abs(totals[0]).max())
        assert not list(results[ranks].rglob(".*.part"))


def test_the_nwb_file_has_the_same_numbers(results: dict[int, Path]) -> None:
    output = results[4]
    with h5py.File(output / "all.nwb") as nwb, h5py.File(output / "ecp.h5") as h5:
        series = nwb["acquisition/ElectricalSeries"]
        np.testing.assert_array_equal(series["data"][()], h5["ecp/data"][()])
        assert series["starting_time"][()] == pytest.approx(1e-4)
        assert series["starting_time"].attrs["rate"] == 2000.0
        assert len(nwb["general/extracellular_ephys/electrodes/x"]) == 86


def test_contributions_add_up(results: dict[int, Path]) -> None:
    parts = []
    for path in (results[2] / "cells").iterdir():
        with h5py.File(path) as h5:
            parts.append(h5["ecp/data"][()])
            assert h5["ecp/time"][:].tolist() == [0.0, 50.0, 0.5]
    assert len(parts) == 10
    with h5py.File(results[2] / "ecp.h5") as h5:
        total = h5["ecp/data"][()]
    np.testing.assert_allclose(np.sum(parts, axis=0), total, rtol=0, atol=1e-13 * np.abs(total).max())


def test_potentials_are_the_sum_over_segments(folder: Path, results: dict[int, Path]) -> None:
    """The soma alone is checked in closed form: its factor is what the potential gains with its current."""
    with h5py.File(results[1] / "currents.h5") as h5:
        currents = h5["report/v1/data"][()]
    with h5py.File(results[1] / "cells" / "3.h5") as h5:
        lines = h5["ecp/data"][()]
    with h5py.File(results[1] / "points.h5") as h5:
        points = h5["ecp/data"][()]
    # both are linear in the recorded currents: the best linear map leaves nothing over
    for potentials in (lines, points):
        factors, *_ = np.linalg.lstsq(currents, potentials, rcond=None)
        np.testing.assert_allclose(
            currents @ factors, potentials, rtol=0, atol=1e-9 * np.abs(potentials).max()
        )
    assert 0.2 < np.abs(points).max() / np.abs(lines).max() < 2.0


def test_clamps_and_weights(results: dict[int, Path]) -> None:
    with h5py.File(results[4] / "clamp.h5") as h5:
        assert h5["node_ids"][:].tolist() == [1, 4]
        assert h5["inputs"][:].tolist() == [b"clamp", b"clamp"]
        data = h5["data"][()]
        assert data.shape == (500, 2)
        on = (np.arange(1, 501) * 0.1 > 5.05) & (np.arange(1, 501) * 0.1 < 14.95)
        np.testing.assert_allclose(data[on], 0.1, rtol=1e-12)
        assert math.isclose(data.max(), 0.1)
    with (
        h5py.File(results[4] / "weights.h5") as h5,
        h5py.File(results[4] / "network" / "tw_v1_edges.h5") as edges,
    ):
        weights = h5["report/v1/data"][()]
        assert (weights[0] == weights[1]).all()
        of_tw = edges["edges/tw_v1/0/syn_weight"][()]
        assert np.isin(of_tw, weights[0]).all()
