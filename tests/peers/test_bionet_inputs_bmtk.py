"""Inputs beside BMTK's: the same model, configuration and script give the same spikes and voltages."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, peer_python, run

from tests.allen_data import allen_library, assert_same_spikes, bmtk_modfiles, read_spike_list
from tests.bent_cells import edge_files, write_model
from tests.helpers import run_mpi

pytestmark = pytest.mark.slow

TIMES = {node: np.arange(1.0 + node, 20.0, 4.0 + node) for node in range(4)}


def spikes_of(module: str, **keys: Any) -> dict[str, Any]:
    return {"input_type": "spikes", "module": module, "node_set": "ext", **keys}


def clamp(kind: str, nodes: list[int], **keys: Any) -> dict[str, Any]:
    return {
        "module": "IClamp",
        "input_type": kind,
        "node_set": {"population": "bent", "node_id": nodes},
        **keys,
    }


STEP = {"amp": 0.15, "delay": 3.0, "duration": 6.0}
LISTS = {"amp": [0.1, -0.05], "delay": [2.0, 7.0], "duration": [4.0, 3.0]}
SECTION = {"section_name": "apic", "section_index": 0, "section_dist": 0.7}
BOTH = {"ext_bent": True, "bent_bent": True}
RUNS: dict[str, tuple[dict[str, Any], dict[str, bool]]] = {
    "clamps": (
        {
            "spikes": spikes_of("sonata", input_file="${configdir}/spikes.h5", population="ext"),
            "step": clamp("current_clamp", [0], **STEP),
            "steps": clamp("current_clamp", [1], **LISTS, **SECTION),
            "table": clamp("csv", [1, 2], file="${configdir}/currents.csv"),
            "sweep": clamp("nwb", [0], file="${configdir}/cell.nwb", sweep_id=6, sweep_window=[2.0, 9.0]),
            "voltage": {
                **clamp("voltage_clamp", [2], amp=-40.0, delay=4.0, duration=7.0, resistance=0.3),
                "module": "SEClamp",
            },
        },
        BOTH,
    ),
    "chosen synapses": (
        {
            "spikes": spikes_of("csv", input_file="${configdir}/spikes.csv"),
            "activity": {
                "input_type": "syn_activity",
                "module": "syn_activity",
                "precell_filter": {"population": "bent", "node_id": [1, 2]},
                "postcell_filter": {"node_type_id": 100},
                "timestamps": [3.0, 9.0],
            },
        },
        BOTH,
    ),
    "replay": (
        {
            "spikes": spikes_of("function", spikes_function="regular"),
            "replay": {
                "input_type": "replay_spikes",
                "module": "replay",
                "spikes_file": "${configdir}/bent.h5",
                "edges": edge_files("bent_bent"),
                "source_node_set": "bent",
                "target_node_set": "all",
            },
        },
        {"ext_bent": True, "bent_bent": False},
    ),
    "units": (
        {
            "probe": spikes_of(
                "ecephys_probe",
                input_file="${configdir}/units.nwb",
                mapping="units_map",
                units="${configdir}/units.csv",
                interval=[1000.0, 1018.0],
                interval_offset=1.5,
            )
        },
        BOTH,
    ),
}


def write_files(folder: Path) -> None:
    """Write what the inputs read."""
    ids = np.concatenate([np.full(t.size, node) for node, t in TIMES.items()])
    times = np.concatenate(list(TIMES.values()))
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/ext/timestamps"], file["spikes/ext/node_ids"] = times, ids.astype(np.uint64)
    with h5py.File(folder / "bent.h5", "w") as file:
        file["spikes/bent/timestamps"] = [2.0, 4.5, 8.0]
        file["spikes/bent/node_ids"] = np.array([0, 1, 2], dtype=np.uint64)
    rows = [f"{t!r} ext {n}" for t, n in zip(times.tolist(), ids.tolist(), strict=True)]
    (folder / "spikes.csv").write_text("\n".join(["timestamps population node_ids", *rows]) + "\n")
    (folder / "currents.csv").write_text("timestamps amps\n2 0.1\n4 0.3\n6 0.2\n8 0.0\n")
    with h5py.File(folder / "cell.nwb", "w") as file:
        sweep = file.create_group("epochs/Sweep_6/stimulus/timeseries")
        sweep["data"] = 1e-10 * np.sin(np.arange(150) / 9.0)
        sweep["starting_time"] = 0.0
        sweep["starting_time"].attrs["rate"] = 10000.0
    if has_pynwb():
        units = {13 - n: [0.5, *(1.0 + TIMES[n] / 1000)] for n in reversed(TIMES)}
        arguments = [SCRIPTS / "write_recording.py", folder / "units.nwb", json.dumps(units)]
        run(peer_python("pynwb"), *arguments, cwd=folder)
    rows = [f"{node} {13 - node}" for node in TIMES]
    (folder / "units.csv").write_text("\n".join(["node_ids unit_ids", *rows]) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all results: ours of one process, BMTK's of one for each configuration."""
    theirs = peer_python("bmtk.simulator.bionet")
    folder = tmp_path_factory.mktemp("inputs")
    write_files(folder)
    machine = folder / "mechanisms" / os.uname().machine
    machine.mkdir(parents=True)
    (machine / "libnrnmech.so").symlink_to(allen_library())
    ours: list[str | Path] = []
    for name, (inputs, edges) in RUNS.items():
        if name == "units" and not has_pynwb():
            continue
        config = write_model(folder, inputs, name.replace(" ", "_"), edges=edges)
        content = json.loads(config.read_text())
        content["output"] |= {"output_dir": f"{folder}/bmtk_{name}", "spikes_file": "spikes.h5"}
        content["components"]["mechanisms_dir"] = str(machine.parent)
        peer = folder / f"bmtk_{config.name}"
        peer.write_text(json.dumps(content))
        run(theirs, SCRIPTS / "bionet_inputs.py", peer, folder / f"bmtk_{name}.npz", cwd=folder)
        ours += [config, folder / f"ours_{name}.npz"]
    script = folder / "ours.py"
    text = (SCRIPTS / "bionet_inputs.py").read_text()
    script.write_text(text.replace("from bmtk.simulator import", "from neurodamus_like import"))
    run(sys.executable, script, *ours, cwd=folder)
    return folder


