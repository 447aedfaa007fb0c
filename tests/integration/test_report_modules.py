"""Reports as classes that scripts add to a simulation: the same files as of the configuration, on 1 and 2 ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.bent_cells import SCRIPT, write_model
from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

RUNS = """
def simulate(conf, *mods):
    conf.build_env()
    net = bionet.BioNetwork.from_config(conf)
    sim = bionet.BioSimulator.from_config(conf, network=net)
    for mod in mods:
        sim.add_mod(mod)
    sim.run()

from neurodamus_like.bionet.modules import *
folder, ranks = sys.argv[1:]
out = f"{folder}/modules{ranks}"
written = json.loads(Path(folder, "config.json").read_text())
"""
"""Before it stands what the classes are tested with, behind it ``conf`` is made and run."""

SOME = {"population": "bent", "node_id": [0, 2]}
STEPS = {"amp": 0.1, "delay": 2.0, "duration": 6.0, "node_set": SOME}
TABLE = {"node_set": {"population": "bent", "node_id": [1]}, "file": "currents.csv"}
CLAMPED = {"amp": -40.0, "delay": 4.0, "duration": 7.0, "node_set": [1]}
CLAMPS: dict[str, dict[str, Any]] = {
    "steps": {"module": "IClamp", "input_type": "current_clamp", **STEPS},
    "table": {"module": "IClamp", "input_type": "csv", **TABLE},
    "voltage": {"module": "SEClamp", "input_type": "voltage_clamp", **CLAMPED},
}
SPIKES = {"module": "csv", "input_type": "spikes", "node_set": "ext", "input_file": "${configdir}/spikes.csv"}

SEGMENTS = {"variable_name": ["v"], "cells": SOME, "sections": ["dend", "apic"], "dt": 0.5}
SOMA = {"variable_name": ["v"], "cells": "chosen"}
SYNAPSES = {"variable_name": ["g"], "cells": [1, 2], "syn_type": "Exp2Syn", "start_time": 1.0}
ECP = {
    "electrode_positions": "sites.csv",
    "contributions_dir": "parts",
    "cells": "chosen",
    "minimum_distance": "auto",
}

REPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "segments": ("membrane_report", SEGMENTS),
    "soma": ("membrane_report", {**SOMA, "sections": "soma"}),
    "synapses": ("netcon_report", SYNAPSES),
    "ecp": ("extracellular", ECP),
    "ic": ("clamp_report", {"variable_name": "ic"}),
    "f_ic": ("clamp_report", {"variable_name": "f_ic"}),
    "se": ("clamp_report", {"variable_name": "se", "end_time": 15.0}),
    "saved": ("save_synapses", {}),
}
"""Name of the file -> module of the configuration, and its keys."""

NAMES = {b"steps": b"IClampMod", b"table": b"IClampMod_2", b"voltage": b"SEClamp"}
"""Name of an input -> that of a module."""

MODULES = f"""
conf = bionet.Config.from_dict({{key: value for key, value in written.items() if key != "reports"}})
conf["inputs"] = {{"spikes": conf["inputs"]["spikes"]}}
conf["node_sets"] = {{"chosen": {{"population": "bent", "node_id": [0, 1]}}}}
conf["output"]["output_dir"] = out
simulate(
    conf,
    IClampMod(input_type="current_clamp", **{STEPS}),
    IClampMod(input_type="csv", **{TABLE}),
    SEClamp(**{CLAMPED}),
    MembraneReport(out, "segments.h5", **{SEGMENTS}),
    SomaReport(out, "soma.h5", **{SOMA}),
    NetconReport(out, "synapses.h5", **{SYNAPSES}),
    EcpMod(out, "ecp.h5", **{ECP}),
    ClampReport(out, "ic.h5", "ic"),
    ClampReport(out, "f_ic.h5", "f_ic"),
    ClampReport(out, "se.h5", "se", end_time=15.0),
    SaveSynapses(f"{{out}}/saved"),
)
"""

CONFIGURED = """
simulate(bionet.Config.load(f"{folder}/config.json"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with reports of the configuration on 1 rank, with classes of reports and inputs on 1 and 2."""
    folder = tmp_path_factory.mktemp("report_modules")
    (folder / "sites.csv").write_text("channel x_pos y_pos z_pos\n0 60 0 0\n1 0 90 0\n")
    (folder / "currents.csv").write_text("timestamps amps\n2 0.1\n4 0.3\n6 0.2\n")
    (folder / "spikes.csv").write_text("timestamps population node_ids\n1.5 ext 0\n3.0 ext 2\n")
    inputs = {"spikes": SPIKES, **CLAMPS}
    path = write_model(folder, inputs, edges={"ext_bent": True, "bent_bent": True})
    reports = {name: {"module": module, **keys} for name, (module, keys) in REPORTS.items()}
    reports["saved"]["network_dir"] = "output_config/saved"
    config = json.loads(path.read_text())
    config |= {"reports": reports, "node_sets": {"chosen": {"population": "bent", "node_id": [0, 1]}}}
    text = json.dumps(config).replace("${configdir}", str(folder))
    path.write_text(text)
    for ranks, code in ((1, CONFIGURED + MODULES), (2, MODULES)):
        args = ["-c", SCRIPT + RUNS + code, str(folder), str(ranks)]
        done = run_python(args, 200, cwd=folder) if ranks == 1 else run_mpi(ranks, args, 200, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def contents(path: Path) -> dict[str, Any]:
    """Return the values and attributes of everything in the HDF5 files at a path."""
    found: dict[str, Any] = {}
    files = sorted(path.glob("*.h5")) if path.is_dir() else [path]
    for file in files:
        with h5py.File(file) as h5:
            found[file.name] = {}

            def visit(name: str, item: Any, found: dict[str, Any] = found[file.name]) -> None:
                found[name] = {key: np.asarray(value) for key, value in item.attrs.items()}
                if isinstance(item, h5py.Dataset):
                    found[name] |= {"": item[()]}

            h5.visititems(visit)
    return found


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", [*REPORTS, "parts"])
def test_classes_write_what_the_configuration_writes(folder: Path, name: str, ranks: int) -> None:
    file = name if name in ("saved", "parts") else f"{name}.h5"
    expected = contents(folder / "output_config" / file)
    found = contents(folder / f"modules{ranks}" / file)
    assert found.keys() == expected.keys() != set()
    for key, items in expected.items():
        assert found[key].keys() == items.keys()
        for place, values in items.items():
            for attribute, value in values.items():
                got = found[key][place][attribute]
                if place == "inputs":
                    assert got.tolist() == [NAMES[text] for text in value.tolist()]
                elif value.dtype.kind == "f":
                    assert got.dtype == value.dtype
                    np.testing.assert_allclose(got, value, rtol=1e-9, atol=1e-9)
                else:
                    np.testing.assert_array_equal(got, value)


def test_the_files_hold_something(folder: Path) -> None:
    columns = {}
    for name in ("ic", "f_ic", "se"):
        with h5py.File(folder / "modules2" / f"{name}.h5") as h5:
            data = h5["data"][:]
            columns[name] = (data.shape, float(np.abs(data).max()) > 0)
    assert columns == {"ic": ((200, 2), True), "f_ic": ((200, 1), True), "se": ((150, 1), True)}
    with h5py.File(folder / "modules2" / "soma.h5") as h5:
        assert h5["report/bent/mapping/node_ids"][:].tolist() == [0, 1]
    with h5py.File(folder / "modules2" / "synapses.h5") as h5:
        assert h5["report/bent/data"][:].max() > 0
    with h5py.File(folder / "modules2" / "ecp.h5") as h5:
        assert np.abs(h5["ecp/data"][:]).max() > 0


VARIABLES = """
import json, sys
from neurodamus_like import bionet
from neurodamus_like.bionet.modules import ClampReport, IClampMod, SomaReport

class NoReport(ClampReport):
    def initialize(self, sim):
        try:
            super().initialize(sim)
        except Exception as error:
            print(error)

conf = bionet.Config.from_json("variables.json", validate=True, ROOT=sys.argv[1])
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
sim.add_mod(NoReport(sys.argv[1] + "/out", "ic.h5", "ic"))
sim.add_mod(IClampMod("current_clamp", amp=0.1, delay=1.0, duration=2.0, node_set=[0]))
sim.add_mod(SomaReport(None, "soma.h5", "v", [0]))
sim.run()
try:
    bionet.Config.load(conf).build_env()
except Exception as error:
    print(error)
"""


def test_variables_of_the_caller_and_protected_results(tmp_path: Path) -> None:
    """Modules work where the file alone does not; results that are to be kept are, and so is what is beside them."""
    config = json.loads(write_model(tmp_path, {}, tstop=5.0).read_text())
    output = {"output_dir": "$ROOT/out", "overwrite_output_dir": False}
    text = json.dumps({**config, "output": output}).replace("${configdir}", "${ROOT}")
    (tmp_path / "variables.json").write_text(text)
    done = run_python(["-c", VARIABLES, str(tmp_path)], 200, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "there are no clamps of the kind 'ic'" in done.stdout
    assert "add such an input before it" in done.stdout
    assert "the folder holds results already, which are not to be overwritten: soma.h5" in done.stdout
    with h5py.File(tmp_path / "out" / "soma.h5") as h5:
        assert h5["report/bent/data"].shape == (50, 1)
    kept = tmp_path / "out" / "variables.json"
    kept.write_text("precious")
    again = run_python(["-c", VARIABLES, str(tmp_path)], 200, cwd=tmp_path)
    assert again.returncode == 1
    assert "the folder holds results already" in again.stderr
    assert kept.read_text() == "precious"
