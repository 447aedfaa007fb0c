"""Clamps of BMTK's kind, against the same clamps set by hand in every time step; as inputs and as modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.bent_cells import SCRIPT, write_model
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

REFERENCE = """
class Injected(SimulatorMod):
    '''A current (nA) by hand: the value of a step is set before it.'''
    def __init__(self, place, value, gids=(0, 1, 2)):
        self.place, self.value, self.gids = place, value, gids
    def initialize(self, sim):
        self.clamps = []
        for gid in set(self.gids) & set(sim.local_gids):
            clamp = sim.h.IClamp(self.place(sim.net.get_cell_gid(gid).hobj))
            clamp.delay, clamp.dur, clamp.amp = 0, 1e9, 0
            self.clamps.append(clamp)
        self.first = sim.h.FInitializeHandler(1, lambda: self.set(0.5 * sim.dt))
    def set(self, t):
        for clamp in self.clamps:
            clamp.amp = self.value(t)
    def step(self, sim, tstep):
        self.set((tstep + 1.5) * sim.dt)
    def finalize(self, sim):
        self.first = None

class Clamped(SimulatorMod):
    '''BMTK's voltage clamp.'''
    def __init__(self, amp, delay, duration, resistance):
        self.numbers = amp, delay, duration, resistance
    def initialize(self, sim):
        amp, delay, duration, _ = self.numbers
        self.clamps = [sim.h.SEClamp(sim.net.get_cell_gid(g).hobj.soma[0](0.5)) for g in sim.local_gids]
        for c in self.clamps:
            c.dur1, c.dur2, c.dur3, c.amp1, c.amp2, c.amp3 = delay, duration, 0, 0, amp, 0
    def step(self, sim, tstep):
        _, delay, duration, resistance = self.numbers
        for c in self.clamps:
            c.rs = resistance if delay <= sim.dt * tstep <= delay + duration else 10.0e20

soma = lambda cell: cell.soma[0](0.5)
"""


def compare(folder: Path, inputs: dict[str, Any], reference: str, module: str | None = None) -> None:
    """Check that inputs, and a module if given, do what the reference module does."""
    config, bare = write_model(folder, inputs), write_model(folder, {}, "bare")
    runs = [f"simulate({str(config)!r})", f"simulate({str(bare)!r}, {reference})", f"simulate({str(bare)!r})"]
    runs += [f"simulate({str(bare)!r}, {module})"] if module else []
    code = (
        f"runs = [{', '.join(runs)}]\n"
        + """
found = [[float(abs(run[0][g] - runs[1][0][g]).max()) for g in range(3)] for run in runs]
print(json.dumps(found))
"""
    )
    done = run_python(SCRIPT + REFERENCE + code, 200)
    assert done.returncode == 0, done.stdout + done.stderr
    ours, _, effect, *others = json.loads(done.stdout.splitlines()[-1])
    assert max(ours) < 1e-9
    assert max(effect) > 0.5
    assert all(max(other) < 1e-9 for other in others)


def test_steps_of_current_at_a_place(tmp_path: Path) -> None:
    block = {
        "module": "IClamp", "input_type": "current_clamp", "node_set": {"population": "bent", "node_id": [0, 2]},
        "amp": [0.1, -0.05], "delay": [2.0, 5.0], "duration": [6.0, 10.0],
        "section_name": "apic", "section_index": 0, "section_dist": 0.7,
    }  # fmt: skip
    value = "lambda t: 0.1 * (2 <= t < 8) - 0.05 * (5 <= t < 15)"
    arguments = {k: v for k, v in block.items() if k != "module"}
    compare(tmp_path, {"i": block}, f"Injected(lambda c: c.apic[0](0.7), {value}, (0, 2))",
            f"modules.IClampMod(**{arguments!r})")  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ("0 0.1\n2 -0.1\n4 0.2\n6 0.0\n", "lambda t: [0.1, -0.1, 0.2][int(t // 2)] if t < 6 else 0"),
        ("2 0.1\n4 0.3\n6 0.2\n", "lambda t: [0, 0.1, 0.3, 0.2][int(t // 2)] if t < 8 else 0"),
        ("3 0.1\n9 0.2\n", "lambda t: 0.1 if 3 <= t < 9 else 0.2 if 9 <= t < 12 else 0"),
        ("1.5 0.1\n4 0.2\n9 0\n", "lambda t: 0.1 if 1.5 <= t < 4 else 0.2 if 4 <= t < 9 else 0"),
    ],
)
def test_a_table_of_currents(tmp_path: Path, rows: str, value: str) -> None:
    (tmp_path / "i.csv").write_text("timestamps amps\n" + rows)
    block = {"module": "IClamp", "input_type": "csv", "file": "${configdir}/i.csv"}
    compare(tmp_path, {"i": block}, f"Injected(soma, {value})",
            f"modules.IClampMod('csv', file={str(tmp_path / 'i.csv')!r})")  # fmt: skip


def test_a_sweep_of_a_cell_types_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "cell.nwb", "w") as file:
        group = file.create_group("epochs/Sweep_7/stimulus/timeseries")
        group["data"] = 1e-10 * np.sin(np.arange(400) / 40)
        group["starting_time"] = 0.0
        group["starting_time"].attrs["rate"] = 20000.0
    block = {"module": "IClamp", "input_type": "nwb", "file": "${configdir}/cell.nwb", "sweep_id": "7",
             "downsample": 0.5, "sweep_window": [2.0, 15.0], "delay": 1.0}  # fmt: skip
    samples = "(0.1 * np.sin(np.arange(400) / 40))[::10][4:31]"
    value = f"lambda t: float({samples}[min(int(t / 0.5), 26)]) if t >= 1 else 0"
    compare(tmp_path, {"i": block}, f"Injected(soma, {value})")


@pytest.mark.parametrize("delay", [0.0, 4.0])
def test_a_voltage_clamp_on_every_cell(tmp_path: Path, delay: float) -> None:
    block = {"module": "SEClamp", "input_type": "voltage_clamp", "amp": -40.0, "delay": delay, "duration": 7.0,
             "resistance": 0.3, "node_set": "all"}  # fmt: skip
    compare(tmp_path, {"v": block}, f"Clamped(-40.0, {delay}, 7.0, 0.3)",
            f"modules.SEClamp('voltage_clamp', amp=-40.0, delay={delay}, duration=7.0, resistance=0.3)")  # fmt: skip


def test_a_random_place_is_in_its_range_and_reproducible(tmp_path: Path) -> None:
    block = {"module": "IClamp", "input_type": "current_clamp", "amp": 0.1, "delay": 1.0, "duration": 2.0,
             "section_name": ["dend", "apic"], "section_index": [60.0, 120.0]}  # fmt: skip
    config = write_model(tmp_path, {"i": block})
    code = f"""
