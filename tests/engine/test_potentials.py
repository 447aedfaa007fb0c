"""Potentials of electrodes and of COMSOL, against BMTK's formulas written down in Python, step by step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bent_cells import SCRIPT, write_model
from tests.helpers import run_mpi, run_python

pytestmark = pytest.mark.neuron

REFERENCE = """
def rotation(axis, angle):
    c, s = np.cos(angle), np.sin(angle)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    r = np.eye(3)
    r[i, i] = r[j, j] = c
    r[i, j], r[j, i] = -s, s
    return r

def middles(cell):
    def points(sec):
        return np.array([[sec.x3d(i), sec.y3d(i), sec.z3d(i)] for i in range(int(sec.n3d()))])
    centre = np.concatenate([points(sec) for sec in cell.hobj.soma]).mean(axis=0)
    found = []
    for sec in cell.hobj.all:
        p = points(sec) - centre
        arc = np.array([sec.arc3d(i) for i in range(int(sec.n3d()))]) / sec.L
        found += [[np.interp(seg.x, arc, p[:, k]) for k in range(3)] for seg in sec]
    angles = [cell.node[f"rotation_angle_{a}axis"] for a in "xyz"]
    r = rotation(0, angles[0]) @ rotation(1, angles[1]) @ rotation(2, angles[2])
    return np.array(found) @ r.T + np.array([cell.node[a] for a in "xyz"])

class PerStep(SimulatorMod):
    '''Sets the outside potentials after each step, as BMTK does.'''
    def initialize(self, sim):
        self.cells = [sim.net.get_cell_gid(gid) for gid in sim.local_gids]
        for cell in self.cells:
            for sec in cell.hobj.all:
                sec.insert("extracellular")
        self.middles = [middles(cell) for cell in self.cells]
        self.prepare(sim.dt)
    def step(self, sim, tstep):
        for number, cell in enumerate(self.cells):
            values = iter(self.potentials(number, tstep, sim.dt))
            for sec in cell.hobj.all:
                for seg in sec:
                    seg.e_extracellular = next(values)

def compare(config, bare, *mods):
    ours, e_ours = simulate(config)
    expected, e_expected = simulate(bare, *mods)
    plain, _ = simulate(bare)
    out = {}
    for gid in ours:
        out[str(gid)] = [
            float(abs(ours[gid] - expected[gid]).max()),
            float(abs(e_ours[gid] - e_expected[gid]).max()),
            float(abs(e_ours[gid]).max()),
            float(abs(ours[gid] - plain[gid]).max()),
        ]
    return out
"""

XSTIM = """
class Electrodes(PerStep):
    def prepare(self, dt):
        self.factors = []
        for m in self.middles:
            rows = []
            for position, angles, mesh in ELECTRODES:
                r = rotation(0, angles[0]) @ rotation(1, angles[1]) @ rotation(2, angles[2])
                points = np.array(mesh) @ r.T
                points += np.array(position) - points.mean(axis=0)
                distance = np.linalg.norm(m[None] - points[:, None], axis=2)
                rows.append((1 / distance).sum(axis=0) * RHO / (4 * np.pi) * 0.01 / len(points) * 1e6)
            self.factors.append(np.array(rows))
    def potentials(self, number, tstep, dt):
        t = (tstep + 1) * dt
        return sum(w(t) * row for w, row in zip(WAVES, self.factors[number], strict=True))
