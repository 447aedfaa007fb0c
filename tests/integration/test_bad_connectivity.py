"""Bad input of connectivity: each kind gives one clear message, or a warning and the right result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_python
from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = pytest.mark.neuron

PAIRS = [(0, 1), (1, 2), (2, 3)]
NODES = {"first": {"population": "A", "node_id": [0]}}


def ring(**columns: Any) -> Edges:
    return Edges("A__A", "A", "A", PAIRS, columns)


def override(**block: Any) -> dict[str, Any]:
    return {"connection_overrides": [{"name": "one", "source": "A", "target": "A", **block}]}


def run(circuit: TinyCircuit, folder: Path, code: int, *options: str) -> str:
    done = run_python(
        ["-m", "neurodamus_like.cli.main", "run", str(circuit.write(folder)), "--no-progress", *options], 300
    )
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert "Traceback" not in text
    return text


def test_missing_attributes_are_listed_together(tmp_path: Path) -> None:
    edges = Edges("A__A", "A", "A", PAIRS, without=("u_syn", "decay_time"))
    text = run(TinyCircuit([edges]), tmp_path, 1)
    assert "u_syn, decay_time" in text
    assert "edges_A__A.h5" in text
    assert "'A__A'" in text


def test_attributes_of_plastic_synapses_are_listed_together(tmp_path: Path) -> None:
    text = run(TinyCircuit([ring(volume_CR=0.1)], config=override(modoverride="GluSynapse")), tmp_path, 1)
    assert (
        "Missing attributes rho0_GB, Use_d_TM, Use_p_TM, gmax_d_AMPA, gmax_p_AMPA, theta_d, theta_p" in text
    )
    assert "edges_A__A.h5" in text


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("delay", [1.0, -2.0, 1.0], ("delay is negative for 1 edge", "ids 1", "/edges/A__A/0/delay")),
        ("conductance", [1.0, np.nan, np.nan], ("conductance is not a number for 2 edges", "ids 1, 2")),
        ("u_syn", [np.inf, 0.5, 0.5], ("u_syn is not a number for 1 edge", "ids 0")),
    ],
)
def test_impossible_values(column: str, values: list[float], words: tuple[str, ...], tmp_path: Path) -> None:
    text = run(TinyCircuit([ring(**{column: values})]), tmp_path, 1)
    for word in words:
        assert word in text


def test_unknown_modoverride(tmp_path: Path) -> None:
    text = run(TinyCircuit([ring()], config=override(modoverride="GluSynaps")), tmp_path, 1)
    assert "unknown modoverride 'GluSynaps'" in text
    assert "did you mean 'GluSynapse'?" in text
    assert "GluSynapsHelper.hoc" in text
    assert "/connection_overrides/0/modoverride" in text
    assert not (tmp_path / "output").exists()
    done = run_python(
        ["-m", "neurodamus_like.cli.main", "validate", str(tmp_path / "simulation_config.json")]
    )
    assert done.returncode == 1
    assert "unknown modoverride 'GluSynaps'" in done.stdout
    assert "/connection_overrides/0/modoverride" in done.stdout


def test_modoverride_that_only_one_population_can_resolve(tmp_path: Path) -> None:
    helper = """begintemplate OwnHelper
