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
synapse, source = h.ExpSyn(soma(0.5)), h.NetStim(); connection = h.NetCon(source, synapse)
ranges = [h.Vector().record(r) for r in (soma(0.5)._ref_v, soma(0.5)._ref_m_hh, synapse._ref_g, h._ref_t)]
answers["nothing in ranges"] = refusal()
pointers = [h.Vector().record(r) for r in (connection._ref_weight[0], h._ref_celsius)]
answers["pointers"] = refusal(); pointers = ranges = connection = synapse = source = None
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
    "nothing in ranges": "ran to 2.000",
    "pointers": "2 recorded variables that do not belong to a section or a mechanism (Vector.record of a weight",
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


def test_an_end_with_more_than_six_digits_is_reached_from_files(
    core_library: MechanismLibrary, tmp_path: Path
) -> None:
    """Its last spike is at 12346.625 ms: with six digits the run would end at 12346.6."""
    (tmp_path / "model").mkdir()
    code = f"""
from neurodamus_like.engine import core_files
from neurodamus_like.io.core_data import read_core_spikes
os.environ["CORENEURONLIB"] = {str(core_library.corenrnmech)!r}
soma.uninsert("hh"); clamp = None
nrn.register_spike_source(0, soma, 0.5, -10)
source = h.NetStim(); source.number, source.start = 1, 12346.625
pc.set_gid2node(1, 0); pc.cell(1, h.NetCon(source, None))
pc.set_maxstep(10); h.finitialize(-65)
core_files.write_group(Path("model"))
core_files.simulate_files(Path("model"), Path("."), 12346.65, CoreSettings())
print(json.dumps([part.tolist() for part in read_core_spikes(Path("."), 0.025)]))
"""
    times, gids = run_json(MODEL + code, tmp_path)
    assert gids == [1]
    assert times == pytest.approx([12346.625], abs=0.005)


def test_no_threads_are_started_unasked(core_library: MechanismLibrary, tmp_path: Path) -> None:
    """CoreNEURON's threads, one per part of the model, wait by spinning."""
    code = f"""
os.environ["CORENEURONLIB"] = {str(core_library.corenrnmech)!r}
second = h.Section(name="second"); second.insert("pas")
pc.nthread(2, 0)
h.finitialize(-65)
before = len(os.listdir("/proc/self/task"))
CoreNeuron().advance(1.0)
print(json.dumps(len(os.listdir("/proc/self/task")) - before))
"""
    unasked = 'import os; os.environ.pop("OMP_NUM_THREADS", None)'
    asked = 'import os; os.environ["OMP_NUM_THREADS"] = "2"'
    assert [run_json(setting + MODEL + code, tmp_path) for setting in (unasked, asked)] == [0, 1]


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


def test_random_streams_are_freed_after_each_block(core_library: MechanismLibrary, tmp_path: Path) -> None:
    """CoreNEURON says how many streams are left whenever a further block begins: those of one block, not of all."""
    code = f"""
import sys
from neurodamus_like.engine.output import caught_output
os.environ["CORENEURONLIB"] = {str(core_library.corenrnmech)!r}
nrn.load_mechanism_library(Path({str(core_library.nrnmech)!r}))
soma.nseg = 3
for name in ("StochKv", "StochKv3"):
    soma.insert(name)
    for number, segment in enumerate(soma):
        setattr(segment, "gkbar_" + name, 0.01)
        getattr(h, "setdata_" + name)(segment.x, sec=soma)
        getattr(h, "setRNG_" + name)(number + 1, 7, len(name))
recorded = h.Vector().record(soma(0.5)._ref_v)
def run(ends):
    nrn.initialize(-60)
    core = CoreNeuron()
    said = [caught_output(lambda: core.advance(end)) for end in ends]
    return [int(text.partition("streams (")[2].split(")")[0] or 0) for text in said], list(recorded)
print(json.dumps([run([8.0]), run([2.0, 4.0, 6.0, 8.0])]))
"""
    (_, whole), (active, blocks) = run_json(MODEL + code, tmp_path)
    assert active == [6] * 4
    assert blocks == whole
    assert len(whole) == 321


