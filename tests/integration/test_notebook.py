"""A notebook that runs the usual script twice, for two networks: each gives what it gives in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.allen_data import read_spike_list
from tests.allen_model import change, write_model
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

CELLS = [
    "from neurodamus_like import bionet",
    'conf = bionet.Config.from_json("first/config.json", validate=True)\nconf.build_env()',
    "net = bionet.BioNetwork.from_config(conf)\nsim = bionet.BioSimulator.from_config(conf, network=net)",
    "sim.run()",
    "first = {gid: cell.hobj.soma[0](0.5).v for gid, cell in net.get_local_cells().items() if cell.sections}",
    """
conf = bionet.Config.from_json("second/config.json", validate=True)
conf.build_env()
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
summary = sim.run()
""",
    'conf = bionet.Config.from_json("second/wrong.json", validate=True)',
    "sorted(first), bionet.nrn.h.t",
]


def write_models(folder: Path) -> list[Path]:
    """Write two models with different synapses, times and inputs, and a wrong configuration."""
    configs = [write_model(folder / name) for name in ("first", "second")]
    change(configs[1], "run", "tstop", to=24.0)
    change(configs[1], "run", "dt", to=0.05)
    wrong = folder / "second" / "wrong.json"
    wrong.write_text(configs[1].read_text())
    change(wrong, "run", "tstop", to=-1.0)
    types = folder / "second" / "network" / "source_cells_edge_types.csv"
    types.write_text(types.read_text().replace("0.01", "0.03"))
    clamp = {"module": "IClamp", "input_type": "current_clamp", "amp": 0.3, "delay": 2.0, "duration": 9.0}
    change(configs[1], "inputs", "clamp", to={**clamp, "node_set": "biophysical"})
    return configs


def test_two_networks_in_one_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    configs = write_models(tmp_path)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    notebook.cells[-2].metadata["tags"] = ["raises-exception"]
    specs = tmp_path / "jupyter" / "kernels" / "this"
    specs.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "this", "language": "python"}
    (specs / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(specs.parents[1]))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(
        notebook, kernel_name="this", timeout=None, startup_timeout=600, resources=resources
    )
    client.execute()

    printed = ["".join(out.get("text", "") for out in cell.outputs) for cell in notebook.cells]
    assert all("spikes" in text for text in (printed[3], printed[5]))
    assert "'tstop' must be greater than 0" in "\n".join(notebook.cells[6].outputs[-1].traceback)
    assert notebook.cells[7].outputs[0].data["text/plain"].startswith("([0, 1], 2")
    found = [read_spike_list(config.parent / "output" / "spikes.h5", "cells") for config in configs]
    assert found[0] != found[1]
    for config, spikes in zip(configs, found, strict=True):
        args = ["-m", "neurodamus_like.cli.main", "run", "--no-progress", str(config)]
        done = run_python([*args, f"--output-path={config.parent / 'alone'}"], 300)
        assert done.returncode == 0, done.stderr
        assert read_spike_list(config.parent / "alone" / "spikes.h5", "cells") == spikes != []
