"""The configurations of a folder to run in, in both dialects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurodamus_like.builder.environment_options import EnvironmentOptions, Layout
from neurodamus_like.builder.sonata import write_json, write_node_sets, write_simulation_config
from neurodamus_like.config.manifest import read_json

COMPONENTS = (
    "biophysical_neuron_models",
    "filter_models",
    "mechanisms",
    "morphologies",
    "point_neuron_models",
    "synaptic_models",
    "templates",
)
NODE_SETS_FILE = "node_sets.json"

_EVERYTHING = "All"
"""Node set that is written for the OBI dialect: all populations but the virtual ones."""


def split_names(options: EnvironmentOptions) -> dict[str, str]:
    """Return the names of the circuit's and the simulation's own configuration files."""
    stem = Path(options.config_file).name.removesuffix(".json")
    return {"network": f"{stem}_circuit.json", "simulation": f"{stem}_simulation.json"}


def write_allen(layout: Layout, options: EnvironmentOptions, networks: dict[str, Any]) -> None:
    """Write the configuration of the Allen dialect, as BMTK's ``create_environment`` does."""
    manifest = {
        "$BASE_DIR": "${configdir}",
        "$NETWORK_DIR": "$BASE_DIR/" + layout.relative(layout.network),
        "$COMPONENTS_DIR": "$BASE_DIR/" + layout.relative(layout.components),
        "$OUTPUT_DIR": "$BASE_DIR/" + layout.relative(layout.output),
    }
    circuit = {
        "manifest": {k: v for k, v in manifest.items() if k != "$OUTPUT_DIR"},
        "components": {f"{name}_dir": f"$COMPONENTS_DIR/{name}" for name in COMPONENTS},
        "networks": {
            kind: [{key: f"$NETWORK_DIR/{path.name}" for key, path in entry.items()} for entry in entries]
            for kind, entries in networks.items()
        },
    }
    simulation = {
        "manifest": {k: v for k, v in manifest.items() if k in ("$BASE_DIR", "$OUTPUT_DIR")},
        "target_simulator": "NEURON",
        "run": {
            "tstart": 0.0,
            "tstop": options.tstop_ms,
            "dt": options.dt_ms,
            "dL": options.dl_um,
            "spike_threshold": options.spike_threshold_mV,
            "nsteps_block": 5000,
        },
        "conditions": {"celsius": options.celsius, "v_init": options.v_init_mV},
        "inputs": _allen_inputs(layout, options),
        "output": {"log_file": "log.txt", "output_dir": "$OUTPUT_DIR", "spikes_file": "spikes.h5"},
        "reports": _allen_reports(options),
    }
    path = layout.base / options.config_file
    if options.split_configs:
        names = split_names(options)
        write_json(path, {k: "${configdir}/" + v for k, v in names.items()})
        write_json(path.with_name(names["simulation"]), simulation)
        write_json(path.with_name(names["network"]), circuit)
    else:
        write_json(path, {**simulation, **circuit, "manifest": manifest})


def _allen_inputs(layout: Layout, options: EnvironmentOptions) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    clamp = options.current_clamp
    if clamp is not None:
        inputs["current_clamp"] = {
            "input_type": "current_clamp",
            "module": "IClamp",
            "node_set": clamp.node_set,
            "amp": clamp.amp_nA,
            "delay": clamp.delay_ms,
            "duration": clamp.duration_ms,
        }
    for population, file in options.spikes_inputs:
        ending = Path(file).suffix.lower().lstrip(".")
        inputs[f"{population}_spikes"] = {
            "input_type": "spikes",
            "module": "sonata" if ending in ("h5", "hdf5") else ending,
            "input_file": "$BASE_DIR/" + layout.relative(Path(file).absolute()),
            "node_set": population,
        }
    return inputs


def _allen_reports(options: EnvironmentOptions) -> dict[str, Any]:
    reports = {}
    for text in options.report_vars:
        population, _, variable = text.rpartition(":")
        cells: Any = {"population": population} if population else options.report_nodes or "all"
        name = f"{population}_{variable}_report" if population else f"{variable}_report"
        reports[name] = {
            "variable_name": variable,
            "cells": cells if isinstance(cells, str | dict) else list(cells),
            "module": "membrane_report",
            "sections": "soma",
        }
    return reports


def write_obi(layout: Layout, circuit: Path, options: EnvironmentOptions) -> None:
    """Write the configuration of the OBI dialect and its node sets."""
    path, sets = layout.base / options.config_file, layout.base / NODE_SETS_FILE
    write_node_sets(sets, {_EVERYTHING: {"population": _simulated_populations(circuit)}})
    inputs: dict[str, Any] = {}
    clamp = options.current_clamp
    if clamp is not None:
        inputs["current_clamp"] = {
            "module": "linear",
            "input_type": "current_clamp",
            "amp_start": clamp.amp_nA,
            "delay": clamp.delay_ms,
            "duration": clamp.duration_ms,
            "node_set": _EVERYTHING if clamp.node_set == "all" else clamp.node_set,
        }
    for population, file in options.spikes_inputs:
        inputs[f"{population}_spikes"] = {
            "module": "synapse_replay",
            "input_type": "spikes",
            "delay": 0.0,
            "duration": options.tstop_ms,
            "spike_file": layout.relative(Path(file).absolute()),
            "node_set": _EVERYTHING,
        }
    reports = {}
    for variable in options.report_vars:
        reports[f"{variable}_report"] = {
            "type": "compartment",
            "sections": "soma",
            "variable_name": variable,
            "unit": "mV" if variable == "v" else "",
            "dt": options.dt_ms,
            "start_time": 0.0,
            "end_time": options.tstop_ms,
            "cells": options.report_nodes if isinstance(options.report_nodes, str) else _EVERYTHING,
        }
    write_simulation_config(
        path,
        network=layout.relative(circuit),
        node_set=_EVERYTHING,
        node_sets_file=sets.name,
        run={"tstop": options.tstop_ms, "dt": options.dt_ms, "random_seed": 1},
        conditions={"celsius": options.celsius, "v_init": options.v_init_mV},
        output={"output_dir": layout.relative(layout.output), "spikes_file": "spikes.h5"},
        inputs=inputs,
        reports=reports,
    )


def _simulated_populations(circuit: Path) -> list[str]:
    """Return the populations of a circuit configuration that are not virtual."""
    entries = read_json(circuit).get("networks", {}).get("nodes", [])
    found = {name: block for entry in entries for name, block in entry.get("populations", {}).items()}
    return [name for name, block in found.items() if block.get("type") != "virtual"]
