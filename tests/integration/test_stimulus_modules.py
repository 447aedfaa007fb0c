"""Every stimulus module on a real circuit: it acts, on its cells only, and equally on 1 and 2 ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

CURRENT = {"input_type": "current_clamp"}
CONDUCTANCE = {"input_type": "conductance", "reversal": 0.0}
SHOT = {"rise_time": 0.4, "decay_time": 4.0}
PERCENT = {"mean_percent": 120.0, "sd_percent": 30.0}
MODULES: dict[str, dict[str, Any]] = {
    "linear": {**CURRENT, "module": "linear", "amp_start": 0.1, "amp_end": 0.3},
    "relative_linear": {**CURRENT, "module": "relative_linear", "percent_start": 80},
    "subthreshold": {**CURRENT, "module": "subthreshold", "percent_less": 20},
    "hyperpolarizing": {**CURRENT, "module": "hyperpolarizing"},
    "pulse": {**CURRENT, "module": "pulse", "amp_start": 0.5, "width": 2, "frequency": 100},
    "sinusoidal": {**CURRENT, "module": "sinusoidal", "amp_start": 0.3, "frequency": 80},
    "noise": {**CURRENT, "module": "noise", "mean": 0.1, "variance": 0.01},
    "relative noise": {**CURRENT, "module": "noise", "mean_percent": 100, "variance": 1},
    "shot_noise": {
        **CURRENT,
        **SHOT,
        "module": "shot_noise",
        "rate": 300.5,
        "amp_mean": 0.1,
        "amp_var": 0.001,
    },
    "shot_noise conductance": {
        **{**CONDUCTANCE, **SHOT, "module": "shot_noise"},
        **{"rate": 300, "amp_mean": 0.001, "amp_var": 1e-7},
    },
    "absolute_shot_noise": {**CURRENT, **SHOT, "module": "absolute_shot_noise", "mean": 0.1, "sigma": 0.03},
    "absolute_shot_noise conductance": {
        **{**CONDUCTANCE, **SHOT, "module": "absolute_shot_noise"},
        **{"mean": 0.001, "sigma": 0.0003},
    },
    "relative_shot_noise": {**CURRENT, **SHOT, **PERCENT, "module": "relative_shot_noise"},
    "relative_shot_noise conductance": {**CONDUCTANCE, **SHOT, **PERCENT, "module": "relative_shot_noise"},
    "ornstein_uhlenbeck": {**CURRENT, "module": "ornstein_uhlenbeck", "tau": 2, "mean": 0.1, "sigma": 0.05},
    "ornstein_uhlenbeck conductance": {
        **{**CONDUCTANCE, "module": "ornstein_uhlenbeck"},
        **{"tau": 2, "mean": 0.001, "sigma": 0.0005},
    },
    "relative_ornstein_uhlenbeck": {**CURRENT, **PERCENT, "module": "relative_ornstein_uhlenbeck", "tau": 2},
    "relative_ornstein_uhlenbeck conductance": {
        **{**CONDUCTANCE, **PERCENT, "module": "relative_ornstein_uhlenbeck", "tau": 2},
        "random_seed": 9,
    },
    "seclamp": {
        **{"module": "seclamp", "input_type": "voltage_clamp", "delay": 0, "voltage": -70},
        **{"duration_levels": [5, 5], "voltage_levels": [-50, -60]},
    },
    "replay": {**CURRENT, "module": "replay", "path": "current.h5", "interpolate": True},
    "replay in steps": {**CURRENT, "module": "replay", "path": "current.h5", "interpolate": False},
    "poisson": {"module": "poisson", "input_type": "spikes", "rate": 300, "weight": 0.002},
    "spatially_uniform_e_field": {
        **{"module": "spatially_uniform_e_field", "input_type": "extracellular_stimulation"},
        "fields": [{"Ex": 200, "Ey": 100, "Ez": 0, "frequency": 50}],
    },
}
ELECTRODE = [
    name for name, block in MODULES.items() if block["input_type"] in ("current_clamp", "conductance")
]


@pytest.fixture(scope="module")
def circuit(obi: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The circuit of five cells, with an input resistance for each and a report of currents to play back."""
    folder = tmp_path_factory.mktemp("stimuli")
    source = obi / "v5_sonata" / "sub_mini5"
    text = (source / "circuit_config.json").read_text()
    config = json.loads(text)
    nodes = config["networks"]["nodes"]
    for item in nodes:
        if "default" in item["populations"]:
            found = next(p for p in source.rglob("*.h5") if p.name == Path(item["nodes_file"]).name)
            (folder / "nodes.h5").write_bytes(found.read_bytes())
            item["nodes_file"] = str(folder / "nodes.h5")
    with h5py.File(folder / "nodes.h5", "a") as file:
        group = file["nodes/default/0/dynamics_params"]
        if "input_resistance" not in group:
            group["input_resistance"] = np.full(len(group["threshold_current"]), 120.0)
    config.setdefault("manifest", {}).setdefault("$BASE_DIR", str(source))
    config["manifest"] = {
        k: v if v.startswith(("/", "$")) else str(source / v) for k, v in config["manifest"].items()
    }
    for key, value in list(config.items()):
        if key.endswith("_file") and not value.startswith(("/", "$")):
            config[key] = str(source / value)
    (folder / "circuit_config.json").write_text(json.dumps(config))
    with h5py.File(folder / "current.h5", "w") as file:
        group = file.create_group("report/default")
        group["data"] = (0.3 * np.sin(np.arange(200)[:, None] / 5 + np.arange(5))).astype(np.float32)
        group["data"].attrs["units"] = "nA"
        group["mapping/node_ids"] = np.arange(5, dtype=np.uint64)
        group["mapping/index_pointers"] = np.arange(6, dtype=np.uint64)
        group["mapping/element_ids"] = np.zeros(5, dtype=np.uint32)
        group["mapping/time"] = [50.0, 70.0, 0.1]
    (folder / "compartment_sets.json").write_text(
        json.dumps(
            {"tips": {"population": "default", "compartment_set": [[1, 0, 0.5], [1, 2, 0.7], [3, 1, 0.1]]}}
        )
    )
    return folder


