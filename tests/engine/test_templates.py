"""Cell templates and the Import3d with a memory, against the reference simulator's reports and NEURON's own."""

import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from model_runs import ROOT, run_json

from neurodamus_like.builder.emodels import load_emodel
from tests.obi_data import load_oracle

pytestmark = pytest.mark.neuron

EMODELS = (
    "bNAC219",
    "cACint209",
    "cADpyr229",
    "cNAC187",
    "cNAC_L23BTC",
    "cADpyr_L2TPC",
    "bAC_IN",
    "TestCell",
)
# sections, segments of the five cells as the reference builds them
V5_SIZES = [(34, 82), (30, 108), (50, 158), (63, 219), (54, 140)]


@pytest.fixture(scope="session")
def library(shared, tmp_path_factory):
    """The channels of the e-models under test, compiled."""
    folder = tmp_path_factory.mktemp("channels")
    for name in {m for e in EMODELS for m in load_emodel(shared / "facts/emodels" / f"{e}.json").mechanisms}:
        if name not in ("pas", "hh"):
            shutil.copy(ROOT / "core" / "mod" / "channels" / f"{name}.mod", folder)
    nrnivmodl = Path(sys.executable).parent / "nrnivmodl"
    done = subprocess.run([nrnivmodl, "."], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(next(folder.glob("*/libnrnmech.*")))


@pytest.fixture
def cells(obi, library, tmp_path):
    """Run code in a process that has the cells of a population as `nodes`, and return its JSON."""

    def run(case, code, front=True):
        start = (
            "import json\nimport numpy as np\nfrom pathlib import Path\n"
            "from tests.engine.cell_models import *\n"
            f"prepare({library!r}, front={front})\nnodes = Nodes(Path({str(obi)!r}), {case!r})\n"
        )
        return run_json(start + code, tmp_path)

    return run


def columns(report):
    """Return the report section ids of each node."""
    pairs = zip(report["columns_node_id"], report["columns_element_id"], strict=True)
    return {node: [e for _, e in group] for node, group in groupby(pairs, key=lambda pair: pair[0])}


def test_cells_have_the_sections_and_segments_of_the_reference(cells, shared):
    code = "print(json.dumps([[len(list(c.all)), sum(s.nseg for s in c.all)] for c in map(nodes.create, range(5))]))"
    assert cells("v5", code) == [list(size) for size in V5_SIZES]


@pytest.mark.parametrize(
    ("case", "oracle", "report", "population"),
    [
        ("v5", "v5_sonata_reports", "compartment_v", "default"),
        ("NodeA", "usecase3", "my_compartment_report", "NodeA"),
        ("NodeB", "usecase3", "my_compartment_report", "NodeB"),
        ("RingA", "ringtest_pulse", "compartment_v", "RingA"),
        ("RingB", "ringtest_pulse", "compartment_v", "RingB"),
    ],
)
def test_report_numbering_of_every_segment(cells, shared, case, oracle, report, population):
    expected = columns(load_oracle(oracle, shared)["reports"][report][population])
    code = f"print(json.dumps([[i for i, _ in report_columns(nodes.create(n))] for n in {sorted(expected)}]))"
    assert cells(case, code) == [expected[node] for node in sorted(expected)]


def test_edge_section_ids_survive_the_axon_stub(cells, shared):
    code = """
c = nodes.create(0)
marks = {f"{a}[{i}]": s(0.0001).v for s in c.all for a, i in [named(s)]}
print(json.dumps([marks, c.nSecAll, c.nSecSoma + c.nSecAxonalOrig, c.nSecAxonal]))
"""
    marks, n_all, first_dendrite, n_axonal = cells("v5", code)
    assert marks["soma[0]"] == 0
    assert marks["axon[0]"] == 1
    assert marks["axon[1]"] == 2
    assert marks["dend[0]"] == first_dendrite
    assert max(marks.values()) == n_all - 1
    assert n_axonal == 2


@pytest.mark.parametrize("oracle", ["v5_linear_ramp", "v5_pulse"])
def test_cells_without_synaptic_input_follow_the_reference(cells, shared, oracle):
    case = load_oracle(oracle, shared)
    report = case["reports"]["soma_v"]["default"]
    (stimulus,) = case["simulation_config"]["inputs"].values()
    code = f"""
stimulus = {stimulus!r}
start, stop = stimulus["delay"], stimulus["delay"] + stimulus["duration"]
if stimulus["module"] == "linear":
    current = [0, start, start, stop, stop], [0, 0, stimulus["amp_start"], stimulus["amp_end"], 0]
else:
    current = [0], [0]
    for t in np.arange(start, stop, 1000 / stimulus["frequency"]):
        current[0].extend([t, t, t + stimulus["width"], t + stimulus["width"]])
        current[1].extend([0, stimulus["amp_start"], stimulus["amp_start"], 0])
frames = np.array({report["rows"]}) * 4
out = []
for n in range(5):
    cell = nodes.create(n)
    out.append(simulate(cell, [cell.soma[0](0.5)], 60, 0.025, -65, current)[frames, 0].tolist())
    cell.clear()
print(json.dumps(out))
"""
    got = np.array(cells("v5", code)).T
    wanted = np.array(report["values"])
    before_spikes = np.array(report["rows"]) * 0.1 < case["spikes"]["default"]["timestamps_ms"][0]
    assert before_spikes.sum() >= 4
    np.testing.assert_allclose(got[before_spikes], wanted[before_spikes], rtol=0, atol=1e-5)
    no_afferents = [0, 3, 4]
    assert wanted[:, no_afferents].max() > 0, "the cells must spike, or this would not test their channels"
    np.testing.assert_allclose(got[:, no_afferents], wanted[:, no_afferents], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("population", "tolerance"), [("NodeA", 1e-5), ("NodeB", 1e-5)])
def test_replaced_axons_follow_the_reference_in_every_segment(cells, shared, population, tolerance):
    case = load_oracle("usecase3", shared)
    report = case["reports"]["my_compartment_report"][population]
    code = f"""
hold = nodes.dynamics["holding_current"][0] if {population!r} == "NodeA" else 0.0
cell = nodes.create(0)
segments = [segment for _, segment in report_columns(cell)]
v = simulate(cell, segments, 3, 0.1, -75, ([0, 0, 4000, 4000], [0, hold, hold, 0]), celsius=35)
print(json.dumps(v[[0, 10, 20]].tolist()))
"""
    assert report["rows"][:3] == [0, 10, 20]
    np.testing.assert_allclose(cells(population, code), report["values"][:3], rtol=0, atol=1.3 * tolerance)


def test_spikes_of_cells_with_replaced_axons(cells, shared):
    spikes = load_oracle("usecase3", shared)["spikes"]["NodeA"]
    code = """
out = []
for n in range(3):
    cell, hold = nodes.create(n), nodes.dynamics["holding_current"][n]
    v = simulate(cell, [cell.soma[0](1)], 50, 0.1, -75, ([0, 0, 4000, 4000], [0, hold, hold, 0]), celsius=35)[:, 0]
    out.append((0.1 * (1 + np.flatnonzero((v[1:] > -30) & (v[:-1] <= -30)))).round(1).tolist())
    cell.clear()
print(json.dumps(out))
"""
    wanted = [[t for t, i in zip(*spikes.values(), strict=True) if i == node] for node in range(3)]
    assert cells("NodeA", code) == wanted


COPIES = """
import hashlib
out = []
for n in range(len(nodes.templates)):
    made = [nodes.create(n) for _ in range(3)]
    digests = [digest(c) for c in made]
    current = [0, 20], [0.5, 0.5]
    voltages = [simulate(c, [s(0.5) for s in c.all], 20, 0.025, -65, current) for c in made[::2]]
    assert np.ptp(voltages[0]) > 1
    out.append([digests, [hashlib.sha256(v.tobytes()).hexdigest() for v in voltages]])
    for c in made:
        c.clear()
print(json.dumps(out))
"""


@pytest.mark.parametrize("case", ["v5", "NodeA", "NodeB", "RingA"])
def test_replayed_copies_are_identical_to_what_neuron_itself_makes(cells, shared, case):
    with_memory, neurons_own = cells(case, COPIES), cells(case, COPIES, front=False)
    for ours, own in zip(with_memory, neurons_own, strict=True):
        assert len(set(ours[0]) | set(own[0])) == 1, "the cells differ"
        assert len(set(ours[1]) | set(own[1])) == 1, "the voltages differ"
    assert len(with_memory) >= 2


def test_a_changed_file_is_read_again_and_the_cache_can_be_cleared(cells, shared):
    code = """
import os, shutil, tempfile
from neurodamus_like.engine.morphology_import import clear_morphology_cache, morphology_cache_info
folder = Path(tempfile.mkdtemp())
nodes._morphologies = folder
source = Path(SOURCE)
shutil.copy(source / "cell_small.asc", folder / "cell_small.asc")
counts = [len(list(nodes.create(0).all)) for _ in range(2)]
shutil.copy(source / "cell_big.asc", folder / "cell_small.asc")
counts += [len(list(nodes.create(0).all)) for _ in range(2)]
info = morphology_cache_info()
clear_morphology_cache()
print(json.dumps([counts, info.recorded, info.replayed, info.nbytes > 0, morphology_cache_info().files]))
"""
    code = code.replace("SOURCE", repr(str(shared / "data/obi/ringtest/morphologies/asc")))
    counts, recorded, replayed, has_size, left = cells("RingA", code)
    assert counts[0] == counts[1] < counts[2] == counts[3]
    assert (recorded, replayed, has_size, left) == (2, 2, True, 0)


def test_what_the_user_changed_in_a_reader_is_neither_recorded_nor_replayed(cells, shared):
    code = f"""
from neurodamus_like.engine.morphology_import import morphology_cache_info
h('''
begintemplate Looker
public all, soma, n_read
objref all, somatic, axonal, basal, apical, r, g, this
create soma[1], dend[1]
proc init() {{
    forall delete_section()
    all = new SectionList() somatic = new SectionList() axonal = new SectionList()
    basal = new SectionList() apical = new SectionList()
    r = new Import3d_Neurolucida3()
    r.quiet = 1
    r.input($s1)
    if ($2) n_read = r.sections.count
    g = new Import3d_GUI(r, 0)
    g.instantiate(this)
}}
endtemplate Looker
''')
path = {str(shared / "data/obi/ringtest/morphologies/asc/cell_small.asc")!r}
steps = []
for look in (1, 0, 0, 1):
    cell = h.Looker(path, look)
    info = morphology_cache_info()
    steps.append([len(list(cell.all)), cell.n_read, info.recorded, info.replayed])
print(json.dumps(steps))
"""
    assert cells("RingA", code) == [[3, 3, 0, 0], [3, 0, 1, 0], [3, 0, 1, 1], [3, 3, 1, 1]]


def test_hdf5_morphologies_and_containers_give_the_cell_of_the_asc_file(cells, shared):
    code = """
import h5py, morphio, shutil, tempfile
folder = Path(tempfile.mkdtemp())
name = nodes.morphologies[1]
morphio.mut.Morphology(str(nodes._morphologies / f"{name}.asc")).write(str(folder / f"{name}.h5"))
with h5py.File(folder / "container.h5", "w") as container, h5py.File(folder / f"{name}.h5") as single:
    single.copy("/", container, name)
template = nrn.load_template(nodes.templates[1], nodes._templates / f"{nodes.templates[1]}.hoc")
made = [nodes.create(1), *(template(1, str(folder / where), f"{name}.h5") for where in ("", "", "container.h5"))]
shape = lambda c: [(*named(s), s.nseg, s.L, s(0.5).diam, s(0.0001).v, *((named(p.sec), p.x) if p else ()))
                   for s in c.all for p in [s.parentseg()]]
print(json.dumps([[shape(c) for c in made], [digest(c) for c in made[1:]]]))
"""
    shapes, digests = cells("v5", code)
    assert len(set(digests)) == 1
    for of_asc, of_h5 in zip(shapes[0], shapes[1], strict=True):
        assert [*of_asc[:3], *of_asc[5:]] == [*of_h5[:3], *of_h5[5:]]
        np.testing.assert_allclose(of_asc[3:5], of_h5[3:5], rtol=1e-5)
