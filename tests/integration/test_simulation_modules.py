"""Simulation modules: when they are called, that results do not depend on them, and what happens when they fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_mpi, run_python
from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = pytest.mark.neuron

SCRIPT = """
import json, sys
from pathlib import Path
from neurodamus_like import Neurodamus, SimulatorMod

class Watch(SimulatorMod):
    def __init__(self):
        self.calls = []
    def initialize(self, sim):
        self.calls.append(["initialize", sim.n_steps, sorted(sim.local_gids), sorted(sim.biophysical_gids)])
    def block(self, sim, interval):
        self.calls.append(["block", *interval, round(sim.h.t, 9)])
    def finalize(self, sim):
        self.calls.append(["finalize", sim.tstep])

class Step(SimulatorMod):
    def __init__(self):
        self.times, self.v = [], []
    def step(self, sim, tstep):
        self.times.append((tstep, sim.h.t))
        for gid in sim.local_gids:
            self.v.append(sim.net.get_cell_gid(gid).hobj.soma[0](0.5).v)

class Bad(SimulatorMod):
    def __init__(self, phase):
        def fail(sim, *args):
            if phase != "step" or args[0] == 7:
                if RANK is None or sim.comm.rank == RANK:
                    return [][3]
        setattr(self, phase, fail)

RANK = None
nd = Neurodamus(sys.argv[1], progress=False)
"""


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(2)
    pairs = [(s, t) for s in range(4) for t in range(4) if s != t]
    columns = {"conductance": rng.uniform(2, 6, len(pairs)), "u_syn": np.ones(len(pairs))}
    stimulus = {
        "module": "linear",
        "input_type": "current_clamp",
        "delay": 1.0,
        "duration": 15.0,
        "amp_start": 0.8,
        "node_set": "First",
    }
    tiny = TinyCircuit(
        [Edges("A__A", "A", "A", pairs, columns)],
        cells={"A": 4},
        node_sets={"First": {"population": "A", "node_id": [0, 3]}},
        config={
            "conditions": {"v_init": -65.0, "celsius": 6.3},
            "inputs": {"step": stimulus},
            "reports": {
                "v": {
                    "cells": "A", "variable_name": "v", "type": "compartment", "dt": 0.1,
                    "start_time": 0.0, "end_time": 20.0, "sections": "soma",
                }
            },
        },
    )  # fmt: skip
    return tiny.write(tmp_path_factory.mktemp("modules"))


def run(circuit: Path, folder: Path, code: str, ranks: int = 1, build: str = "") -> Any:
    """Run `code` behind the script's simulation, with results in `folder`."""
    script = folder / "script.py"
    built = f"Neurodamus(sys.argv[1], progress=False, output_path={str(folder / 'output')!r}{build})"
    script.write_text(SCRIPT.replace("Neurodamus(sys.argv[1], progress=False)", built) + code)
    args = [str(script), str(circuit)]
    return run_python(args, 120) if ranks == 1 else run_mpi(ranks, args, 120)


def results(folder: Path) -> list[Any]:
    with h5py.File(folder / "output" / "out.h5") as spikes, h5py.File(folder / "output" / "v.h5") as report:
        group = spikes["spikes/A"]
        return [
            group["timestamps"][:].tolist(),
            group["node_ids"][:].tolist(),
            report["report/A/data"][:].tolist(),
        ]


@pytest.fixture(scope="module")
def plain(circuit: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("plain")
    done = run(circuit, folder, "nd.run()")
    assert done.returncode == 0, done.stderr
    found = results(folder)
    assert len(found[0]) >= 4
    return found


@pytest.mark.parametrize("ranks", [1, 2])
def test_phases_are_called_in_order_and_change_nothing(
    tmp_path: Path, circuit: Path, plain: list[Any], ranks: int
) -> None:
    code = """
w, s = Watch(), Step()
nd.add_mod(w); nd.add_mod(s)
nd.run()
out = Path(sys.argv[0]).parent / f"seen{nd.comm.rank}.json"
out.write_text(json.dumps([w.calls, s.times, s.v]))
"""
    done = run(circuit, tmp_path, code, ranks)
    assert done.returncode == 0, done.stderr
    seen = [json.loads((tmp_path / f"seen{rank}.json").read_text()) for rank in range(ranks)]
    for rank, (calls, times, _) in enumerate(seen):
        gids = list(range(rank, 4, ranks))
        assert calls == [
            ["initialize", 800, gids, gids],
            ["block", 0, 800, 20.0],
            ["finalize", 800],
        ]
        assert [number for number, _ in times] == list(range(800))
        np.testing.assert_allclose([t for _, t in times], (np.arange(800) + 1) * 0.025, atol=1e-9)
    assert results(tmp_path) == plain
    if ranks == 1:
        voltages = np.array(seen[0][2]).reshape(800, 4)
        np.testing.assert_allclose(voltages[3::4][:199], np.array(plain[2])[1:], atol=1e-4)


def test_blocks_follow_nsteps_block_and_need_no_step(tmp_path: Path, circuit: Path, plain: list[Any]) -> None:
    code = """
from dataclasses import replace
w = Watch()
nd.add_mod(w)
nd.simulation = replace(nd.simulation, run=replace(nd.simulation.run, block_steps=300))
from neurodamus_like.engine import nrn
nrn.advance_one_step = None
nd.solve(3.0)
nd.run()
print(json.dumps(w.calls[1:]))
"""
    done = run(circuit, tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [
        ["block", 0, 300, 7.5],
        ["block", 300, 600, 15.0],
        ["block", 600, 800, 20.0],
        ["finalize", 800],
    ]
    assert results(tmp_path) == plain


@pytest.mark.parametrize("phase", ["initialize", "step", "block", "finalize"])
def test_an_error_names_module_phase_and_time(tmp_path: Path, circuit: Path, phase: str) -> None:
    done = run(circuit, tmp_path, f"nd.add_mod(Bad({phase!r}))\nnd.run()\n")
    assert done.returncode == 1
    time = {"initialize": "0", "step": "0.2", "block": "20", "finalize": "20"}[phase]
    assert f"the simulation module Bad failed in {phase}() at t = {time} ms: IndexError" in done.stderr
    assert "the line is: return [][3]" in done.stderr


@pytest.mark.parametrize("phase", ["step", "block"])
def test_an_error_on_one_rank_ends_all(tmp_path: Path, circuit: Path, phase: str) -> None:
    done = run(circuit, tmp_path, f"RANK = 1\nnd.add_mod(Bad({phase!r}))\nnd.run()\n", 2)
    assert done.returncode != 0
    assert done.stderr.count("SimulationError: the simulation module Bad failed") == 1


def test_what_cannot_be_a_module_is_refused(tmp_path: Path, circuit: Path) -> None:
    code = """
from neurodamus_like.exceptions import SimulationError
for wrong in (object(), Step):
    try:
        nd.add_mod(wrong)
    except SimulationError as error:
        print(error.message)
nd.add_mod(Step())
nd.solve(1.0)
try:
    nd.add_mod(Step())
except SimulationError as error:
    print(error.message)
from dataclasses import replace
nd.simulation = replace(nd.simulation, simulator="CORENEURON")
try:
    nd.solve()
except SimulationError as error:
    print(error.message)
"""
    done = run(circuit, tmp_path, code)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[-4:]
    assert [line[:31] for line in lines[:2]] == ["this is no simulation module: <"] * 2
    assert lines[2] == "the module Step comes too late: the simulation has begun"
    assert lines[3] == "the module Step runs in every time step, which CORENEURON cannot do"