public synapse
objref synapse
proc init() { synapse = new Exp2Syn($3) }
endtemplate OwnHelper
"""
    (tmp_path / "syn").mkdir()
    (tmp_path / "syn" / "OwnHelper.hoc").write_text(helper)
    circuit = TinyCircuit([ring()], config=override(modoverride="Own"))
    assert "unknown modoverride 'Own'" in run(circuit, tmp_path, 1)
    run(replace(circuit, components={"synaptic_models_dir": "syn"}), tmp_path, 0)


def test_failing_statement_names_its_block(tmp_path: Path) -> None:
    text = run(TinyCircuit([ring()], config=override(synapse_configure="%s.nonsense = 3")), tmp_path, 1)
    assert "synapse_configure failed on 3 of 3 synapses: '%s.nonsense = 3'" in text
    assert "/connection_overrides/0/synapse_configure" in text


def test_delayed_weight_on_a_synapse_that_has_none(tmp_path: Path) -> None:
    edges = Edges("A__A", "A", "A", PAIRS, {"tau1": 0.1, "tau2": 2.0, "erev": 0.0}, kind="Exp2Syn_synapse")
    blocks = override(weight=1.0)["connection_overrides"] + [
        {"name": "later", "source": "A", "target": "A", "delay": 5.0, "weight": 2.0}
    ]
    text = run(TinyCircuit([edges], config={"connection_overrides": blocks}), tmp_path, 1)
    assert "cannot change its weight during the run" in text


def test_names_given_twice(tmp_path: Path) -> None:
    blocks = override()["connection_overrides"] * 2
    text = run(TinyCircuit([ring()], config={"connection_overrides": blocks}), tmp_path, 1)
    assert "'one'" in text
    assert "/connection_overrides/1/name" in text or "twice" in text


def test_zero_weight_that_is_revived_in_part(tmp_path: Path) -> None:
    blocks = [
        {"name": "off", "source": "A", "target": "A", "weight": 0.0},
        {"name": "on", "source": "first", "target": "A", "weight": 1.0},
    ]
    text = run(TinyCircuit([ring()], node_sets=NODES, config={"connection_overrides": blocks}), tmp_path, 1)
    assert "Partial Weight=0 override is not supported: 'on'" in text
    assert "/connection_overrides/1" in text


def test_what_does_nothing_is_told(tmp_path: Path) -> None:
    blocks = [
        {"name": "all", "source": "A", "target": "A", "synapse_configure": "celsius = 35"},
        {"name": "nothing", "source": "first", "target": "first"},
        {"name": "silent", "source": "first", "target": "A", "weight": 0.0},
    ]
    text = run(TinyCircuit([ring()], node_sets=NODES, config={"connection_overrides": blocks}), tmp_path, 0)
    assert "the connection override 'nothing' matches no edge" in text
    assert "assigns celsius without %s" in text
    assert "'silent' have weight 0" in text
    assert "nothing overrides all (partly)" in text


def test_negative_rates(tmp_path: Path) -> None:
    text = run(TinyCircuit([ring()], config=override(spont_minis=-1.0)), tmp_path / "a", 1)
    assert "/connection_overrides/0/spont_minis" in text
    columns = {"A": {"exc_mini_frequency": [0.1, 0.1, -0.1, 0.1], "inh_mini_frequency": [0.1] * 4}}
    text = run(TinyCircuit([ring()], node_columns=columns), tmp_path / "b", 1)
    assert "the rate of spontaneous minis is negative" in text
    assert "ids 2" in text


@pytest.mark.parametrize(("pair", "end"), [((9, 1), "source"), ((1, 9), "target")])
def test_node_ids_out_of_range(pair: tuple[int, int], end: str, tmp_path: Path) -> None:
    text = run(TinyCircuit([Edges("A__A", "A", "A", [(0, 1), pair])]), tmp_path, 1)
    assert f"names the {end} node 9" in text


def test_two_edges_between_point_cells(tmp_path: Path) -> None:
    edges = Edges("P__P", "P", "P", [(0, 1), (0, 1)], kind="point_process")
    text = run(TinyCircuit([edges], cells={}, points={"P": 2}), tmp_path, 1)
    assert "repeat a pair of point cells" in text


def spikes_of(folder: Path) -> list[list[float]]:
    with h5py.File(folder / "output" / "out.h5") as file:
        group = file["spikes/A"]
        return [group["timestamps"][:].tolist(), group["node_ids"][:].tolist()]


def driven(edges: Edges, folder: Path) -> TinyCircuit:
    replay = {"module": "synapse_replay", "input_type": "spikes", "delay": 0, "duration": 9, "node_set": "A"}
    folder.mkdir()
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/A/timestamps"], file["spikes/A/node_ids"] = np.full(4, 1.0), np.arange(4)
    return TinyCircuit([edges], config={"inputs": {"r": {**replay, "spike_file": "spikes.h5"}}})


def test_edges_in_any_order_with_or_without_index(tmp_path: Path) -> None:
    pairs = [(0, 3), (1, 2), (2, 0), (0, 1)]
    columns = {"conductance": [200.0, 1.0, 300.0, 400.0], "u_syn": 1.0}
    good, none, wrong = tmp_path / "good", tmp_path / "none", tmp_path / "wrong"
    run(driven(Edges("A__A", "A", "A", pairs, columns), good), good, 0)
    text = run(driven(Edges("A__A", "A", "A", pairs, columns, index=False), none), none, 0)
    assert "no index by target" in text
    circuit = driven(Edges("A__A", "A", "A", pairs, columns), wrong)
    config = circuit.write(wrong)
    with h5py.File(wrong / "edges_A__A.h5", "a") as file:
        table = file["edges/A__A/indices/target_to_source/range_to_edge_id"]
        table[...] = table[...][::-1]
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "does not fit its edges" in done.stdout + done.stderr
    assert len(spikes_of(good)[0]) >= 3
    assert spikes_of(good) == spikes_of(none) == spikes_of(wrong)
