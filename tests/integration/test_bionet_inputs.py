"""Inputs of BMTK that give synapses spikes: files of all formats, functions, replay, and given times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from nwb_recordings import write_recording

from neurodamus_like.io.nwb_units import find_units
from neurodamus_like.io.spikes import read_spikes
from tests.bent_cells import SCRIPT, edge_files, write_model
from tests.helpers import run_mpi, run_python

pytestmark = pytest.mark.neuron

BOTH = {"ext_bent": True, "bent_bent": True}
GENERATOR = """
@bionet.spikes_generator
def regular(node, sim):
    assert sim.simulation_time("s") == sim.tstop / 1000
    return np.arange(1.0 + node.node_id, sim.tstop, 1000 / node["rate"])
"""
TIMES = {
    node: np.arange(1.0 + node, 20.0, 1000 / rate) for node, rate in enumerate((100.0, 200.0, 150.0, 250.0))
}
END = """
from neurodamus_like.parallel.mpi import world
v, _ = simulate({config!r})
Path({config!r} + f".{{world().rank}}").write_text(json.dumps({{g: rows.tolist() for g, rows in v.items()}}))
"""


def write_spikes(folder: Path) -> None:
    ids = np.concatenate([np.full(t.size, node) for node, t in TIMES.items()])
    times = np.concatenate(list(TIMES.values()))
    shuffled = np.random.default_rng(1).permutation(ids.size)
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/a_first/timestamps"], file["spikes/a_first/node_ids"] = [3.0], [0]
        file["spikes/ext/timestamps"], file["spikes/ext/node_ids"] = times[shuffled], ids[shuffled]
    rows = [f"{float(times[k])!r} ext {ids[k]}" for k in shuffled.tolist()]
    (folder / "spikes.csv").write_text("\n".join(["timestamps population node_ids", *rows]) + "\n")
    with h5py.File(folder / "spikes.nwb", "w") as file:
        for node, t in TIMES.items():
            file[f"processing/trial_0/spike_train/{node}/data"] = t
            file[f"processing/trial_1/spike_train/{node}/data"] = t[:1]
    # units in another order than nodes, with a second of something else before
    shifted = {13 - node: 1.0 + TIMES[node] / 1000 for node in reversed(TIMES)}
    write_recording(folder / "units.nwb", {unit: np.append(0.5, t) for unit, t in shifted.items()})
    rows = [f"{node} {13 - node}" for node in TIMES]
    (folder / "units.csv").write_text("\n".join(["node_ids unit_ids", *rows]) + "\n")


FORMATS: dict[str, dict[str, Any]] = {
    "sonata": {"module": "sonata", "input_file": "${configdir}/spikes.h5", "population": "ext"},
    "csv": {"module": "csv", "input_file": "${configdir}/spikes.csv"},
    "nwb": {"module": "nwb", "input_file": "${configdir}/spikes.nwb", "trial": "trial_0"},
    "function": {"module": "function", "spikes_function": "regular"},
    "units": {
        "module": "ecephys_probe",
        "input_file": "${configdir}/units.nwb",
        "mapping": "units_map",
        "units": "${configdir}/units.csv",
        "interval": [1000.0, 2000.0],
    },
}


def of_format(name: str) -> dict[str, Any]:
    return {"input_type": "spikes", "node_set": "ext", **FORMATS[name]}


def voltages(config: Path, ranks: int = 1, code: str = GENERATOR) -> dict[int, np.ndarray]:
    script = config.with_suffix(".py")
    script.write_text(SCRIPT + code + END.format(config=str(config)))
    done = run_python([str(script)], 200) if ranks == 1 else run_mpi(ranks, [str(script)], 200)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = {}
    for rank in range(ranks):
        found |= json.loads(Path(f"{config}.{rank}").read_text())
    return {int(gid): np.array(rows) for gid, rows in found.items()}


def assert_same(
    first: Mapping[int, np.ndarray], second: Mapping[int, np.ndarray], tolerance: float = 1e-9
) -> None:
    assert sorted(first) == sorted(second) == [0, 1, 2]
    for gid, rows in first.items():
        np.testing.assert_allclose(rows, second[gid], atol=tolerance, rtol=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_spikes(folder)
    write_model(folder, {"spikes": of_format("sonata")}, "sonata", edges=BOTH)
    return folder


@pytest.fixture(scope="module")
def expected(model: Path) -> dict[int, np.ndarray]:
    found = voltages(model / "sonata.json")
    assert all(rows[:, 0].max() > 0 for rows in found.values()), "every cell spikes"
    return found


@pytest.mark.parametrize(
    ("name", "ranks"), [("csv", 1), ("nwb", 1), ("function", 1), ("function", 2), ("units", 2)]
)
def test_all_formats_give_the_same(
    model: Path, expected: dict[int, np.ndarray], name: str, ranks: int
) -> None:
    config = write_model(model, {"spikes": of_format(name)}, f"{name}{ranks}", edges=BOTH)
    assert_same(voltages(config, ranks), expected)


def test_a_module_makes_the_synapses_that_its_units_drive(
    model: Path, expected: dict[int, np.ndarray]
) -> None:
    config = write_model(model, {}, "no_input", edges=BOTH)
    keys = {
        k: str(v).replace("${configdir}", str(model)) for k, v in FORMATS["units"].items() if k != "interval"
    }
    arguments = {"node_set": "ext", **keys, "interval": [1000.0, 2000.0]}
    code = f"""
