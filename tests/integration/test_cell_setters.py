"""Functions of users made of BMTK's setters: an all-active cell that keeps its axon, and the built-in ones rebuilt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from neurodamus_like.builder import NetworkBuilder
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

SWC = """1 1 0 0 0 6 -1
2 1 0 6 0 6 1
3 1 0 -6 0 6 1
4 2 0 -8 0 0.8 1
5 2 0 -60 0 0.7 4
6 2 20 -100 0 0.3 5
7 2 -20 -120 5 0.4 5
8 3 8 0 0 1 1
9 3 90 0 10 0.5 8
"""
KINDS = ("soma", "axon", "dend")
FIT = {
    "passive": [{"ra": 120.0, "e_pas": -71.0, "cm": [{"section": k, "cm": 1.0 + i} for i, k in enumerate(KINDS)]}],
    "genome": [
        *({"section": k, "name": "g_pas", "value": 1e-4 * (i + 1), "mechanism": ""} for i, k in enumerate(KINDS)),
        {"section": "axon", "name": "gnabar_hh", "value": "0.07", "mechanism": "hh"},
        {"section": "soma", "name": "gnabar_hh", "value": 0.05, "mechanism": "hh"},
    ],
    "conditions": [
        {"erev": [{"section": k, "ena": 51.0, "ek": -99.0} for k in ("soma", "axon")], "celsius": 20, "v_init": -80}
    ],
}  # fmt: skip

FUNCTIONS = """
from neurodamus_like.bionet.default_setters.cell_models import *
from neurodamus_like.bionet.io_tools import io

@bionet.model_processing
def aibs_allactive_fullaxon(hobj, cell, dynamics_params):
    set_params_allactive(hobj, dynamics_params)
    return hobj

PARTS = {
    "aibs_allactive": (fix_axon_allactive, set_params_allactive),
    "aibs_allactive_directed": (fix_axon_allactive_directed, set_params_allactive),
    "aibs_perisomatic": (fix_axon_peri, set_params_peri),
    "aibs_perisomatic_directed": (fix_axon_perisomatic_directed, set_params_peri),
}
for name, parts in PARTS.items():
    def rebuilt(hobj, cell, dynamics_params, parts=parts):
        fix_axon, set_params = parts
        fix_axon(hobj)
        set_params(hobj, dynamics_params)
        return hobj
    bionet.add_cell_processor(rebuilt, "my_" + name)
bionet.add_cell_model(Biophys1, directive="mine:Biophys1", model_type="biophysical")

def described(cell):
    return [
        [sec.name().split(".")[-1], round(sec.L, 3), round(sec.diam, 3), sec.nseg, sec.cm, sec.Ra, sec.g_pas, sec.e_pas,
         sec.has_membrane("hh") and [sec.gnabar_hh, sec.ena, sec.ek],
         sec.parentseg() and sec.parentseg().sec.name().split(".")[-1]]
        for sec in cell.hobj.all
    ]

conf = bionet.Config.from_json("config.json")
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
net.build()
io.log_warning("a message")
try:
    io.log_exception("the end")
except Exception as error:
    print(error)
print(json.dumps([described(net.get_cell_gid(gid)) for gid in range(len(net.local_gids))]))
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """model_processing -> sections of its cell, and what was printed."""
    folder = tmp_path_factory.mktemp("setters")
    (folder / "cell.swc").write_text(SWC)
    (folder / "fit.json").write_text(json.dumps(FIT))
    names = ["aibs_allactive", "aibs_allactive_directed", "aibs_perisomatic", "aibs_perisomatic_directed"]
    names = ["aibs_allactive_fullaxon", *names, *(f"my_{name}" for name in names)]
    net = NetworkBuilder("cells")
    for name in names:
        net.add_nodes(
            N=1,
            model_type="biophysical",
            model_template="mine:Biophys1" if name.startswith("my_") else "ctdb:Biophys1.hoc",
            model_processing=name,
            morphology="cell.swc",
            dynamics_params="fit.json",
        )
    net.save(folder / "network")
    files = {"nodes_file": "network/cells_nodes.h5", "node_types_file": "network/cells_node_types.csv"}
    config = {
        "run": {"tstop": 1.0, "dt": 0.1, "dL": 20.0, "nsteps_block": 10},
        "conditions": {"celsius": 34.0, "v_init": -80.0},
        "components": {"morphologies_dir": ".", "biophysical_neuron_models_dir": "."},
        "networks": {"nodes": [files]},
        "output": {"output_dir": "output"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    code = "import json\nfrom neurodamus_like import bionet\n" + FUNCTIONS
    done = run_python(["-c", code], 120, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    *text, last = done.stdout.splitlines()
    return dict(zip(names, json.loads(last), strict=True)), "\n".join(text) + done.stderr


def test_the_whole_axon_stays_and_gets_its_channels(cells: tuple[dict[str, Any], str]) -> None:
    sections = {section[0]: section[1:] for section in cells[0]["aibs_allactive_fullaxon"]}
    assert list(sections) == ["soma[0]", "axon[0]", "axon[1]", "axon[2]", "dend[0]"]
    for name, cm, g_pas in (("soma[0]", 1.0, 1e-4), ("axon[2]", 2.0, 2e-4), ("dend[0]", 3.0, 3e-4)):
        assert sections[name][3:7] == pytest.approx([cm, 120.0, g_pas, -71.0])
    assert sections["axon[1]"][7] == pytest.approx([0.07, 51.0, -99.0])
    assert sections["soma[0]"][7] == pytest.approx([0.05, 51.0, -99.0])
    assert not sections["dend[0]"][7]
    assert [sections[f"axon[{n}]"][8] for n in range(3)] == ["soma[0]", "axon[0]", "axon[0]"]


@pytest.mark.parametrize(
    "name", ["aibs_allactive", "aibs_allactive_directed", "aibs_perisomatic", "aibs_perisomatic_directed"]
)
def test_the_parts_make_what_is_built_in(cells: tuple[dict[str, Any], str], name: str) -> None:
    built_in = cells[0][name]
    assert [section[0] for section in built_in] == ["soma[0]", "dend[0]", "axon[0]", "axon[1]"]
    assert cells[0][f"my_{name}"] == built_in


def test_messages_of_scripts(cells: tuple[dict[str, Any], str]) -> None:
    assert "a message" in cells[1]
    assert "the end" in cells[1]
