"""Names that a simulation configuration uses: node sets, compartment sets, populations of replayed spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import libsonata
import numpy as np

from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.config.models import Circuit
from neurodamus_like.config.obi import DEFAULT_NETWORK
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.validation.file_checks import blocks_of, list_of
from neurodamus_like.validation.input_targets import check_input_targets, known_attributes, needed_attributes
from neurodamus_like.validation.node_set_names import IntArray, NodeSetNames
from neurodamus_like.validation.override_checks import OverrideEnds, check_overrides
from neurodamus_like.validation.problems import Problem
from neurodamus_like.validation.replay_checks import check_replays


@dataclass(frozen=True)
class References:
    """What the names of a simulation configuration can refer to."""

    raw: Mapping[str, Any]
    circuit: Circuit | None
    node_sets: NodeSetNames
    compartment_sets_file: Path | None = None

    @classmethod
    def read(cls, document: Document, circuit: Circuit | None) -> References:
        """Read the node sets of `document` and of its circuit."""
        files = [_circuit_node_sets(document) if circuit is None else circuit.node_sets_file]
        files.append(_path_or_none(document, "node_sets_file"))
        names = NodeSetNames([f for f in files if f is not None], circuit)
        return cls(document.raw, circuit, names, _path_or_none(document, "compartment_sets_file"))

    @property
    def usable(self) -> bool:
        """True when the node sets could be read."""
        return not self.node_sets.problems

    def simulated_nodes(self) -> dict[str, IntArray]:
        """Return the node ids to simulate per population: the node set, or all that are not virtual."""
        assert self.circuit is not None
        name = self.raw.get("node_set")
        if isinstance(name, str) and name:
            return self.node_sets.resolve(name) or {}
        return {p.name: np.arange(p.size) for p in self.circuit.nodes.values() if not p.is_virtual}

    def input_targets(self) -> dict[str, dict[str, Any]]:
        """Return the populations in which the target of each input has nodes, for the inputs where that is known."""
        found: dict[str, dict[str, Any]] = {}
        for name, block in blocks_of(self.raw, "inputs"):
            if isinstance(block.get("node_set"), str):
                selected = self.node_sets.resolve(block["node_set"])
            else:
                selected = self._compartment_set_populations().get(str(block.get("compartment_set")))
            if selected is not None:
                found[name] = dict(selected)
        return found

    def needed_dynamics(self) -> dict[str, set[str]]:
        """Return the ``dynamics_params`` that relative stimuli need and the nodes file has, per population."""
        assert self.circuit is not None
        targets, needed = self.input_targets(), dict[str, set[str]]()
        for name, block in blocks_of(self.raw, "inputs"):
            for population in targets.get(name, {}) if needed_attributes(block) else ():
                found = needed_attributes(block) & known_attributes(self.circuit, population)
                needed.setdefault(population, set()).update(found)
        return needed

    def _compartment_set_populations(self) -> dict[str, dict[str, Any]]:
        path = self.compartment_sets_file
        if path is None or not path.is_file():
            return {}
        try:
            sets = read_json(path)
        except ConfigurationError:
            return {}
        return {name: {str(s["population"]): ()} for name, s in sets.items() if "population" in s}


def check_references(document: Document, references: References) -> list[Problem]:
    """Return the problems of all names used in a simulation configuration."""
    problems = list(references.node_sets.problems)
    if references.circuit is not None or _circuit_document(document) is not None:
        problems += _check_node_sets(document, references)
    problems += _check_compartment_sets(document, references)
    if references.circuit is not None and references.usable:
        targets = references.input_targets()
        problems += check_input_targets(document.raw, document.file, references.circuit, targets)
    problems += check_replays(document, references.circuit)
    problems += _check_overrides(document, references)
    return problems


def _path_or_none(document: Document, key: str) -> Path | None:
    try:
        return document.path_at(key)
    except ConfigurationError:
        return None


def _circuit_document(document: Document) -> Document | None:
    """Return the circuit configuration as far as it can be read; without it, half of the node sets are unknown."""
    try:
        path = document.path_at("network", default=DEFAULT_NETWORK)
        return Document(path) if path is not None else None
    except ConfigurationError:
        return None


def _circuit_node_sets(document: Document) -> Path | None:
    circuit = _circuit_document(document)
    return _path_or_none(circuit, "node_sets_file") if circuit is not None else None


# node sets


def _node_set_uses(raw: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield (node set name, JSON pointer) of each use."""
    if raw.get("node_set"):
        yield raw["node_set"], "/node_set"
    for family, key in (("inputs", "node_set"), ("reports", "cells")):
        for name, block in blocks_of(raw, family):
            if block.get(key):
                yield block[key], pointer_to(family, name, key)
    for index, block in list_of(raw, "connection_overrides"):
        for key in ("source", "target"):
            if key in block:
                yield block[key], pointer_to("connection_overrides", index, key)
    conditions = raw.get("conditions")
    for index, block in list_of(conditions if isinstance(conditions, Mapping) else {}, "modifications"):
        if block.get("node_set"):
            yield block["node_set"], pointer_to("conditions", "modifications", index, "node_set")


