"""Gap junctions of the Allen dialect: the steady voltages of a chain of cells, on one rank and on two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.builder import NetworkBuilder
from tests.allen_model import write_json
from tests.helpers import run_mpi, run_python

BALL = """
begintemplate Passive
public soma, all
create soma[1]
objref all
proc init() {
    all = new SectionList()
    soma[0] { all.append() L = 20 diam = 20 insert pas e_pas = -70 g_pas = 1e-4 }
}
endtemplate Passive
"""

SCRIPT = """
import json, sys
from neurodamus_like import bionet
conf = bionet.Config.from_json(sys.argv[1])
net = bionet.BioNetwork.from_config(conf)
sim = bionet.BioSimulator.from_config(conf, network=net)
sim.run()
here = {gid: cell.hobj.soma[0](0.5).v for gid, cell in net.get_local_cells().items()}
everywhere = {gid: v for part in net.node.comm.allgather(here) for gid, v in part.items()}
if net.node.comm.rank == 0:
    print("VOLTAGES", json.dumps([everywhere[gid] for gid in sorted(everywhere)]))
"""

CURRENT_NA, GAP_US = 0.02, 0.001


def _next(source: dict[str, int], target: dict[str, int]) -> int:
    return 1 if target["node_id"] == source["node_id"] + 1 else 0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    cells = NetworkBuilder("cells")
    cells.add_nodes(N=3, model_type="biophysical", model_template="hoc:Passive")
    cells.add_edges(
        connection_rule=_next,
        is_gap_junction=True,
        syn_weight=GAP_US,
        target_sections=["soma"],
        distance_range=[0.0, 100.0],
    )
    cells.save(tmp_path)
    (tmp_path / "Passive.hoc").write_text(BALL)
    clamp = {"input_type": "current_clamp", "module": "IClamp", "node_set": [0]}
    content = {
        "run": {"tstop": 250.0, "dt": 0.1, "dL": 20.0, "nsteps_block": 100},
        "conditions": {"celsius": 34.0, "v_init": -70.0},
        "components": {"templates_dir": "${configdir}/Passive.hoc"},
        "networks": {
            "nodes": [_files("nodes", "cells_nodes.h5", "cells_node_types.csv")],
            "edges": [_files("edges", "cells_cells_edges.h5", "cells_cells_edge_types.csv")],
            "gap_juncs": [{"gap_juncs_file": "${configdir}/cells_gap_juncs.h5"}],
        },
        "inputs": {"clamp": {**clamp, "amp": CURRENT_NA, "delay": 0.0, "duration": 1000.0}},
        "output": {"output_dir": "${configdir}/output"},
    }
    return write_json(tmp_path / "config.json", content)


def _files(kind: str, file: str, types: str) -> dict[str, str]:
    return {f"{kind}_file": "${configdir}/" + file, f"{kind[:-1]}_types_file": "${configdir}/" + types}


@pytest.mark.parametrize("ranks", [1, 2])
def test_steady_voltages_of_a_chain(config: Path, ranks: int) -> None:
    script = config.with_name("script.py")
    script.write_text(SCRIPT)
    args = [str(script), str(config)]
    done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
    assert done.returncode == 0, done.stderr
    text = done.stdout.partition("VOLTAGES ")[2].splitlines()[0]
    leak_uS = 1e-4 * np.pi * 20.0 * 20.0 * 1e-2
    coupling = GAP_US * np.array([[1.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 1.0]])
    expected = -70.0 + np.linalg.solve(leak_uS * np.eye(3) + coupling, [CURRENT_NA, 0.0, 0.0])
    np.testing.assert_allclose(json.loads(text), expected, atol=1e-5)


def test_ends_that_no_file_pairs(config: Path) -> None:
    content = json.loads(config.read_text())
    del content["networks"]["gap_juncs"]
    write_json(config, content)
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"], 300)
    assert done.returncode == 1
    assert "no file pairs their ends" in done.stderr
