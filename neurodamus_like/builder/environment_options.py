"""What goes into a folder to run in: options of the simulation, and where its parts are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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


@dataclass(frozen=True)
class Layout:
    """Where things are: all paths are absolute, those in the files relative to `base`."""

    base: Path
    network: Path
    components: Path
    output: Path

    def relative(self, path: Path) -> str:
        """Return a path as it is written into a configuration."""
        return os.path.relpath(path, self.base).replace(os.sep, "/")