"""

POSITIONS = "ip pos_x pos_y pos_z rotation_x rotation_y rotation_z\n"


END = """
out = compare("{folder}/config.json", "{folder}/bare.json", {reference})
Path("{folder}", f"result{world().rank}.json").write_text(json.dumps(out))
"""


def run_comparison(
    folder: Path, code: str, reference: str, ranks: int = 1, **run: Any
) -> dict[str, list[float]]:
    """Run the model of the folder, and the same without inputs and with a module of `code` in their place."""
    write_model(folder, {}, "bare", **run)
    end = END.replace("{folder}", str(folder)).replace("{reference}", reference)
    script = folder / "script.py"
    script.write_text(
        SCRIPT + "from neurodamus_like.parallel.mpi import world\n" + REFERENCE + XSTIM + code + end
    )
    done = run_python([str(script)], 300) if ranks == 1 else run_mpi(ranks, [str(script)], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, list[float]] = {}
    for rank in range(ranks):
        found |= json.loads((folder / f"result{rank}.json").read_text())
    return found


def assert_equal(found: dict[str, list[float]], cells: int = 3) -> None:
    assert len(found) == cells
    for apart, apart_outside, outside, effect in found.values():
        assert outside > 1.0
        assert effect > 0.5
        assert apart < 1e-9
        assert apart_outside < 1e-9


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_electrode_with_a_mesh_and_a_sine(tmp_path: Path, ranks: int) -> None:
    (tmp_path / "positions.csv").write_text(
        POSITIONS.replace("ip ", "ip electrode_mesh_file ") + "0 mesh.csv 100 50 20 0.3 0.2 -1.1\n"
    )
    (tmp_path / "mesh.csv").write_text("x_pos y_pos z_pos\n0 0 0\n10 0 0\n0 25 5\n")
    wave = {"shape": "sin", "del": 2.0, "amp": 0.05, "dur": 15.0, "freq": 80.0}
    block = {
        "input_type": "lfp",
        "module": "xstim",
        "positions_file": "${configdir}/positions.csv",
        "waveform": wave,
        "resistance": 250.0,
    }
    write_model(tmp_path, {"field": block})
    code = """
RHO = 250.0
ELECTRODES = [((100, 50, 20), (0.3, 0.2, -1.1), [[0, 0, 0], [10, 0, 0], [0, 25, 5]])]
WAVES = [lambda t: 0.05 * np.sin(2 * np.pi * 0.08 * t + np.pi) if 2.0 < t < 17.0 else 0.0]
"""
    assert_equal(run_comparison(tmp_path, code, "Electrodes()", ranks))


def test_electrodes_with_waveforms_of_their_own_and_a_second_field(tmp_path: Path) -> None:
    (tmp_path / "positions.csv").write_text(POSITIONS + "0 100 50 20 0 0 0\n1 -90 200 0 0 0 0\n")
    (tmp_path / "far.csv").write_text(POSITIONS + "0 0 500 0 0 0 0\n")
    (tmp_path / "points.csv").write_text("time amplitude\n1 0\n5 0.1\n12 -0.08\n")
    dc = {"shape": "dc", "del": 3.0, "amp": -0.06, "dur": 8.0}
    sine = {"shape": "sin", "del": 0.0, "amp": 0.3, "dur": 30.0, "freq": 200.0, "phase": 0.5, "offset": 0.02}
    inputs = {
        "near": {"module": "xstim", "input_type": "x", "positions_file": "${configdir}/positions.csv",
                 "waveform": ["${configdir}/points.csv", dc], "node_set": "all"},
        "far": {"module": "xstim", "input_type": "x", "positions_file": "${configdir}/far.csv", "waveform": sine},
    }  # fmt: skip
    write_model(tmp_path, inputs)
    code = """
RHO = 300.0
ELECTRODES = [(p, (0, 0, 0), [[0, 0, 0]]) for p in ((100, 50, 20), (-90, 200, 0), (0, 500, 0))]
WAVES = [
    lambda t: np.interp(t, [1, 5, 12], [0, 0.1, -0.08]),
    lambda t: -0.06 if 3.0 < t < 11.0 else 0.0,
    lambda t: 0.3 * np.sin(2 * np.pi * 0.2 * t + 0.5) + 0.02 if 0 < t < 30 else 0.0,
]
"""
    assert_equal(run_comparison(tmp_path, code, "Electrodes()"))


def write_solution(path: Path, names: str, columns: Any, n: int = 400) -> np.ndarray:
    """Write an export of COMSOL over a box around the cells; return its nodes."""
    rng = np.random.default_rng(7)
    corners = np.array([[x, y, z] for x in (-500, 500) for y in (-500, 500) for z in (-500, 500)])
    nodes = np.concatenate([corners, rng.uniform(-450, 450, (n, 3))])
    head = ["Model: m", "Version: v", "Date: d", "Dimension: 3", "Nodes: n", "Expressions: 1", "Description: V",
            "Length unit: µm"]  # fmt: skip
    table = np.column_stack([nodes, columns(nodes)])
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"% {line}\n" for line in head)
        file.write(f"% x                y                z                {names}\n")
        np.savetxt(file, table, delimiter="        ")
    return nodes


def test_stationary_solutions_with_waveforms(tmp_path: Path) -> None:
    write_solution(tmp_path / "a.txt", "V (mV)", lambda p: 0.01 * p[:, 0] ** 2 / 50)
    write_solution(tmp_path / "b.txt", "V (V)", lambda p: 1e-3 * 0.2 * p[:, 1])
    (tmp_path / "wave.csv").write_text("time amplitude\n0 0\n2 1\n5 -1\n8 0\n")
    block = {
        "module": "comsol",
        "input_type": "lfp",
        "comsol_files": ["${configdir}/a.txt", "${configdir}/b.txt"],
        "waveforms": ["${configdir}/wave.csv", "${configdir}/wave.csv"],
        "amplitudes": [2.0, -0.5],
    }
    write_model(tmp_path, {"solution": block}, tstop=22.0)
    code = f"""
