"""Stimuli on a passive cell of one compartment: the current that flows is the signal that was asked for."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from model_runs import ROOT, run_json

from neurodamus_like.stimuli.signals import Signal

pytestmark = pytest.mark.neuron

MODEL = """
import json
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from neurodamus_like.config import models as m
from neurodamus_like.engine import nrn, recorders
from neurodamus_like.stimuli.checks import check_inputs
from neurodamus_like.stimuli.manager import StimulusManager
library = Path("libnrnmech.so")
if library.exists():
    nrn.load_mechanism_library(library)
h = nrn.h
run = m.Run(tstop_ms=TSTOP, dt_ms=0.025, random_seed=1, stimulus_seed=11)
simulation = m.Simulation(Path("s.json"), m.Circuit(Path("c.json"), {}, {}), run, m.Output(Path("out")))
nrn.apply_run_settings(run, m.Conditions())

def make_cell(gid):
    soma = h.Section(name=f"soma{gid}")
    soma.L = soma.diam = 20
    soma.insert("pas")
    return SimpleNamespace(
        gid=gid, node_id=gid - 100, population="A", threshold_current=0.2, holding_current=-0.05, soma=soma
    )

cells = {gid: make_cell(gid) for gid in (100, 101)}
cell_manager = SimpleNamespace(population_name="A", local_gids=list(cells), get_cell=cells.__getitem__)

class Target:
    def get_point_list(self, manager, sections="soma", compartments="center"):
        return [
            SimpleNamespace(gid=g, sclst_ids=[0] * N_POINTS, sclst=[c.soma] * N_POINTS, x=[0.5] * N_POINTS)
            for g, c in cells.items()
        ]

class Targets:
    def get_target(self, name):
        return Target()
    def get_point_list_from_compartment_set(self, manager, name):
        cell = cells[101]
        return [SimpleNamespace(gid=101, sclst_ids=[0, 0], sclst=[cell.soma] * 2, x=[0.25, 0.75])]

manager = StimulusManager(Targets(), simulation, [cell_manager])

def block(module, input_type="current_clamp", delay=2.0, duration=6.0, electrode=False, **parameters):
    return m.Input(
        "stim", module, input_type, delay, duration, node_set="A",
        represents_physical_electrode=electrode, parameters=parameters,
    )

def measure(*sources):
    currents = [h.Vector().record(s._ref_i) for s in sources]
    h.finitialize(-70)
    nrn.pc.set_maxstep(4)
    nrn.advance(run.tstop_ms)
    return [np.array(c).tolist() for c in currents]
"""


def run_stimulus(code, cwd, tstop=10.0, n_points=1):
    """Run `code` after the model; the stimulus' current is seen at half time steps, as NEURON plays it."""
    return run_json(MODEL.replace("TSTOP", repr(tstop)).replace("N_POINTS", repr(n_points)) + code, cwd)


def played(signal_points, n_steps, dt=0.025):
    """Return the analytic signal at the times at which NEURON evaluates a played current."""
    times, values = np.transpose(np.asarray(signal_points, dtype=float))
    return Signal(times, values).at((np.arange(n_steps) + 0.5) * dt)


def square(start, end, amplitude):
    """Return the points of one step."""
    return [(0, 0), (start, 0), (start, amplitude), (end, amplitude), (end, 0)]


CURRENTS = {
    "linear": ({"amp_start": 0.1, "amp_end": 0.5}, [(0, 0), (2, 0), (2, 0.1), (8, 0.5), (8, 0)]),
    "relative_linear": ({"percent_start": 50.0}, square(2, 8, 0.1)),
    "subthreshold": ({"percent_less": 10.0}, square(2, 8, 0.18)),
    "hyperpolarizing": ({}, square(2, 8, -0.05)),
    "pulse": (
        {"amp_start": 0.4, "width": 1.0, "frequency": 400.0},
        [*square(2, 3, 0.4), *square(4.5, 5.5, 0.4)[1:], *square(7, 8, 0.4)[1:]],
    ),
}


@pytest.mark.parametrize("module", CURRENTS)
def test_the_current_of_an_electrode_is_the_signal(tmp_path, module):
    parameters, points = CURRENTS[module]
    code = f"""
(stim,) = manager.interpret(block({module!r}, electrode=True, **{parameters!r}))
assert [s.hname().startswith("IClamp") for s in stim.sources] == [True, True]
print(json.dumps(measure(*stim.sources)))
"""
    for current in run_stimulus(code, tmp_path):
        np.testing.assert_allclose(current[1:], played(points, len(current) - 1), atol=1e-12)


