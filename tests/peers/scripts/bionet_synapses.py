"""Cells with one family of synapses each: python bionet_synapses.py FOLDER."""

import json
import os
import sys

import h5py
import numpy as np
from bmtk.builder import NetworkBuilder

folder = sys.argv[1]
SHORT_TERM = {
    "erev": 0.0, "tau_1": 4.0, "tau_r0": 300.0, "tau_FDR": 700.0, "a_FDR": 0.3, "a_D": 0.2, "a_i": 0.1,
    "a_f": 0.15, "pbtilde": 0.4,
}  # fmt: skip
PARAMETERS = {
    "exp1syn": {"erev": 0.0, "tau_1": 3.0},
    "exp1isyn": {"erev": -30.0, "tau_1": 3.0},
    "stp1syn": {"erev": 0.0},
    "stp2syn": {"erev": 0.0, "p0": 0.6, "tau_r0": 250.0, "tau_FDR": 900.0, "tau_1": 4.0},
    "stp3syn": {"erev": 0.0},
    "stp4syn": {"erev": -5.0},
    "stp5syn": SHORT_TERM,
    "stp5isyn": {**SHORT_TERM, "erev": -40.0},
    "tmgsyn": {"erev": 0.0, "tau_1": 3.0, "tau_rec": 200.0, "tau_facil": 120.0, "U": 0.3, "u0": 0.05},
    "expsyn": {"erev": -70.0, "tau1": 6.0},
}
BALL = {"ei": "e", "model_type": "biophysical", "model_template": "hoc:BallAndStick"}


def number_of_synapses(source, target):
    return (source["node_id"] + target["node_id"]) % 4


os.makedirs(os.path.join(folder, "synapses"), exist_ok=True)
for name, values in PARAMETERS.items():
    with open(os.path.join(folder, "synapses", f"{name}.json"), "w") as file:
        json.dump(values, file)

drive = NetworkBuilder("drive")
drive.add_nodes(N=5, model_type="virtual")
cells = NetworkBuilder("cells")
for name in PARAMETERS:
    cells.add_nodes(N=1, pop_name=name, **BALL)
for k, name in enumerate(PARAMETERS):
    cells.add_edges(
        source=drive.nodes(),
        target={"pop_name": name},
        connection_rule=number_of_synapses,
        syn_weight=6e-3 * (k + 1),
        delay=0.5 + 0.3 * k,
        model_template=name,
        dynamics_params=f"{name}.json",
        target_sections=["somatic", "dend"] if k % 2 else ["dend"],
        distance_range=[0.0, 100.0 + 20.0 * k],
    )
for network in (cells, drive):
    network.build()
    network.save(output_dir=os.path.join(folder, "network"))

rng = np.random.RandomState(5)
with h5py.File(os.path.join(folder, "drive.h5"), "w") as h5:
    times = np.sort(rng.uniform(2.0, 90.0, 60))
    group = h5.create_group("spikes/drive")
    group["timestamps"] = times
    group["node_ids"] = rng.randint(0, 5, times.size).astype(np.uint64)

config = {
    "manifest": {"$BASE": "${configdir}", "$NETWORK": "$BASE/network"},
    "run": {"tstop": 100.0, "dt": 0.1, "dL": 20.0, "spike_threshold": -15, "nsteps_block": 1000},
    "conditions": {"celsius": 6.3, "v_init": -65.0},
    "components": {
        "morphologies_dir": "$BASE/templates",
        "synaptic_models_dir": "$BASE/synapses",
        "mechanisms_dir": "$BASE/mechanisms",
        "templates_dir": "$BASE/templates",
    },
    "networks": {
        "nodes": [
            {"nodes_file": f"$NETWORK/{n}_nodes.h5", "node_types_file": f"$NETWORK/{n}_node_types.csv"}
            for n in ("cells", "drive")
        ],
        "edges": [
            {"edges_file": f"$NETWORK/{n}_edges.h5", "edge_types_file": f"$NETWORK/{n}_edge_types.csv"}
            for n in ("drive_cells",)
        ],
    },
    "inputs": {
        "drive": {
            "input_type": "spikes",
            "module": "sonata",
            "input_file": "$BASE/drive.h5",
            "node_set": "drive",
        },
    },
    "output": {"output_dir": "$BASE/output", "spikes_file": "spikes.h5", "overwrite_output_dir": True},
    "reports": {},
}
with open(os.path.join(folder, "config.json"), "w") as file:
    json.dump(config, file, indent=2)