def write_simulation(circuit: Path, folder: Path, inputs: dict[str, Any]) -> Path:
    """Write a simulation of 20 ms with these inputs and a report of soma voltages."""
    folder.mkdir(parents=True, exist_ok=True)
    common = {"delay": 2, "duration": 15, "node_set": "Mini5"}
    config = {
        "network": str(circuit / "circuit_config.json"),
        "compartment_sets_file": str(circuit / "compartment_sets.json"),
        "node_set": "Mini5",
        "run": {"tstop": 20, "dt": 0.025, "random_seed": 3, "stimulus_seed": 4},
        "conditions": {"v_init": -70},
        "output": {"output_dir": str(folder / "output")},
        "inputs": {
            name: {
                k: v
                for k, v in {**common, **block}.items()
                if not ("compartment_set" in block and k == "node_set")
            }
            for name, block in inputs.items()
        },
        "reports": {
            "v": {"type": "compartment", "variable_name": "v", "dt": 0.1, "start_time": 0, "end_time": 20}
        },
    }
    for block in config["inputs"].values():
        if "path" in block:
            block["path"] = str(circuit / block["path"])
    path = folder / "simulation_config.json"
    path.write_text(json.dumps(config))
    return path


def voltages(circuit: Path, folder: Path, inputs: dict[str, Any], ranks: int = 1) -> np.ndarray:
    """Run the circuit for 20 ms; return the soma voltages, shape (frames, 5)."""
    path = write_simulation(circuit, folder, inputs)
    args = ["-m", "neurodamus_like.cli.main", "run", str(path), "--no-progress"]
    done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
    assert done.returncode == 0, done.stdout + done.stderr
    with h5py.File(folder / "output" / "v.h5") as file:
        order = np.argsort(file["report/default/mapping/node_ids"][:])
        return np.asarray(file["report/default/data"][:, order], dtype=np.float64)


