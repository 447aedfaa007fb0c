"""Reports and spikes from the simulator into files: values, frames, layout, any number of ranks."""

import time

import h5py
import numpy as np
import pytest
from helpers import run_mpi, run_python
from model_runs import ROOT, run_json

pytestmark = pytest.mark.neuron

MODEL = """
import json, os
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from neurodamus_like.config import models as m
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.parallel.mpi import world
from neurodamus_like.engine import nrn
from neurodamus_like.reports.checks import check_reports
from neurodamus_like.reports.manager import ReportManager, ReportOptions
if "RECORDER_LIBRARY" in os.environ:
    nrn.load_mechanism_library(Path(os.environ["RECORDER_LIBRARY"]))
from neurodamus_like.reports.spikes import SpikeRecorder
h, comm = nrn.h, world()
run = m.Run(tstop_ms=20.0, dt_ms=0.025, random_seed=1)

class Cell:
    def __init__(self, gid, node_id, population):
        self.gid, self.node_id, self.population = gid, node_id, population
        self.soma, self.dend = h.Section(name=f"soma{gid}"), h.Section(name=f"dend{gid}")
        self.soma.L = self.soma.diam = 20
        self.dend.L, self.dend.diam, self.dend.nseg = 300, 2, 3
        self.dend.connect(self.soma(1))
        self.soma.insert("hh")
        self.dend.insert("pas")
        self.clamp = h.IClamp(self.soma(0.5))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 1, 50, 0.4 + 0.02 * gid
        nrn.pc.set_gid2node(gid, nrn.pc.id())
        detector = h.NetCon(self.soma(0.5)._ref_v, None, sec=self.soma)
        detector.threshold = -20
        nrn.pc.cell(gid, detector)

class Cells:
    is_virtual = False
    def __init__(self, name, offset, n):
        self.population_name = name
        self.local_gids = [offset + i for i in range(n) if (i + offset) % comm.size == comm.rank]
        self.cells = {g: Cell(g, g - offset, name) for g in self.local_gids}
    def get_cell(self, gid):
        return self.cells[gid]

class Target:
    def __init__(self, name):
        self.name = name
    def get_point_list(self, cells, sections="soma", compartments="center"):
        lists = []
        for gid in cells.local_gids:
            cell = cells.cells[gid]
            if self.name not in ("All", cells.population_name):
                continue
            chosen = [(0, cell.soma)] + ([(1, cell.dend)] if sections == "all" else [])
            points = [
                (i, s, x)
                for i, s in chosen
                for x in ([0.5] if compartments == "center" else [seg.x for seg in s])
            ]
            ids, sections_, xs = map(list, zip(*points))
            lists.append(SimpleNamespace(gid=gid, sclst_ids=ids, sclst=sections_, x=xs))
        return lists

    def get_point_list_from_compartment_set(self, cells, compartment_set):
        assert compartment_set == "points of tips"
        return [
            SimpleNamespace(gid=p.gid, sclst_ids=[1, 1], sclst=[cells.cells[p.gid].dend] * 2, x=[0.2, 0.9])
            for p in self.get_point_list(cells)
        ]

class Targets:
    def get_target(self, name):
        return Target(name)
    def get_compartment_set(self, name):
        return "points of " + name

managers = [Cells("A", 0, 3), Cells("B", 10, 2)]

def report(name, variable="v", kind="compartment", dt=0.1, start=0.0, end=20.0, cells="All", **more):
    return m.Report(name, kind, cells, (variable,), dt, start, end, name + ".h5", **more)

def simulate(reports, block=3.7, buffer_mb=8.0, tstop=20.0, traces=(), **options):
    simulation = m.Simulation(
        Path("s.json"), m.Circuit(Path("c.json"), {}, {}), run, m.Output(Path("out")), reports=tuple(reports)
    )
    manager = ReportManager(simulation, Targets(), managers, comm, Path("out"), ReportOptions(buffer_mb, **options))
    manager.enable()
    spikes = SpikeRecorder(managers)
    h.dt, h.steps_per_ms = run.dt_ms, 40
    recorded = [h.Vector().record(r) for r in traces]
    nrn.pc.set_maxstep(4)
    h.finitialize(-65)
    t, block = 0, min(block, manager.block_ms())
    while t < tstop:
        t = min(t + block, tstop)
        nrn.advance(t)
        manager.flush()
    manager.finish()
    spikes.write(Path("out/spikes.h5"), comm)
    return manager, spikes, [np.array(r) for r in recorded]
"""

