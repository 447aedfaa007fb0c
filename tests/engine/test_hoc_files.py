"""The HOC files that circuits expect by name, and the streams of stochastic channels."""

import json
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest
from model_runs import run_json

from neurodamus_like.builder.emodels import load_emodel, write_hoc_template

pytestmark = pytest.mark.neuron

# In place of a stochastic channel: keeps the ids it was given.
CHANNEL = """
NEURON { SUFFIX StochKv3 RANGE gid, place, seed }
ASSIGNED { gid place seed }
PROCEDURE setRNG() {
VERBATIM
    gid = *getarg(1);
    place = *getarg(2);
    seed = ifarg(3) ? *getarg(3) : -1;
ENDVERBATIM
}
"""
START = """
import json
from pathlib import Path
from neurodamus_like.engine import nrn
from neurodamus_like.engine.morphology_import import install_import3d_front
h = nrn.h
install_import3d_front()
"""
MORPHOLOGIES = "data/obi/v5_sonata/sub_mini5/morphologies"


def text_hash(text):
    """Return the hash of the OBI dialect."""
    result = 0
    for letter in text:
        result = (31 * result + ord(letter)) % (2**31 - 1)
    return result


def test_streams_of_stochastic_channels_are_keyed_by_gid_place_and_seed(shared, tmp_path):
    (tmp_path / "StochKv3.mod").write_text(CHANNEL)
    nrnivmodl = Path(sys.executable).parent / "nrnivmodl"
    done = subprocess.run([nrnivmodl, "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    description = {"template": "Stoch", "section_lists": {"basal": {"mechanisms": ["StochKv3"]}}}
    (tmp_path / "Stoch.json").write_text(json.dumps(description))
    template = write_hoc_template(load_emodel(tmp_path / "Stoch.json"), tmp_path / "hoc")
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    code = f"""
nrn.load_mechanism_library(Path({str(next(tmp_path.glob("*/libnrnmech.*")))!r}))
template = nrn.load_template("Stoch", Path({str(template)!r}))
cell = template(17, {str(shared / MORPHOLOGIES)!r}, "sm080902a3-2.asc")
segments = [(s.name().split(".")[1], s.nseg, i, g) for s in cell.dend for i, g in enumerate(s)]
ids = lambda: [[name, nseg, i, g.StochKv3.gid, g.StochKv3.place, g.StochKv3.seed] for name, nseg, i, g in segments]
made = ids()
cell.re_init_rng(5)
print(json.dumps([made, ids()]))
"""
    made, seeded = run_json(START + code, cwd)
    assert len(made) > 100
    for rows, seed in ((made, -1), (seeded, 5)):
        for name, nseg, i, gid, place, got in rows:
            x = list(accumulate([1 / nseg] * i, initial=0.5 / nseg))[-1]  # as HOC's for (x) adds up
            assert (gid, place, got) == (17, text_hash(f"{name}.{x:.19g}"), seed)


def test_the_generic_cell(shared, tmp_path):
    code = f"""
h.load_file("Cell.hoc")
path = {str(shared / MORPHOLOGIES / "sm080902a3-2.asc")!r}
a, b = h.Cell(3, path), h.Cell(4, path)
counts = [a.gid, a.nSecAll, a.nSecSoma, a.nSecAxonal, a.nSecBasal]
a.delete_axon()
a.SetCellProperties(1e4, -70)
b.delete_axon(2, 1.5, 1, 0.5)
b.insertChannel("hh")
lists = [[[s.L, s.diam, s.nseg] for s in part] for part in (a.axonal, b.axonal, b.myelinated)]
detector = h.ref(None)
a.connect2target(None, detector)
values = [a.dend[0](0.5).g_pas, a.axon[1](0.5).pas.e, b.soma[0](0.5).hh.gnabar, detector[0].threshold]
before = sum(s.nseg for s in b.all)
b.geom_nseg_lambda()
print(json.dumps([counts, lists, values, before, sum(s.nseg for s in b.all)]))
"""
    counts, lists, values, fixed, by_lambda = run_json(START + code, tmp_path)
    assert counts == [3, 77, 1, 49, 27]
    assert [[s[0], s[2]] for s in lists[0]] == [[30, 1], [30, 1]]
    assert [s[1] for s in lists[0]] == pytest.approx([0.7285318, 0.23], rel=1e-6)
    assert [s[0] for s in lists[1]] == [20, 30]
    assert lists[2] == [[1000, 0.5, 21]]
    assert values == [1e-4, -70, 0.12, -30]
    assert by_lambda != fixed


def test_configure_texts_defaults_and_seeds(tmp_path):
    code = """
for name in ("defvar.hoc", "RNGSettings.hoc", "ConnectionUtils.hoc"):
    h.load_file(name)
h.default_var("fresh_number", 3.5)
h.default_var("fresh_number", 4)
soma = h.Section(name="soma")
synapses = [h.ExpSyn(soma(0.5)) for _ in range(3)]
listed = h.List()
for synapse in synapses:
    listed.append(synapse)
utils = h.ConnectionUtils()
failures = [utils.executeConfigure(listed, text) for text in ("%s.tau = 7 %s.e = -3", "%s.nothing = 1")]
h('''
begintemplate Settings
public exists, valueOf
func exists() { return strcmp($s1, "MinisSeed") == 0 || strcmp($s1, "BaseSeed") == 0 }
func valueOf() { return 42 }
endtemplate Settings
''')
settings = h.RNGSettings()
settings.interpret(h.Settings())
seeds = [settings.getMinisSeed(), settings.getGlobalSeed(), settings.getSynapseSeed()]
seeds.append(h.Random().Random123_globalindex())
print(json.dumps([h.fresh_number, failures, [[s.tau, s.e] for s in synapses], seeds]))
"""
    assert run_json(START + code, tmp_path) == [3.5, [0, 3], [[7, -3]] * 3, [42, 42, 0, 42]]


def test_the_front_must_come_before_neurons_own_import3d(tmp_path):
    code = """
from neurodamus_like.engine.morphology_import import install_import3d_front
from neurodamus_like.engine.nrn import h
from neurodamus_like.exceptions import SimulationError
import json
h.load_file("import3d.hoc")
try:
    install_import3d_front()
    print(json.dumps("installed"))
except SimulationError as error:
    print(json.dumps(str(error)))
"""
    assert "already loaded" in run_json(code, tmp_path)
