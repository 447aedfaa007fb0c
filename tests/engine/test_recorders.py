"""Recording in compiled code: frame times, blocks, first frames, sums, spikes; with both kinds of recorders."""

import numpy as np
import pytest
from model_runs import run_json

pytestmark = pytest.mark.neuron

MODEL = """
import json, os
from pathlib import Path
import numpy as np
from neurodamus_like.engine import nrn, recorders
from neurodamus_like.engine.recording import FrameGrid, Sources
if "RECORDER_LIBRARY" in os.environ:
    nrn.load_mechanism_library(Path(os.environ["RECORDER_LIBRARY"]))
if "CORENEURONLIB" in os.environ:
    from neurodamus_like.engine.coreneuron import CoreNeuron
    plain_advance, core = nrn.advance, CoreNeuron()
    def advance(until_ms):
        nrn.advance = plain_advance
        core.advance(until_ms)
        nrn.advance = advance
    nrn.advance = advance
h = nrn.h
h.dt = DT
h.steps_per_ms = 1 / DT
soma = h.Section(name="soma")
soma.L = soma.diam = 20
soma.insert("hh")
clamp = h.IClamp(soma(0.5))
clamp.delay, clamp.dur, clamp.amp = 1, 30, 0.3
recorders.enable_membrane_currents()
every = h.Vector().record(soma(0.5)._ref_v)
times = h.Vector().record(h._ref_t)
def record(refs, interval, first=0, count=100000, matrices=None):
    recorder = recorders.create_recorder(Sources(refs, matrices), FrameGrid(first, count, interval), h.dt)
    wanted = "CompiledRecorder" if "RECORDER_LIBRARY" in os.environ else "VectorRecorder"
    assert type(recorder).__name__ == wanted
    return recorder
def start(v=-65):
    nrn.pc.set_maxstep(4)
    h.finitialize(v)
"""


def run_model(code, cwd, env, dt=0.025):
    """Run `code` after the model in a process of its own and return the JSON on its last line."""
    return run_json(MODEL.replace("DT", repr(dt)) + code, cwd, env)


@pytest.mark.parametrize("interval", [0.025, 0.1, 0.35])
@pytest.mark.parametrize("block", [25.0, 0.7])
def test_blocks_add_up_to_what_each_step_gives(tmp_path, recorder_env, interval, block):
    code = f"""
recorder = record([soma(0.5)._ref_v, soma(0.5)._ref_ina], {interval})
start()
blocks, t = [], 0
while t < 25:
    t = min(25, t + {block})
    nrn.advance(t)
    first = recorder.frames_taken
    blocks.append(recorder.take().copy())
    assert blocks[-1].dtype == np.float32 and recorder.frames_taken == first + len(blocks[-1])
frames = np.concatenate(blocks)
print(json.dumps([frames[:, 0].tolist(), np.array(every).tolist(), np.array(times).tolist()]))
"""
    frames, every, times = run_model(code, tmp_path, recorder_env)
    assert max(every) > 20, "the cell must spike, or the frames could be mixed up unseen"
    wanted = np.arange(round(25 / interval)) * interval
    nearest = np.abs(np.subtract.outer(wanted, times)).argmin(axis=1)
    np.testing.assert_array_equal(frames[: len(wanted)], np.array(every)[nearest].astype("f4"))


@pytest.mark.parametrize("interval", [0.1, 0.06, 0.05, 0.2])
def test_an_interval_that_the_step_does_not_divide_takes_the_nearest_step(tmp_path, recorder_env, interval):
    code = f"""
recorder = record([soma(0.5)._ref_v], {interval})
start()
nrn.advance(12)
print(json.dumps([recorder.take()[:, 0].tolist(), np.array(every).tolist()]))
"""
    frames, every = run_model(code, tmp_path, recorder_env, dt=0.03)
    count = int(11.9 / interval)
    steps = np.ceil(np.arange(count) * interval / 0.03 - 0.5 - 1e-6).astype(int)
    assert max(every) > 20
    np.testing.assert_array_equal(frames[:count], np.array(every)[steps].astype("f4"))


