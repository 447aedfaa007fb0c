"""Whom stimuli act on: cells there must be, and what relative stimuli need to know about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Circuit
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.io.nodes import node_attribute_names
from neurodamus_like.validation.file_checks import blocks_of
from neurodamus_like.validation.problems import Problem

_CURRENTS = frozenset({"threshold_current", "holding_current"})
_RELATIVE_MODULES = frozenset(
    {
        "relative_linear",
        "subthreshold",
        "hyperpolarizing",
        "relative_shot_noise",
        "relative_ornstein_uhlenbeck",
    }
)

Populations = Mapping[str, Any]
"""Population -> something: those in which the target of a block has nodes."""


def needed_attributes(block: Mapping[str, Any]) -> frozenset[str]:
    """Return the ``dynamics_params`` that an input needs of its target cells."""
    relative = str(block.get("module")) in _RELATIVE_MODULES
    if not relative and not (block.get("module") == "noise" and "mean_percent" in block):
        return frozenset()
    return frozenset({"input_resistance"}) if block.get("input_type") == "conductance" else _CURRENTS


def known_attributes(circuit: Circuit, population: str) -> frozenset[str]:
    """Return the names of the ``dynamics_params`` of a population; all that count if its file cannot be read."""
    try:
        names = node_attribute_names(circuit.nodes[population].file, population)
    except (NeurodamusLikeError, KeyError):
        return _CURRENTS | {"input_resistance"}
    return frozenset(n.removeprefix("dynamics_params/") for n in names if n.startswith("dynamics_params/"))


def check_input_targets(
    raw: Mapping[str, Any], file: Path, circuit: Circuit, targets: Mapping[str, Populations]
) -> Iterator[Problem]:
    """Yield the inputs that act on no cells, and the relative ones whose cells lack what they are relative to.

    Parameters
    ----------
    raw, file
        The simulation configuration.
    circuit
        The circuit.
    targets
        Name of each input whose target is known -> populations it has nodes in.
    """
    for name, block in blocks_of(raw, "inputs"):
        known = [p for p in targets.get(name, ()) if p in circuit.nodes]
        with_cells = [p for p in known if not circuit.nodes[p].is_virtual]
        key = "compartment_set" if block.get("compartment_set") else "node_set"
        where = pointer_to("inputs", name, key)
        if known and not with_cells and block.get("module") != "synapse_replay":
            yield Problem(
                "error",
                f"the input {name!r} acts on nodes of {', '.join(known)} only, which are virtual: no cells",
                file,
                where,
                "virtual nodes only send spikes (module synapse_replay); choose a node set with cells",
            )
        for population in with_cells:
            missing = sorted(needed_attributes(block) - known_attributes(circuit, population))
            if missing:
                yield Problem(
                    "error",
                    f"the input {name!r} (module {block.get('module')!r}) needs {' and '.join(missing)} of every cell, "
                    f"which the population {population!r} does not have",
                    file,
                    where,
                    "add @dynamics_params to its nodes file: "
                    + ", ".join(
                        f"/nodes/{population}/0/dynamics_params/{attribute}" for attribute in missing
                    ),
                )