CLOCK = """
import os, sys
from time import process_time
from neurodamus_like.parallel.mpi import world
from neurodamus_like.engine import exchange_clock, nrn
from neurodamus_like.engine.coreneuron import CoreNeuron
os.environ["CORENEURONLIB"] = sys.argv[1]
nrn.load_mechanism_library(__import__("pathlib").Path(sys.argv[2]))
h, pc, rank, gaps = nrn.h, nrn.pc, world().rank, sys.argv[3] == "gaps"
h.dt = 0.025
kept = []
for number in range((40, 1)[rank]):
    gid = 2 * number + rank
    soma = h.Section(name=f"soma{gid}"); soma.L = soma.diam = 20; soma.insert("hh"); soma.nseg = 51
    nrn.register_spike_source(gid, soma, 0.5, -10)
    synapse = h.ExpSyn(soma(0.5)); connection = pc.gid_connect(1 - rank, synapse)
    connection.delay, connection.weight[0] = 0.5, 0.01
    kept += [soma, synapse, connection]
    if gaps and number == 0:
        junction = h.Gap(soma(0.5)); kept.append(junction)
        pc.source_var(soma(0.5)._ref_v, rank, sec=soma); pc.target_var(junction, junction._ref_vgap, 1 - rank)
nrn.initialize(-65)
assert exchange_clock.computing_s() is None
core, found, spent = CoreNeuron(), [0.0], []
for until in (5.0, 10.0):
    begin = process_time()
    core.advance(until)
    spent.append(process_time() - begin)
    found.append(exchange_clock.computing_s())
    assert 0 < found[-1] - found[-2] <= spent[-1], (found, spent)
shares = world().allgather(found[-1])
assert shares[1] < 0.5 * shares[0], shares
print("measured")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("gaps", ["gaps", "none"])
def test_ranks_know_how_long_they_compute(gaps: str, core_library: MechanismLibrary, tmp_path: Path) -> None:
    """Processor time without what is spent in exchanges, where the rank with a fortieth of the cells waits."""
    args = ["-c", CLOCK, str(core_library.corenrnmech), str(core_library.nrnmech), gaps]
    cache = {"NEURODAMUS_LIKE_CACHE": str(tmp_path / "my cäche")} if gaps == "gaps" else {}
    done = run_mpi(2, args, 120, env=cache)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("measured") == 2


REFUSED = """
import os, sys, logging
from neurodamus_like.parallel.mpi import world
from neurodamus_like.engine import exchange_clock, nrn
from neurodamus_like.engine.coreneuron import CoreNeuron
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.simulation.balancing import log_measured
os.environ["CORENEURONLIB"] = sys.argv[1]
os.environ["CXX"] = "no-such-compiler"
h, rank = nrn.h, world().rank
h.dt = 0.025
soma = h.Section(name="soma"); soma.insert("pas")
nrn.register_spike_source(rank, soma, 0.5, -10)
connection = h.NetCon(h.NetStim(), h.ExpSyn(soma(0.5)))
recorded = h.Vector().record(connection._ref_weight[0]) if rank else None
nrn.initialize(-65)
try:
    CoreNeuron().advance(1.0)
except SimulationError as error:
    print("refused:", "1 recorded variables that do not belong" in str(error))
recorded = None
nrn.initialize(-65)
CoreNeuron().advance(1.0)
logging.basicConfig(level=logging.INFO, format="%(message)s")
log_measured(None, exchange_clock.computing_s() if rank else 1.0, world())
"""


@pytest.mark.mpi
def test_ranks_agree_on_what_cannot_be_simulated_or_measured(core_library: MechanismLibrary) -> None:
    """One rank has a recording that CoreNEURON leaves out, then one has no clock: all refuse, all say so."""
    done = run_mpi(2, ["-c", REFUSED, str(core_library.corenrnmech)], 120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("refused: True") == 2
    assert done.stderr.count("load balance not measured") == 2, "each rank has a log of its own here"


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
