"""A model of BMTK's kind, written in a moment: three rotated cells with bent dendrites, in which currents flow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.builder import NetworkBuilder

TEMPLATE = """begintemplate BentCell
public soma, dend, apic, all
create soma[1], dend[2], apic[1]
objref all
proc init() {
    create soma[1], dend[2], apic[1]
    all = new SectionList()
    soma[0] { pt3dadd(1, 2, 3, 18) pt3dadd(1, 20, 3, 18) insert hh all.append() }
    dend[0] { pt3dadd(1, 2, 3, 2) pt3dadd(40, -30, 3, 2) pt3dadd(45, -90, 60, 1) insert pas all.append() }
    dend[1] { pt3dadd(1, 2, 3, 2) pt3dadd(-60, -20, 30, 1) insert pas all.append() }
    apic[0] { pt3dadd(1, 20, 3, 3) pt3dadd(5, 120, 0, 2) pt3dadd(40, 260, 20, 1) insert pas all.append() }
    connect dend[0](0), soma[0](0)
    connect dend[1](0), soma[0](0)
    connect apic[0](0), soma[0](1)
}
endtemplate BentCell
"""

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from neurodamus_like import SimulatorMod, bionet
from neurodamus_like.bionet import modules

class Record(SimulatorMod):
    def __init__(self):
        self.rows = {}
    def step(self, sim, tstep):
        for gid in sim.local_gids:
            cell = sim.net.get_cell_gid(gid)
            self.rows.setdefault(gid, []).append(
                [f(seg) for sec in cell.hobj.all for seg in sec for f in (lambda s: s.v, self.outside)]
            )
    @staticmethod
    def outside(seg):
        return seg.e_extracellular if seg.sec.has_membrane("extracellular") else 0.0

def simulate(config, *mods):
    conf = bionet.Config.from_json(config)
    conf.build_env()
    net = bionet.BioNetwork.from_config(conf)
    sim = bionet.BioSimulator.from_config(conf, network=net)
    record = Record()
    for mod in (*mods, record):
        sim.add_mod(mod)
    sim.run()
    return {gid: np.array(rows)[:, 0::2] for gid, rows in record.rows.items()}, {
        gid: np.array(rows)[:, 1::2] for gid, rows in record.rows.items()
    }
"""
"""Defines ``simulate(config, *modules)``: voltages and outside potentials, {gid: [steps, segments]} of this rank."""


def write_model(
    folder: Path,
    inputs: Mapping[str, Any],
    name: str = "config",
    *,
    edges: Mapping[str, bool] | None = None,
    **run: Any,
) -> Path:
    """Write the model with some inputs into a folder and return the configuration ``<name>.json``.

    With `edges` there are virtual nodes as well, ``ext``, and the edges ``ext_bent`` and ``bent_bent``, each enabled
    or not.
    """
    if not (folder / "network").exists():
        _write_network(folder, edges is not None)
    populations = ["bent"] if edges is None else ["bent", "ext"]
    nodes = [
        {f"node{end}": f"${{configdir}}/network/{p}_node{file}" for end, file in _ENDINGS}
        for p in populations
    ]
    config = {
        "run": {"tstop": 20.0, "dt": 0.1, "dL": 20.0, "nsteps_block": 5000, **run},
        "conditions": {"celsius": 6.3, "v_init": -65.0},
        "components": {
            "templates_dir": "${configdir}/templates",
            "synaptic_models_dir": "${configdir}/templates",
        },
        "networks": {
            "nodes": nodes,
            "edges": [{**edge_files(edge), "enabled": on} for edge, on in (edges or {}).items()],
        },
        "inputs": dict(inputs),
        "output": {"output_dir": f"${{configdir}}/output_{name}"},
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(config))
    return path


def edge_files(edge: str) -> dict[str, str]:
    """Return the files of an edge population as a configuration names them."""
    return {f"edge{end}": f"${{configdir}}/network/{edge}_edge{file}" for end, file in _ENDINGS}


_ENDINGS = (("s_file", "s.h5"), ("_types_file", "_types.csv"))


def _write_network(folder: Path, with_edges: bool) -> None:
    net = NetworkBuilder("bent")
    net.add_nodes(
        N=3,
        x=[0.0, 30.0, -200.0],
        y=[0.0, 10.0, 40.0],
        z=[0.0, -150.0, 90.0],
        rotation_angle_xaxis=[0.0, 0.4, -1.0],
        rotation_angle_yaxis=[0.3, 1.7, 2.0],
        rotation_angle_zaxis=[0.0, 3.3, -0.6],
        model_type="biophysical",
        model_template="hoc:BentCell",
    )
    (folder / "templates").mkdir()
    (folder / "templates" / "BentCell.hoc").write_text(TEMPLATE)
    (folder / "templates" / "exc.json").write_text('{"erev": 0.0, "tau1": 0.5, "tau2": 3.0}')
    if with_edges:
        _add_edges(folder, net)
    net.build()
    net.save(output_dir=str(folder / "network"))


def _add_edges(folder: Path, net: NetworkBuilder) -> None:
    ext = NetworkBuilder("ext")
    ext.add_nodes(N=4, model_type="virtual", rate=[100.0, 200.0, 150.0, 250.0])
    synapse = {
        "target_sections": ["dend", "apic"],
        "distance_range": [0.0, 300.0],
        "dynamics_params": "exc.json",
        "model_template": "Exp2Syn",
    }
    ext.add_edges(
        source=ext.nodes(), target=net.nodes(), connection_rule=3, syn_weight=0.02, delay=1.0, **synapse
    )
    net.add_edges(connection_rule=lambda s, t: int(s != t) * 2, syn_weight=0.01, delay=1.5, **synapse)
    ext.build()
    ext.save(output_dir=str(folder / "network"))