@pytest.fixture(scope="module")
def silent(circuit: Path, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Soma voltages without any input."""
    return voltages(circuit, tmp_path_factory.mktemp("silent"), {})


@pytest.mark.parametrize("name", MODULES)
def test_module_acts_equally_on_one_and_two_ranks(
    name: str, circuit: Path, silent: np.ndarray, tmp_path: Path
) -> None:
    one, two = (voltages(circuit, tmp_path / str(n), {"a": MODULES[name]}, n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert (np.abs(one - silent).max(axis=0) > 0.05).all(), "every cell responds"
    if name != "seclamp":
        # before its delay a conductance is the one of 1e9 MΩ
        tolerance = 1e-4 if "conductance" in name else 0.0
        np.testing.assert_allclose(one[:20], silent[:20], rtol=0, atol=tolerance)


def test_electrodes_differ_from_the_membrane_in_bookkeeping_only(circuit: Path, tmp_path: Path) -> None:
    blocks = {name: MODULES[name] for name in ELECTRODE}
    membrane = voltages(circuit, tmp_path / "m", blocks)
    electrode = voltages(
        circuit, tmp_path / "e", {n: {**b, "represents_physical_electrode": True} for n, b in blocks.items()}
    )
    np.testing.assert_allclose(electrode, membrane, atol=1e-3)


def test_compartment_set_acts_on_its_cells_only(circuit: Path, silent: np.ndarray, tmp_path: Path) -> None:
    block = {**MODULES["linear"], "amp_start": 0.01, "amp_end": 0.01, "compartment_set": "tips"}
    differences = np.abs(voltages(circuit, tmp_path / "c", {"a": block}) - silent).max(axis=0)
    assert (differences[[1, 3]] > 0.1).all()
    assert (differences[[0, 2, 4]] == 0).all()


def test_negative_delay_begins_at_zero_and_long_blocks_are_cut(circuit: Path, tmp_path: Path) -> None:
    long = {"duration": 1e6}
    early = voltages(circuit, tmp_path / "a", {"a": {**MODULES["subthreshold"], **long, "delay": -5}})
    zero = voltages(circuit, tmp_path / "b", {"a": {**MODULES["subthreshold"], **long, "delay": 0}})
    np.testing.assert_array_equal(early, zero)


def test_blocks_of_other_families_do_not_shift_the_streams(circuit: Path, tmp_path: Path) -> None:
    ou = MODULES["ornstein_uhlenbeck"]
    nothing = {**MODULES["shot_noise"], "rate": 0}
    tiny = {**MODULES["noise"], "mean": 0.0, "variance": 1e-30}
    alone = voltages(circuit, tmp_path / "a", {"ou": ou, "shot": MODULES["shot_noise"]})
    among = voltages(
        circuit, tmp_path / "b", {"zero": nothing, "n": tiny, "ou": ou, "shot": MODULES["shot_noise"]}
    )
    np.testing.assert_allclose(among, alone, atol=1e-5)
    again = {**MODULES["relative_ornstein_uhlenbeck"], "mean_percent": 0.0, "sd_percent": 1e-12}
    shifted = voltages(circuit, tmp_path / "c", {"zero": again, "ou": ou, "shot": MODULES["shot_noise"]})
    assert np.abs(shifted - alone).max() > 0.05


RUN_ALL = """
import sys
from pathlib import Path
from neurodamus_like import Neurodamus
for config in map(Path, sys.argv[2:]):
    Neurodamus(config, simulator=sys.argv[1], output_path=config.parent / sys.argv[1], progress=False).run()
"""


def write_one_module_per_cell(circuit: Path, folder: Path) -> list[Path]:
    """Write simulations in which each of five modules drives one cell, until all modules have had their turn."""
    blocks = [block for name, block in MODULES.items() if name != "spatially_uniform_e_field"]
    blocks += [{**MODULES[name], "represents_physical_electrode": True} for name in ELECTRODE]
    cells = {f"cell{k}": {"population": "default", "compartment_set": [[k, 0, 0.5]]} for k in range(5)}
    configs = []
    for first in range(0, len(blocks), 5):
        inputs = {
            f"input{k}": {**block, "compartment_set": f"cell{k}"}
            for k, block in enumerate(blocks[first : first + 5])
        }
        path = write_simulation(circuit, folder / str(first), inputs)
        document = json.loads(path.read_text())
        document["compartment_sets_file"] = str(path.with_name("cells.json"))
        path.with_name("cells.json").write_text(json.dumps(cells))
        path.write_text(json.dumps(document))
        configs.append(path)
    return configs


def test_every_module_gives_the_same_response_in_coreneuron(circuit: Path, tmp_path: Path) -> None:
    """All modules but the electric field, which is refused; into the membrane and with an electrode; on 2 ranks too."""
    responses = {}
    for engine, ranks in (("NEURON", 1), ("CORENEURON", 1), ("CORENEURON", 2)):
        configs = write_one_module_per_cell(circuit, tmp_path / f"{engine}{ranks}")
        args = ["-c", RUN_ALL, engine, *map(str, configs)]
        done = run_python(args, 600) if ranks == 1 else run_mpi(ranks, args, 600)
        assert done.returncode == 0, done.stdout + done.stderr
        responses[engine, ranks] = [(c.parent / engine / "v.h5").read_bytes() for c in configs]
    assert len(responses["NEURON", 1]) == 9
    assert responses["NEURON", 1] == responses["CORENEURON", 1] == responses["CORENEURON", 2]
    assert len(set(responses["NEURON", 1])) == 9, "the modules act"


def test_what_coreneuron_cannot_do_names_the_alternative(circuit: Path, tmp_path: Path) -> None:
    field = write_simulation(circuit, tmp_path, {"field": MODULES["spatially_uniform_e_field"]})
    library = tmp_path / "libnrnmech.so"
    library.touch()
    for more, expected in (
        ([], ["CoreNEURON has no extracellular potential", "/inputs/field/module", '"NEURON"']),
        ([f"--nrnmech={library}"], ["no libcorenrnmech.so beside", "extracellular potential", "2 problems"]),
    ):
        args = ["-m", "neurodamus_like.cli.main", "run", str(field), "--simulator=coreneuron", *more]
        done = run_python(args)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        for part in expected:
            assert part in done.stderr, done.stderr
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(field), "--model-stats"])
    assert done.returncode == 1
    assert "only for CoreNEURON" in done.stderr