THREE = """
reports = [
    report("soma"),
    report("all", dt=0.5, start=5.0, end=12.2, sections="all", compartments="all"),
    report("late", variable="i_membrane", dt=0.025, start=15.0, cells="B", sections="all"),
    report("set", variable="pas", kind="compartment_set", compartment_set="tips", dt=1.0, unit="mA/cm2"),
]
"""


def test_values_frames_and_layout(tmp_path, recorder_env):
    code = MODEL + THREE
    code += """
a0, b1 = managers[0].cells[0], managers[1].cells[11]
refs = [a0.soma(0.5)._ref_v, a0.dend(5 / 6)._ref_v, b1.soma(0.5)._ref_v, b1.dend(0.9).pas._ref_i]
manager, spikes, traces = simulate(reports, traces=refs)
print(json.dumps([[t.tolist() for t in traces], [str(f) for f in manager.files], spikes.counts(comm)]))
"""
    traces, files, counts = run_json(code, tmp_path, recorder_env)
    a0, a0_dend, b1, b1_pas = np.array(traces)
    assert files == [f"out/{name}.h5" for name in ("soma", "all", "late", "set")]
    with h5py.File(tmp_path / "out/soma.h5") as f:
        group = f["report/A"]
        assert group["data"].shape == (200, 3)
        assert group["mapping/node_ids"][:].tolist() == [0, 1, 2]
        assert group["mapping/time"][:].tolist() == [0, 20, 0.1]
        np.testing.assert_array_equal(group["data"][:, 0], a0[: 20 * 40 : 4].astype("f4"))
        np.testing.assert_array_equal(f["report/B/data"][:, 1], b1[: 20 * 40 : 4].astype("f4"))
    with h5py.File(tmp_path / "out/all.h5") as f:
        group = f["report/A"]
        assert group["data"].shape == (15, 12)
        assert group["mapping/element_ids"][:].tolist() == [0, 1, 1, 1] * 3
        assert group["mapping/index_pointers"][:].tolist() == [0, 4, 8, 12]
        np.testing.assert_array_equal(group["data"][:, 3], a0_dend[200 : 200 + 15 * 20 : 20].astype("f4"))
    with h5py.File(tmp_path / "out/late.h5") as f:
        assert list(f["report"]) == ["B"]
        data = f["report/B/data"][:]
        assert data.shape == (200, 4)
    with h5py.File(tmp_path / "out/set.h5") as f:
        data = f["report/B/data"]
        assert data.attrs["units"] in ("mA/cm2", b"mA/cm2")
        assert data[0].tolist() == [0, 0, 0, 0]
        np.testing.assert_array_equal(data[1:, 3], b1_pas[40 : 20 * 40 : 40].astype("f4"))
    with h5py.File(tmp_path / "out/spikes.h5") as f:
        times = f["spikes/A/timestamps"][:]
        assert len(times) == counts["A"] >= 3
        assert (np.diff(times) >= 0).all()
        assert set(f["spikes/B/node_ids"][:]) == {0, 1}
    assert not list((tmp_path / "out").glob(".*"))


def test_blocks_buffers_and_kinds_of_recorders_change_nothing(tmp_path, recorder_library):
    compiled = {"RECORDER_LIBRARY": str(recorder_library)}
    kept = {}
    for name, options, env in (
        ("a", "block=20.0", {}),
        ("b", "block=0.4", compiled),
        ("c", "buffer_mb=0.001", {}),
        ("d", "block=20.0", compiled),
    ):
        (tmp_path / name).mkdir()
        time.sleep(1.1)  # files must not know when they were written
        run_json(MODEL + THREE + f"simulate(reports, {options}); print(1)", tmp_path / name, env)
        kept[name] = {f.name: f.read_bytes() for f in (tmp_path / name / "out").iterdir()}
    assert len(kept["a"]) == 5
    assert kept["a"] == kept["b"] == kept["c"] == kept["d"]


