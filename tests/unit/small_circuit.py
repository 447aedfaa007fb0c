"""A small circuit for the tests of configuration and validation: 3 cells, 2 virtual sources, 6 edges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CHEMICAL = (
    "delay",
    "conductance",
    "u_syn",
    "depression_time",
    "facilitation_time",
    "decay_time",
    "afferent_section_pos",
)


def write_small_circuit(folder: Path) -> Path:
    """Write the circuit and a simulation of it; return the path of the simulation configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_nodes(folder / "nodes.h5")
    with h5py.File(folder / "virtual.h5", "w") as file:
        file["nodes/thalamus/node_type_id"] = np.zeros(2, int)
        file.create_group("nodes/thalamus/0")
    write_edges(folder / "edges.h5", "cortex__cortex", "cortex", "cortex", [0, 1, 2, 0], [1, 2, 0, 2])
    write_edges(folder / "projection.h5", "thalamus__cortex", "thalamus", "cortex", [0, 1], [0, 1])
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/thalamus/timestamps"] = np.array([1.0, 2.0])
        file["spikes/thalamus/node_ids"] = np.array([0, 1])
    for name in ("hoc/Pyr.hoc", "hoc/Int.hoc", "morph/m1.swc", "morph/m2.swc"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    write_json(folder / "node_sets.json", {"All": {"population": "cortex"}, "Pyr": {"mtype": "PYR"}})
    write_json(folder / "sim_node_sets.json", {"First": {"population": "cortex", "node_id": [0]}})
    write_json(
        folder / "compartment_sets.json",
        {"somas": {"population": "cortex", "compartment_set": [[0, 0, 0.5]]}},
    )
    write_json(folder / "circuit_config.json", circuit_config())
    write_json(folder / "simulation_config.json", simulation_config())
    return folder / "simulation_config.json"


def circuit_config() -> dict[str, Any]:
    """Return the circuit configuration."""
    return {
        "manifest": {"$BASE": "."},
        "node_sets_file": "$BASE/node_sets.json",
        "components": {"biophysical_neuron_models_dir": "$BASE/hoc", "mechanisms_dir": "mod"},
        "networks": {
            "nodes": [
                {
                    "nodes_file": "$BASE/nodes.h5",
                    "node_types_file": None,
                    "populations": {"cortex": {"type": "biophysical", "morphologies_dir": "morph"}},
                },
                {"nodes_file": "$BASE/virtual.h5", "populations": {"thalamus": {"type": "virtual"}}},
            ],
            "edges": [
                {"edges_file": "$BASE/edges.h5", "populations": {"cortex__cortex": {}}},
                {
                    "edges_file": "$BASE/projection.h5",
                    "populations": {"thalamus__cortex": {"type": "chemical"}},
                },
            ],
        },
    }


def simulation_config() -> dict[str, Any]:
    """Return the simulation configuration."""
    return {
        "node_sets_file": "sim_node_sets.json",
        "node_set": "All",
        "compartment_sets_file": "compartment_sets.json",
        "run": {"tstop": 10.0, "dt": 0.025, "random_seed": 7},
        "conditions": {"modifications": [{"name": "ttx", "type": "ttx", "node_set": "First"}]},
        "inputs": {
            "hyp": {
                "module": "hyperpolarizing",
                "input_type": "current_clamp",
                "delay": 0,
                "duration": 10,
                "node_set": "All",
            },
            "replay": {
                "module": "synapse_replay",
                "input_type": "spikes",
                "delay": 0,
                "duration": 10,
                "node_set": "All",
                "spike_file": "spikes.h5",
            },
        },
        "reports": {
            "soma": {"type": "compartment", "variable_name": "v", "dt": 0.1, "start_time": 0, "end_time": 10}
        },
        "connection_overrides": [{"name": "all", "source": "All", "target": "cortex:Pyr", "weight": 2}],
    }


def write_json(path: Path, document: Any) -> Path:
    """Write `document`; return its path."""
    path.write_text(json.dumps(document))
    return path


def change_json(path: Path, *keys: Any, value: Any) -> Path:
    """Set one value inside a JSON file; return its path."""
    document = json.loads(path.read_text())
    block = document
    for key in keys[:-1]:
        block = block[key]
    block[keys[-1]] = value
    return write_json(path, document)


def write_edges(
    path: Path, name: str, source: str, target: str, sources: list[int], targets: list[int]
) -> None:
    """Write a chemical edge population."""
    count = len(sources)
    with h5py.File(path, "w") as file:
        group = file.create_group(f"edges/{name}")
        for end, population, ids in (("source", source, sources), ("target", target, targets)):
            group[f"{end}_node_id"] = np.array(ids)
            group[f"{end}_node_id"].attrs["node_population"] = population
        group["edge_type_id"] = np.zeros(count, int)
        for column in CHEMICAL:
            group[f"0/{column}"] = np.full(count, 0.5, np.float32)
        for column in ("afferent_section_id", "syn_type_id", "n_rrp_vesicles"):
            group[f"0/{column}"] = np.ones(count, int)
        for index in ("node_id_to_ranges", "range_to_edge_id"):
            group[f"indices/target_to_source/{index}"] = np.array([[0, count]])


def _write_nodes(path: Path) -> None:
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        group = file.create_group("nodes/cortex")
        group["node_type_id"] = np.zeros(3, int)
        columns = group.create_group("0")
        columns.create_dataset("morphology", data=["m1", "m2", "m1"], dtype=text)
        columns.create_dataset("model_template", data=["hoc:Pyr", "hoc:Int", "hoc:Pyr"], dtype=text)
        columns["@library/mtype"] = np.array([b"PYR", b"INT"])
        columns["mtype"] = np.array([0, 1, 0], np.uint32)
        for axis in "xyz":
            columns[axis] = np.arange(3.0)
        for name in ("threshold_current", "holding_current"):
            columns[f"dynamics_params/{name}"] = np.array([0.1, 0.2, 0.3])
