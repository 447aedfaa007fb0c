"""A network of all kinds of cells and edges that BioNet knows: python bionet_network.py FOLDER COMPONENTS."""

import json
import os
import sys

import h5py
import numpy as np
from bmtk.builder import NetworkBuilder

folder, components = sys.argv[1:3]
directed = "directed" in sys.argv[3:]
rng = np.random.RandomState(11)

cortex = NetworkBuilder("cortex")
cortex.add_nodes(
    N=2,
    pop_name="peri",
    ei="e",
    model_type="biophysical",
    model_template="ctdb:Biophys1.hoc",
    model_processing="aibs_perisomatic",
    morphology="Scnn1a_473845048_m.swc",
    dynamics_params="472363762_fit.json",
    rotation_angle_zaxis=-3.6,
    tuning_angle=[0.0, 90.0],
    x=[10.0, -20.0],
    y=[0.0, 30.0],
    z=[5.0, 7.0],
)
cortex.add_nodes(
    N=2,
    pop_name="active",
    ei="e",
    model_type="biophysical",
    model_template="ctdb:Biophys1",
    model_processing="aibs_allactive,extracellular" if not directed else "aibs_allactive_directed",
    morphology="Rorb_325404214_m",
    dynamics_params="485184849_fit.json",
    tuning_angle=[45.0, 210.0],
)
cortex.add_nodes(
    N=1,
    pop_name="neuroml",
    ei="i",
    model_type="biophysical",
    model_template="nml:Cell_472912177.cell.nml",
    morphology="Pvalb_470522102_m",
    tuning_angle=[10.0],
)
cortex.add_nodes(
    N=3,
    pop_name="stick",
    ei="i",
    model_type="biophysical",
    model_template="hoc:BallAndStick",
    tuning_angle=[1.0, 2.0, 3.0],
)
cortex.add_nodes(
    N=4,
    pop_name="point",
    ei="i",
    model_type="point_process",
    model_template="nrn:IntFire1",
    dynamics_params="IntFire1_inh_1.json",
    tuning_angle=[5.0, 6.0, 7.0, 8.0],
)
drive = NetworkBuilder("drive")
drive.add_nodes(
    N=12, model_type="virtual", ei="e", pop_name="drive", tuning_angle=np.linspace(0.0, 330.0, 12)
)


def many(source, target):
    return 3


def not_to_itself(source, target):
    return 2 if source["node_id"] != target["node_id"] else 0


def one_to_next(source, target):
    return 1 if target["node_id"] == source["node_id"] + 1 else 0


exc = {"model_template": "Exp2Syn", "dynamics_params": "AMPA_ExcToExc.json", "delay": 2.0}
inh = {"model_template": "exp2syn", "dynamics_params": "GABA_InhToExc.json", "delay": 1.5}
for name, weight in (("peri", 2e-3), ("active", 3e-3), ("neuroml", 2e-3)):
    cortex.add_edges(
        source=drive.nodes(),
        target={"pop_name": name},
        connection_rule=many,
        syn_weight=weight,
        weight_sigma=60.0,
        weight_function="gaussianLL",
        target_sections=["basal", "apical"],
        distance_range=[10.0, 150.0],
        **exc,
    )
explicit = cortex.add_edges(
    source=drive.nodes(),
    target={"pop_name": "stick"},
    connection_rule=2,
    syn_weight=4e-3,
    weight_function="wmax",
    **exc,
)
explicit.add_properties(
    ["afferent_section_id", "afferent_section_pos"],
    rule=lambda s, t: (s["node_id"] % 2, 0.3 + 0.1 * (t["node_id"] % 5)),
    dtypes=[int, float],
)
cortex.add_edges(
    source=drive.nodes(),
    target={"pop_name": "point"},
    connection_rule=many,
    syn_weight=0.08,
    weight_function="wmax",
    dynamics_params="instantaneousExc.json",
    delay=2.0,
)
cortex.add_edges(
    source={"ei": "e"},
    target={"ei": "e"},
    connection_rule=not_to_itself,
    syn_weight=5e-4,
    weight_function="wmax",
    target_sections=["soma", "dend"],
    distance_range=[0.0, 80.0],
    **exc,
)
cortex.add_edges(
    source={"pop_name": "point"},
    target={"pop_name": "peri"},
    connection_rule=2,
    syn_weight=1e-3,
    weight_function="wmax",
    target_sections=["somatic"],
    distance_range=[0.0, 1e20],
    **inh,
)
cortex.add_edges(
    source={"pop_name": "stick"},
    target={"pop_name": "stick"},
    connection_rule=one_to_next,
    is_gap_junction=True,
    syn_weight=0.002,
    target_sections=["dend"],
    distance_range=[0.0, 300.0],
)
for network in (cortex, drive):
    network.build()
    network.save(output_dir=os.path.join(folder, "network"))

with h5py.File(os.path.join(folder, "drive.h5"), "w") as h5:
    times = np.sort(rng.uniform(5.0, 190.0, 240))
    group = h5.create_group("spikes/drive")
    group["timestamps"] = times
    group["node_ids"] = rng.randint(0, 12, times.size).astype(np.uint64)

config = {
    "manifest": {"$BASE": "${configdir}", "COMPONENTS": components, "$NETWORK": "$BASE/network"},
    "run": {"tstop": 200.0, "dt": 0.1, "dL": 20.0, "spike_threshold": -15, "nsteps_block": 1000},
    "conditions": {"celsius": 34.0, "v_init": -80.0},
    "components": {
        "morphologies_dir": "$COMPONENTS/morphologies",
        "synaptic_models_dir": "$COMPONENTS/synaptic_models",
        "mechanisms_dir": "$BASE/mechanisms",
        "biophysical_neuron_models_dir": "$BASE/cells",
        "point_neuron_models_dir": "$COMPONENTS/point_neuron_templates",
        "templates_dir": "$BASE/templates",
    },
    "networks": {
        "nodes": [
            {"nodes_file": f"$NETWORK/{n}_nodes.h5", "node_types_file": f"$NETWORK/{n}_node_types.csv"}
            for n in ("cortex", "drive")
        ],
        "edges": [
            {"edges_file": f"$NETWORK/{n}_edges.h5", "edge_types_file": f"$NETWORK/{n}_edge_types.csv"}
            for n in ("cortex_cortex", "drive_cortex")
        ],
        "gap_juncs": [{"gap_juncs_file": "$NETWORK/cortex_gap_juncs.h5"}],
    },
    "inputs": {
        "drive": {
            "input_type": "spikes",
            "module": "sonata",
            "input_file": "$BASE/drive.h5",
            "node_set": "drive",
        }
    },
    "output": {
        "output_dir": "$BASE/output",
        "spikes_file": "spikes.h5",
        "log_file": "log.txt",
        "overwrite_output_dir": True,
    },
    "reports": {},
}
with open(os.path.join(folder, "config.json"), "w") as file:
    json.dump(config, file, indent=2)
