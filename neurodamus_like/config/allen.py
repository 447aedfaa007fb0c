"""Reader of the Allen dialect: configurations of BMTK's BioNet into the models.

What BMTK passes over in silence is an error or a notice here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.config import models as m
from neurodamus_like.config.allen_circuit import read_circuit
from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.allen_inputs import read_inputs
from neurodamus_like.config.allen_keys import notice_keys
from neurodamus_like.config.allen_node_sets import NodeSetBook
from neurodamus_like.config.allen_reports import read_reports
from neurodamus_like.config.allen_spike_inputs import with_replayed_edges
from neurodamus_like.config.allen_values import (
    read_file_name,
    read_simulator,
    read_switch,
)
from neurodamus_like.config.allen_variables import unresolved
from neurodamus_like.exceptions import NeurodamusLikeError

DEFAULT_BLOCK_STEPS = 5000
DEFAULT_DT_MS = 0.1
_ABSOLUTE_ZERO_C = -273.15
_SORT_ORDERS = {
    "time": "by_time",
    "by_time": "by_time",
    "id": "by_id",
    "by_id": "by_id",
    "node_id": "by_id",
    "gid": "by_id",
    "none": "none",
    "": "none",
}
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_CHECKED_SECTIONS = (
    "run",
    "conditions",
    "components",
    "networks",
    "inputs",
    "reports",
    "output",
    "node_sets",
)
_POSITIVE = ("tstop", "dt", "dL", "nsteps_block")


@dataclass(frozen=True)
class AllenReading:
    """What was read: the simulation unless there are errors, and everything found on the way."""

    simulation: m.Simulation | None
    errors: tuple[NeurodamusLikeError, ...]
    document: AllenDocument | None = None


def load_allen(path: str | Path, variables: Mapping[str, Any] | None = None) -> m.Simulation:
    """Return the simulation described by a BMTK configuration, with its circuit.

    Parameters
    ----------
    path
        The configuration: one file, or one that names those of network and simulation.
    variables
        Variables of the caller (name without ``$`` -> value); they beat the manifest.

    Raises
    ------
    ConfigurationError, ProblemsError
        Something is wrong; all of it is shown together.
    CircuitError
        A file of the network is missing or damaged.
    """
    return simulation_of(AllenDocument(path, variables))


def simulation_of(document: AllenDocument) -> m.Simulation:
    """Return the simulation of a configuration that was read before; raises as :func:`load_allen`."""
    simulation = _read(document)
    document.raise_errors()
    assert simulation is not None
    return simulation


def read_allen(path: str | Path, variables: Mapping[str, Any] | None = None) -> AllenReading:
    """Return the simulation and all errors of a BMTK configuration, without raising any."""
    try:
        document = AllenDocument(path, variables)
    except NeurodamusLikeError as error:
        return AllenReading(None, (error,))
    simulation = _read(document)
    return AllenReading(None if document.errors else simulation, tuple(document.errors), document)


def _read(document: AllenDocument) -> m.Simulation | None:
    _check_variables(document)
    notice_keys(document)
    run = output = circuit = None
    simulator = "NEURON"
    with document.collecting():
        simulator = read_simulator(document)
    with document.collecting():
        run = _run(document)
    with document.collecting():
        output = _output(document)
    with document.collecting():
        circuit = read_circuit(document)
    conditions = m.Conditions()
    with document.collecting():
        conditions = _conditions(document)
    if run is None or output is None or circuit is None:
        return None
    context = AllenContext(document, circuit, run, output, NodeSetBook(document, circuit))
    inputs: tuple[m.Input, ...] = ()
    reports: tuple[m.Report, ...] = ()
    with document.collecting():
        inputs = read_inputs(document.block("inputs"), context)
    with document.collecting():
        reports = read_reports(document.block("reports"), context)
    return m.Simulation(
        path=document.file,
        circuit=with_replayed_edges(circuit, inputs),
        run=run,
        output=output,
        conditions=conditions,
        simulator=simulator,
        inputs=inputs,
        reports=reports,
        node_set_rules=context.node_sets.rules(),
        notices=tuple(document.notices),
    )


def _check_variables(document: AllenDocument) -> None:
    for section in _CHECKED_SECTIONS:
        for where, text in _texts(document.sections.get(section), (section,)):
            for name in unresolved(text):
                document.errors.append(
                    document.error(
                        f"the variable {name!r} in {text!r} is not defined",
                        *where,
                        hint=f"add \"${name}\" to 'manifest'",
                    )
                )


def _texts(value: Any, where: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        return [(where, value)]
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in _texts(item, (*where, key))]
    if isinstance(value, list):
        return [found for i, item in enumerate(value) for found in _texts(item, (*where, i))]
    return []


def _run(document: AllenDocument) -> m.Run:
    block = document.block("run")
    numbers = {key: _number(document, block, key) for key in (*_POSITIVE, "tstart", "spike_threshold")}
    for key in _POSITIVE:
        value = numbers[key]
        if value is not None and value <= 0:
            raise document.error(f"{key!r} must be greater than 0, found {value:g}", "run", key)
    if numbers["tstop"] is None:
        raise document.error("'tstop' is missing", "run", expected="the duration in ms")
    if numbers["tstop"] < (numbers["dt"] or DEFAULT_DT_MS):
        raise document.error("'tstop' is shorter than a time step", "run", "tstop")
    steps = numbers["nsteps_block"]
    if steps is not None and not steps.is_integer():
        raise document.error(f"'nsteps_block' is no whole number: {steps:g}", "run", "nsteps_block")
    if steps is None:
        document.notice(
            f"'nsteps_block' is missing: {DEFAULT_BLOCK_STEPS} is used (BMTK stops at the first step)",
            "run",
            hint=f'add "nsteps_block": {DEFAULT_BLOCK_STEPS}',
        )
    if numbers["tstart"]:
        document.notice("'tstart' has no effect: a run begins at 0 ms", "run", "tstart")
    threshold = numbers["spike_threshold"]
    return m.Run(
        tstop_ms=numbers["tstop"],
        dt_ms=numbers["dt"] or DEFAULT_DT_MS,
        random_seed=int(_number(document, block, "random_seed") or 0),
        spike_threshold_mV=-15.0 if threshold is None else threshold,
        segment_length_um=numbers["dL"] if "dL" in block else 20.0,
        block_steps=int(steps or DEFAULT_BLOCK_STEPS),
    )


def _number(
    document: AllenDocument, block: Mapping[str, Any], key: str, section: str = "run"
) -> float | None:
    value = block.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise document.error(f"{key!r} is not a number: {value!r}", section, key)
    return float(value)


def _conditions(document: AllenDocument) -> m.Conditions:
    block = document.block("conditions")
    celsius = _number(document, block, "celsius", "conditions")
    v_init = _number(document, block, "v_init", "conditions")
    if celsius is not None and celsius < _ABSOLUTE_ZERO_C:
        raise document.error(f"'celsius' is below the absolute zero: {celsius:g}", "conditions", "celsius")
    for key, value in (("celsius", celsius), ("v_init", v_init)):
        if value is None:
            document.notice(f"{key!r} is missing", "conditions", hint="a number is better than a default")
    return m.Conditions(
        celsius=34.0 if celsius is None else celsius, v_init_mV=-80.0 if v_init is None else v_init
    )


def _output(document: AllenDocument) -> m.Output:
    block = document.block("output")
    order = str(block.get("spikes_sort_order") or "none")
    if order not in _SORT_ORDERS:
        raise document.error(
            f"unknown spikes_sort_order {order!r}",
            "output",
            "spikes_sort_order",
            expected="one of " + ", ".join(filter(None, _SORT_ORDERS)),
        )
    level = str(block.get("log_level") or "").upper()
    if level and level not in _LOG_LEVELS:
        raise document.error(
            f"unknown log_level {level!r}", "output", "log_level", expected="one of " + ", ".join(_LOG_LEVELS)
        )
    overwrite = read_switch(
        document,
        block,
        "overwrite_output_dir",
        read_switch(document, document.block("run"), "overwrite_output_dir", True, "run"),
        "output",
    )
    folder = _output_folder(document, block.get("output_dir") or ".")
    return m.Output(
        directory=folder,
        spikes_file=read_file_name(document, "spikes_file", folder, "spikes.h5"),
        log_file=read_file_name(document, "log_file", folder),
        spikes_sort_order=_SORT_ORDERS[order],
        spikes_style="text",
        spikes_file_csv=read_file_name(document, "spikes_file_csv", folder),
        spikes_file_nwb=read_file_name(document, "spikes_file_nwb", folder),
        log_level=level,
        keep_results=not overwrite,
    )


def _output_folder(document: AllenDocument, text: object) -> Path:
    folder = document.resolve(text, "output", "output_dir")
    if folder.exists() and not folder.is_dir():
        raise document.error(
            f"'output_dir' is a file: {folder}",
            "output",
            "output_dir",
            hint="name a folder, or move the file",
        )
    return folder
