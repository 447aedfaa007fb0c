"""The factory of synapses: compiled and Python give the same model, clean up, and check what they get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from connectivity_runs import NODES, PRELUDE, RING, overrides

from tests.helpers import run_mpi, run_python
from tests.tiny_circuit import TinyCircuit

pytestmark = pytest.mark.neuron

FACTORIES = ("compiled", "python")

FULL = """
m, = build()
m.replay_connection(0, 1, [2.0, 4.5, 7.25])
times, cells = h.Vector(), h.Vector()
from neurodamus_like.engine.nrn import pc
pc.spike_record(-1, times, cells)
traces = [h.Vector().record(node.circuits.get_node_manager("A").get_cell(g).sections[0](0.5)._ref_v) for g in range(4)]
node.init()
node.solve(20.0)
names = ("Use", "Dep", "Fac", "u", "Rstate", "tsyn", "A_AMPA", "B_NMDA", "A_GABAA", "B_GABAB")
out(active=bulk_library.is_active(), spikes=[times.to_python(), cells.to_python()],
    volts=[v.to_python() for v in traces],
    state=[{k: getattr(s, k) for k in names if hasattr(s, k)} for s in m.synapses],
    kinds=[name_of(s) for s in m.synapses], where=[str(s.get_segment()) for s in m.synapses],
    netcons=[[n.weight[i] for i in range(int(n.wcnt()))] + [n.delay, n.threshold] for n in m.netcons],
    replay=[[n.weight[i] for i in range(int(n.wcnt()))] + [n.delay] for n in m.replay_stim.netcons],
    minis=[[n.weight[i] for i in range(int(n.wcnt()))] + [n.delay] for n in m.minis_stim.netcons],
    rates=[s.duration for s in m.minis_stim.netstims])
"""

FACTORY = """
import json, sys
import numpy as np
from neurodamus_like import memory
from neurodamus_like.engine import bulk_library, mechanisms, nrn, synapse_factory as f
from neurodamus_like.engine.nrn import h
mechanisms.load_library(mechanisms.build_mechanisms([]))
def counts():
    return [int(h.List(name).count()) for name in ("ProbAMPANMDA_EMS", "NetCon", "VecStim", "Vector")]
def model(n):
    soma = h.Section("soma"); soma.L = soma.diam = 20; soma.insert("hh")
    dend = h.Section("dend"); dend.connect(soma(1)); dend.nseg = 5; dend.insert("pas")
    nrn.register_spike_source(0, soma, 0.5, -20.0)
    rng = np.random.default_rng(1)
    where = np.sort(rng.integers(0, 2, n)); x = rng.random(n)
    columns = {"Use": rng.random(n), "Dep": np.full(n, 50.0), "Fac": rng.random(n) * 10}
    synapses = f.create_point_processes("ProbAMPANMDA_EMS", [soma, dend], where, x, columns,
                                        np.arange(3 * n).reshape(n, 3))
    recurrent = f.connect_gids(np.zeros(n, dtype=int), synapses, rng.random(n) / n, np.full(n, 1.5))
    stims, kept = f.create_vecstims([np.array([1.0, 3.0]), np.array([2.0]), np.array([])])
    replay = f.connect_stims(stims, rng.integers(0, 3, n), synapses, 30000 * rng.random(n) / n, np.full(n, 0.5))
    f.set_netcon_type(replay, f.netcon_type_index("ProbAMPANMDA_EMS"), 2)
    return soma, dend, synapses, recurrent, stims, kept, replay, columns
def simulate():
    times, cells = h.Vector(), h.Vector()
    nrn.pc.spike_record(-1, times, cells)
    nrn.initialize(-65.0); nrn.advance(20.0)
    return times.to_python()