from scipy.interpolate import LinearNDInterpolator
class Stationary(PerStep):
    def prepare(self, dt):
        tables = [np.loadtxt(Path({str(tmp_path)!r}) / name, skiprows=9) for name in ("a.txt", "b.txt")]
        tables[1][:, 3] *= 1000
        self.rows = [[LinearNDInterpolator(t[:, :3], t[:, 3])(m) for t in tables] for m in self.middles]
    def potentials(self, number, tstep, dt):
        t = (tstep % (8 / dt + 1)) * dt
        w = np.interp(t, [0, 2, 5, 8], [0, 1, -1, 0])
        return w * 2.0 * self.rows[number][0] + w * -0.5 * self.rows[number][1]
"""
    assert_equal(run_comparison(tmp_path, code, "Stationary()", tstop=22.0))


def test_a_solution_that_depends_on_time(tmp_path: Path) -> None:
    times = np.arange(6) * 0.75
    names = "        ".join(f"V (mV) @ t={t / 1000:g}" for t in times)
    write_solution(
        tmp_path / "t.txt", names, lambda p: (0.1 * p[:, 1:2] + 3 * np.sin(p[:, :1])) * np.cos(times) ** 2
    )
    block = {"module": "comsol", "input_type": "lfp", "comsol_files": "${configdir}/t.txt", "amplitudes": 1.5}
    write_model(tmp_path, {"solution": block})
    code = f"""
class Changing(PerStep):
    def prepare(self, dt):
        table = np.loadtxt(Path({str(tmp_path)!r}) / "t.txt", skiprows=9)
        nearest = [[int(np.linalg.norm(table[:, :3] - x, axis=1).argmin()) for x in m] for m in self.middles]
        comsol = np.arange(6) * 0.75
        steps = np.arange(comsol[0], comsol[-1] + dt, dt)
        self.period = int((steps[-1] - steps[0]) / dt)
        self.rows = [np.array([np.interp(steps, comsol, table[n, 3:]) for n in ns]) * 1.5 for ns in nearest]
    def potentials(self, number, tstep, dt):
        return self.rows[number][:, tstep % self.period]
"""
    assert_equal(run_comparison(tmp_path, code, "Changing()"))


def test_a_node_set_limits_the_field(tmp_path: Path) -> None:
    (tmp_path / "positions.csv").write_text(POSITIONS + "0 100 50 20 0 0 0\n")
    dc = {"shape": "dc", "del": 3.0, "amp": -0.06, "dur": 8.0}
    block = {"module": "xstim", "input_type": "x", "positions_file": "${configdir}/positions.csv", "waveform": dc,
             "node_set": {"population": "bent", "node_id": [1]}}  # fmt: skip
    config = write_model(tmp_path, {"field": block})
    script = (
        SCRIPT
        + f"v, e = simulate({str(config)!r})\nprint(json.dumps([float(abs(e[g]).max()) for g in (0, 1, 2)]))"
    )
    done = run_python(script, 300)
    assert done.returncode == 0, done.stderr
    largest = json.loads(done.stdout.splitlines()[-1])
    assert largest[0] == largest[2] == 0.0
    assert largest[1] > 1.0
