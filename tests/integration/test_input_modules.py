"""Inputs as classes that scripts add to a simulation: the same as in the configuration, on any number of ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bent_cells import SCRIPT, write_model
from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

RUNS = """
from neurodamus_like.parallel.mpi import world
found = {}
for name, (config, code) in json.loads(Path(sys.argv[1]).read_text()).items():
    v, e = simulate(config, *eval(code))
    found[name] = {gid: [v[gid].tolist(), e[gid].tolist()] for gid in v}
Path(sys.argv[1] + f".{world().rank}of{world().size}").write_text(json.dumps(found))
"""

SOME = {"population": "bent", "node_id": [0, 2]}
WAVE = {"shape": "sin", "del": 2.0, "amp": 0.05, "dur": 15.0, "freq": 80.0}
XSTIM = {"positions_file": "positions.csv", "waveform": WAVE, "resistance": 250.0, "node_set": SOME}
STATIONARY = {
    "comsol_files": ["a.txt", "b.txt"],
    "waveforms": ["wave.csv", "wave.csv"],
    "amplitudes": [2.0, -0.5],
    "node_set": SOME,
}
CHANGING = {"comsol_files": "t.txt", "amplitudes": 1.5}
STEPS = {
    "amp": [0.1, -0.05],
    "delay": [2.0, 5.0],
    "duration": [6.0, 10.0],
    "section_name": "apic",
    "section_index": 0,
    "section_dist": 0.7,
    "node_set": SOME,
}
ANYWHERE = {
    "amp": 0.1,
    "delay": 1.0,
    "duration": 9.0,
    "section_name": ["dend", "apic"],
    "section_index": [60.0, 120.0],
}
TABLE = {"file": "currents.csv"}
CLAMPED = {"amp": -40.0, "delay": 4.0, "duration": 7.0, "resistance": 0.3, "node_set": SOME}

FILES = {"positions_file", "comsol_files", "file", "waveforms"}

INPUTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "xstim": ("xstim", {"input_type": "lfp", **XSTIM}, "modules.XStimMod"),
    "comsol of waveforms": ("comsol", {"input_type": "lfp", **STATIONARY}, "modules.ComsolMod"),
    "comsol of times": ("comsol", {"input_type": "lfp", **CHANGING}, "modules.ComsolMod"),
    "current": ("IClamp", {"input_type": "current_clamp", **STEPS}, "modules.IClampMod"),
    "current anywhere": ("IClamp", {"input_type": "current_clamp", **ANYWHERE}, "modules.IClampMod"),
    "currents": ("IClamp", {"input_type": "csv", **TABLE}, "modules.IClampMod"),
    "voltage": ("SEClamp", {"input_type": "voltage_clamp", **CLAMPED}, "modules.SEClamp"),
}
"""Name -> module of the configuration, its keys, and the class."""

Cells = dict[str, tuple[np.ndarray, np.ndarray]]


def write_files(folder: Path) -> None:
    """Write what the inputs read."""
    (folder / "positions.csv").write_text("pos_x pos_y pos_z\n100 50 20\n")
    (folder / "wave.csv").write_text("time amplitude\n0 0\n2 1\n5 -1\n8 0\n")
    (folder / "currents.csv").write_text("timestamps amps\n2 0.1\n4 0.3\n6 0.2\n")
    rng = np.random.default_rng(7)
    corners = np.array([[x, y, z] for x in (-500, 500) for y in (-500, 500) for z in (-500, 500)])
    nodes = np.concatenate([corners, rng.uniform(-450, 450, (200, 3))])
    times = np.arange(6) * 0.75
    write_solution(folder / "a.txt", "V (mV)", nodes, 0.0002 * nodes[:, :1] ** 2)
    write_solution(folder / "b.txt", "V (V)", nodes, 2e-4 * nodes[:, 1:2])
    names = "        ".join(f"V (mV) @ t={t / 1000:g}" for t in times)
    write_solution(folder / "t.txt", names, nodes, 0.1 * nodes[:, 1:2] * np.cos(times) ** 2)


def write_solution(path: Path, names: str, nodes: np.ndarray, values: np.ndarray) -> None:
    """Write an export of COMSOL."""
    head = [
        "Model: m",
        "Version: v",
        "Date: d",
        "Dimension: 3",
        "Nodes: n",
        "Expressions: 1",
        "Description: V",
    ]
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"% {line}\n" for line in [*head, "Length unit: µm"])
        file.write(f"% x                y                z                {names}\n")
        np.savetxt(file, np.column_stack([nodes, values]), delimiter="        ")


def with_folder(keys: dict[str, Any], folder: str) -> dict[str, Any]:
    """Put a folder before the names of files."""
    found = dict(keys)
    for key in FILES & keys.keys():
        value = keys[key]
        found[key] = [f"{folder}/{v}" for v in value] if isinstance(value, list) else f"{folder}/{value}"
    return found


def run(folder: Path, runs: dict[str, tuple[str, str]], ranks: int) -> dict[str, Cells]:
    """Run {name: (configuration, modules)} one after the other; return voltages and potentials outside of all cells."""
    path = folder / "runs.json"
    path.write_text(json.dumps(runs))
    args = ["-c", SCRIPT + RUNS, str(path)]
    done = run_python(args, 200, cwd=folder) if ranks == 1 else run_mpi(ranks, args, 200, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Cells] = {name: {} for name in runs}
    for rank in range(ranks):
        for name, cells in json.loads(Path(f"{path}.{rank}of{ranks}").read_text()).items():
            found[name] |= {gid: (np.array(v), np.array(e)) for gid, (v, e) in cells.items()}
    assert all(sorted(cells) == ["0", "1", "2"] for cells in found.values())
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Cells]]:
    """Runs with inputs of the configuration on 1 and 2 ranks, with modules on 2, and without any."""
    folder = tmp_path_factory.mktemp("input_modules")
    write_files(folder)
    bare = str(write_model(folder, {}, "bare"))
    inputs, mods = {}, {}
    for name, (module, keys, class_name) in INPUTS.items():
        block = {"module": module, **with_folder(keys, "${configdir}")}
        inputs[name] = (str(write_model(folder, {"x": block}, name.replace(" ", "_"))), "()")
        # paths of modules count from the working folder
        given = {k: v for k, v in keys.items() if k != "input_type" or "Clamp" in class_name}
        mods[name] = (bare, f"({class_name}(**{given!r}),)")
    return {
        "inputs": run(folder, {**inputs, "bare": (bare, "()")}, 1),
        "inputs, 2 ranks": run(folder, inputs, 2),
        "modules, 2 ranks": run(folder, mods, 2),
    }


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("kind", ["inputs, 2 ranks", "modules, 2 ranks"])
def test_modules_and_ranks_give_what_the_input_gives(
    results: dict[str, dict[str, Cells]], kind: str, name: str
) -> None:
    for gid, (v, outside) in results["inputs"][name].items():
        found_v, found_outside = results[kind][name][gid]
        np.testing.assert_array_equal(found_outside, outside)
        np.testing.assert_allclose(found_v, v, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", INPUTS)
def test_the_input_acts_on_its_cells_only(results: dict[str, dict[str, Cells]], name: str) -> None:
    bare = results["inputs"]["bare"]
    limited = "node_set" in INPUTS[name][1]
    for gid, (v, _) in results["inputs"][name].items():
        effect = np.abs(v - bare[gid][0]).max()
        assert effect < 1e-9 if limited and gid == "1" else effect > 0.5