def test_a_buffer_sets_the_length_of_a_block(tmp_path, recorder_library):
    code = (
        MODEL
        + THREE
        + """
big = simulate(reports, tstop=1.0)[0].block_ms()
small = ReportManager(m.Simulation(Path("s"), None, run, None, reports=tuple(reports)), Targets(), managers,
                      comm, Path("out"), ReportOptions(0.01))
small.enable()
none = ReportManager(m.Simulation(Path("s"), None, run, None), Targets(), managers, comm, Path("out"))
none.enable()
print(json.dumps([big, small.block_ms(), none.block_ms() == float("inf")]))
"""
    )
    big, small, unlimited = run_json(code, tmp_path, {"RECORDER_LIBRARY": str(recorder_library)})
    assert unlimited
    assert big / small == pytest.approx(800, rel=0.01)
    # 'late' is the heaviest: 4 values of 4 bytes (and one for what else there is) at every step of 0.025 ms.
    assert small == pytest.approx(0.01e6 / (5 * 4) * 0.025, abs=0.025)


@pytest.mark.mpi
def test_any_number_of_ranks_writes_the_same_bytes(tmp_path, recorder_library):
    code = MODEL + THREE + "simulate(reports)"
    kept = {}
    for ranks in (1, 2, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        env = {"PYTHONPATH": str(ROOT), "RECORDER_LIBRARY": str(recorder_library)}
        done = (
            run_mpi(ranks, code, 120, cwd=folder, env=env)
            if ranks > 1
            else run_python(code, cwd=folder, env=env)
        )
        assert done.returncode == 0, done.stderr
        kept[ranks] = {f.name: f.read_bytes() for f in (folder / "out").iterdir()}
    assert sorted(kept[1]) == ["all.h5", "late.h5", "set.h5", "soma.h5", "spikes.h5"]
    assert kept[1] == kept[2] == kept[4]


def test_a_run_that_stops_early_leaves_what_it_has_under_the_other_name(tmp_path, recorder_library):
    env = {"RECORDER_LIBRARY": str(recorder_library)}
    run_json(MODEL + "simulate([report('soma')], tstop=7.0); print(1)", tmp_path, env)
    assert not (tmp_path / "out/soma.h5").exists()
    with h5py.File(tmp_path / "out/.soma.h5.part") as f:
        data = f["report/A/data"][:]
        assert f["report/A/mapping/time"][:].tolist() == pytest.approx([0.0, 7.1, 0.1])
    assert data[0, 0] == -65
    assert (data[:71] != 0).all()
    assert (data[71:] == 0).all()


def test_an_interval_the_step_does_not_divide_has_all_its_frames(tmp_path):
    run_json(MODEL + "simulate([report('soma', dt=0.03)]); print(1)", tmp_path)
    with h5py.File(tmp_path / "out/soma.h5") as f:
        data = f["report/A/data"][:]
    assert data.shape == (667, 3)
    assert (data[-1] != 0).all()


def test_all_errors_come_together(tmp_path):
    code = (
        MODEL
        + """
reports = [
    report("two", sections="all", compartments="all", variable="hh.m"),
    report("nothing", cells="Nobody"),
    report("unknown", variable="nonsense"),
]
try:
    simulate(reports)
except NeurodamusLikeError as error:
    print(json.dumps(str(error)))
"""
    )
    text = run_json(code, tmp_path)
    assert "'hh.m' is found 0 times at section 1" in text
    assert "node set 'Nobody' has no cell" in text
    assert "'nonsense' is found 0 times at section 0" in text
    assert not (tmp_path / "out").exists()


def test_blocks_are_checked_without_a_model(tmp_path):
    code = (
        MODEL
        + """
wrong = [
    m.Report("a", "summation", "All", (), 0.1, 0, 1, "a.h5"),
    report("b", kind="compartmnt"),
    report("c", dt=0.01),
    report("d", start=10.0, end=5.0),
    m.Report("e", "compartment", "All", ("v", "ina"), 0.1, 0, 1, "e.h5"),
    report("f", kind="compartment_set"),
    report("g", start=30.0, end=50.0),
]
twice = [report("h"), m.Report("i", "compartment", "All", ("v",), 0.1, 0, 1, "h.h5")]
off = m.Report("off", "lfp", "All", (), 0.1, 0, 1, "x.h5", enabled=False)
assert check_reports([report("ok"), off], run) == []
groups = [*([r] for r in wrong), twice]
print(json.dumps([[str(p) for p in check_reports(g, run)] for g in groups]))
"""
    )
    found = run_json(code, tmp_path)
    assert [len(texts) for texts in found] == [1] * 8
    parts = [
        "variable_name is empty",
        "did you mean 'compartment'",
        "0.01 ms",
        "no frame lies",
        "v, ina",
        "compartment_set is missing",
        "no frame lies",
        "'h', 'i' write the same file",
    ]
    for (text,), part in zip(found, parts, strict=True):
        assert part in text
