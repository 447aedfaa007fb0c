"""All reports of a BMTK model, ours beside BMTK's of the same configuration: sample by sample, dataset by dataset."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, peer_python, run

from neurodamus_like.circuit.geometry import Compartments
from neurodamus_like.reports.electrode_factors import compute_bounded_line_source_factors
from tests.allen_data import allen_library, copy_case, simulate_allen

pytestmark = pytest.mark.slow

SITES = "../bio_components/recXelectrodes/linear_electrode.csv"
SOMA = {"module": "membrane_report", "variable_name": "v", "sections": "soma"}
REPORTS: dict[str, Any] = {
    "soma": {**SOMA, "cells": [0, 1, 2, 3, 6, 10]},
    "cai": {
        **{**SOMA, "variable_name": "cai", "cells": [0, 1, 2, 3, 6]},
        **{"dt": 0.5, "start_time": 20.0, "end_time": 70.0},
    },
    "v_all": {**SOMA, "cells": [0, 1, 2], "sections": "all", "dt": 1.0},
    "v_dend": {**SOMA, "cells": [0, 1, 2], "sections": ["apical", "basal"], "dt": 1.0},
    "syn_g": {"module": "netcon_report", "variable_name": "g", "cells": [0, 1], "dt": 0.5},
    "syn_A": {
        **{"module": "netcon_report", "variable_name": "A", "cells": [0, 2], "syn_type": None},
        **{"start_time": 30.0, "end_time": 60.0},
    },
    "save": {"module": "save_synapses"},
    "ecp": {
        **{"module": "extracellular", "cells": list(range(10)), "electrode_positions": SITES},
        **{"contributions_dir": "cells", "file_name": "ecp.h5"},
    },
}
CLAMP = {
    **{"input_type": "current_clamp", "module": "IClamp", "node_set": {"node_id": [0, 1]}},
    **{"amp": 0.15, "delay": 10.0, "duration": 40.0},
}


def write_config(folder: Path, output: Path) -> Path:
    """Write the configuration of 100 ms with all kinds of reports."""
    config = json.loads((folder / "config.simulation_short.json").read_text())
    config["manifest"]["$OUTPUT_DIR"] = str(output)
    config["run"] |= {"tstop": 100.0, "nsteps_block": 300}
    config["inputs"]["clamp"] = CLAMP
    config["reports"] = {**REPORTS, "save": {**REPORTS["save"], "network_dir": str(output / "network")}}
    config["components"] = {"mechanisms_dir": str(folder / "mechanisms")}
    circuit = json.loads((folder / "config.circuit.json").read_text())
    circuit["components"]["mechanisms_dir"] = str(folder / "mechanisms")
    (folder / "config.circuit.json").write_text(json.dumps(circuit))
    config.pop("components")
    path = folder / f"{output.name}.json"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture(scope="module")
def results(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Results of us and of BMTK."""
    folder = copy_case("bio_14cells", tmp_path_factory.mktemp("reports"))
    library = allen_library()
    machine = folder / "mechanisms" / os.uname().machine
    machine.mkdir(parents=True)
    (machine / "libnrnmech.so").symlink_to(library)
    ours, theirs = folder / "ours", folder / "theirs"
    script = SCRIPTS / "bionet_reports.py"
    run(peer_python("bmtk.simulator.bionet"), script, write_config(folder, theirs), cwd=folder)
    simulate_allen(write_config(folder, ours), ours, nrnmech=library)
    return ours, theirs


def tables(path: Path) -> dict[str, Any]:
    """Return all datasets of a file."""
    found: dict[str, Any] = {}
    with h5py.File(path) as h5:
        h5.visititems(lambda name, item: found.update({name: item[()]}) if hasattr(item, "shape") else None)
    return found


@pytest.mark.parametrize("name", ["soma", "cai", "v_all", "v_dend", "syn_g", "syn_A"])
def test_reports_of_elements(name: str, results: tuple[Path, Path]) -> None:
    ours, theirs = (tables(folder / f"{name}.h5") for folder in results)
    assert set(ours) == set(theirs)
    for key in ours:
        assert ours[key].dtype == theirs[key].dtype, key
        if "swc_ids" in key:
            # the new pieces of the axon come from no row; BMTK names rows of the axon that they replaced
            read = theirs["report/v1/mapping/seg_types"] != 2
            np.testing.assert_array_equal(ours[key][read], theirs[key][read], err_msg=key)
            assert set(ours[key][~read]) <= {-1}
        elif not key.endswith("data"):
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    # BMTK's electrodes bring a layer of extracellular space, which moves its voltages a little
    scale = np.abs(theirs["report/v1/data"]).max()
    np.testing.assert_allclose(ours["report/v1/data"], theirs["report/v1/data"], atol=2e-8 * scale, rtol=0)