"""


def child(code: str, *args: str, factory: str = "compiled", ranks: int = 1) -> dict[str, Any]:
    env = {"NEURODAMUS_LIKE_FACTORY": factory}
    arguments = ["-c", code, *args]
    done = run_python(arguments, 300, env=env) if ranks == 1 else run_mpi(ranks, arguments, 300, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    found: dict[str, Any] = json.loads(line[6:])
    return found


def test_both_factories_give_the_same_simulation(tmp_path: Path) -> None:
    config = overrides(
        {"spont_minis": 200.0}, {"source": "second", "weight": 0.5, "synapse_configure": "%s.Fac = 3"}
    )
    path = str(TinyCircuit([RING], node_sets=NODES, config=config).write(tmp_path))
    code = PRELUDE + "from neurodamus_like.engine import bulk_library\n" + FULL
    compiled, python = (child(code, path, factory=name) for name in FACTORIES)
    assert (compiled.pop("active"), python.pop("active")) == (True, False)
    assert len(compiled["kinds"]) > 0
    assert len(compiled["minis"]) > 0
    assert len(compiled["replay"]) > 0
    assert max(map(max, compiled["volts"])) > -63.0  # rest is below -64
    assert compiled == python


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_second_model_is_the_same_and_nothing_stays(factory: str) -> None:
    code = FACTORY + (
        "spikes, left, sizes = [], [], []\n"
        "for _ in range(6):\n"
        "    held = model(4000); spikes.append(simulate())\n"
        "    with nrn.clearing():\n"
        "        del held\n"
        "    left.append(counts()); sizes.append(memory.rss_bytes())\n"
        "print('RESULT' + json.dumps(dict(spikes=spikes, left=left, sizes=sizes)))\n"
    )
    found = child(code, factory=factory)
    assert len(found["spikes"][0]) > 0
    assert all(spikes == found["spikes"][0] for spikes in found["spikes"])
    assert all(left == [0, 0, 0, 0] for left in found["left"])
    assert found["sizes"][-1] - found["sizes"][1] < 8_000_000  # four models, of 10 MB each


def test_columns_behave_like_arrays_of_objects() -> None:
    code = FACTORY + (
        "from neurodamus_like.engine.object_columns import has_object, joined, no_objects\n"
        "held = model(10); s, values = held[2], held[7]['Use']\n"
        "part = s[np.array([7, 2])]; two = joined([part, s[:1]])\n"
        "col = no_objects(4); col[np.array([1, 3])] = part; col[0] = s[9]; mask = has_object(col).tolist()\n"
        "col[np.array([True, False, False, True])] = None\n"
        "got = [[None if o is None else o.Use for o in c] for c in (part, two, col)]\n"
        "want = [values[[7, 2]].tolist(), values[[7, 2, 0]].tolist(), [None, values[7], None, None]]\n"
        "same = s[4] == s[4] and s[-1].Use == values[9]\n"
        "del part, two, col\n"
        "alive = counts()[0]\n"
        "print('RESULT' + json.dumps(dict(got=got, want=want, mask=mask, same=bool(same), alive=alive)))\n"
    )
    for factory in FACTORIES:
        found = child(code, factory=factory)
        assert found["got"] == found["want"]
        assert found["mask"] == [True, True, False, True]
        assert (found["same"], found["alive"]) == (True, 10)


@pytest.mark.parametrize("factory", FACTORIES)
def test_wrong_input_is_refused_before_neuron_sees_it(factory: str) -> None:
    code = FACTORY + (
        "a = h.Section('a'); one, z = np.zeros(1, dtype=int), np.full(1, 0.5)\n"
        "def attempt(*args):\n"
        "    try: f.create_point_processes(*args)\n"
        "    except Exception as error: return f'{type(error).__name__}: {error}'\n"
        "    return 'nothing'\n"
        "n = 'ProbAMPANMDA_EMS'\n"
        "found = [attempt('Nope', [a], one, z, {}), attempt(n, [a], one, 3 * z, {}),\n"
        "         attempt(n, [a], one, z * np.nan, {}),\n"
        "         attempt(n, [a], one + 1, z, {}), attempt(n, [a], one, z, {'Nope': z}),\n"
        "         attempt(n, [a], one, z, {'Use': np.zeros(2)}),\n"
        "         attempt('ExpSyn', [a], one, z, {}, np.zeros((1, 3)))]\n"
        "print('RESULT' + json.dumps(dict(found=found, left=counts(), section=h.cas().name())))\n"
    )
    found = child(code, factory=factory)
    kinds = [text.split(":")[0] for text in found["found"]]
    assert kinds == [
        "MechanismError",
        *["SimulationError"] * 3,
        "MechanismError",
        "SimulationError",
        "MechanismError",
    ]
    assert found["left"] == [0, 0, 0, 0]


def test_errors_of_neuron_become_errors_of_ours() -> None:
    code = FACTORY + (
        "from neurodamus_like.engine.makers import maker\n"
        "a = h.Section('a'); texts = []\n"
        "for job in (lambda: maker().point_processes('ExpSyn', [a], np.zeros(3, dtype=int), np.r_[0.5, 0.5, 2.0]),\n"
        "            lambda: maker().call_numbers(maker().artificial_cells('VecStim', 2), 'no', np.zeros((2, 1)))):\n"
        "    try: job()\n"
        "    except Exception as error: texts.append(f'{type(error).__name__}: {error}')\n"
        "print('RESULT' + json.dumps(dict(texts=texts, left=int(h.List('ExpSyn').count()))))\n"
    )
    found = child(code)
    assert found["texts"][0].startswith("SimulationError: nl_create failed on row 2 of 3")
    assert "no such method" in found["texts"][1]
    assert found["left"] == 0


def test_sources_on_other_ranks() -> None:
    code = FACTORY + (
        "rank = int(nrn.pc.id())\n"
        "cell = h.Section('cell'); cell.L = cell.diam = 20; cell.insert('hh')\n"
        "nrn.register_spike_source(rank, cell, 0.5, -20.0)\n"
        "if rank == 0: clamp = h.IClamp(cell(0.5)); clamp.delay, clamp.dur, clamp.amp = 1, 5, 1\n"
        "where, half = np.zeros(50, dtype=int), np.full(50, 0.5)\n"
        "s = f.create_point_processes('ExpSyn', [cell], where, half, {'tau': np.full(50, 2.0)})\n"
        "n = f.connect_gids(np.full(50, 1 - rank), s, np.full(50, 0.002), np.full(50, 1.0))\n"
        "spikes = [len(part) for part in nrn.pc.py_allgather(simulate())]\n"
        "if rank == 0: print('RESULT' + json.dumps(dict(spikes=spikes)), flush=True)\n"
    )
    compiled, python = (child(code, factory=name, ranks=2) for name in FACTORIES)
    assert min(compiled["spikes"]) > 0
    assert compiled == python


def test_unknown_choice_and_missing_compiler(tmp_path: Path) -> None:
    code = "from neurodamus_like.engine import bulk_library; print(bulk_library.is_active())"
    cache = {"NEURODAMUS_LIKE_CACHE": str(tmp_path), "CXX": "no-such-compiler"}
    assert "NEURODAMUS_LIKE_FACTORY" in run_python(code, env={"NEURODAMUS_LIKE_FACTORY": "fast"}).stderr
    assert run_python(code, env=cache).stdout.strip() == "False"
    insisted = run_python(code, env={**cache, "NEURODAMUS_LIKE_FACTORY": "compiled"})
    assert insisted.returncode != 0
    assert "no-such-compiler was not found" in insisted.stderr
