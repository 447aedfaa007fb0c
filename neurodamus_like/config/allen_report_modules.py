"""The modules of reports of the Allen dialect, and what each of them reads from its block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_report_fields import (
    read_cells,
    read_common,
    read_section_kinds,
    reports_per_variable,
)
from neurodamus_like.config.allen_stimuli import CURRENTS, OTHERS
from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import did_you_mean

ReportReader = Callable[[str, Mapping[str, Any], AllenContext], list[Report]]
"""(name, block, context) -> reports, one for each file."""

_TIMES = ("start_time", "end_time", "dt")


def _membrane(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Report]:
    kinds = read_section_kinds(block.get("sections", "all"), ("reports", name, "sections"), context)
    if block.get("transform"):
        context.notice("'transform' has no effect", "reports", name, "transform")
    return list(
        reports_per_variable(name, block, context, kind="segments", parameters={"section_kinds": kinds})
    )


def _netcon(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Report]:
    mechanism = block.get("syn_type", "Exp2Syn")
    of_netcon = mechanism == "netcon"
    if mechanism is not None and not isinstance(mechanism, str):
        where = ("reports", name, "syn_type")
        raise context.error(
            f"'syn_type' is not a text: {mechanism!r}", *where, expected="how the name begins"
        )
    parameters = {"mechanism": "" if of_netcon else mechanism or "", "of_netcon": of_netcon}
    return list(reports_per_variable(name, block, context, kind="netcons", parameters=parameters))


def _weight(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Report]:
    parameters = {"mechanism": block.get("syn_type") or "", "of_netcon": True}
    weights = {**block, "variable_name": "weight"}
    return list(reports_per_variable(name, weights, context, kind="netcons", parameters=parameters))


def _extracellular(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Report]:
    where = ("reports", name)
    if block.get("electrode_positions") is None:
        raise context.error(
            "'electrode_positions' is missing", *where, expected="a table: channel x_pos y_pos z_pos"
        )
    parameters = {
        "method": block.get("method", "line"),
        "conductivity": context.number(block, "conductivity", *where, default=0.3),
        "minimum_distance": _minimum_distance(block, where, context),
    }
    for key in ("contributions_dir", "file_name_nwb"):
        if block.get(key):
            parameters[key] = block[key]
    common = read_common(name, block, context, kind="extracellular", parameters=parameters)
    file = context.existing(block["electrode_positions"], *where, "electrode_positions")
    return [replace(common, cells=_bounded_cells(block, where, context), electrodes_file=file)]


def _minimum_distance(
    block: Mapping[str, Any], where: tuple[str, ...], context: AllenContext
) -> float | str | None:
    value = block.get("minimum_distance")
    if value is None or value == "auto":
        return value
    distance = context.number(block, "minimum_distance", *where)
    if distance < 0:
        message = f"'minimum_distance' must not be negative, found {distance:g}"
        raise context.error(message, *where, "minimum_distance", expected='µm, or "auto"')
    return distance or None


def _bounded_cells(block: Mapping[str, Any], where: tuple[str, ...], context: AllenContext) -> str:
    bounds = block.get("cell_bounds")
    if bounds is None:
        return read_cells(block, where, context)
    if not (isinstance(bounds, list) and len(bounds) == 2 and all(isinstance(b, int) for b in bounds)):
        message = f"'cell_bounds' are not two node ids: {bounds!r}"
        raise context.error(message, *where, "cell_bounds", expected="[first, last]")
    return context.node_set(list(range(bounds[0], bounds[1] + 1)), *where, "cell_bounds")


def _clamp(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Report]:
    which = block.get("variable_name")
    if which not in _CLAMPS.values():
        raise context.error(
            f"unknown clamps {which!r}",
            *("reports", name, "variable_name"),
            expected="ic (IClamp), f_ic (IClamp from a file) or se (SEClamp)",
            hint=did_you_mean(str(which), set(_CLAMPS.values())) or None,
        )
    inputs = context.enabled_blocks("inputs", context.document.block("inputs"))
    names = [i for i, other in inputs if _clamp_kind(other) == which]
    names += [other.name for other in context.applied if _CLAMPS.get(other.module) == which]
    if not names:
        message = f"there are no clamps of the kind {which!r}"
        raise context.error(
            message,
            "reports",
            name,
            "variable_name",
            hint="add such an input before it, or remove the report",
        )
    parameters = {"inputs": tuple(dict.fromkeys(names))}
    whole = {**block, "cells": "all"}
    return [replace(read_common(name, whole, context, kind="clamps", parameters=parameters), cells="all")]


_CLAMPS = MappingProxyType(
    {"current_steps": "ic", "current_table": "f_ic", "current_sweep": "f_ic", "voltage_step": "se"}
)
"""Type of stimulus -> kind of clamp."""


def _clamp_kind(block: Mapping[str, Any]) -> str | None:
    module = str(block.get("module")).lower()
    form = CURRENTS.get(str(block.get("input_type"))) if module == "iclamp" else OTHERS.get(module)
    return None if form is None else _CLAMPS.get(form.module)


def _save_synapses(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Report]:
    folder = block.get("network_dir")
    if not isinstance(folder, str) or not folder:
        raise context.error("'network_dir' is missing", "reports", name, expected="a folder for edges files")
    where = ("reports", name, "network_dir")
    path = context.resolve(folder, *where)
    for edges in context.circuit.edges.values():
        if edges.file == path / f"{edges.source}_{edges.target}_edges.h5":
            message = f"{edges.file.name} in this folder is a file of the network itself"
            raise context.error(message, *where, hint="give another folder: it would be written over")
    common = read_common(name, block, context, kind="synapse_files", parameters={})
    return [replace(common, cells="all", file_name=str(path))]


_MEMBRANE_KEYS = ("variable_name", "sections", "transform", *_TIMES)
_NETCON_KEYS = ("variable_name", "sections", "syn_type", "transform", *_TIMES)
_ECP_KEYS = (
    *("electrode_positions", "contributions_dir", "minimum_distance", "cell_bounds", "file_name_nwb"),
    *("electrode_channels", "variable_name", "method", "conductivity", *_TIMES),
)
REPORT_READERS: Mapping[str, tuple[ReportReader, Sequence[str]]] = MappingProxyType(
    {
        "membrane_report": (_membrane, _MEMBRANE_KEYS),
        "netcon_report": (_netcon, _NETCON_KEYS),
        "syn_report": (_netcon, _NETCON_KEYS),
        "syn_weight": (_weight, _NETCON_KEYS),
        "clamp_report": (_clamp, ("variable_name", *_TIMES)),
        "extracellular": (_extracellular, _ECP_KEYS),
        "save_synapses": (_save_synapses, ("network_dir", "single_file")),
        "SaveSynapses": (_save_synapses, ("network_dir", "single_file")),
    }
)
"""Module -> its reader, and the keys that only it has."""