@pytest.mark.parametrize("tstop", [4.0, 10.0])
def test_noise_is_the_keyed_stream_interpolated(tmp_path, tstop):
    code = """
from neurodamus_like.engine.rng import RandomStream
first = manager.interpret(block("noise", mean=0.4, variance=0.04, electrode=True))[0]
second = manager.interpret(block("noise", mean_percent=50.0, variance=20.0, electrode=True))[0]
expected = []
for index, stim in enumerate([first, second]):
    for gid in cells:
        stream = RandomStream(100 + index, 511, gid + 301)
        stream.skip(4)  # samples at 0, 0.5, 1, 1.5 lie before the block
        mean, variance = [(0.4, 0.04), (0.1, 0.04)][index]
        for _ in range(2):
            expected.append(stream.normal(mean, variance, 13).tolist())
print(json.dumps([measure(*first.sources, *second.sources), expected]))
"""
    currents, samples = run_stimulus(code, tmp_path, tstop=tstop, n_points=2)
    assert len(currents) == len(samples) == 8
    assert len({tuple(s) for s in samples}) == 8
    for current, values in zip(currents, samples, strict=True):
        points = [(0, 0), (2, 0), *zip(2 + 0.5 * np.arange(13), values, strict=True), (8, 0)]
        np.testing.assert_allclose(current[1:], played(points, len(current) - 1), atol=1e-10)


def test_nothing_longer_than_the_run_is_stored(tmp_path):
    code = """
noise = block("noise", duration=30000.0, mean=0.4, variance=0.04, electrode=True)
pulse = block("pulse", duration=30000.0, amp_start=0.4, width=1.0, frequency=100.0, electrode=True)
stims = [manager.interpret(b)[0] for b in (noise, pulse)]
sizes = [len(next(s.signals(cells[100], 1))) for s in stims]
a = measure(*stims[0].sources, *stims[1].sources)
print(json.dumps(sizes))
"""
    noise, pulse = run_stimulus(code, tmp_path)
    assert noise <= 22
    assert pulse <= 10


def test_blocks_of_a_module_are_counted_by_one_manager_only(tmp_path):
    code = """
def amplitudes(manager):
    stim = manager.interpret(block("noise", mean=0.4, variance=0.04, electrode=True))[0]
    return next(stim.signals(cells[100], 1)).value.tolist()
other = StimulusManager(Targets(), simulation, [cell_manager])
a, b, c = amplitudes(manager), amplitudes(manager), amplitudes(other)
manager.reset_helpers()
print(json.dumps([a, b, c, amplitudes(manager)]))
"""
    first, second, other, after_reset = run_stimulus(code, tmp_path)
    assert first == other == after_reset
    assert first != second


def test_voltage_clamp_holds_and_steps(tmp_path):
    code = """
clamp = block(
    "seclamp", "voltage_clamp", delay=0.0, duration=8.0, voltage=-80.0, series_resistance=0.001,
    duration_levels=(2.0, 3.0), voltage_levels=(-60.0, -40.0),
)
manager.interpret(clamp)
v = h.Vector().record(cells[101].soma(0.5)._ref_v)
measure()
print(json.dumps(np.array(v).tolist()))
"""
    v = np.array(run_stimulus(code, tmp_path))
    level = {40: -80, 79: -80, 82: -60, 199: -60, 202: -40, 319: -40}
    np.testing.assert_allclose(v[list(level)], list(level.values()), atol=0.02)
    assert v[-1] < -40.5, "the clamp is off after its duration"


def test_compartment_set_gives_its_own_points(tmp_path):
    code = """
info = m.Input("stim", "linear", "current_clamp", 0.0, 5.0, compartment_set="tips",
               represents_physical_electrode=True, parameters={"amp_start": 0.1})
(stim,) = manager.interpret(info)
print(json.dumps([s.get_segment().sec.name() for s in stim.sources]))
"""
    assert run_stimulus(code, tmp_path) == ["soma101", "soma101"]


def test_a_class_of_the_user_is_called_with_three_arguments(tmp_path):
    code = """
@StimulusManager.register_type
class MyRamp:
    def __init__(self, target_points, stim_info, cell_manager):
        gids = [p.gid for p in target_points]
        self.seen = gids, stim_info.parameters["slope"], cell_manager.population_name

(stim,) = manager.interpret("A", block("my_ramp", slope=3.0))
assert not check_inputs([block("MyRamp")])
print(json.dumps([stim.seen, len(manager.stimuli)]))
"""
    assert run_stimulus(code, tmp_path) == [[[100, 101], 3.0, "A"], 1]