@pytest.mark.parametrize("interval", [0.025, 0.1, 1.0])
def test_only_the_wanted_frames(tmp_path, recorder_env, interval):
    code = f"""
all_frames = record([soma(0.5)._ref_v], {interval})
some = record([soma(0.5)._ref_v], {interval}, first=4, count=9)
start()
parts = []
for t in (2, 7, 12):
    nrn.advance(t)
    parts.append(some.take().copy())
print(json.dumps([all_frames.take()[:, 0].tolist(), np.concatenate(parts)[:, 0].tolist(), some.frames_taken]))
"""
    every, some, taken = run_model(code, tmp_path, recorder_env)
    assert some == every[4:13][: len(some)]
    assert len(some) == taken == min(9, len(every) - 4)


def test_first_frame_holds_states_but_no_current_yet(tmp_path, recorder_env):
    code = """
refs = [soma(0.5)._ref_v, soma(0.5).hh._ref_m, soma(0.5)._ref_ina, soma(0.5)._ref_i_membrane_]
recorder = record(refs, 0.1)
start()
m = soma(0.5).hh.m
nrn.advance(3)
recorder.record_now()
frames = recorder.take()
print(json.dumps([frames[0].tolist(), m, frames[20].tolist(), frames[-1].tolist(), soma(0.5).v]))
"""
    first, m, later, now, v = run_model(code, tmp_path, recorder_env)
    assert first == [-65.0, np.float32(m), 0.0, 0.0]
    assert later[3] == pytest.approx(0.3, rel=1e-6), "all the injected current crosses the membrane"
    assert later[2] != 0
    assert now[0] == np.float32(v)


def test_sums_of_variables(tmp_path, recorder_env):
    code = """
parts = [soma(0.5)._ref_ina, soma(0.5)._ref_ik, soma(0.5).hh._ref_il]
plain = record(parts + [soma(0.5)._ref_v], 0.1)
matrices = [np.array([[2.0, 1.0, 3.0], [0.0, 1.0, -1.0]]), np.empty((1, 0)), np.array([[0.5]])]
summed = record(parts + [soma(0.5)._ref_v], 0.1, matrices=matrices)
assert summed.n_columns == 4
start()
nrn.advance(9)
print(json.dumps([plain.take().tolist(), summed.take().tolist()]))
"""
    plain, summed = map(np.array, run_model(code, tmp_path, recorder_env))
    na, k, leak, v = plain.T
    assert np.abs(na).max() > 0.1
    expected = np.column_stack([2 * na + k + 3 * leak, k - leak, np.zeros(len(v)), 0.5 * v])
    np.testing.assert_allclose(summed, expected, rtol=1e-5, atol=1e-7)


def test_no_columns_still_counts_frames(tmp_path, recorder_env):
    code = """
recorder = record([], 0.5)
start()
nrn.advance(2.2)
print(json.dumps([list(recorder.take().shape), recorder.frames_taken, len(recorder.take())]))
"""
    assert run_model(code, tmp_path, recorder_env) == [[5, 0], 5, 0]


def test_initialising_again_begins_again(tmp_path, recorder_env):
    code = """
recorder = record([soma(0.5)._ref_v], 0.1)
start()
nrn.advance(20)
a = recorder.take().copy()
start(-70)
nrn.advance(20)
b = recorder.take()
print(json.dumps([a[:, 0].tolist(), b[:, 0].tolist(), recorder.frames_taken]))
"""
    a, b, taken = run_model(code, tmp_path, recorder_env)
    assert a[0] == -65
    assert b[0] == -70
    assert taken == len(b) == 200 + (not recorder_env)


def test_a_recorder_held_beyond_its_model_does_not_disturb_the_next(tmp_path, recorder_env):
    code = """
stale = record([soma(0.5)._ref_v], 0.1)
closed = record([soma(0.5)._ref_v], 0.1)
start()
nrn.advance(2)
closed.close()
with nrn.clearing():
    del soma, clamp, every
next_soma = h.Section(name="next")
recorder = record([next_soma(0.5)._ref_v], 0.1)
start(-70)
nrn.advance(1)
left = [len(stale.take()), len(closed.take())]
print(json.dumps([recorder.take()[0].tolist(), left]))
"""
    assert run_model(code, tmp_path, recorder_env) == [[-70.0], [0, 0]]


