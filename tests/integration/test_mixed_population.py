"""Virtual nodes in a population that has cells, too: the same as virtual nodes in a population of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.builder import NetworkBuilder
from tests.allen_data import read_spike_list
from tests.allen_model import configuration, write_json, write_model
from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

RUN = ["-m", "neurodamus_like.cli.main", "run", "--no-progress"]
SYNAPSES: dict[str, Any] = {
    "dynamics_params": "exc.json",
    "delay": 1.0,
    "model_template": "Exp2Syn",
    "afferent_section_id": 1,
    "afferent_section_pos": 0.2,
}
SPIKES = [(5.0, 0), (9.0, 1), (12.0, 0), (20.0, 2)]
GENERATOR = f"""
from neurodamus_like import bionet

@bionet.spikes_generator
def given(node, sim):
    assert node["model_type"] == "virtual"
    return [time for time, number in {SPIKES!r} if number == node["number"]]
"""


def write_mixed(folder: Path, mixed: bool) -> Path:
    """Write two cells and three virtual nodes, in one population or two, with a clamp and a report on all."""
    config = write_model(folder)
    shutil.rmtree(folder / "network")
    cells = NetworkBuilder("cells")
    cells.add_nodes(N=2, pop_name="ball", model_type="biophysical", model_template="hoc:Ball")
    source = cells if mixed else NetworkBuilder("source")
    source.add_nodes(N=3, model_type="virtual", pop_name="source", number=[0, 1, 2])
    balls = {"pop_name": "ball"}
    cells.add_edges(
        source=source.nodes(pop_name="source"), target=balls, connection_rule=3, syn_weight=0.01, **SYNAPSES
    )
    cells.add_edges(
        source=balls, target=balls, connection_rule=lambda s, t: int(s != t), syn_weight=0.002, **SYNAPSES
    )
    names = ["cells"] if mixed else ["cells", "source"]
    for network in (cells, source)[: len(names)]:
        network.build()
        network.save(folder / "network")
    content = configuration()
    content["networks"] = {
        "nodes": [
            {"nodes_file": f"$NET/{n}_nodes.h5", "node_types_file": f"$NET/{n}_node_types.csv"} for n in names
        ],
        "edges": [
            {"edges_file": f"$NET/{n}_cells_edges.h5", "edge_types_file": f"$NET/{n}_cells_edge_types.csv"}
            for n in names
        ],
    }
    content["inputs"] = {
        "spikes": {"input_type": "spikes", "module": "csv", "input_file": "$BASE/spikes.csv", "node_set": names[-1]},
        "clamp": {
            **{"input_type": "current_clamp", "module": "IClamp", "node_set": "all"},
            **{"amp": 0.02, "delay": 1.0, "duration": 20.0},
        },
    }  # fmt: skip
    content["reports"] = {
        "v": {"module": "membrane_report", "variable_name": "v", "cells": "all", "file_name": "v.h5"}
    }
    rows = [f"{time} {names[-1]} {node + 2 * mixed}" for time, node in SPIKES]
    # a spike of a cell is not one of a virtual node
    rows += ["2.0 cells 0"] if mixed else []
    (folder / "spikes.csv").write_text("\n".join(["timestamps population node_ids", *rows]) + "\n")
    return write_json(config, content)


def results(output: Path) -> tuple[list[tuple[int, float]], np.ndarray]:
    with h5py.File(output / "v.h5") as h5:
        return read_spike_list(output / "spikes.h5", "cells"), np.asarray(h5["report/cells/data"][()])


def run(config: Path, name: str, ranks: int = 1, *options: str) -> tuple[list[tuple[int, float]], np.ndarray]:
    output = config.parent / name
    args = [*RUN, str(config), f"--output-path={output}", *options]
    done = run_python(args, 200) if ranks == 1 else run_mpi(ranks, args, 200)
    assert done.returncode == 0, done.stdout + done.stderr
    return results(output)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[int, float]], np.ndarray]:
    found = run(write_mixed(tmp_path_factory.mktemp("apart") / "model", mixed=False), "out")
    assert {node for node, _ in found[0]} == {0, 1}
    return found


CASES = {"one rank": (1, ()), "two ranks": (2, ()), "CoreNEURON": (1, ("--simulator=CORENEURON",))}


@pytest.mark.parametrize("case", [*CASES, "function"])
def test_they_send_the_spikes_of_an_input(
    tmp_path: Path, expected: tuple[list[tuple[int, float]], np.ndarray], case: str
) -> None:
    config = write_mixed(tmp_path / "model", mixed=True)
    ranks, options = CASES.get(case, (2, (f"--script={tmp_path / 'script.py'}",)))
    if case == "function":
        (tmp_path / "script.py").write_text(GENERATOR)
        content = json.loads(config.read_text())
        content["inputs"]["spikes"] = {
            **{"input_type": "spikes", "module": "function", "spikes_function": "given"},
            "node_set": "cells",
        }
        write_json(config, content)
    spikes, voltages = run(config, "out", ranks, *options)
    assert spikes == expected[0]
    assert voltages.shape == expected[1].shape
    np.testing.assert_allclose(voltages, expected[1], rtol=0, atol=1e-6)