def has_pynwb() -> bool:
    try:
        return bool(peer_python("pynwb"))
    except pytest.skip.Exception:
        return False


@pytest.mark.parametrize("name", RUNS)
def test_same_spikes_and_voltages(name: str, folder: Path) -> None:
    if not (folder / f"ours_{name}.npz").exists():
        pytest.skip("BMTK needs pynwb for this input")
    ours, theirs = (np.load(folder / f"{who}_{name}.npz") for who in ("ours", "bmtk"))
    assert sorted(ours.files) == sorted(theirs.files) == ["0", "1", "2"]
    for gid in ours.files:
        np.testing.assert_allclose(ours[gid], theirs[gid], rtol=0, atol=1e-6, err_msg=gid)
    assert_same_spikes(
        read_spike_list(folder / f"output_{name.replace(' ', '_')}" / "spikes.h5", "bent"),
        read_spike_list(folder / f"bmtk_{name}" / "spikes.h5", "bent"),
    )


def test_the_run_script_of_bmtk_on_two_ranks(folder: Path) -> None:
    """The script that comes with BMTK, with nothing changed but the line that imports."""
    script = folder / "run_bionet.py"
    text = (bmtk_modfiles().parents[1] / "run_bionet.py").read_text()
    script.write_text(text.replace("from bmtk.simulator import bionet", "from neurodamus_like import bionet"))
    assert "neurodamus_like" in script.read_text()
    done = run_mpi(2, [str(script), str(folder / "clamps.json")], 600, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert_same_spikes(
        read_spike_list(folder / "output_clamps" / "spikes.h5", "bent"),
        read_spike_list(folder / "bmtk_clamps" / "spikes.h5", "bent"),
    )


@pytest.mark.parametrize("name", ["clamps", "chosen synapses", "replay"])
def test_the_runs_differ(name: str, folder: Path) -> None:
    """Each input does something: no run is that of another."""
    others = [np.load(path) for path in folder.glob("bmtk_*.npz") if path.stem != f"bmtk_{name}"]
    mine = np.load(folder / f"bmtk_{name}.npz")
    assert len(others) >= 2
    assert all(max(np.abs(mine[g] - other[g]).max() for g in mine.files) > 1.0 for other in others)