@pytest.mark.parametrize("name", ["ecp", *(f"cells/{gid}" for gid in range(10))])
def test_extracellular_potentials(name: str, results: tuple[Path, Path]) -> None:
    ours, theirs = (tables(folder / f"{name}.h5")["ecp/data"] for folder in results)
    assert ours.shape == theirs.shape == (1000, 86)
    np.testing.assert_allclose(ours, theirs, atol=1e-9 * np.abs(theirs).max(), rtol=0)
    assert np.abs(theirs).max() > 1e-6


def test_what_ecp_files_say(results: tuple[Path, Path]) -> None:
    ours, theirs = (tables(folder / "ecp.h5") for folder in results)
    assert set(ours) == set(theirs)
    for key in ("ecp/time", "ecp/channel_id"):
        np.testing.assert_array_equal(ours[key], theirs[key])
    with h5py.File(results[0] / "ecp.h5") as one, h5py.File(results[1] / "ecp.h5") as two:
        assert dict(one["ecp/data"].attrs) == dict(two["ecp/data"].attrs)


@pytest.mark.parametrize("source", ["v1", "lgn", "tw"])
def test_saved_synapses(source: str, results: tuple[Path, Path]) -> None:
    ours, theirs = (tables(folder / "network" / f"{source}_v1_edges.h5") for folder in results)
    assert set(ours) == set(theirs)
    for key in theirs:
        assert ours[key].dtype == theirs[key].dtype, key
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)


def test_bmtk_reads_our_results(results: tuple[Path, Path]) -> None:
    python = peer_python("bmtk.utils.reports")
    folder = results[0].parent
    found = [
        json.loads(run(python, SCRIPTS / "read_reports.py", r, cwd=folder).splitlines()[-1]) for r in results
    ]
    for one in found:
        one["voltage"] = round(one["voltage"], 6)
    assert found[0] == found[1]
    assert found[0]["times"] == found[0]["table"] != []


def test_bmtk_draws_our_results(results: tuple[Path, Path]) -> None:
    python, folder = peer_python("bmtk.analyzer"), results[0].parent
    found = [
        json.loads(run(python, SCRIPTS / "draw_results.py", f"{r.name}.json", cwd=folder).splitlines()[-1])
        for r in results
    ]
    assert found[0] == found[1]
    assert found[0]["times"] != []
    assert [points for points, _ in found[0]["soma"]] == [1000] * len(found[0]["soma"]) != []


@pytest.mark.parametrize("minimum", ["none", "auto", "25.0"])
def test_factors_of_contacts_near_and_far(minimum: str, tmp_path: Path) -> None:
    """In one run BMTK turns cells once more for each further report of this kind, so the formula is compared alone."""
    rng = np.random.default_rng(4)
    begin = rng.uniform(-100, 100, (60, 3))
    compartments = Compartments(begin, begin + rng.uniform(-30, 30, (60, 3)), rng.uniform(0.4, 15, 60))
    sites = np.vstack([rng.uniform(-150, 150, (40, 3)), begin[:5] + 0.3, begin[5:10] + np.array([0, 6.0, 0])])
    table = "".join(f"{n} {x!r} {y!r} {z!r}\n" for n, (x, y, z) in enumerate(sites.tolist()))
    (tmp_path / "sites.csv").write_text("channel x_pos y_pos z_pos\n" + table)
    np.savez(tmp_path / "c.npz", begin=begin, end=compartments.end_um, diameter=compartments.diameter_um)
    arguments = [tmp_path / "c.npz", tmp_path / "sites.csv", minimum, tmp_path / "out.npy"]
    run(peer_python("bmtk.simulator.bionet"), SCRIPTS / "transfer_resistances.py", *arguments, cwd=tmp_path)
    radius = {"none": None, "auto": compartments.diameter_um / 2}.get(minimum, 25.0)
    found = compute_bounded_line_source_factors(compartments, sites, 0.3, radius)
    np.testing.assert_allclose(found.T, np.load(tmp_path / "out.npy"), rtol=1e-9)
