"""Reader of the BlueBrain/OBI dialect: SONATA simulation and circuit configurations into the models.

libsonata checks the grammar and gives defaults and enumerations; where it loses something (file order,
fractional rates, the synapse model folder) the JSON document itself is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

import libsonata

from neurodamus_like.config import models as m
from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.config.obi_circuit import load_circuit
from neurodamus_like.exceptions import ConfigurationError

__all__ = ["load_circuit", "load_simulation", "report_file_name"]

DEFAULT_NETWORK = "circuit_config.json"
DEFAULT_SIMULATOR = "NEURON"

_INPUT_COMMON = {
    "module",
    "input_type",
    "delay",
    "duration",
    "node_set",
    "compartment_set",
    "represents_physical_electrode",
}
_INPUT_PATHS = ("spike_file", "path")


def load_simulation(path: str | Path) -> m.Simulation:
    """Return the simulation described by a SONATA simulation configuration file, with its circuit.

    Parameters
    ----------
    path
        The simulation configuration, a JSON file.

    Raises
    ------
    ConfigurationError
        The file, or the circuit configuration it names, is missing or breaks the rules of the format.
    CircuitError
        An HDF5 file of the circuit is missing, damaged, or lacks a population.
    """
    document = Document(path)
    sonata = document.parse(libsonata.SimulationConfig, _without_foreign_inputs(document))
    circuit_path = document.path_at("network", default=DEFAULT_NETWORK)
    assert circuit_path is not None
    simulator = document.raw.get("target_simulator") or _circuit_simulator(circuit_path)
    return m.Simulation(
        path=document.file,
        circuit=load_circuit(circuit_path),
        run=_run(sonata.run),
        output=_output(document, sonata.output),
        conditions=_conditions(document, sonata.conditions),
        simulator=simulator,
        node_set=document.raw.get("node_set"),
        node_sets_file=document.path_at("node_sets_file"),
        compartment_sets_file=document.path_at("compartment_sets_file"),
        inputs=tuple(_input(document, sonata, name) for name in document.block("inputs")),
        reports=tuple(_report(document, sonata, name) for name in document.block("reports")),
        connection_overrides=tuple(_override(i, o) for i, o in enumerate(sonata.connection_overrides())),
        metadata=_frozen(document.block("metadata")),
        beta_features=_frozen(_beta_features(document)),
    )


def _beta_features(document: Document) -> Mapping[str, Any]:
    """Return the switches of experimental features, with paths relative to the configuration made absolute."""
    table = dict(document.block("beta_features"))
    for key in m.BETA_PATHS:
        if isinstance(table.get(key), str):
            table[key] = str(document.resolve(table[key], "beta_features", key))
    return table


def _circuit_simulator(path: Path) -> str:
    found = read_json(path).get("target_simulator")
    return str(found) if found else DEFAULT_SIMULATOR


def _frozen(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(table))


def _run(run: Any) -> m.Run:
    return m.Run(
        tstop_ms=float(run.tstop),
        dt_ms=float(run.dt),
        random_seed=int(run.random_seed),
        spike_threshold_mV=float(run.spike_threshold),
        integration_method=m.IntegrationMethod[run.integration_method.name.upper()],
        stimulus_seed=int(run.stimulus_seed),
        ionchannel_seed=int(run.ionchannel_seed),
        minis_seed=int(run.minis_seed),
        synapse_seed=int(run.synapse_seed),
    )


def _output(document: Document, output: Any) -> m.Output:
    block = document.block("output")
    return m.Output(
        directory=document.resolve(block.get("output_dir", "output"), "output", "output_dir"),
        spikes_file=PurePath(block.get("spikes_file") or "out.h5").name,
        log_file=PurePath(block.get("log_file") or "").name,
        spikes_sort_order=output.spikes_sort_order.name,
    )


def _conditions(document: Document, conditions: Any) -> m.Conditions:
    return m.Conditions(
        celsius=float(conditions.celsius),
        v_init_mV=float(conditions.v_init),
        spike_location=conditions.spike_location.name,
        extracellular_calcium_mM=conditions.extracellular_calcium,
        randomize_gaba_rise_time=bool(conditions.randomize_gaba_rise_time),
        mechanisms=_mechanism_globals(document),
        modifications=tuple(_modification(item) for item in conditions.modifications()),
    )


def _mechanism_globals(document: Document) -> Mapping[str, Mapping[str, float]]:
    def number(name: str, variable: str, value: Any) -> float:
        if isinstance(value, (bool, int, float)):
            return float(value)
        raise ConfigurationError(
            f"the value of {variable!r} of the mechanism {name!r} is not a number: {value!r}",
            file=document.file,
            pointer=pointer_to("conditions", "mechanisms", name, variable),
            expected="a number, true or false",
        )

    order = document.block("conditions").get("mechanisms", {})
    if not isinstance(order, Mapping) or not all(isinstance(block, Mapping) for block in order.values()):
        raise ConfigurationError(
            "'mechanisms' must hold one object for each mechanism",
            file=document.file,
            pointer=pointer_to("conditions", "mechanisms"),
            expected="{mechanism: {global variable: value}}",
        )
    return MappingProxyType(
        {
            name: MappingProxyType({key: number(name, key, order[name][key]) for key in order[name]})
            for name in order
        }
    )


def _modification(item: Any) -> m.Modification:
    return m.Modification(
        name=item.name,
        kind=item.type.name,
        node_set=getattr(item, "node_set", None),
        compartment_set=getattr(item, "compartment_set", None),
        section_configure=getattr(item, "section_configure", None) or "",
    )


def is_foreign_module(module: Any) -> bool:
    """Say whether the name of a stimulus module is not of the specification: somebody registered it, or nobody."""
    return isinstance(module, str) and module not in libsonata.SimulationConfig.InputBase.Module.__members__


def _without_foreign_inputs(document: Document) -> Mapping[str, Any]:
    blocks = document.block("inputs")
    if not any(isinstance(b, Mapping) and is_foreign_module(b.get("module")) for b in blocks.values()):
        return document.raw
    own = {
        name: block
        for name, block in blocks.items()
        if not (isinstance(block, Mapping) and is_foreign_module(block.get("module")))
    }
    return {**document.raw, "inputs": own}


def _foreign_input(document: Document, name: str, raw: Mapping[str, Any]) -> m.Input:
    numbers = {key: raw.get(key, 0.0) for key in ("delay", "duration")}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigurationError(
                f"{key!r} of the input {name!r} is not a number: {value!r}",
                file=document.file,
                pointer=pointer_to("inputs", name, key),
            )
    parameters = {key: value for key, value in raw.items() if key not in _INPUT_COMMON}
    return m.Input(
        name=name,
        module=raw["module"],
        input_type=str(raw.get("input_type", "")),
        delay_ms=float(numbers["delay"]),
        duration_ms=float(numbers["duration"]),
        node_set=raw.get("node_set") or None,
        compartment_set=raw.get("compartment_set") or None,
        represents_physical_electrode=bool(raw.get("represents_physical_electrode", False)),
        parameters=MappingProxyType(parameters),
        pointer=pointer_to("inputs", name),
    )


def _input(document: Document, sonata: Any, name: str) -> m.Input:
    raw = document.raw["inputs"][name]
    if is_foreign_module(raw.get("module")):
        return _foreign_input(document, name, raw)
    item = sonata.input(name)
    parameters = {
        key: _parameter(document, name, key, raw.get(key, getattr(item, key)))
        for key in dir(item)
        if not key.startswith("_") and not key[0].isupper() and key not in _INPUT_COMMON
    }
    return m.Input(
        name=name,
        module=item.module.name,
        input_type=item.input_type.name,
        delay_ms=float(item.delay),
        duration_ms=float(item.duration),
        node_set=item.node_set or None,
        compartment_set=item.compartment_set or None,
        represents_physical_electrode=bool(getattr(item, "represents_physical_electrode", False)),
        parameters=MappingProxyType({k: v for k, v in parameters.items() if v is not None}),
        pointer=pointer_to("inputs", name),
    )


def _parameter(document: Document, name: str, key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if key in _INPUT_PATHS:
        return document.resolve(value, "inputs", name, key)
    if key == "random_seed":
        return int(value)
    if key == "fields":
        return tuple(
            MappingProxyType(
                {axis: float(field.get(axis, 0.0)) for axis in ("Ex", "Ey", "Ez", "frequency", "phase")}
            )
            for field in value
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(float(v) for v in value)
    return float(value) if isinstance(value, (int, float)) else value


def _report(document: Document, sonata: Any, name: str) -> m.Report:
    item = sonata.report(name)
    raw = document.raw["reports"][name]
    electrodes = raw.get("electrodes_file")
    return m.Report(
        name=name,
        kind=item.type.name,
        cells=raw.get("cells") or document.raw.get("node_set"),
        variables=tuple(v.strip() for v in item.variable_name.split(",") if v.strip()),
        dt_ms=float(item.dt),
        start_ms=float(item.start_time),
        end_ms=float(item.end_time),
        file_name=report_file_name(name, raw),
        sections=_enum_name(item.sections, "soma"),
        compartments=_enum_name(item.compartments, "center"),
        unit=str(raw["unit"]) if "unit" in raw else None,
        scaling=_enum_name(item.scaling, "area"),
        enabled=bool(item.enabled),
        compartment_set=item.compartment_set or None,
        electrodes_file=(
            document.resolve(electrodes, "reports", name, "electrodes_file") if electrodes else None
        ),
        pointer=pointer_to("reports", name),
    )


def report_file_name(name: str, block: Mapping[str, Any]) -> str:
    """Return the file name of the report `name`, inside the output folder, with its ending ``.h5``."""
    file_name = str(block.get("file_name") or name)
    return file_name if file_name.endswith(".h5") else file_name + ".h5"


def _enum_name(value: Any, default: str) -> str:
    name = getattr(value, "name", default)
    return default if name == "invalid" else str(name)


def _override(index: int, item: Any) -> m.ConnectionOverride:
    return m.ConnectionOverride(
        name=item.name,
        source=item.source,
        target=item.target,
        weight=float(item.weight),
        spont_minis_Hz=item.spont_minis,
        modoverride=item.modoverride or None,
        synapse_configure=item.synapse_configure or None,
        synapse_delay_override_ms=item.synapse_delay_override,
        delay_ms=float(item.delay),
        neuromodulation_dtc_ms=item.neuromodulation_dtc,
        neuromodulation_strength_uM=item.neuromodulation_strength,
        pointer=pointer_to("connection_overrides", index),
    )
