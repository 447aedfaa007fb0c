"""CoreNEURON in direct mode: every way in which it fails silently is closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from model_runs import run_json

from neurodamus_like.engine.mech_build import MechanismLibrary
from tests.helpers import run_mpi

pytestmark = pytest.mark.neuron

MODEL = """
import json, os
from pathlib import Path
from neurodamus_like.engine import mechanisms, nrn
from neurodamus_like.engine.coreneuron import CoreNeuron, CoreSettings
from neurodamus_like.exceptions import NeurodamusLikeError
h, pc = nrn.h, nrn.pc
h.dt, h.steps_per_ms = 0.025, 40
soma = h.Section(name="soma"); soma.L = soma.diam = 20; soma.insert("hh")
clamp = h.IClamp(soma(0.5)); clamp.delay, clamp.dur, clamp.amp = 1, 5, 0.3
"""

GUARDS = """
os.environ["CORENEURONLIB"] = LIBRARY
def refusal():
    h.finitialize(-65)
    try:
        CoreNeuron().advance(2)
    except NeurodamusLikeError as error:
        return str(error)
    return f"ran to {h.t:.3f}"
answers = {"nothing": refusal()}
handler = h.FInitializeHandler(lambda: h.cvode.event(1, lambda: None))
answers["event"] = refusal(); handler = None
recorded = h.Vector().record(soma(0.5)._ref_v, 0.1)
answers["record"] = refusal(); recorded = None
times, values = h.Vector([0, 1]), h.Vector([0, 0.1]); values.play(clamp._ref_amp, times)
answers["play"] = refusal(); values = None
c, g, y, b = h.Matrix(1, 1), h.Matrix(1, 1), h.Vector(1), h.Vector(1); g.setval(0, 0, 1)
equations = h.LinearMechanism(c, g, y, b)
answers["equations"] = refusal(); equations = None
h.cvode.active(1)
answers["cvode"] = refusal(); h.cvode.active(0)
answers["nothing again"] = refusal()
dendrite = h.Section(name="dendrite"); dendrite.connect(soma)
pc.multisplit(dendrite(0), 5); pc.multisplit()
answers["multisplit"] = refusal()
pc.multisplit(); dendrite.insert("extracellular")
answers["extracellular"] = refusal()
print(json.dumps(answers))
"""

EXPECTED = {
    "nothing": "ran to 2.000",
    "event": "1 calls of interpreted code at given times (CVode.event), which would not happen",
    "record": "1 variables recorded at intervals",
    "play": "1 vectors played without interpolation",
    "equations": "equations besides the cables (LinearMechanism)",
    "cvode": "variable time steps (CVode)",
    "nothing again": "ran to 2.000",
    "multisplit": "cells split over ranks (multisplit)",
    "extracellular": "the mechanism extracellular, in 1 sections such as dendrite",
}


def test_what_would_be_left_out_silently_is_refused(core_library: MechanismLibrary, tmp_path: Path) -> None:
    code = GUARDS.replace("LIBRARY", repr(str(core_library.corenrnmech)))
    answers = run_json(MODEL + code, tmp_path)
    assert list(answers) == list(EXPECTED)
    for name, expected in EXPECTED.items():
        assert expected in answers[name], name
        if not name.startswith("nothing"):
            assert "simulate with NEURON" in answers[name]


def test_an_end_with_more_than_six_digits_is_reached(core_library: MechanismLibrary, tmp_path: Path) -> None:
    code = f"""
os.environ["CORENEURONLIB"] = {str(core_library.corenrnmech)!r}
soma.uninsert("hh")
pc.set_maxstep(10); h.finitialize(-65)
core = CoreNeuron()
core.advance(12346.575)
core.advance(12346.65)
print(json.dumps(h.t))
"""
    assert run_json(MODEL + code, tmp_path) == pytest.approx(12346.65, abs=0.03)


def test_libraries_of_mechanisms(core_library: MechanismLibrary, tmp_path: Path) -> None:
    other = tmp_path / "libcorenrnmech.so"
    os.symlink(tmp_path / "nowhere", other)
    copy = tmp_path / "copy" / "libcorenrnmech.so"
    copy.parent.mkdir()
    copy.write_bytes(core_library.corenrnmech.read_bytes() if core_library.corenrnmech else b"")
    code = f"""
from neurodamus_like.engine import coreneuron
def attempt(use, path):
    try:
        use(path)
    except NeurodamusLikeError as error:
        return str(error)
    return ""
h.finitialize(-65)
run = lambda _: CoreNeuron().advance(1)
os.environ.pop("CORENEURONLIB", None)
answers = [attempt(run, None)]
os.environ["CORENEURONLIB"] = {str(other)!r}
answers.append(attempt(run, None))
paths = [Path({str(core_library.corenrnmech)!r}), Path({str(copy)!r})]
answers += [attempt(coreneuron.use_library, paths[0]), attempt(run, None)]
answers += [attempt(coreneuron.use_library, p) for p in paths]
print(json.dumps(answers))
"""
    none, absent, first, ran, again, second = run_json(MODEL + code, tmp_path)
    assert "has no library of mechanisms" in none
    assert "compile --coreneuron" in none
    assert "does not exist" in absent
    assert (first, ran, again) == ("", "", "")
    assert "has loaded another library" in second
    assert "two processes" in second


RANKS = """
import os, sys
from neurodamus_like.parallel.mpi import world
from neurodamus_like.engine import nrn
from neurodamus_like.engine.coreneuron import CoreNeuron, CoreSettings
os.environ["CORENEURONLIB"] = sys.argv[1]
h, pc, rank = nrn.h, nrn.pc, world().rank
cells = []
for gid in range(3):
    if gid % 2 != rank:
        continue  # the third and the fourth rank have no cells
    soma = h.Section(name=f"soma{gid}"); soma.L = soma.diam = 20; soma.insert("hh")
    nrn.register_spike_source(gid, soma, 0.5, -10)
    cells.append((gid, soma, h.ExpSyn(soma(0.5))))
clamp = h.IClamp(cells[0][1](0.5)) if rank == 0 else None
if clamp:
    clamp.delay, clamp.dur, clamp.amp = 1, 1, 1
connections = []
for gid, soma, synapse in cells:
    connection = pc.gid_connect((gid - 1) % 3, synapse); connection.delay, connection.weight[0] = 3, 0.05
    connections.append(connection)
times, gids = h.Vector(), h.Vector()
pc.spike_record(-1, times, gids)
found = []
for orders in (None, "unpermuted", "node-adjacency"):
    times.resize(0); gids.resize(0)
    nrn.initialize(-65)
    core = None if orders is None else CoreNeuron(CoreSettings(orders))
    for until in (7.5, 40.0):
        (core.advance if core else nrn.advance)(until)
    found.append(sorted(s for part in world().allgather(list(zip(gids, times))) for s in part))
assert found[0] == found[1] == found[2] and len(found[0]) > 5, found
if rank == 0:
    print("spikes", len(found[0]))
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_with_and_without_cells(ranks: int, core_library: MechanismLibrary) -> None:
    done = run_mpi(ranks, ["-c", RANKS, str(core_library.corenrnmech)], 120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "spikes" in done.stdout
    assert "INFO" not in done.stdout + done.stderr, "CoreNEURON is quiet unless asked"
