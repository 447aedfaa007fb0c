"""A small model of the Allen dialect, written without BMTK: a folder that a test may change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.builder import NetworkBuilder

HOC = """
begintemplate Ball
public soma, dend, all
create soma[1], dend[1]
objref all
proc init() {
    all = new SectionList()
    connect dend[0](0), soma[0](1)
    soma[0] { all.append() L = 20 diam = 18 insert hh }
    dend[0] { all.append() L = 200 diam = 1.5 insert pas e_pas = -65 }
}
endtemplate Ball
"""


def write_model(folder: Path) -> Path:
    """Write networks (2 detailed, 2 artificial cells, 3 virtual sources), components and configuration."""
    for name in ("templates", "synapses", "points"):
        (folder / "components" / name).mkdir(parents=True)
    (folder / "components/templates/Ball.hoc").write_text(HOC)
    write_json(folder / "components/synapses/exc.json", {"erev": 0.0, "tau1": 0.5, "tau2": 2.0, "sign": 1})
    write_json(folder / "components/points/fire.json", {"tau": 0.02, "refrac": 0.003})
    _write_networks(folder / "network")
    write_spikes(folder / "spikes.h5", [(5.0, 0), (9.0, 1), (12.0, 0), (20.0, 2)])
    write_json(folder / "config.json", configuration())
    return folder / "config.json"


def _write_networks(folder: Path) -> None:
    cells = NetworkBuilder("cells")
    cells.add_nodes(
        N=2,
        pop_name="ball",
        ei="e",
        model_type="biophysical",
        model_template="hoc:Ball",
        tuning_angle=[10.0, 70.0],
    )
    cells.add_nodes(
        N=2,
        pop_name="fire",
        ei="i",
        model_type="point_neuron",
        model_template="nrn:IntFire1",
        dynamics_params="fire.json",
        tuning_angle=[0.0, 1.0],
    )
    source = NetworkBuilder("source")
    source.add_nodes(N=3, model_type="virtual", pop_name="source", tuning_angle=[0.0, 30.0, 60.0])
    common: dict[str, Any] = {"dynamics_params": "exc.json", "delay": 1.0}
    cells.add_edges(
        source=source.nodes(),
        target={"pop_name": "ball"},
        connection_rule=3,
        syn_weight=0.01,
        model_template="Exp2Syn",
        target_sections=["dend"],
        distance_range=[0.0, 150.0],
        **common,
    )
    cells.add_edges(
        source=source.nodes(), target={"pop_name": "fire"}, connection_rule=2, syn_weight=0.6, **common
    )
    for network in (cells, source):
        network.save(folder)


def configuration() -> dict[str, Any]:
    """Return the configuration of the model."""
    files = {"nodes": ("cells", "source"), "edges": ("source_cells",)}
    return {
        "manifest": {"$BASE": "${configdir}", "NET": "$BASE/network", "$COMP": "${BASE}/components"},
        "run": {"tstop": 30.0, "dt": 0.1, "dL": 20.0, "spike_threshold": -15, "nsteps_block": 100},
        "conditions": {"celsius": 6.3, "v_init": -65.0},
        "components": {
            "templates_dir": "$COMP/templates",
            "synaptic_models_dir": "$COMP/synapses",
            "point_neuron_models_dir": "$COMP/points",
        },
        "networks": {
            kind: [
                {
                    f"{kind}_file": f"$NET/{n}_{kind}.h5",
                    f"{kind[:-1]}_types_file": f"$NET/{n}_{kind[:-1]}_types.csv",
                }
                for n in names
            ]
            for kind, names in files.items()
        },
        "inputs": {
            "spikes": {
                "input_type": "spikes",
                "module": "sonata",
                "input_file": "$BASE/spikes.h5",
                "node_set": "source",
            }
        },
        "output": {"output_dir": "$BASE/output", "spikes_file": "spikes.h5", "spikes_sort_order": "time"},
        "reports": {},
    }


def write_spikes(path: Path, spikes: list[tuple[float, int]]) -> None:
    """Write spikes (time, node id) of the virtual population."""
    with h5py.File(path, "w") as h5:
        group = h5.create_group("spikes/source")
        group["timestamps"] = np.array([time for time, _ in spikes])
        group["node_ids"] = np.array([node for _, node in spikes], dtype=np.uint64)


def write_json(path: Path, content: Any) -> Path:
    """Write JSON; return the path."""
    path.write_text(json.dumps(content))
    return path


def change(config: Path, *where: str | int, to: Any = None) -> Path:
    """Set the value at a place of a configuration (None removes it); return the configuration."""
    content = json.loads(config.read_text())
    block = content
    for key in where[:-1]:
        block = block[key]
    if to is None:
        del block[where[-1]]
    else:
        block[where[-1]] = to
    return write_json(config, content)
