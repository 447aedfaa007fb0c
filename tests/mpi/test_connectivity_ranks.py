"""Connectivity gives the same spikes on any number of ranks, and an error on one rank ends all."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.helpers import run_mpi
from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]


def everything(folder: Path) -> TinyCircuit:
    """A network with every kind of source of events, and overrides of every kind."""
    rng = np.random.default_rng(5)
    pairs = [(int(s), int(t)) for t in range(8) for s in rng.choice(8, 4, replace=False) if s != t]
    n = len(pairs)
    columns = {
        "conductance": rng.uniform(0.5, 4, n),
        "syn_type_id": np.where(rng.random(n) < 0.3, 60, 110),
        "delay": rng.uniform(0.5, 3, n),
        "afferent_section_id": rng.integers(0, 4, n),
        "afferent_section_pos": rng.random(n),
    }
    folder.mkdir()
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/V/timestamps"], file["spikes/V/node_ids"] = np.arange(1.0, 55.0, 3.0), np.arange(18) % 3
    blocks = [
        {"name": "all", "source": "A", "target": "A", "spont_minis": 30.0, "weight": 2.0},
        {"name": "even", "source": "Even", "target": "A", "weight": 3.0, "synapse_delay_override": 1.25},
        {"name": "det", "source": "Even", "target": "Even", "modoverride": "DetAMPANMDA"},
        {
            "name": "snippet",
            "source": "A",
            "target": "Even",
            "synapse_configure": "%s.Fac = 5",
            "weight": 2.5,
        },
        {"name": "later", "source": "A", "target": "A", "delay": 8.0, "weight": 4.0},
    ]
    replay = {
        "module": "synapse_replay",
        "input_type": "spikes",
        "delay": 0,
        "duration": 99,
        "spike_file": "spikes.h5",
    }
    return TinyCircuit(
        [
            Edges("A__A", "A", "A", pairs, columns),
            Edges("V__A", "V", "A", [(i % 3, i) for i in range(8)], {"conductance": 8.0, "u_syn": 1.0}),
        ],
        cells={"A": 8},
        virtual={"V": 3},
        node_sets={"Even": {"population": "A", "node_id": [0, 2, 4, 6]}},
        config={
            "connection_overrides": blocks,
            "inputs": {"r": {**replay, "node_set": "A"}},
            "run": {"tstop": 60.0, "dt": 0.025, "random_seed": 11},
            "conditions": {"v_init": -65.0, "celsius": 6.3},
        },
    )


def spikes(ranks: int, folder: Path) -> list[list[float]]:
    config = everything(folder).write(folder)
    done = run_mpi(ranks, ["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    with h5py.File(folder / "output" / "out.h5") as file:
        group = file["spikes/A"]
        return [group["timestamps"][:].tolist(), group["node_ids"][:].tolist()]


def test_same_spikes_on_1_2_and_4_ranks(tmp_path: Path) -> None:
    one = spikes(1, tmp_path / "1")
    assert len(one[0]) >= 16
    assert len(set(one[0])) > 10
    assert spikes(2, tmp_path / "2") == one
    assert spikes(4, tmp_path / "4") == one


@pytest.mark.parametrize("ranks", [2, 4])
def test_an_error_on_one_rank_ends_all(ranks: int, tmp_path: Path) -> None:
    edges = Edges("A__A", "A", "A", [(0, 1), (1, 2)], {"conductance": [np.nan, 1.0]})
    config = TinyCircuit([edges]).write(tmp_path)
    done = run_mpi(ranks, ["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"])
    assert done.returncode == 1, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("conductance is not a number for 1 edge") == 1


def test_a_statement_that_fails_on_one_rank_ends_all(tmp_path: Path) -> None:
    blocks = [
        {"name": "all", "source": "A", "target": "A"},
        {"name": "bad", "source": "A", "target": "one", "synapse_configure": "%s.nonsense = 1"},
    ]
    sets = {"one": {"population": "A", "node_id": [1]}}
    circuit = TinyCircuit(
        [Edges("A__A", "A", "A", [(0, 1), (1, 2)])], node_sets=sets, config={"connection_overrides": blocks}
    )
    done = run_mpi(
        2, ["-m", "neurodamus_like.cli.main", "run", str(circuit.write(tmp_path)), "--no-progress"], 60
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "synapse_configure failed on 1 of 1 synapses" in done.stdout + done.stderr
