"""`plot inputs`: the signals of a configuration as an image, the very numbers that a run injects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers import run_python

pytestmark = pytest.mark.neuron

INPUTS: dict[str, dict[str, Any]] = {
    "ramp": {"module": "linear", "amp_start": 0.1, "amp_end": 0.5},
    "hold": {"module": "hyperpolarizing"},
    "noise": {"module": "noise", "mean": 0.3, "variance": 0.01},
    "ou": {"module": "ornstein_uhlenbeck", "tau": 5, "mean": 0.3, "sigma": 0.1},
    "off": {"module": "shot_noise", "rise_time": 1, "decay_time": 2, "rate": 0, "amp_mean": 1, "amp_var": 1},
    "shots": {
        "module": "shot_noise",
        "rise_time": 1,
        "decay_time": 2,
        "rate": 900,
        "amp_mean": 1,
        "amp_var": 1,
    },
}


def write_config(obi: Path, folder: Path) -> Path:
    common = {"input_type": "current_clamp", "node_set": "Mini5", "delay": 2, "duration": 10}
    config = {
        "network": str(obi / "v5_sonata" / "sub_mini5" / "circuit_config.json"),
        "node_set": "Mini5",
        "run": {"tstop": 20, "dt": 0.025, "random_seed": 7},
        "output": {"output_dir": str(folder / "output")},
        "inputs": {name: {**common, **block} for name, block in INPUTS.items()},
    }
    path = folder / "simulation_config.json"
    path.write_text(json.dumps(config))
    return path


def plot(arguments: list[str], folder: Path) -> Any:
    return run_python(["-m", "neurodamus_like.cli.main", "plot", "inputs", *arguments], 100, cwd=folder)


def test_an_image_without_simulating(obi: Path, tmp_path: Path) -> None:
    config = write_config(obi, tmp_path)
    done = plot([str(config)], tmp_path)
    assert done.returncode == 0, done.stderr
    image = tmp_path / "simulation_config.inputs.png"
    assert done.stdout.strip() == str(image)
    assert image.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--node=99"], "the node 99 of 'default' is not simulated"),
        (["--node=one"], "--node=one is not valid"),
        (["--input=noize"], "did you mean 'noise'?"),
        (["--end=soon"], "--end=soon is not valid"),
    ],
)
def test_bad_arguments(obi: Path, tmp_path: Path, arguments: list[str], complaint: str) -> None:
    done = plot([str(write_config(obi, tmp_path)), *arguments], tmp_path)
    assert done.returncode == 1
    assert complaint in done.stderr


PREVIEWS = """
import json, sys
from neurodamus_like.config.obi import load_simulation
from neurodamus_like.simulation.input_preview import preview_inputs
found = preview_inputs(load_simulation(sys.argv[1]), (None, 3))
rows = [[p.name, p.unit, p.node_id, p.signal.time_ms.tolist(), p.signal.value.tolist()] for p in found]
print(json.dumps(rows))
"""


def test_signals_are_those_of_the_streams(obi: Path, tmp_path: Path) -> None:
    from neurodamus_like.engine.rng import RandomStream

    done = run_python(["-c", PREVIEWS, str(write_config(obi, tmp_path))], 100, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {name: rest for name, *rest in json.loads(done.stdout.strip().splitlines()[-1])}
    assert list(found) == list(INPUTS)
    assert found["ramp"] == ["nA", 3, [0, 2, 2, 12, 12], [0, 0, 0.1, 0.5, 0]]
    assert found["off"][2:] == [[], []]
    stream = RandomStream(100, 500, 3 + 301, global_index=7)
    stream.skip(4)
    np.testing.assert_array_equal(found["noise"][3][2:-1], stream.normal(0.3, 0.01, 21))
    # a block that does nothing is not counted: the second shot noise block has the stream of the first
    shots = RandomStream(2997, 19216, 3 + 124, global_index=7)
    first_ms = 1000 * shots.negexp(1 / 900, 1)[0]
    begin = np.flatnonzero(np.array(found["shots"][3]) > 0)[0]
    assert found["shots"][2][begin] == pytest.approx(2 + 0.25 * (round(first_ms / 0.25) + 2))
