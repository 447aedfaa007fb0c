"""Reader of the clamps and potentials of the Allen dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Input
from neurodamus_like.exceptions import did_you_mean

_NOT_PARAMETERS = frozenset({"module", "input_type", "node_set", "cells", "enabled", "vc"})
"""The value ``vc`` of a SEClamp has no effect: NEURON computes it."""


@dataclass(frozen=True)
class StimulusForm:
    """What a block becomes.

    Attributes
    ----------
    module
        Name of the stimulus type.
    input_type
        What that stimulus is.
    files
        Keys that hold a path, or a list of them.
    """

    module: str
    input_type: str
    files: tuple[str, ...] = ()


_TABLE = StimulusForm("current_table", "current_clamp", ("file",))
_SWEEP = StimulusForm("current_sweep", "current_clamp", ("file",))

CURRENTS: Mapping[str, StimulusForm] = MappingProxyType(
    {
        "current_clamp": StimulusForm("current_steps", "current_clamp"),
        "csv": _TABLE,
        "file": _TABLE,
        "nwb": _SWEEP,
        "allen": _SWEEP,
    }
)
"""``input_type`` of the module IClamp -> what the block becomes."""

OTHERS: Mapping[str, StimulusForm] = MappingProxyType(
    {
        "seclamp": StimulusForm("voltage_step", "voltage_clamp"),
        "xstim": StimulusForm(
            "xstim", "extracellular_stimulation", ("positions_file", "mesh_files_dir", "waveform")
        ),
        "comsol": StimulusForm("comsol", "extracellular_stimulation", ("comsol_files", "waveforms")),
    }
)
"""Other modules (in small letters) -> what the block becomes."""


def read_current(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    """Return the input of an IClamp block.

    Raises
    ------
    ConfigurationError
        It is wrong.
    """
    kind = block.get("input_type")
    if kind not in CURRENTS:
        raise context.error(
            f"the input {name!r} has an unknown input_type {kind!r}",
            *("inputs", name, "input_type"),
            expected="one of " + ", ".join(CURRENTS),
            hint=did_you_mean(str(kind), CURRENTS) or None,
        )
    return [make_input(CURRENTS[str(kind)], name, block, context)]


def read_other(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    """Return the input of a block of one of the other modules.

    Raises
    ------
    ConfigurationError
        It is wrong.
    """
    return [make_input(OTHERS[str(block["module"]).lower()], name, block, context)]


def make_input(form: StimulusForm, name: str, block: Mapping[str, Any], context: AllenContext) -> Input:
    """Return the input that a block becomes; its values are checked later, by the type of stimulus."""
    where = ("inputs", name)
    key = "node_set" if block.get("node_set") is not None else "cells"
    chosen = block.get(key)
    return Input(
        name=name,
        module=form.module,
        input_type=form.input_type,
        duration_ms=float("inf"),
        node_set=context.node_set("all" if chosen is None else chosen, *where, key),
        parameters=MappingProxyType(dict(_parameters(form, name, block, context))),
        pointer=pointer_to(*where),
    )


def _parameters(
    form: StimulusForm, name: str, block: Mapping[str, Any], context: AllenContext
) -> list[tuple[str, Any]]:
    found = []
    for key, value in block.items():
        if key in _NOT_PARAMETERS or value is None:
            continue
        found.append((key, _paths(value, context, "inputs", name, key) if key in form.files else value))
    return found


def _paths(value: Any, context: AllenContext, *where: str | int) -> Any:
    """Return absolute paths for texts, also inside lists; other values are kept."""
    if isinstance(value, list):
        return [_paths(item, context, *where) for item in value]
    return str(context.existing(value, *where)) if isinstance(value, str) else value
