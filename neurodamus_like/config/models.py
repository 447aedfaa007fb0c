"""The one model of a simulation, for both dialects: frozen dataclasses with resolved paths and SI-like units.

A reader of a dialect (:mod:`neurodamus_like.config.obi`, and later the Allen one) fills these; nothing below ever
asks which dialect it was. Units are in the names where they are not obvious: ms, mV, nA, Hz, mM, µm.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any


def _freeze(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# Frozen mappings travel between ranks by pickle, which does not know them by itself.
copyreg.pickle(MappingProxyType, lambda frozen: (_freeze, (dict(frozen),)))

SPIKE_TRAINS = "spike_trains"
"""Module of inputs that give the virtual nodes of a node set their spikes."""

SYNAPSE_ACTIVITY = "synapse_activity"
"""Module of inputs that let some synapses fire at given times, and none of the others."""

EDGE_REPLAY = "edge_replay"
"""Module of inputs that make synapses which only recorded spikes drive."""

UNITS = "units"
"""Value of the parameter ``format`` of inputs whose spikes are those of recorded units."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class IntegrationMethod(IntEnum):
    """Value of NEURON's ``secondorder``."""

    EULER = 0
    CRANK_NICOLSON = 1
    CRANK_NICOLSON_ION = 2


@dataclass(frozen=True)
class Run:
    """Duration, time step and seeds of a run."""

    tstop_ms: float
    dt_ms: float
    random_seed: int
    spike_threshold_mV: float = -30.0
    integration_method: IntegrationMethod = IntegrationMethod.EULER
    stimulus_seed: int = 0
    ionchannel_seed: int = 0
    minis_seed: int = 0
    synapse_seed: int = 0
    segment_length_um: float | None = None
    block_steps: int | None = None


@dataclass(frozen=True)
class Output:
    """Where results go. `spikes_file`, `spikes_file_csv`, `spikes_file_nwb` and `log_file` count from it.

    `spikes_style` says how the file of spikes names their order: ``number`` or ``text``.

    `keep_results` refuses a folder that holds something already, instead of writing over results of the same names.
    """

    directory: Path
    spikes_file: str = "out.h5"
    log_file: str = ""
    spikes_sort_order: str = "by_time"
    spikes_file_csv: str = ""
    spikes_file_nwb: str = ""
    spikes_style: str = "number"
    log_level: str = ""
    keep_results: bool = False


@dataclass(frozen=True)
class Modification:
    """One block of ``conditions.modifications``; applied in file order."""

    name: str
    kind: str
    node_set: str | None = None
    compartment_set: str | None = None
    section_configure: str = ""


@dataclass(frozen=True)
class Conditions:
    """Experimental conditions; `mechanisms` holds {mechanism: {global variable: value}}."""

    celsius: float = 34.0
    v_init_mV: float = -80.0
    spike_location: str = "soma"
    extracellular_calcium_mM: float | None = None
    randomize_gaba_rise_time: bool = False
    mechanisms: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: _NOTHING)
    modifications: tuple[Modification, ...] = ()


@dataclass(frozen=True)
class Components:
    """Folders (or container files) with the parts of cells and synapses of one population."""

    morphologies_swc: Path | None = None
    morphologies_asc: Path | None = None
    morphologies_h5: Path | None = None
    biophysical_neuron_models_dir: Path | None = None
    point_neuron_models_dir: Path | None = None
    synaptic_models_dir: Path | None = None
    mechanisms_dir: Path | None = None
    further_mechanisms_dirs: tuple[Path, ...] = ()
    mechanism_libraries: tuple[Path, ...] = ()
    template_paths: tuple[Path, ...] = ()
    extra: Mapping[str, Path] = field(default_factory=lambda: _NOTHING)

    @property
    def morphology_source(self) -> tuple[Path, str] | None:
        """Folder and file extension in the order of preference asc, h5, swc; None when there is none."""
        for folder, extension in (
            (self.morphologies_asc, "asc"),
            (self.morphologies_h5, "h5"),
            (self.morphologies_swc, "swc"),
        ):
            if folder is not None:
                return folder, extension
        return None


@dataclass(frozen=True)
class NodePopulation:
    """A node population of the circuit. `kind` names the cell engine (biophysical, virtual, point_process, ...).

    The kind ``node_types`` says that each node tells what it is (columns of its group in the file, then the row of its
    type in `types_file`). `gid_offset` is the global id of node 0 where the configuration fixes it.
    """

    name: str
    file: Path
    kind: str = "biophysical"
    types_file: Path | None = None
    components: Components = field(default_factory=Components)
    size: int = 0
    gid_offset: int | None = None

    @property
    def is_virtual(self) -> bool:
        """True for populations that are only sources of spikes."""
        return self.kind == "virtual"


