"""CoreNEURON gives what NEURON and the reference give: spikes and reports, on any number of ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.io.spikes import read_spikes
from tests.helpers import run_python
from tests.obi_data import load_oracle, write_oracle_config
from tests.scientific.oracle_runs import assert_report_equal, assert_spikes_equal, simulate

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

CORENEURON = "--simulator=CORENEURON"

CASES = {
    "v5_sonata": (["default"], (1, 2, 4)),
    "usecase3": (["NodeA", "NodeB"], (1, 2, 4)),
    "ringtest_pulse": (["RingA", "RingB"], (1, 2, 4)),
    "v5_minis": (["default"], (2,)),
    "v5_replay": (["default"], (2,)),
    "v5_override_weight_delay": (["default"], (2,)),
    "ringtest_gj": (["RingC"], (1, 2)),
    "ringtest_neuromod": (["RingA", "RingB"], (2,)),
}


@pytest.mark.mpi
@pytest.mark.parametrize(("case", "ranks"), [(case, n) for case, (_, ranks) in CASES.items() for n in ranks])
def test_spikes_of_the_reference(case: str, ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle(case)
    output = simulate(write_oracle_config(oracle, obi, tmp_path), ranks, CORENEURON)
    assert_spikes_equal(output, oracle, CASES[case][0])
    if case == "v5_sonata":
        assert_report_equal(output, oracle, "soma_report", "default")


@pytest.mark.mpi
def test_demo_circuit_gives_the_same_bytes_with_both_engines(tmp_path: Path) -> None:
    config = write_demo_circuit(tmp_path / "circuit", n_cells=20, tstop_ms=150.0, seed=5)
    runs = {"neuron": simulate(config, output=tmp_path / "neuron")}
    for ranks in (1, 2, 4):
        runs[f"core{ranks}"] = simulate(config, ranks, CORENEURON, output=tmp_path / f"core{ranks}")
    runs["order"] = simulate(
        config, 2, CORENEURON, "--cell-permute=node-adjacency", output=tmp_path / "order"
    )
    found = {name: [(out / f).read_bytes() for f in ("out.h5", "soma.h5")] for name, out in runs.items()}
    assert len(found["neuron"][0]) > 3000, "no spikes: nothing was compared"
    for name, contents in found.items():
        assert contents == found["neuron"], name


REPORTS: dict[str, dict[str, Any]] = {
    "steps": {"type": "compartment", "variable_name": "v", "sections": "soma", "dt": 0.025},
    "odd": {"type": "compartment", "variable_name": "v", "sections": "soma", "dt": 0.06, "start_time": 3},
    "current": {"type": "compartment", "variable_name": "i_membrane"},
    "gate": {"type": "compartment", "variable_name": "SKv3_1.m", "cells": "Excitatory", "sections": "soma"},
    "calcium": {"type": "compartment", "variable_name": "cai", "cells": "Excitatory", "sections": "soma"},
    "clamp": {"type": "summation", "variable_name": "IClamp", "scaling": "none"},
    "summed": {"type": "summation", "variable_name": "ProbAMPANMDA_EMS,ProbGABAAB_EMS", "scaling": "none"},
    "gaba": {"type": "synapse", "variable_name": "ProbGABAAB_EMS"},
    "conductance": {"type": "synapse", "variable_name": "ProbGABAAB_EMS.g"},
    "state": {"type": "synapse", "variable_name": "ProbGABAAB_EMS.B_GABAA"},
    "probe": {"type": "lfp", "electrodes_file": "probe.csv"},
    "points": {"type": "compartment_set", "compartment_set": "points", "variable_name": "v"},
}


@pytest.fixture(scope="module")
def config(obi: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The v5 circuit with a report of every type."""
    folder = tmp_path_factory.mktemp("core_reports")
    oracle = load_oracle("v5_sonata_reports")
    common = {"cells": "Mosaic", "sections": "all", "compartments": "all", "dt": 0.5, "end_time": 40}
    oracle["simulation_config"]["reports"] = {
        name: {**common, "start_time": 0, **block} for name, block in REPORTS.items()
    }
    for key in ("cells", "sections", "compartments"):
        del oracle["simulation_config"]["reports"]["points"][key]
    oracle["simulation_config"]["compartment_sets_file"] = str(folder / "sets.json")
    points = [[0, 0, 0.5], [2, 0, 0.5], [4, 0, 0.5]]
    (folder / "sets.json").write_text(
        json.dumps({"points": {"population": "default", "compartment_set": points}})
    )
    (folder / "probe.csv").write_text("x,y,z\n0,0,0\n10,50,20\n0,200,0\n")
    return write_oracle_config(oracle, obi, folder)


def datasets(output: Path) -> dict[str, dict[str, np.ndarray]]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for file in output.glob("*.h5"):
        with h5py.File(file) as h5:
            group = h5["report/default"] if "report" in h5 else h5["spikes/default"]
            names = ("data", *(f"mapping/{n}" for n in group["mapping"])) if "mapping" in group else group
            found[file.stem] = {name: group[name][()] for name in names}
    return found


@pytest.mark.mpi
def test_reports_of_every_type(config: Path, tmp_path: Path) -> None:
    """In small blocks too. A last bit may differ: sums of currents are added up in another order."""
    small = "--report-buffer-size=0.2"
    expected = datasets(simulate(config, output=tmp_path / "neuron"))
    assert set(expected) == {*REPORTS, "out"}
    runs = {"core": (1, ()), "blocks": (1, (small,)), "ranks": (2, (small,))}
    for run, (ranks, options) in runs.items():
        found = datasets(simulate(config, ranks, CORENEURON, *options, output=tmp_path / run))
        for name, parts in expected.items():
            for part, values in parts.items():
                if part != "data":
                    np.testing.assert_array_equal(found[name][part], values, err_msg=f"{run} {name} {part}")
            if "data" not in parts:
                continue
            values, others = parts["data"].astype(float), found[name]["data"].astype(float)
            assert np.abs(values).max() > 0, name
            ulp = np.spacing(np.abs(parts["data"]).max(axis=0)).astype(float)
            assert (np.abs(values - others) <= ulp).all(), f"{run} {name}"
            assert (values != others).mean() < 1e-3, f"{run} {name}"


def test_a_configuration_that_asks_for_coreneuron(obi: Path, tmp_path: Path) -> None:
    simulate(obi / "usecase3" / "simulation_sonata_coreneuron.json", output=tmp_path)
    trains = read_spikes(tmp_path / "spikes.h5")
    assert {name: train.timestamps.size for name, train in trains.items()} == {"NodeA": 21, "NodeB": 0}


def test_variables_that_coreneuron_does_not_have_are_refused_before_the_run(
    config: Path, tmp_path: Path
) -> None:
    """Diameters are NEURON's own: the values would be 0."""
    document = json.loads(config.read_text())
    common = {"type": "compartment", "cells": "Mosaic", "sections": "soma", "dt": 1, "start_time": 0}
    document["reports"] = {
        name: {**common, "end_time": 5, "variable_name": name} for name in ("diam", "v", "cm")
    }
    path = config.with_name("diameters.json")
    path.write_text(json.dumps(document))
    args = ["-m", "neurodamus_like.cli.main", "run", str(path), f"--output-path={tmp_path}", "--no-progress"]
    done = run_python([*args, CORENEURON], 300)
    assert done.returncode == 1
    assert "1 problem found" in done.stderr
    assert "report 'diam': CoreNEURON does not have 5 of the variables diam" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.h5")), "nothing was simulated"
    done = run_python([*args, "--simulator=NEURON"], 300)
    assert done.returncode == 0, done.stderr
