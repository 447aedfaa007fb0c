"""Inputs of recorded units (``ecephys_probe``): which unit a node gets, when it fires, and what may be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nwb_recordings import UNITS, write_recording

from neurodamus_like.config.allen import read_allen
from neurodamus_like.config.models import Input
from neurodamus_like.connectivity.probe_units import units_train
from neurodamus_like.connectivity.spike_files import check_spike_inputs
from neurodamus_like.exceptions import CircuitError
from tests.allen_model import change, write_model

NODES = np.arange(3)
BLOCK = {
    "input_type": "spikes",
    "module": "ecephys_probe",
    "node_set": "source",
    "input_file": "${configdir}/session.nwb",
    "mapping": "sample_with_replacement",
}
MAPPED = {"mapping": "units_map", "units": "${configdir}/units.csv"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = write_model(tmp_path)
    write_recording(tmp_path / "session.nwb")
    (tmp_path / "units.csv").write_text("node_ids unit_ids\n0 12\n1 10\n2 13\n")
    return path


def read(config: Path, **keys: Any) -> Input:
    found = read_allen(change(config, "inputs", to={"probe": {**BLOCK, **keys}}))
    assert not found.errors, found.errors
    assert found.simulation is not None
    (block,) = found.simulation.inputs
    return block


def fired(config: Path, seed: int = 0, **keys: Any) -> dict[int, list[float]]:
    train = units_train(read(config, **keys), "source", NODES, NODES, seed)
    return {
        node: train.timestamps[train.node_ids == node].tolist() for node in np.unique(train.node_ids).tolist()
    }


def test_a_table_says_which_unit_a_node_is(config: Path) -> None:
    assert fired(config, **MAPPED) == {0: [2500.0], 1: [1000.0, 1500.0, 2200.0], 2: [2000.0, 3900.0, 5000.0]}


def test_an_interval_is_moved_to_its_offset(config: Path) -> None:
    found = fired(config, **MAPPED, interval=[1000, 2200], interval_offset=50.0)
    assert found[1] == pytest.approx([50.0, 550.0, 1250.0])
    assert found[2] == pytest.approx([1050.0])
    stimulus = {"interval_name": "gratings", "orientation": 90.0}
    assert fired(config, **MAPPED, interval=stimulus)[0] == pytest.approx([500.0])


def test_units_may_have_windows_of_their_own(config: Path) -> None:
    (config.parent / "units.csv").write_text(
        "node_ids unit_ids start_times stop_times\n0 12 2000 3000\n1 10 1400 1600\n2 13 0 2000\n"
    )
    found = fired(config, **MAPPED)
    assert {node: pytest.approx(times) for node, times in found.items()} == {
        0: [500.0],
        1: [100.0],
        2: [2000.0],
    }


def test_nodes_with_one_unit_may_have_windows_of_their_own(config: Path) -> None:
    (config.parent / "units.csv").write_text(
        "node_ids unit_ids start_times stop_times\n0 10 1400 1600\n1 10 800 1100\n2 13 0 2000\n"
    )
    found = fired(config, **MAPPED)
    assert (found[0], found[1]) == (pytest.approx([100.0]), pytest.approx([200.0]))


def test_draws_depend_on_the_seed_alone(config: Path) -> None:
    trains = {seed: fired(config, seed, mapping="sample") for seed in range(6)}
    assert trains[0] == fired(config, 0, mapping="sample")
    assert len({str(train) for train in trains.values()}) > 1
    known = {tuple((1000 * times).tolist()) for times in UNITS.values()}
    for train in trains.values():
        assert len({tuple(times) for times in train.values()}) == 3
        assert {tuple(times) for times in train.values()} <= known


def test_several_files_have_an_interval_each(config: Path) -> None:
    other = {n + 10: times + 1.0 for n, times in UNITS.items()}
    write_recording(config.parent / "other.nwb", other)
    (config.parent / "units.csv").write_text("node_ids unit_ids\n0 12\n1 22\n2 13\n")
    files = ["${configdir}/session.nwb", "${configdir}/other.nwb"]
    found = fired(config, **MAPPED, input_file=files, interval=[[2000, 3000], [3000, 4000]])
    assert found[0] == found[1] == pytest.approx([500.0])


@pytest.mark.parametrize(
    ("keys", "pointer", "says"),
    [
        ({"mapping": "unit_map"}, "/inputs/probe/mapping", "did you mean 'units_map'?"),
        ({"mapping": None}, "/inputs/probe", "'mapping' is missing"),
        ({"input_file": "${configdir}/sesion.nwb"}, "/inputs/probe/input_file", "sesion.nwb"),
        ({"dandi_repo": "dandi:000021"}, "/inputs/probe/dandi_repo", "nothing is downloaded"),
        ({"interval": [5, 2]}, "/inputs/probe/interval", "this is no interval: [5, 2]"),
        ({"interval": {"orientation": 0}}, "/inputs/probe/interval", "has no 'interval_name'"),
        ({"interval": [[0, 1], [1, 2]]}, "/inputs/probe/interval", "2 intervals for 1 files"),
        ({"units": "good"}, "/inputs/probe/units", "'units' are no filters"),
        ({**MAPPED, "units": "${configdir}/no.csv"}, "/inputs/probe/units", "no.csv"),
        ({"missing_ids": "skip"}, "/inputs/probe/missing_ids", "one of fail, warn, ignore"),
        ({"node_set": None}, "/inputs/probe", "'node_set' is missing"),
        ({"node_set": "sorce"}, "/inputs/probe/node_set", "did you mean 'source'?"),
    ],
)
def test_wrong_keys(config: Path, keys: dict[str, Any], pointer: str, says: str) -> None:
    (error,) = read_allen(change(config, "inputs", to={"probe": {**BLOCK, **keys}})).errors
    assert error.pointer == pointer
    assert says in str(error)


def test_an_offset_without_interval_is_noticed(config: Path) -> None:
    found = read_allen(change(config, "inputs", to={"probe": {**BLOCK, "interval_offset": 10.0}}))
    assert found.simulation is not None
    assert [n.pointer for n in found.simulation.notices if "interval_offset" in n.message] == [
        "/inputs/probe/interval_offset"
    ]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"input_file": "${configdir}/spikes.h5"}, "the file has no units with spikes"),
        ({"units": {"snrr": 1.0}}, "did you mean 'snr'?"),
        ({"units": {"snr": 99.0}}, "no unit has these properties"),
        ({"interval": {"interval_name": "flashes"}}, "the file has no intervals 'flashes'"),
    ],
)
def test_wrong_files_are_found_before_anything_is_built(
    config: Path, keys: dict[str, Any], says: str
) -> None:
    (error,) = check_spike_inputs([read(config, **keys)])
    assert "input 'probe'" in error.message
    assert says in str(error)


@pytest.mark.parametrize(
    ("keys", "table", "says"),
    [
        ({"mapping": "sample", "units": {"location": "VISp"}}, "", "2 units are not enough for 3 nodes"),
        (MAPPED, "0 99\n1 11\n2 12\n", "there are no units 99 in session.nwb"),
        (MAPPED, "0 10\n", "2 nodes that drive synapses have no unit"),
        (
            {**MAPPED, "interval": [1000, 3000], "interval_offset": -700.0},
            "",
            "2 spikes have a negative time",
        ),
    ],
)
def test_units_that_nodes_cannot_have(config: Path, keys: dict[str, Any], table: str, says: str) -> None:
    if table:
        (config.parent / "units.csv").write_text("node_ids unit_ids\n" + table)
    with pytest.raises(CircuitError) as caught:
        fired(config, **keys)
    assert says in str(caught.value)


def test_nodes_without_unit_may_be_silent(config: Path, caplog: pytest.LogCaptureFixture) -> None:
    (config.parent / "units.csv").write_text("node_ids unit_ids\n0 12\n")
    assert list(fired(config, **MAPPED, missing_ids="warn")) == [0]
    assert "2 nodes that drive synapses have no unit" in caplog.text
    few = {"mapping": "sample", "units": {"location": "VISp"}, "missing_ids": "ignore"}
    assert list(fired(config, **few)) == [0, 1]


def test_recorded_units_come_last_whatever_their_place(config: Path) -> None:
    sonata = {
        "module": "sonata",
        "input_type": "spikes",
        "input_file": "${configdir}/spikes.h5",
        "node_set": "source",
    }
    found = read_allen(change(config, "inputs", to={"probe": BLOCK, "file": sonata})).simulation
    assert found is not None
    assert [block.name for block in found.inputs] == ["file", "probe"]
