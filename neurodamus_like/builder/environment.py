"""A folder from which a network can be simulated: configuration, the folders that it names, a run script.

Names of folders and files are those of BMTK's ``create_environment`` for the Allen dialect, and those of the
examples of the Open Brain Institute for the OBI dialect. Paths in the configuration are relative to it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurodamus_like.builder.sonata import write_json, write_node_sets, write_simulation_config
from neurodamus_like.config.manifest import read_json
from neurodamus_like.exceptions import ConfigurationError

COMPONENTS = (
    "biophysical_neuron_models",
    "filter_models",
    "mechanisms",
    "morphologies",
    "point_neuron_models",
    "synaptic_models",
    "templates",
)
NETWORK_NAMES = ("network", "networks", "circuit", "circuits", "network_dir", "circuit_dir")

_EVERYTHING = "All"
"""Node set that is written for the OBI dialect: all populations but the virtual ones."""

_RUN_SCRIPT = '''"""Run the simulation of this folder; with MPI: mpiexec -n N python {script}"""

import sys
from pathlib import Path

from neurodamus_like.cli.main import main

config = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).resolve().parent / "{config}")
sys.exit(main(["run", config, *sys.argv[2:]]))
'''


@dataclass(frozen=True)
class CurrentClamp:
    """A current into the soma of cells: amplitude (nA), delay and duration (ms), and which cells."""

    amp_nA: float
    delay_ms: float
    duration_ms: float
    node_set: str = "all"


@dataclass(frozen=True)
class EnvironmentOptions:
    """What to simulate, and how.

    Attributes
    ----------
    tstop_ms, dt_ms
        Duration and time step.
    dl_um
        Length of compartments.
    v_init_mV, celsius, spike_threshold_mV
        Conditions.
    report_vars
        Variables to record in the somata: "v", "cai", or "population:v" for one population.
    report_nodes
        Node set or ids of the cells recorded; all by default.
    current_clamp
        A current clamp, if any.
    spikes_inputs
        (population, file of spikes) for each virtual population that is driven.
    network_filter
        Only files whose names contain one of these.
    config_file
        Name of the configuration.
    split_configs
        Write circuit and simulation to files of their own, and one that names them.
    run_script
        Name of the script; None for the usual one.
    overwrite
        Replace files that are there.
    """

    tstop_ms: float = 1000.0
    dt_ms: float = 0.1
    dl_um: float = 20.0
    v_init_mV: float = -80.0
    celsius: float = 34.0
    spike_threshold_mV: float = -15.0
    report_vars: Sequence[str] = ()
    report_nodes: str | Sequence[int] | None = None
    current_clamp: CurrentClamp | None = None
    spikes_inputs: Sequence[tuple[str, str]] = ()
    network_filter: Sequence[str] = ()
    config_file: str = "config.json"
    split_configs: bool = False
    run_script: str | None = None
    overwrite: bool = False


@dataclass
class _Layout:
    base: Path
    network: Path
    components: Path
    output: Path
    written: list[Path] = field(default_factory=list)

    def relative(self, path: Path) -> str:
        return os.path.relpath(path, self.base).replace(os.sep, "/")


def create_environment(
    base_dir: str | Path,
    network_dir: str | Path | None = None,
    components_dir: str | Path | None = None,
    output_dir: str | Path | None = None,
    options: EnvironmentOptions | None = None,
) -> list[Path]:
    """Make the folder and return the files written, the configuration to run first.

    Parameters
    ----------
    base_dir
        The folder; made if it is not there.
    network_dir
        Folder of the network files; by default a folder named ``network``, ``circuit``, ... inside `base_dir`.
        With a ``circuit_config.json`` in it the OBI dialect is written, otherwise the Allen dialect.
    components_dir, output_dir
        Of cell and synapse models (``components``) and of results (``output``).
    options
        What to simulate.

    Raises
    ------
    ConfigurationError
        `base_dir` is a file, there are no network files, or a file is there already and may not be replaced.
    """
    chosen = options or EnvironmentOptions()
    base = Path(base_dir).absolute()
    if base.is_file():
        raise ConfigurationError("this is a file, not a folder", file=base)
    network = _find_network(base, network_dir)
    circuit = network / "circuit_config.json"
    nodes, edges, junctions = find_network_files(network, chosen.network_filter)
    if not circuit.is_file() and not nodes:
        raise ConfigurationError(
            "there are no network files",
            file=network,
            expected="<name>_nodes.h5 and <name>_node_types.csv, or a circuit_config.json",
            hint="build a network with NetworkBuilder(...).save(output_dir=...), or name its folder",
        )
    layout = _Layout(
        base, network, _inside(base, components_dir, "components"), _inside(base, output_dir, "output")
    )
    base.mkdir(parents=True, exist_ok=True)
    if circuit.is_file():
        _write_obi(layout, circuit, chosen)
    else:
        for name in COMPONENTS:
            (layout.components / name).mkdir(parents=True, exist_ok=True)
        _write_allen(layout, chosen, {"nodes": nodes, "edges": edges, "gap_juncs": junctions})
    _write_script(layout, chosen)
    return layout.written


def _find_network(base: Path, network_dir: str | Path | None) -> Path:
    if network_dir is not None:
        near = base / network_dir
        return near if near.is_dir() else Path(network_dir).absolute()
    return next((base / name for name in NETWORK_NAMES if (base / name).is_dir()), base / "network")


def _inside(base: Path, folder: str | Path | None, default: str) -> Path:
    if folder is None:
        return base / default
    return Path(folder).absolute() if Path(folder).is_dir() else base / folder


def find_network_files(
    folder: Path, wanted: Sequence[str] = ()
) -> tuple[list[dict[str, Path]], list[dict[str, Path]], list[dict[str, Path]]]:
    """Return the node, edge and gap junction files of a folder, each with its table of types, by name.

    Parameters
    ----------
    folder
        Where to look.
    wanted
        Only files whose names contain one of these.
    """
    kinds = (("_node_types", "node_types_file", 0), ("_nodes", "nodes_file", 0), ("_edge_types", "edge_types_file", 1),
             ("_edges", "edges_file", 1), ("_gap_juncs", "gap_juncs_file", 2))  # fmt: skip
    found: tuple[dict[str, dict[str, Path]], ...] = ({}, {}, {})
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_file() or path.name.startswith(".") or not _is_wanted(path.name, wanted):
            continue
        for mark, key, number in kinds:
            if mark in path.name:
                found[number].setdefault(path.name.partition(mark)[0], {})[key] = path
                break
    nodes, edges, junctions = (list(kind.values()) for kind in found)
    return [n for n in nodes if "nodes_file" in n], [e for e in edges if "edges_file" in e], junctions


def _is_wanted(name: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(part in name for part in wanted)


def _write_allen(layout: _Layout, options: EnvironmentOptions, networks: dict[str, Any]) -> None:
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
        stem = path.name.removesuffix(".json")
        names = {"network": f"{stem}_circuit.json", "simulation": f"{stem}_simulation.json"}
        _write_json(layout, path, {k: "${configdir}/" + v for k, v in names.items()}, options.overwrite)
        _write_json(layout, path.with_name(names["simulation"]), simulation, options.overwrite)
        _write_json(layout, path.with_name(names["network"]), circuit, options.overwrite)
    else:
        _write_json(layout, path, {**simulation, **circuit, "manifest": manifest}, options.overwrite)


def _allen_inputs(layout: _Layout, options: EnvironmentOptions) -> dict[str, Any]:
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


def _write_obi(layout: _Layout, circuit: Path, options: EnvironmentOptions) -> None:
    path, sets = layout.base / options.config_file, layout.base / "node_sets.json"
    _check_free(path, options.overwrite)
    _check_free(sets, options.overwrite)
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
    layout.written += [path, sets]


def _simulated_populations(circuit: Path) -> list[str]:
    """Return the populations of a circuit configuration that are not virtual."""
    entries = read_json(circuit).get("networks", {}).get("nodes", [])
    found = {name: block for entry in entries for name, block in entry.get("populations", {}).items()}
    return [name for name, block in found.items() if block.get("type") != "virtual"]


def _write_script(layout: _Layout, options: EnvironmentOptions) -> None:
    name = options.run_script or "run.py"
    path = layout.base / name
    _check_free(path, options.overwrite)
    path.write_text(_RUN_SCRIPT.format(script=name, config=options.config_file), encoding="utf-8")
    layout.written.append(path)


def _write_json(layout: _Layout, path: Path, content: dict[str, Any], overwrite: bool) -> None:
    _check_free(path, overwrite)
    write_json(path, content)
    layout.written.append(path)


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise ConfigurationError(
            "the file is there already",
            file=path,
            hint="choose another name, or --overwrite (overwrite=True)",
        )