def test_everything_wrong_is_found_before_the_build(tmp_path):
    code = """
wrong = [
    block("liner", amp_start=1.0),
    block("linear", "voltage_clamp", amp_start=1.0),
    block("linear", amp_strat=1.0),
    block("pulse", amp_start=1.0, width=30.0, frequency=100.0),
    block("pulse", amp_start="x", width=1.0, frequency=-1.0),
    block("noise", mean=1.0, mean_percent=2.0, variance=0.1),
    block("noise", mean=1.0, variance=0.0),
    block("seclamp", "voltage_clamp", voltage=-70.0),
    block("seclamp", "voltage_clamp", delay=0.0, voltage=-70.0, duration_levels=(9.0,), voltage_levels=()),
    block("ornstein_uhlenbeck", tau=1.0),
    block("no_such_thing"),
    block("hyperpolarizing", duration=-1.0),
]
fine = [block("linear", amp_start=1.0, note=3), block("synapse_replay", "spikes", spike_file="x.h5")]
assert check_inputs(fine) == []
print(json.dumps([[str(p) for p in check_inputs([b], simulation)] for b in wrong]))
"""
    found = run_stimulus(code, tmp_path)
    expected = [
        ["did you mean 'linear'?"],
        ["'current_clamp'"],
        ["rename 'amp_strat' to 'amp_start'"],
        ["longer than the period"],
        ["amp_start is 'x'", "frequency is -1.0"],
        ["exactly one of mean"],
        ["variance is 0.0"],
        ["begins at 0"],
        ["1 duration_levels for 0", "sum to 9.0 ms"],
        ["mean is missing", "sigma is missing"],
        ["no stimulus module 'no_such_thing'"],
        ["duration is -1.0"],
    ]
    for texts, parts in zip(found, expected, strict=True):
        assert len(texts) == len(parts), texts
        for part in parts:
            assert any(part in text for text in texts), texts
        assert all("s.json" in text and "/inputs/stim" in text for text in texts)


def test_without_the_point_process_the_error_says_what_to_do(tmp_path):
    code = """
from neurodamus_like.exceptions import MechanismError
try:
    manager.interpret(block("hyperpolarizing"))
except MechanismError as error:
    print(json.dumps(str(error)))
"""
    text = run_stimulus(code, tmp_path)
    assert "MembraneCurrentSource" in text
    assert "compile" in text


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder with a library of the package's own sources."""
    folder = tmp_path_factory.mktemp("mod")
    for source in (ROOT / "core" / "mod" / "stimuli").glob("*.mod"):
        shutil.copy(source, folder)
    nrnivmodl = Path(sys.executable).parent / "nrnivmodl"
    subprocess.run([nrnivmodl, "."], cwd=folder, check=True, capture_output=True)
    workplace = tmp_path_factory.mktemp("run")
    shutil.copy(next(folder.glob("*/libnrnmech.so")), workplace)
    return workplace


@pytest.mark.parametrize("module", CURRENTS)
def test_a_membrane_current_is_the_signal_with_the_other_sign(compiled, module):
    parameters, points = CURRENTS[module]
    code = f"""
(stim,) = manager.interpret(block({module!r}, **{parameters!r}))
assert [s.hname().startswith("MembraneCurrentSource") for s in stim.sources] == [True, True]
print(json.dumps(measure(*stim.sources)))
"""
    for current in run_stimulus(code, compiled):
        np.testing.assert_allclose(np.negative(current[1:]), played(points, len(current) - 1), atol=1e-12)


