"""A tiny circuit that uses everything that has state, and runs of it through the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.helpers import run_mpi, run_python
from tests.tiny_circuit import STOCHASTIC_CELL, Edges, TinyCircuit

PLASTIC = {
    "syn_type_id": 110,
    "volume_CR": 0.1,
    "rho0_GB": 0.3,
    "Use_d_TM": 0.4,
    "Use_p_TM": 0.8,
    "gmax_d_AMPA": 1.0,
    "gmax_p_AMPA": 2.0,
    "theta_d": 0.0004,
    "theta_p": 0.0008,
}
CELL = STOCHASTIC_CELL.replace("L = 20 diam = 20", "pt3dadd(0, 0, 0, 20) pt3dadd(20, 0, 0, 20)").replace(
    "L = 100 diam = 1", "pt3dadd(0, 10, 0, 1) pt3dadd(0, 110, 0, 1)"
)
"""With 3-D points, which a field needs."""

FIELD = {
    "module": "spatially_uniform_e_field",
    "input_type": "extracellular_stimulation",
    "delay": 3.0,
    "duration": 45.0,
    "fields": [{"Ex": 20.0, "Ey": 0.0, "Ez": 5.0, "frequency": 40.0}],
    "node_set": "second",
}
N_CELLS = 6
ALL_PAIRS = [(i, j) for i in range(N_CELLS) for j in range(N_CELLS) if i != j]


def write_circuit(folder: Path, tstop: float, *, field: bool = False, **changes: Any) -> Path:
    """Write the circuit and a simulation until `tstop`; `changes` replace parts of the configuration.

    With a `field`, one cell has extracellular compartments, and numbers depend in their last bits on the ranks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0.5, 60, 60))
    with h5py.File(folder / "spikes.h5", "w") as file:
        for name in ("V", "M"):
            file[f"spikes/{name}/timestamps"] = times
            file[f"spikes/{name}/node_ids"] = rng.integers(0, 3, times.size)
    n = len(ALL_PAIRS)
    chemical = {
        **PLASTIC,
        "syn_type_id": np.where(np.arange(n) % 4 == 0, 20, 110),
        "delay": 0.5 + 0.025 * (np.arange(n) % 17),
        "afferent_section_id": np.arange(n) % 3,
        "conductance": 3.0,
    }
    gap_ids = {"efferent_junction_id": [10, 11, 12, 13], "afferent_junction_id": [11, 10, 13, 12]}
    edges = [
        Edges("A__A", "A", "A", ALL_PAIRS, chemical),
        Edges("V__A", "V", "A", [(0, 0), (1, 1), (2, 3), (0, 4)], {"conductance": 4.0}),
        Edges(
            "M__A",
            "M",
            "A",
            [(0, 1), (1, 2)],
            {"afferent_section_id": 1, "neuromod_strength": 0.5, "neuromod_dtc": 40.0},
            kind="neuromodulatory",
        ),
        Edges(
            "A__A__gap",
            "A",
            "A",
            [(0, 1), (1, 0), (2, 3), (3, 2)],
            {"conductance": 0.5, **gap_ids},
            kind="electrical",
            without=("delay",),
        ),
        Edges(
            "P__P",
            "P",
            "P",
            [(0, 1), (1, 2), (2, 0)],
            {"conductance": 0.7, "delay": 1.5},
            kind="point_process",
        ),
        Edges("V__P", "V", "P", [(0, 0), (1, 1)], {"conductance": 0.8}, kind="point_process"),
    ]
    replay = {
        "module": "synapse_replay",
        "input_type": "spikes",
        "delay": 0,
        "duration": 99,
        "node_set": "All",
    }
    current = {"input_type": "current_clamp", "delay": 2.0, "duration": 55.0}
    conductance = {**current, "input_type": "conductance"}
    gauss = {"tau": 2.0, "reversal": 0.0, "mean": 0.004, "sigma": 0.002}
    config: dict[str, Any] = {
        "run": {"tstop": tstop, "dt": 0.025, "random_seed": 11},
        "conditions": {"v_init": -65.0, "celsius": 6.3},
        "inputs": {
            "r": {**replay, "spike_file": "spikes.h5"},
            "noise": {**current, "module": "noise", "mean": 0.05, "variance": 0.01, "node_set": "first"},
            "ou_i": {**current, "module": "ornstein_uhlenbeck", **gauss, "mean": 0.1, "node_set": "second"},
            "ou_g": {**conductance, "module": "ornstein_uhlenbeck", **gauss, "node_set": "third"},
            "shots": {
                **conductance,
                "module": "shot_noise",
                "rise_time": 0.4,
                "decay_time": 4.0,
                "rate": 200.0,
                "amp_mean": 0.002,
                "amp_var": 1e-7,
                "node_set": "first",
            },
            "pulse": {
                **current,
                "module": "pulse",
                "amp_start": 1.5,
                "width": 2.0,
                "frequency": 80.0,
                "node_set": "A",
            },
            "clamp": {
                "module": "seclamp",
                "input_type": "voltage_clamp",
                "delay": 0,
                "duration": 50.0,
                "voltage": -60.0,
                "series_resistance": 5.0,
                "duration_levels": [10.0, 15.0],
                "voltage_levels": [-50.0, -70.0],
                "node_set": "last",
            },
        },
        "connection_overrides": [
            {"name": "all", "source": "A", "target": "A", "spont_minis": 40.0},
            {
                "name": "plastic",
                "source": "first",
                "target": "A",
                "modoverride": "GluSynapse",
                "spont_minis": 30.0,
            },
            {"name": "later", "source": "second", "target": "A", "weight": 2.0, "delay": 21.0},
            {"name": "sooner", "source": "third", "target": "A", "weight": 0.5, "delay": 9.0},
            {"name": "virtual", "source": "V", "target": "All"},
            {"name": "modulation", "source": "M", "target": "A"},
            {"name": "points", "source": "P", "target": "P"},
        ],
        "reports": {
            name: {
                "type": kind,
                "variable_name": variable,
                "dt": dt,
                "start_time": start,
                "end_time": tstop,
                **more,
            }
            for name, kind, variable, dt, start, more in (
                ("v", "compartment", "v", 0.1, 0.0, {"sections": "all", "compartments": "all", "cells": "A"}),
                ("late", "compartment", "v", 0.3, 12.0, {"cells": "A"}),
                ("im", "summation", "i_membrane", 0.5, 0.0, {"sections": "soma", "cells": "A"}),
                ("ik", "compartment", "ik", 0.25, 3.0, {"cells": "A"}),
                ("syn", "synapse", "GluSynapse.rho_GB", 1.0, 0.0, {"sections": "all", "cells": "A"}),
            )
        },
        **changes,
    }
    if field:
        config["inputs"]["field"] = FIELD
    ids = {"first": [0], "second": [1], "third": [2], "last": [N_CELLS - 1]}
    sets = {name: {"population": "A", "node_id": value} for name, value in ids.items()}
    circuit = TinyCircuit(
        edges,
        cells={"A": N_CELLS},
        points={"P": 3},
        virtual={"V": 3, "M": 3},
        node_sets=sets,
        config=config,
        cell=CELL,
    )
    return circuit.write(folder)


def simulate(
    config: Path, *options: str, ranks: int = 1, code: int = 0, env: Mapping[str, str] | None = None
) -> str:
    """Run the command line on a configuration and return what it printed; `code` is the exit code it must have.

    The working folder, where files of load balance go, is that of the configuration.
    """
    args = ["-m", "neurodamus_like", "run", str(config), "--no-progress", *options]
    here = config.parent
    done = (
        run_python(args, 300, cwd=here, env=env)
        if ranks == 1
        else run_mpi(ranks, args, 300, cwd=here, env=env)
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def results(config: Path) -> dict[str, Any]:
    """Return the bytes of all HDF5 files of a run."""
    folder = Path(json.loads(config.read_text())["output"]["output_dir"])
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.h5"))}


def different_files(ours: Path, reference: Path) -> list[str]:
    """Return the files of results that two runs did not write byte by byte the same, or only one of them."""
    one, other = results(ours), results(reference)
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def assert_same(ours: Path, reference: Path) -> None:
    """Fail unless two runs wrote the same files, byte by byte."""
    assert results(reference)
    assert not different_files(ours, reference)


if __name__ == "__main__":
    print(write_circuit(Path(sys.argv[1]), float(sys.argv[2])))
