"""The protocol of the demo: thalamic spikes, node sets, circuit and simulation configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neurodamus_like.builder import sonata
from neurodamus_like.builder.demo_cells import N_THALAMUS
from neurodamus_like.io.spikes import write_spikes

THALAMUS_RATE_HZ = 7.0
STIMULUS_RATE_HZ = 14.0


def _stimulus_window_ms(tstop_ms: float) -> tuple[float, float]:
    return round(0.6 * tstop_ms, 1), round(0.7 * tstop_ms, 1)


def write_thalamic_spikes(path: Path, tstop_ms: float, seed: int) -> None:
    """Poisson spikes of each fibre: a steady rate, and a higher one during the stimulus."""
    rng = np.random.default_rng([seed, 4])
    begin, end = _stimulus_window_ms(tstop_ms)
    times, ids = [], []
    for start, stop, rate_Hz in (
        (0.0, tstop_ms, THALAMUS_RATE_HZ),
        (begin, end, STIMULUS_RATE_HZ - THALAMUS_RATE_HZ),
    ):
        count = rng.poisson(N_THALAMUS * rate_Hz * (stop - start) / 1000.0)
        times.append(rng.uniform(start, stop, count))
        ids.append(rng.integers(0, N_THALAMUS, count))
    write_spikes(path, {"Thalamus": (np.concatenate(times), np.concatenate(ids))})


def write_configs(root: Path, edges: Mapping[str, Sequence[str]], tstop_ms: float, seed: int) -> Path:
    """Write the circuit and simulation configurations and the node sets; return the simulation configuration.

    `edges` has the names of the edge populations in each HDF5 file.
    """
    biophysical = {
        "type": "biophysical",
        "morphologies_dir": "$CIRCUIT_DIR/swc",
        "alternate_morphologies": {"neurolucida-asc": "$CIRCUIT_DIR/asc"},
        "biophysical_neuron_models_dir": "$CIRCUIT_DIR/hoc",
    }
    sonata.write_circuit_config(
        root / "circuit_config.json",
        {
            "$CIRCUIT_DIR/nodes.h5": {"Exc": biophysical, "Inh": biophysical},
            "$CIRCUIT_DIR/nodes_thalamus.h5": {"Thalamus": {"type": "virtual"}},
        },
        {f"$CIRCUIT_DIR/{f}": {name: {"type": "chemical"} for name in names} for f, names in edges.items()},
        node_sets_file="$CIRCUIT_DIR/node_sets.json",
    )
    sonata.write_node_sets(
        root / "node_sets.json",
        {
            "Mosaic": {"population": ["Exc", "Inh"]},
            "Excitatory": {"population": "Exc", "synapse_class": "EXC"},
            "Inhibitory": {"population": "Inh", "synapse_class": "INH"},
            "Thalamus": {"population": "Thalamus"},
            "SampleExc": {"population": "Exc", "node_id": [0, 1]},
            "SampleInh": {"population": "Inh", "node_id": [0]},
            "Sample": ["SampleExc", "SampleInh"],
        },
    )
    path = root / "simulation_config.json"
    _write_simulation(path, tstop_ms, seed)
    return path


def _write_simulation(path: Path, tstop_ms: float, seed: int) -> None:
    always = {"delay": 0.0, "duration": tstop_ms}
    clamp = {"input_type": "current_clamp", **always}
    report = {
        "type": "compartment",
        "variable_name": "v",
        "unit": "mV",
        "start_time": 0.0,
        "end_time": tstop_ms,
    }
    release = {"init_depleted": False, "minis_single_vesicle": True}
    sonata.write_simulation_config(
        path,
        network="./circuit_config.json",
        node_set="Mosaic",
        run={
            "tstop": tstop_ms,
            "dt": 0.025,
            "random_seed": seed,
            "stimulus_seed": seed,
            "synapse_seed": seed,
        },
        conditions={
            "celsius": 34.0,
            "v_init": -80.0,
            "spike_location": "soma",
            "extracellular_calcium": 1.3,
            "mechanisms": {"ProbAMPANMDA_EMS": release, "ProbGABAAB_EMS": release},
        },
        output={"output_dir": "./output", "spikes_file": "out.h5", "spikes_sort_order": "by_time"},
        inputs={
            "holding": {"module": "hyperpolarizing", **clamp, "node_set": "Mosaic"},
            "drive_exc": {
                "module": "noise",
                **clamp,
                "node_set": "Excitatory",
                "mean_percent": 70.0,
                "variance": 20.0,
            },
            "drive_inh": {
                "module": "noise",
                **clamp,
                "node_set": "Inhibitory",
                "mean_percent": 50.0,
                "variance": 12.0,
            },
            "thalamus": {
                "module": "synapse_replay",
                "input_type": "spikes",
                **always,
                "node_set": "Mosaic",
                "spike_file": "./thalamus_spikes.h5",
            },
        },
        reports={
            "soma": {**report, "cells": "Mosaic", "sections": "soma", "dt": 0.1},
            "dendrites": {**report, "cells": "Sample", "sections": "all", "compartments": "all", "dt": 0.5},
        },
    )