NOISES = {
    "noise": {"mean": 0.2, "variance": 0.04},
    "relative noise": {"mean_percent": 50.0, "variance": 20.0},
    "ornstein_uhlenbeck": {"tau": 2.0, "mean": 0.2, "sigma": 0.1},
    "relative_ornstein_uhlenbeck": {"tau": 3.0, "mean_percent": 50.0, "sd_percent": 20.0, "dt": 0.7},
    "white ornstein_uhlenbeck": {"tau": 0.0, "mean": 0.2, "sigma": 0.1, "random_seed": 5},
}
COMPARED = """
from neurodamus_like.stimuli.waveform import WaveformStim
blocks = [block(MODULE, INPUT_TYPE, delay=d, duration=u, **PARAMETERS) for d, u in TIMES]
v = [h.Vector().record(c.soma(0.5)._ref_v) for c in cells.values()]
for c in cells.values():
    c.input_resistance = 50.0
traces, kinds = [], []
for computed in (True, False):
    WaveformStim.computed_noise = computed
    stims = [manager.interpret(b)[0] for b in blocks]
    currents = measure(*(s for stim in stims for s in stim.sources))
    traces.append([currents, [np.array(x).tolist() for x in v]])
    kinds.append(sorted({s.hname().split("[")[0] for stim in stims for s in stim.sources}))
    stims.clear()
    manager.reset_helpers()
    nrn._run_objects.clear()
print(json.dumps([traces, kinds]))
"""
TIMES = [(0.0, 100.0), (2.0, 5.0), (1.33, 4.1), (-1.0, 3.0), (3.0, 0.1), (2.5, 0.0)]


@pytest.mark.parametrize(
    ("name", "conductance"),
    [*((name, False) for name in NOISES), *((name, True) for name in NOISES if "ornstein" in name)],
)
def test_noise_computed_on_the_way_changes_no_number(compiled, name, conductance):
    module = name.split()[-1]
    code = (
        COMPARED.replace("MODULE", repr(module))
        .replace("INPUT_TYPE", repr("conductance" if conductance else "current_clamp"))
        .replace("PARAMETERS", repr({**NOISES[name], **({"reversal": -20.0} if conductance else {})}))
        .replace("TIMES", repr(TIMES))
    )
    (computed, stored), kinds = run_stimulus(code, compiled, tstop=12.0, n_points=2)
    assert kinds == (
        [["GaussianNoiseConductance"], ["ConductanceSource"]]
        if conductance
        else [["GaussianNoiseCurrent"], ["MembraneCurrentSource"]]
    )
    assert np.ptp(computed[1][0]) > 0.5
    assert computed[1] == stored[1]
    for one, other in zip(computed[0], stored[0], strict=True):
        assert one[1:] == other[1:]


def test_sine_is_that_of_hoc(tmp_path):
    code = """
from neurodamus_like.stimuli.signals import SignalBuilder
found = []
for frequency, step in [(40.0, 0.025), (7.3, 0.1), (333.0, 0.25)]:
    signal = SignalBuilder(delay_ms=3.1).sine(0.7, frequency, step, 50.0).build()
    times, values = h.Vector(), h.Vector()
    times.indgen(3.1, 3.1 + 50.0, step)
    values.resize(len(times))
    values.sin(frequency, 0.0, step).mul(0.7)
    found.append([signal.time_ms[1:-1].tolist() == list(times), signal.value[1:-1].tolist() == list(values)])
print(json.dumps(found))
"""
    assert run_stimulus(code, tmp_path) == [[True, True]] * 3


def test_manager_forgets_and_leaves_its_sources_out_of_saved_states(tmp_path):
    code = """
class State:
    def __init__(self):
        self.ignored = []
    def ignore(self, thing):
        self.ignored.append(thing.hname().split("[")[0])
manager.interpret(block("pulse", electrode=True, amp_start=1.0, width=1.0, frequency=50.0))
manager.interpret(block("seclamp", "voltage_clamp", delay=0.0, voltage=-70.0))
state = State()
manager.saveStatePreparation(state)
seen = [state.ignored, len(manager.stimuli)]
manager.reset_helpers()
print(json.dumps([*seen, len(manager.stimuli)]))
"""
    ignored, before, after = run_stimulus(code, tmp_path)
    assert ignored == ["IClamp", "IClamp", "SEClamp", "SEClamp"]
    assert (before, after) == (2, 0)


def test_signals_shared_by_cells_are_stored_once(tmp_path):
    code = """
from neurodamus_like import memory
manager.interpret(block("sinusoidal", electrode=True, duration=100.0, amp_start=1.0, frequency=50.0))
manager.interpret(block("linear", electrode=True, amp_start=1.0))
vectors = [o for o in nrn._run_objects if o.hname().startswith("Vector")]
print(json.dumps(sorted({o.hname(): len(o) for o in vectors}.values())))
"""
    sizes = run_stimulus(code, tmp_path, n_points=3)
    assert len(sizes) == 4, "times and values of each block"
    assert max(sizes) < 410, "no longer than the run"