from neurodamus_like.bionet.modules import BioECEphysUnitsModule
spikes = modules.SpikesMod({str(model / "more")!r}, "s.csv", "s.h5", "s.nwb", spikes_sort_order="time")
simulate = lambda config, run=simulate: run(config, BioECEphysUnitsModule("probe", **{arguments!r}), spikes)
"""
    assert_same(voltages(config, 2, code), expected)
    train = read_spikes(model / "output_no_input" / "spikes.h5", "bent")
    more = read_spikes(model / "more" / "s.h5", "bent")
    assert sorted(more.timestamps.tolist()) == sorted(train.timestamps.tolist()) != []
    table = (model / "more" / "s.csv").read_text().splitlines()[1:]
    assert [float(row.split()[0]) for row in table] == more.timestamps.tolist()
    units = find_units(model / "more" / "s.nwb")
    assert sum(t.size for t in units.read_spike_times(np.arange(units.ids.size))) == len(train)


def test_units_that_are_drawn_do_not_depend_on_ranks(model: Path) -> None:
    drawn = {**of_format("units"), "mapping": "sample", "units": {"quality": "good"}, "missing_ids": "warn"}
    again = {**drawn, "mapping": "sample_with_replacement"}
    configs = [
        write_model(model, {"u": block}, f"drawn{n}", edges=BOTH) for n, block in enumerate((drawn, again))
    ]
    found = [[voltages(config, ranks) for ranks in (1, 2)] for config in configs]
    for one, two in found:
        assert_same(one, two)
    assert max(abs(found[0][0][g] - found[1][0][g]).max() for g in found[0][0]) > 0.1


@pytest.mark.parametrize("ranks", [1, 2])
def test_replayed_spikes_take_the_place_of_edges(
    model: Path, expected: dict[int, np.ndarray], ranks: int
) -> None:
    assert (model / "output_sonata" / "spikes.h5").is_file()
    replay = {
        "input_type": "replay_spikes",
        "module": "replay",
        "spikes_file": "${configdir}/output_sonata/spikes.h5",
        "edges": edge_files("bent_bent"),
        "source_node_set": "bent",
        "target_node_set": "all",
    }
    inputs = {"spikes": of_format("csv")}
    disabled = {"ext_bent": True, "bent_bent": False}
    alone = voltages(write_model(model, inputs, "alone", edges=disabled))
    assert max(abs(alone[g] - expected[g]).max() for g in alone) > 1.0
    order = {"replay": replay, **inputs}
    assert_same(voltages(write_model(model, order, f"replay{ranks}", edges=disabled), ranks), expected, 1e-6)


def test_replay_only_between_node_sets(model: Path) -> None:
    with h5py.File(model / "few.h5", "w") as file:
        file["spikes/bent/timestamps"], file["spikes/bent/node_ids"] = [2.0, 2.0], [0, 1]
    replay = {
        "input_type": "replay_spikes",
        "module": "replay",
        "spikes_file": "${configdir}/few.h5",
        "edges": edge_files("bent_bent"),
        "source_node_set": {"population": "bent", "node_id": [0]},
        "target_node_set": {"population": "bent", "node_id": [0, 2]},
    }
    found = voltages(write_model(model, {"r": replay}, "between", edges={"bent_bent": False}))
    still = voltages(write_model(model, {}, "still", edges={"bent_bent": False}))
    moved = {gid: bool(abs(found[gid] - still[gid]).max() > 0.1) for gid in found}
    assert moved == {0: False, 1: False, 2: True}


@pytest.mark.parametrize("ranks", [1, 2])
def test_chosen_synapses_fire_and_no_other_recurrent_one(model: Path, ranks: int) -> None:
    activity = {
        "input_type": "syn_activity",
        "module": "syn_activity",
        "precell_filter": {"population": "bent", "node_id": [1, 2]},
        "postcell_filter": {"node_type_id": 100},
        "timestamps": [9.0, 3.0],
    }
    with h5py.File(model / "activity.h5", "w") as file:
        file["spikes/bent/timestamps"], file["spikes/bent/node_ids"] = [3.0, 9.0, 3.0, 9.0], [1, 1, 2, 2]
    replay = {
        "input_type": "replay_spikes",
        "module": "replay",
        "spikes_file": "${configdir}/activity.h5",
        "edges": edge_files("bent_bent"),
    }
    spikes = of_format("csv")
    same = write_model(
        model, {"r": replay, "s": spikes}, "as_replay", edges={"ext_bent": True, "bent_bent": False}
    )
    config = write_model(model, {"a": activity, "s": spikes}, f"activity{ranks}", edges=BOTH)
    assert_same(voltages(config, ranks), voltages(same), 1e-6)


ERRORS = {
    "no column": ({"module": "csv", "input_file": "bad.csv"}, "the table has no column 'node_ids'"),
    "negative": ({"module": "csv", "input_file": "negative.csv"}, "1 spikes have a negative time"),
    "no trial": (
        {"module": "nwb", "input_file": "spikes.nwb", "trial": "trial_7"},
        "the file has no spikes of the trial 'trial_7'",
    ),
    "which trial": ({"module": "nwb", "input_file": "spikes.nwb"}, "the file has no single trial"),
    "no population": (
        {"module": "sonata", "input_file": "spikes.h5", "population": "exd"},
        "did you mean 'ext'?",
    ),
    "no function": ({"module": "function", "spikes_function": "regula"}, "unknown spikes generator 'regula'"),
    "failing function": (
        {"module": "function", "spikes_function": "broken"},
        "ZeroDivisionError: division by zero",
    ),
    "twice": (
        {"module": "replay", "spikes_file": "spikes.h5", "edges": edge_files("bent_bent")},
        "the edges 'bent_to_bent' are in 'networks', too: their synapses would exist twice",
    ),
    "no timestamps": (
        {"module": "syn_activity", "precell_filter": {}},
        "the timestamps of the input 'x' are None",
    ),
    "unknown": ({"module": "sonatta"}, "did you mean 'sonata'?"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_is_wrong_is_said_before_anything_is_built(model: Path, case: str) -> None:
    (model / "bad.csv").write_text("timestamps population node\n1.0 ext 0\n")
    (model / "negative.csv").write_text("timestamps population node_ids\n-1.0 ext 0\n")
    block, message = ERRORS[case]
    given = {
        k: f"${{configdir}}/{v}" if k.endswith("s_file") or k == "input_file" else v for k, v in block.items()
    }
    given = {"input_type": "spikes", "node_set": "ext", **given}
    if block["module"] in ("replay", "syn_activity"):
        del given["node_set"]
    config = write_model(model, {"x": given}, f"wrong_{case.replace(' ', '_')}", edges=BOTH)
    broken = "\n@bionet.spikes_generator\ndef broken(node, sim):\n    return 1 / 0\n"
    script = config.with_suffix(".py")
    script.write_text(SCRIPT + GENERATOR + broken + f"simulate({str(config)!r})\n")
    done = run_python([str(script)], 100)
    assert done.returncode == 1
    assert message in done.stderr
    assert "inputs" in done.stderr or "broken" in done.stderr