@dataclass(frozen=True)
class EdgePopulation:
    """An edge population. `kind` names the edge engine (chemical, electrical, ...); ends are node populations.

    The kind ``edge_types`` says that each edge tells what it is, as nodes of the kind ``node_types`` do. With
    `needs_input` the edges exist only if an input gives their virtual sources spikes, and in the order of the inputs.
    `junctions_file` pairs the ends of gap junctions. With `driven_by` the synapses exist only for the input of that
    name, whose spikes alone drive them; `source_set` and `target_set` name the node sets that count.
    """

    name: str
    file: Path
    source: str
    target: str
    kind: str = "chemical"
    types_file: Path | None = None
    components: Components = field(default_factory=Components)
    size: int = 0
    needs_input: bool = False
    junctions_file: Path | None = None
    driven_by: str = ""
    source_set: str | None = None
    target_set: str | None = None


@dataclass(frozen=True)
class Circuit:
    """Node and edge populations, and the node sets that come with them."""

    path: Path
    nodes: Mapping[str, NodePopulation]
    edges: Mapping[str, EdgePopulation]
    node_sets_file: Path | None = None

    @property
    def mechanisms_dirs(self) -> tuple[Path, ...]:
        """Folders with the MOD files of the circuit, each once, in the order of the populations."""
        nodes = [p.components for p in self.nodes.values()]
        parts = [*nodes, *(p.components for p in self.edges.values())]
        folders = [d for c in parts for d in (c.mechanisms_dir, *c.further_mechanisms_dirs)]
        return tuple(dict.fromkeys(d for d in folders if d is not None))

    @property
    def mechanism_libraries(self) -> tuple[Path, ...]:
        """Compiled libraries that come without MOD files, each once."""
        found = [lib for p in self.nodes.values() for lib in p.components.mechanism_libraries]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Input:
    """A stimulus block. `parameters` holds the keys that belong to the module, under their SONATA names."""

    name: str
    module: str
    input_type: str
    delay_ms: float = 0.0
    duration_ms: float = 0.0
    node_set: str | None = None
    compartment_set: str | None = None
    represents_physical_electrode: bool = False
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    pointer: str = ""


@dataclass(frozen=True)
class Report:
    """A report block, with its defaults resolved (`sections`, `compartments`, `cells`, file name).

    `unit` is None when the block has none: then it is what the simulator knows of the variable. With `after_step`
    frames hold the values at the end of the time step that begins at their time, otherwise at its begin. `style` says
    how the file is laid out; `parameters` holds what only this kind of report knows.
    """

    name: str
    kind: str
    cells: str | None
    variables: tuple[str, ...]
    dt_ms: float
    start_ms: float
    end_ms: float
    file_name: str
    sections: str = "soma"
    compartments: str = "center"
    unit: str | None = None
    scaling: str = "area"
    enabled: bool = True
    compartment_set: str | None = None
    electrodes_file: Path | None = None
    after_step: bool = False
    double_precision: bool = False
    style: str = "sonata"
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    pointer: str = ""


@dataclass(frozen=True)
class ConnectionOverride:
    """A block of ``connection_overrides``; `source` and `target` are node sets, or ``population:nodeset``."""

    name: str
    source: str
    target: str
    weight: float = 1.0
    spont_minis_Hz: float | None = None
    modoverride: str | None = None
    synapse_configure: str | None = None
    synapse_delay_override_ms: float | None = None
    delay_ms: float = 0.0
    neuromodulation_dtc_ms: float | None = None
    neuromodulation_strength_uM: float | None = None
    pointer: str = ""


@dataclass(frozen=True)
class Notice:
    """Something in the configuration that is allowed, but perhaps not meant."""

    message: str
    file: Path | None = None
    pointer: str | None = None
    hint: str | None = None


BETA_PATHS = ("load_g_pas_file", "manual_MEComboInfo_file", "vc_amp")
"""Switches in ``beta_features`` that name a file."""


SIMULATORS = ("NEURON", "CORENEURON")
"""Values of ``target_simulator``."""

CELL_ORDERS = ("unpermuted", "node-adjacency")
"""How CoreNEURON can order the compartments of its cells; the place is CoreNEURON's own number."""


@dataclass(frozen=True)
class Simulation:
    """Everything that a run needs to know, read from one simulation configuration file.

    `node_set_rules`, where given, are all the node sets there are: {name: rule or list of names}; a rule is
    {population: names, node_id: ids, attribute: value or list of values}, and its attributes may be those of types.
    """

    path: Path
    circuit: Circuit
    run: Run
    output: Output
    conditions: Conditions = field(default_factory=Conditions)
    simulator: str = "NEURON"
    node_set: str | None = None
    node_sets_file: Path | None = None
    compartment_sets_file: Path | None = None
    inputs: tuple[Input, ...] = ()
    reports: tuple[Report, ...] = ()
    connection_overrides: tuple[ConnectionOverride, ...] = ()
    node_set_rules: Mapping[str, Any] | None = None
    notices: tuple[Notice, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    beta_features: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
