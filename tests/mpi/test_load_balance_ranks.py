"""Every way to share cells gives the same spikes on any number of ranks; large cells are solved in pieces."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.allen_model import write_model
from tests.helpers import run_mpi, run_python
from tests.obi_data import load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

VOLTAGE_TOLERANCE_MV = 1e-6
"""Of split cells against whole ones: their equations are solved in another order."""


def simulate(config: Path, out: Path, ranks: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a configuration in a folder of its own: balance files go into the working folder."""
    out.mkdir(parents=True, exist_ok=True)
    args = [
        "-m",
        "neurodamus_like.cli.main",
        "run",
        str(config),
        f"--output-path={out}",
        "--no-progress",
        *options,
    ]
    done = run_python(args, 300, cwd=out) if ranks == 1 else run_mpi(ranks, args, 300, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def spikes(out: Path, name: str = "out.h5") -> dict[str, list[tuple[float, int]]]:
    with h5py.File(out / name) as file:
        return {
            name: list(zip(group["timestamps"][:].tolist(), group["node_ids"][:].tolist(), strict=True))
            for name, group in file["spikes"].items()
        }


def voltages(out: Path, name: str) -> Any:
    with h5py.File(out / name) as file:
        (population,) = file["report"]
        return file[f"report/{population}/data"][:]


@pytest.fixture(scope="module")
def busy(obi: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five detailed cells with recurrent and external synapses, minis and replay; the largest costs 40 %."""
    oracle = load_oracle("v5_minis", shared)
    config = oracle["simulation_config"]
    config["run"]["tstop"] = 27.0
    config["inputs"]["rep"] = load_oracle("v5_replay", shared)["simulation_config"]["inputs"]["rep"]
    config["inputs"]["r"]["percent_start"] = 130
    report = config["reports"]["soma_v"]
    config["reports"] = {"soma_v": {**report, "end_time": 27.0}}
    return write_oracle_config(oracle, obi, tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def alone(busy: Path) -> Path:
    """Results on one rank."""
    out = busy.parent / "alone"
    simulate(busy, out, 1)
    assert len(spikes(out)["default"]) >= 3
    return out


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("mode", ["WholeCell", "MultiSplit"])
def test_modes_give_the_same_spikes_and_voltages(
    busy: Path, alone: Path, tmp_path: Path, mode: str, ranks: int
) -> None:
    done = simulate(busy, tmp_path, ranks, f"--lb-mode={mode}")
    assert spikes(tmp_path) == spikes(alone)
    difference = np.abs(voltages(tmp_path, "soma_v.h5") - voltages(alone, "soma_v.h5"))
    assert difference.max() <= VOLTAGE_TOLERANCE_MV
    assert f"load balance {mode}: 5 cells" in done.stdout + done.stderr
    assert "measured average/maximum" in done.stdout + done.stderr
    assert ("of them split" in done.stdout + done.stderr) == (mode == "MultiSplit")
    assert len(list(tmp_path.glob(f"sim_conf/_loadbal_*.default/cx_default_Mini5#.{ranks}.dat"))) == 1


def test_a_balance_in_pieces_is_used_again(busy: Path, alone: Path, tmp_path: Path) -> None:
    first = simulate(busy, tmp_path, 2, "--lb-mode=MultiSplit")
    (cx,) = tmp_path.glob("sim_conf/*/cx_default_Mini5#.dat")
    before = cx.stat().st_mtime_ns
    second = simulate(busy, tmp_path, 2, "--lb-mode=LoadBalance")
    assert cx.stat().st_mtime_ns == before
    assert spikes(tmp_path) == spikes(alone)
    assert line(first, "predicted") == line(second, "predicted")


@pytest.mark.parametrize("ranks", [1, 2])
def test_split_cells_with_coreneuron(busy: Path, alone: Path, tmp_path: Path, ranks: int) -> None:
    """As the reference does it: the cells stay whole, and one line says so and what to do."""
    done = simulate(busy, tmp_path, ranks, "--lb-mode=MultiSplit", "--simulator=CORENEURON")
    said = done.stdout + done.stderr
    assert said.count("CoreNEURON cannot simulate split cells: WholeCell is used instead of MultiSplit") == 1
    assert said.count("use --simulator=NEURON to split cells") == 1
    assert "of them split" not in said
    assert spikes(tmp_path) == spikes(alone)
    if ranks > 1:
        assert "load balance WholeCell: 5 cells on 2 ranks, predicted average/maximum" in said
        assert said.count("load balance measured average/maximum") == 1
        assert said.count("a rank's share differs from the predicted one by") == 1


def test_cells_with_types_are_not_split(tmp_path: Path) -> None:
    config = write_model(tmp_path / "model")
    simulate(config, tmp_path / "alone", 1)
    done = simulate(config, tmp_path / "two", 2, "--lb-mode=MultiSplit")
    said = done.stdout + done.stderr
    assert (
        said.count("MultiSplit cannot split the cells of any of these populations: cells (node_types)") == 1
    )
    assert said.count("WholeCell is used instead of MultiSplit, ask for it with --lb-mode=WholeCell") == 1
    assert "load balance WholeCell: 4 cells on 2 ranks, predicted average/maximum" in said
    expected = sorted(spikes(tmp_path / "alone", "spikes.h5")["cells"])
    assert len(expected) > 2
    assert sorted(spikes(tmp_path / "two", "spikes.h5")["cells"]) == expected


def test_an_unreadable_file_ends_all_ranks_with_one_message(busy: Path, tmp_path: Path) -> None:
    simulate(busy, tmp_path, 2, "--lb-mode=WholeCell", "--disable-reports")
    (broken,) = tmp_path.glob("sim_conf/*/cx_default_Mini5#.2.dat")
    broken.write_text("1\n2\n0 1 zero\n")
    args = [
        "-m",
        "neurodamus_like.cli.main",
        "run",
        str(busy),
        "--lb-mode=WholeCell",
        f"--output-path={tmp_path}",
    ]
    done = run_mpi(2, args, 120, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("unexpected 'zero'") == 1
    assert broken.name in done.stderr
    assert "delete the file: it is computed again" in done.stderr
    assert "Traceback" not in done.stderr


def line(done: subprocess.CompletedProcess[str], word: str) -> str:
    found = [
        text for text in (done.stdout + done.stderr).splitlines() if word in text and "predicted" in text
    ]
    return found[0].partition("load balance")[2]


def test_what_needs_whole_cells_keeps_them(busy: Path, tmp_path: Path) -> None:
    config = json.loads(busy.read_text())
    config["run"]["tstop"] = 1.0
    config["reports"] = {
        "dendrites": {
            "type": "compartment", "cells": "Mini5", "variable_name": "v", "sections": "all",
            "dt": 0.1, "start_time": 0.0, "end_time": 1.0,
        }
    }  # fmt: skip
    changed = busy.parent / "dendrites.json"
    changed.write_text(json.dumps(config))
    simulate(changed, tmp_path / "alone", 1)
    done = simulate(changed, tmp_path / "split", 2, "--lb-mode=MultiSplit")
    assert "cells of Mini5 stay whole because of report 'dendrites'" in done.stdout + done.stderr
    expected = voltages(tmp_path / "alone", "dendrites.h5")
    assert np.array_equal(voltages(tmp_path / "split", "dendrites.h5"), expected)


def test_populations_of_the_demo_are_balanced_together(tmp_path: Path) -> None:
    config = write_demo_circuit(tmp_path / "circuit", n_cells=20, tstop_ms=60.0, seed=5)
    simulate(config, tmp_path / "alone", 1)
    expected = spikes(tmp_path / "alone")
    assert sum(len(found) for found in expected.values()) > 5
    for ranks in (2, 4):
        out = tmp_path / f"on{ranks}"
        done = simulate(config, out, ranks, "--lb-mode=WholeCell")
        assert spikes(out) == expected
        assert len(list(out.glob(f"sim_conf/*/cx_*#.{ranks}.dat"))) == 2
        reached = float(line(done, "20 cells").rpartition(" ")[2])
        assert reached > 0.95
    for source in (tmp_path / "on2").glob("sim_conf/*/cx_*.source"):
        source.write_text("of another circuit")
    done = simulate(config, tmp_path / "on2", 2, "--lb-mode=WholeCell")
    said = done.stdout + done.stderr
    assert said.count("is stale: the circuit or its mechanisms have changed; it is computed again") > 0
    assert said.count("load balance WholeCell: 20 cells on 2 ranks, predicted average/maximum") == 1
    assert spikes(tmp_path / "on2") == expected
    done = simulate(config, tmp_path / "on2", 2, "--lb-mode=WholeCell", "--disable-reports")
    assert "is stale" not in done.stdout + done.stderr
