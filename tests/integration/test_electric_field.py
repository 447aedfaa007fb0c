"""Electric fields on a rotated cell: the potentials that the reference found, and what they are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

OSCILLATING = {"Ex": 50, "Ey": -25, "Ez": 75, "frequency": 100}
CONSTANT = {"Ex": 100, "Ey": -50, "Ez": 50}
PEAK_OSCILLATING_MV, PEAK_CONSTANT_MV = -0.505702, -0.964335
"""Potentials that the reference's own tests expect at dend[0](0.25) of this cell."""

RECORD = """
import json, sys
from pathlib import Path
import numpy as np
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.node import Neurodamus
sim = Neurodamus(sys.argv[1], progress=False)
cells = {c.gid: c for m in sim.circuits.all_node_managers() for c in m}
found = {}
if 0 in cells:
    cell = cells[0].hoc
    places = {"soma": cell.soma[0](0.5), "soma end": cell.soma[0](0.9), "dend": cell.dend[0](0.25)}
    vectors = {name: nrn.h.Vector().record(place.extracellular._ref_e) for name, place in places.items()}
    voltage = nrn.h.Vector().record(cell.dend[9](0.9)._ref_v)
    nrn.initialize(-65)
    nrn.advance(20)
    found = {name: np.array(vector).tolist() for name, vector in vectors.items()}
    found["v"] = np.array(voltage).tolist()
    found["sections"] = [bool(s.has_membrane("extracellular")) for s in cell.all]
else:
    nrn.initialize(-65)
    nrn.advance(20)
    assert not any(s.has_membrane("extracellular") for c in cells.values() for s in c.sections)
Path(sys.argv[1] + f".{sim.comm.rank}.json").write_text(json.dumps(found))
"""


def run_fields(obi: Path, folder: Path, blocks: dict[str, dict[str, Any]], ranks: int = 1) -> dict[str, Any]:
    """Run the ring with fields on one cell for 20 ms; return potentials of its places at every half step."""
    common = {
        "module": "spatially_uniform_e_field",
        "input_type": "extracellular_stimulation",
        "node_set": "RingA_Cell0",
        "delay": 0,
        "duration": 10,
    }
    config = {
        "network": str(obi / "ringtest" / "circuit_config_bigA.json"),
        "node_sets_file": str(obi / "ringtest" / "nodesets.json"),
        "node_set": "RingA",
        "run": {"tstop": 20, "dt": 0.1, "random_seed": 1},
        "output": {"output_dir": str(folder / "output")},
        "inputs": {name: {**common, **block} for name, block in blocks.items()},
    }
    path = folder / "simulation_config.json"
    path.write_text(json.dumps(config))
    args = ["-c", RECORD, str(path)]
    done = run_python(args, 300, cwd=folder) if ranks == 1 else run_mpi(ranks, args, 300, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(Path(f"{path}.{rank}.json").read_text()) for rank in range(ranks)]
    return next(answer for answer in answers if answer)


def expected(times: np.ndarray) -> np.ndarray:
    """Return the potential of both fields between ramps of 3 and 4 ms."""
    ramp = np.clip(np.minimum(times / 3, (17 - times) / 4), 0, 1)
    return ramp * (PEAK_OSCILLATING_MV * np.cos(2 * np.pi * 0.1 * times) + PEAK_CONSTANT_MV)


@pytest.mark.parametrize("ranks", [1, 2])
def test_two_blocks_add_up(obi: Path, tmp_path: Path, ranks: int) -> None:
    ramps = {"ramp_up_time": 3, "ramp_down_time": 4}
    blocks = {"a": {"fields": [OSCILLATING], **ramps}, "b": {"fields": [CONSTANT], **ramps}}
    found = run_fields(obi, tmp_path, blocks, ranks)
    times = (np.arange(200) + 0.5) * 0.1
    np.testing.assert_allclose(found["dend"][1:], expected(times), rtol=2e-6, atol=1e-9)
    assert not np.any(found["soma"])
    assert not np.any(found["soma end"])
    assert all(found["sections"])
    assert np.ptp(found["v"][:170]) > 0.1, "the dendrite feels the field"


def test_one_block_of_two_fields_is_the_same_and_delays_shift(obi: Path, tmp_path: Path) -> None:
    together = {"fields": [OSCILLATING, CONSTANT], "ramp_up_time": 3, "ramp_down_time": 4, "delay": 2}
    found = run_fields(obi, tmp_path, {"a": together})
    times = (np.arange(200) + 0.5) * 0.1
    np.testing.assert_allclose(
        found["dend"][1:], np.where(times > 2, expected(times - 2), 0), rtol=2e-6, atol=1e-9
    )


@pytest.mark.parametrize(
    ("block", "simulator", "parts"),
    [
        (
            {"fields": [{**CONSTANT, "frequency": 5001}]},
            "NEURON",
            ["frequency 5001", "Nyquist", "'input a fields'"],
        ),
        ({"fields": [{"Ex": 1, "Ey": 2}]}, "NEURON", ["'Ez'", "/inputs/a/fields/0"]),
        ({"fields": [CONSTANT], "ramp_up_time": -1}, "NEURON", ["ramp_up_time", "/inputs/a"]),
        ({"fields": [CONSTANT]}, "CORENEURON", ["CoreNEURON", '"NEURON"', "/inputs/a/module"]),
    ],
)
def test_bad_fields(
    obi: Path, tmp_path: Path, block: dict[str, Any], simulator: str, parts: list[str]
) -> None:
    config = {
        "target_simulator": simulator,
        "network": str(obi / "ringtest" / "circuit_config_bigA.json"),
        "node_sets_file": str(obi / "ringtest" / "nodesets.json"),
        "node_set": "RingA",
        "run": {"tstop": 20, "dt": 0.1, "random_seed": 1},
        "output": {"output_dir": str(tmp_path / "output")},
        "inputs": {
            "a": {
                **{"module": "spatially_uniform_e_field", "input_type": "extracellular_stimulation"},
                **{"node_set": "RingA_Cell0", "delay": 0, "duration": 10, **block},
            }
        },
    }
    path = tmp_path / "simulation_config.json"
    path.write_text(json.dumps(config))
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(path), "--no-progress"], 100)
    assert done.returncode == 1
    for part in parts:
        assert part in done.stderr, done.stderr