def test_variables_of_a_section_that_is_gone_read_as_nothing(tmp_path, recorder_library):
    code = """
recorder = record([soma(0.5)._ref_v], 0.1)
other = h.Section(name="other")
start()
nrn.advance(1)
del soma, clamp, every
start()
nrn.advance(1)
print(json.dumps(recorder.take()[:, 0].tolist()))
"""
    assert set(run_model(code, tmp_path, {"RECORDER_LIBRARY": str(recorder_library)})) == {0.0}


def test_memory_until_it_is_taken(tmp_path, recorder_env):
    code = """
recorder = record([soma(0.5)._ref_v] * 50, 0.025)
start()
nrn.advance(10)
print(json.dumps([recorder.bytes_per_ms, len(recorder.take())]))
"""
    per_ms, frames = run_model(code, tmp_path, recorder_env)
    value = 4 if recorder_env else 20
    assert frames == 400 + (not recorder_env), (
        "each step is recorded at its end, a frame at the next one's begin"
    )
    assert per_ms == pytest.approx(40 * 50 * value, rel=0.05)


def test_spikes_are_recorded_by_gid(tmp_path):
    code = """
nrn.pc.set_gid2node(7, nrn.pc.id())
detector = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
detector.threshold = -30
nrn.pc.cell(7, detector)
recorder = recorders.SpikeRecorder([7])
start()
nrn.advance(30)
t, gids = recorder.spikes()
print(json.dumps([t.tolist(), gids.tolist(), np.array(every).tolist(), np.array(times).tolist()]))
"""
    spikes, gids, every, times = run_model(code, tmp_path, {})
    above = np.array(every) > -30
    crossings = np.array(times)[1:][above[1:] & ~above[:-1]]
    assert len(spikes) >= 2
    np.testing.assert_allclose(spikes, crossings, atol=1e-9)
    assert set(gids) == {7}


@pytest.mark.parametrize(("steps", "first"), [(1, 0), (4, 0), (5, 7)])
def test_frames_after_their_step_are_the_rows_of_every_step(tmp_path, recorder_env, steps, first):
    code = f"""
refs = [soma(0.5)._ref_v, soma(0.5)._ref_i_membrane_]
grid = FrameGrid({first}, 1000 // {steps} - {first}, 0.025 * {steps}, after_step=True)
currents = h.Vector().record(refs[1])
recorder = recorders.create_recorder(Sources(refs), grid, h.dt, dtype=np.float64)
start()
blocks = []
for t in (1.0, 3.3, 25.0):
    nrn.advance(t)
    blocks.append(recorder.take().copy())
    assert blocks[-1].dtype == np.float64
frames = np.concatenate(blocks)
if len(frames) < grid.count:
    assert abs(grid.time_of_last(h.dt) - h.t) < 1e-9
    recorder.record_now()
    frames = np.concatenate([frames, recorder.take()])
print(json.dumps([frames.tolist(), np.array(every).tolist(), np.array(currents).tolist()]))
"""
    frames, every, currents = map(np.array, run_model(code, tmp_path, recorder_env))
    rows = np.arange(first, 1000 // steps) * steps + 1
    np.testing.assert_array_equal(frames[:, 0], every[rows])
    np.testing.assert_array_equal(frames[:, 1], currents[rows])


def test_frames_after_their_step_see_the_events_up_to_its_end(tmp_path, recorder_library):
    """A synapse's conductance jumps when an event arrives: the frame of that time has it, however t is rounded."""
    code = """
synapse = h.ExpSyn(soma(0.5))
source = h.Vector(np.arange(1, 60) * 0.5)
stim = [h.NetStim() for _ in range(40)]
cons = []
for k, s in enumerate(stim):
    s.start, s.number = 0.1 * k, 1
    cons.append(h.NetCon(s, synapse, 0, 1.0, 1e-3))
recorder = recorders.create_recorder(Sources([synapse._ref_g]), FrameGrid(0, 1000, 0.025, True), h.dt, dtype="f8")
after = []
start()
def step():
    h.fadvance()
    after.append(synapse.g)
for _ in range(1000):
    step()
frames = recorder.take()[:, 0].tolist()
print(json.dumps([frames, after]))
"""
    frames, after = run_model(code, tmp_path, {"RECORDER_LIBRARY": str(recorder_library)})
    assert len(frames) == 1000
    assert frames == after