def _check_node_sets(document: Document, references: References) -> Iterator[Problem]:
    sets = references.node_sets
    for name, pointer in _node_set_uses(document.raw):
        if not isinstance(name, str):
            continue
        if not sets.knows(name):
            yield Problem("error", f"unknown node set {name!r}", document.file, pointer, sets.proposal(name))
            continue
        selected = sets.resolve(name)
        if selected is not None and not selected:
            level = "error" if pointer == "/node_set" else "warning"
            yield Problem(
                "error" if level == "error" else "warning",
                f"the node set {name!r} selects nothing",
                document.file,
                pointer,
                _why_empty(name, sets),
            )


def _why_empty(name: str, sets: NodeSetNames) -> str:
    unknown = sets.unknown_populations(name)
    if not unknown or sets.circuit is None:
        return "no node of the circuit fulfils all its conditions"
    near = did_you_mean(unknown[0], sets.circuit.nodes)
    have = ", ".join(sets.circuit.nodes)
    return f"the circuit has no population {unknown[0]!r}: " + (near or f"it has {have}")


# connection overrides


def _check_overrides(document: Document, references: References) -> Iterator[Problem]:
    blocks = []
    for index, block in list_of(document.raw, "connection_overrides"):
        ends = [references.node_sets.resolve(str(block.get(key))) for key in ("source", "target")]
        if ends[0] is None or ends[1] is None:
            return
        blocks.append(
            OverrideEnds(
                name=str(block.get("name", index)),
                weight=_number(block.get("weight"), 1.0),
                delay_ms=_number(block.get("delay"), 0.0),
                source=ends[0],
                target=ends[1],
                pointer=pointer_to("connection_overrides", index),
                synapse_configure=str(block.get("synapse_configure") or ""),
            )
        )
    for problem in check_overrides(blocks):
        yield replace(problem, file=document.file)


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default


# compartment sets


def _compartment_set_uses(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for family in ("inputs", "reports"):
        for name, block in blocks_of(raw, family):
            if isinstance(block.get("compartment_set"), str):
                yield block["compartment_set"], pointer_to(family, name, "compartment_set")
    conditions = raw.get("conditions")
    for index, block in list_of(conditions if isinstance(conditions, Mapping) else {}, "modifications"):
        if isinstance(block.get("compartment_set"), str):
            pointer = pointer_to("conditions", "modifications", index, "compartment_set")
            yield block["compartment_set"], pointer


def _check_compartment_sets(document: Document, references: References) -> Iterator[Problem]:
    uses = list(_compartment_set_uses(document.raw))
    path = _path_or_none(document, "compartment_sets_file")
    if path is None:
        for name, pointer in uses:
            yield Problem(
                "error",
                f"the compartment set {name!r} is used, but 'compartment_sets_file' is not given",
                document.file,
                pointer,
                "add 'compartment_sets_file'",
            )
        return
    if not path.is_file():
        return
    try:
        known = read_json(path)
        libsonata.CompartmentSets.from_file(str(path))
    except ConfigurationError as error:
        yield Problem.from_error(error)
        return
    except (libsonata.SonataError, RuntimeError) as error:
        yield Problem("error", f"the compartment sets are not valid: {error}", path)
        return
    for name, pointer in uses:
        if name not in known:
            hint = did_you_mean(name, known) or "known compartment sets: " + ", ".join(known)
            yield Problem("error", f"unknown compartment set {name!r}", document.file, pointer, hint)
        elif references.circuit is not None:
            yield from _check_compartment_set(name, known[name], path, references.circuit)


def _check_compartment_set(
    name: str, block: Mapping[str, Any], path: Path, circuit: Circuit
) -> Iterator[Problem]:
    population = str(block.get("population"))
    if population not in circuit.nodes:
        yield Problem(
            "error",
            f"the compartment set {name!r} is for the population {population!r}, unknown to the circuit",
            path,
            pointer_to(name, "population"),
            did_you_mean(population, circuit.nodes) or None,
        )
        return
    size = circuit.nodes[population].size
    beyond = [row[0] for row in block.get("compartment_set", []) if row[0] >= size]
    if beyond:
        yield Problem(
            "error",
            f"the compartment set {name!r} names the node {beyond[0]}, but {population!r} has {size} nodes",
            path,
            pointer_to(name, "compartment_set"),
            "node ids count from 0",
        )
