"""A model built into files, in any number of cycles on any number of ranks, gives the results of NEURON."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.distribution.allocation import allocate, write_allocation
from neurodamus_like.io.core_data import read_group_gids
from tests.helpers import run_mpi, run_python
from tests.obi_data import load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.mpi, pytest.mark.slow]


def simulate(config: Path, output: Path, ranks: int = 1, *options: str) -> Path:
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), f"--output-path={output}", *options]
    done = (
        run_python([*args, "--no-progress"], 600)
        if ranks == 1
        else run_mpi(ranks, [*args, "--no-progress"], 600)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def from_files(config: Path, output: Path, ranks: int, cycles: int) -> Path:
    options = (f"--modelbuilding-steps={cycles}", "--build-model=1", f"--build-path={output}/model")
    simulate(config, output, ranks, "--simulator=CORENEURON", *options)
    left = [path.name for path in output.iterdir() if path.name in ("model", ".frames", "out.dat")]
    assert not left, "files of the model were left behind"
    return output


def assert_same(found: Path, expected: Path) -> None:
    """Spikes are the same bytes; reports differ by what CoreNEURON's rounding allows."""
    assert (found / "out.h5").read_bytes() == (expected / "out.h5").read_bytes()
    reports = sorted(path.name for path in expected.glob("*.h5") if path.name != "out.h5")
    assert sorted(path.name for path in found.glob("*.h5") if path.name != "out.h5") == reports
    for name in reports:
        with h5py.File(found / name) as file, h5py.File(expected / name) as reference:
            for population, group in reference["report"].items():
                other = file["report"][population]
                for key in ("node_ids", "index_pointers", "element_ids", "time"):
                    assert np.array_equal(other["mapping"][key][:], group["mapping"][key][:]), (name, key)
                assert dict(other["data"].attrs) == dict(group["data"].attrs)
                np.testing.assert_allclose(
                    other["data"][:], group["data"][:], rtol=2e-6, atol=1e-9, err_msg=name
                )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("demo")
    config = write_demo_circuit(folder / "circuit", n_cells=20, tstop_ms=120.0, seed=5)
    expected = simulate(config, folder / "neuron")
    assert (expected / "out.h5").stat().st_size > 3000, "no spikes: nothing is compared"
    return config, expected


@pytest.mark.parametrize(("ranks", "cycles"), [(1, 3), (2, 1), (2, 2), (4, 3)])
def test_demo_circuit(demo: tuple[Path, Path], tmp_path: Path, ranks: int, cycles: int) -> None:
    config, expected = demo
    assert_same(from_files(config, tmp_path / "out", ranks, cycles), expected)


@pytest.mark.parametrize(("ranks", "cycles"), [(1, 2), (2, 3), (4, 2)])
def test_v5_sonata(obi: Path, tmp_path: Path, ranks: int, cycles: int) -> None:
    config = write_oracle_config(load_oracle("v5_sonata"), obi, tmp_path)
    expected = simulate(config, tmp_path / "neuron")
    assert_same(from_files(config, tmp_path / "files", ranks, cycles), expected)


def test_reports_of_all_types(obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("v5_sonata_reports")
    reports = oracle["simulation_config"]["reports"]
    times = {"dt": 0.1, "start_time": 5.0, "end_time": 20.0, "cells": "Mosaic"}
    reports["synapses"] = {"type": "synapse", "variable_name": "ProbAMPANMDA_EMS.g", **times}
    reports["from_zero"] = {"type": "compartment", "variable_name": "i_membrane", **times, "start_time": 0.0}
    config = write_oracle_config(oracle, obi, tmp_path)
    expected = simulate(config, tmp_path / "neuron")
    assert_same(from_files(config, tmp_path / "files", 2, 2), expected)


def test_cells_joined_by_gap_junctions_are_in_one_cycle(obi: Path, tmp_path: Path) -> None:
    config = write_oracle_config(load_oracle("ringtest_gj"), obi, tmp_path)
    expected = simulate(config, tmp_path / "neuron")
    for ranks in (1, 2):
        assert_same(from_files(config, tmp_path / f"on{ranks}", ranks, 2), expected)
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), f"--output-path={tmp_path / 'three'}"]
    done = run_python([*args, "--simulator=CORENEURON", "--modelbuilding-steps=3", "--no-progress"], 100)
    assert done.returncode == 1
    assert "joined by gap junctions" in done.stderr
    assert "expected: at most 2" in done.stderr


def test_an_allocation_decides_about_cycles(demo: tuple[Path, Path], tmp_path: Path) -> None:
    config, expected = demo
    costs = {"Exc": (np.arange(16), np.full(16, 3.0)), "Inh": (np.arange(4), np.ones(4))}
    write_allocation(allocate(costs, 2, 3), tmp_path)
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), f"--output-path={tmp_path / 'out'}"]
    args += ["--simulator=CORENEURON", "--no-progress", f"--build-path={tmp_path / 'b'}"]
    options = ["--modelbuilding-steps=3", "--lb-mode=Memory", "--keep-build"]
    done = run_mpi(2, [*args, *options], 300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(tmp_path / "out", expected)
    first = [allocate(costs, 2, 3).local_ids("Exc", rank, 0).tolist() for rank in (0, 1)]
    data = tmp_path / "b" / "coreneuron_input"
    assert [read_group_gids(data, ids[0])[: len(ids)].tolist() for ids in first] == first


def test_a_model_in_memory(demo: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, expected = demo
    (tmp_path / "shm").mkdir()
    monkeypatch.setenv("SHMDIR", str(tmp_path / "shm"))
    options = ("--simulator=CORENEURON", "--modelbuilding-steps=2", "--enable-shm=1", "--verbose")
    assert_same(simulate(config, tmp_path / "out", 2, *options, f"--build-path={tmp_path / 'b'}"), expected)
    assert list((tmp_path / "shm").iterdir()) == [], "memory was not given back"
    log = next((tmp_path / "out").glob("*.log")).read_text()
    assert f"the files of the model are in {tmp_path / 'shm'}" in log


def test_a_model_is_simulated_later_on_other_ranks(demo: tuple[Path, Path], tmp_path: Path) -> None:
    config, expected = demo
    model = f"--build-path={tmp_path / 'a model'}"
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), f"--output-path={tmp_path / 'built'}"]
    args += ["--simulator=CORENEURON", "--no-progress", model]
    done = run_mpi(2, [*args, "--simulate-model=0", "--modelbuilding-steps=2"], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "built" / "out.h5").exists()
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "a model/coreneuron_input").iterdir()}
    assert len([name for name in files if name.endswith("_2.dat")]) == 4
    for ranks in (1, 3):
        options = ("--simulator=CORENEURON", "--build-model=0", model)
        assert_same(simulate(config, tmp_path / f"on{ranks}", ranks, *options), expected)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "a model/coreneuron_input").iterdir()}
    assert after == files, "a model that is only used is neither written nor removed"