conf = bionet.Config.from_json({str(config)!r})
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
bionet.BioSimulator.from_config(conf, network=net)
found = []
for clamp in net.node.stim_manager.stimuli[0].sources:
    segment = clamp.get_segment()
    soma = next(s for s in segment.sec.wholetree() if "soma" in s.name())
    found.append([segment.sec.name().split(".")[1], segment.x, bionet.nrn.h.distance(soma(0), segment)])
print(json.dumps(found))
"""
    first, second = (run_python(SCRIPT + code, 100) for _ in range(2))
    assert first.returncode == 0, first.stderr
    places = json.loads(first.stdout.splitlines()[-1])
    assert places == json.loads(second.stdout.splitlines()[-1])
    assert len(places) == 3
    for name, _, distance in places:
        assert name[:4] in ("dend", "apic")
        assert 40 < distance < 140


def write_bad_files(folder: Path) -> None:
    (folder / "ok.csv").write_text("pos_x pos_y pos_z\n100 50 20\n")
    (folder / "two.csv").write_text("pos_x pos_y pos_z\n100 50 20\n-90 200 0\n")
    (folder / "near.csv").write_text("pos_x pos_y pos_z\n0 3 0\n")
    (folder / "column.csv").write_text("x pos_y pos_z\n100 50 20\n")
    (folder / "mesh.csv").write_text("electrode_mesh_file pos_x pos_y pos_z\nnone.csv 100 50 20\n")
    (folder / "wave.csv").write_text("time amplitude\n0 0\n5 1\n5 2\n")
    (folder / "short.csv").write_text("timestamps amps\n0 0.1\n")
    (folder / "amps.csv").write_text("timestamps amplitude\n0 0.1\n1 0.2\n")
    (folder / "text.csv").write_text("timestamps amps\n0 0.1\n1 much\n")
    (folder / "comsol.txt").write_text("% a\n" * 8 + "% x   y   z   V (mV)\n0 0 0 1\n")
    (folder / "unit.txt").write_text("% a\n" * 7 + "% Length unit: mm\n% x   y   z   V (mV)\n0 0 0 1\n")
    (folder / "names.txt").write_text("% a\n" * 8 + "% x y z V\n0 0 0 1\n")
    (folder / "times.txt").write_text("% a\n" * 8 + "% x   y   z   V (V) @ t=1   V (V) @ t=0.5\n0 0 0 1 2\n")
    with h5py.File(folder / "cell.nwb", "w") as file:
        file.create_group("epochs/Sweep_7/stimulus/timeseries")


DC = {"shape": "dc", "amp": 0.1, "del": 1, "dur": 5}
XSTIM = {"module": "xstim", "input_type": "x"}
COMSOL = {"module": "comsol", "input_type": "x"}
ICLAMP = {"module": "IClamp", "input_type": "current_clamp", "amp": 0.1, "delay": 1, "duration": 2}
CSV = {"module": "IClamp", "input_type": "csv"}
NWB = {"module": "IClamp", "input_type": "nwb", "file": "@cell.nwb"}
ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "no waveform": ({**XSTIM, "positions_file": "@ok.csv"}, "there is no waveform"),
    "unknown shape": (
        {**XSTIM, "positions_file": "@ok.csv", "waveform": {**DC, "shape": "sine"}},
        "unknown shape of a waveform: 'sine'",
    ),
    "no amplitude": (
        {**XSTIM, "positions_file": "@ok.csv", "waveform": {"shape": "dc", "del": 1, "dur": 2}},
        "the waveform is incomplete: 'amp' is missing",
    ),
    "times": ({**XSTIM, "positions_file": "@ok.csv", "waveform": "@wave.csv"}, "5 comes after 5 (row 3 of 'time')"),
    "too few waves": (
        {**XSTIM, "positions_file": "@two.csv", "waveform": [DC, DC, DC]},
        "3 waveforms for 2 electrodes",
    ),
    "too near": ({**XSTIM, "positions_file": "@near.csv", "waveform": DC}, "electrode 0 of"),
    "no position": ({**XSTIM, "positions_file": "@column.csv", "waveform": DC}, "the table has no column 'pos_x'"),
    "no mesh": ({**XSTIM, "positions_file": "@mesh.csv", "waveform": DC}, "the mesh 'none.csv' of an electrode does"),
    "no file": ({**XSTIM, "positions_file": "@nothing.csv", "waveform": DC}, "nothing.csv does not exist"),
    "stationary": ({**COMSOL, "comsol_files": "@comsol.txt"}, "the solution is stationary, and there is no waveform"),
    "flat": ({**COMSOL, "comsol_files": "@comsol.txt", "waveforms": DC}, "span no volume"),
    "unit": ({**COMSOL, "comsol_files": "@unit.txt", "waveforms": DC}, "the positions are in mm"),
    "names": ({**COMSOL, "comsol_files": "@names.txt", "waveforms": DC}, "line 9 names no positions and potentials"),
    "descending": ({**COMSOL, "comsol_files": "@times.txt"}, "are not those of ascending times"),
    "old key": ({**COMSOL, "comsol_file": "@unit.txt"}, "rename 'comsol_file' to 'comsol_files'"),
    "two files": (
        {**COMSOL, "comsol_files": ["@comsol.txt", "@comsol.txt"], "waveforms": [DC]},
        "1 waveforms for 2 comsol_files",
    ),
    "lengths": ({**ICLAMP, "amp": [0.1, 0.2]}, "amp, delay and duration differ in length: 2, 1, 1"),
    "input type": ({**ICLAMP, "input_type": "current_clmp"}, "did you mean 'current_clamp'?"),
    "no section": ({**ICLAMP, "section_name": "apic", "section_index": 3}, "the cell has no section apic[3]"),
    "no name": ({**ICLAMP, "section_name": "apex"}, "the cell has no section apex[0]"),
    "too far": ({**ICLAMP, "section_index": [5000, 6000]}, "no segment of soma lies 5000 to 6000 µm"),
    "short": ({**CSV, "file": "@short.csv"}, "needs two rows or more"),
    "column": ({**CSV, "file": "@amps.csv"}, "the table has no column 'amps'"),
    "text": ({**CSV, "file": "@text.csv"}, "row 2 of the column 'amps' is no number: 'much'"),
    "no sweep": ({**NWB, "sweep_id": 8}, "the file has no sweep 'Sweep_8'"),
    "no data": ({**NWB, "sweep_id": 7}, "the sweep has no stimulus"),
    "resistance": ({"module": "SEClamp", "input_type": "voltage_clamp", "amp": 0, "delay": 0, "duration": 1,
                    "resistance": 0}, "resistance is 0"),
}  # fmt: skip


def test_everything_wrong_has_its_error(tmp_path: Path) -> None:
    """One process for all: each model is built until the error."""
    write_bad_files(tmp_path)
    configs = {}
    for number, (case, (block, _)) in enumerate(ERRORS.items()):
        placed = json.loads(json.dumps(block).replace('"@', '"${configdir}/'))
        configs[case] = str(write_model(tmp_path, {"bad": placed}, f"case{number}"))
    code = f"""
from neurodamus_like.exceptions import NeurodamusLikeError
found = {{}}
for case, config in {configs!r}.items():
    try:
        conf = bionet.Config.from_json(config)
        net = bionet.BioNetwork.from_config(conf)
        bionet.BioSimulator.from_config(conf, network=net)
        found[case] = "no error"
    except NeurodamusLikeError as error:
        found[case] = str(error)
print(json.dumps(found))
"""
    done = run_python(SCRIPT + code, 200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for case, (_, message) in ERRORS.items():
        assert message in found[case], case
        assert "bad" in found[case], case
        assert str(tmp_path) in found[case] or "ids 0" in found[case], case
