"""Node sets: names for selections of nodes, by attributes, ids or other node sets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import libsonata
import numpy as np

from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.exceptions import CircuitError, TargetError, did_you_mean
from neurodamus_like.io.hdf5 import IntArray

logger = logging.getLogger(__name__)

MAX_NESTING = 10
"""How deep compound node sets may refer to others (as in libsonata)."""


_PART = "\x1f"


class NodeSets:
    """The node sets of a circuit and of a simulation, merged.

    A compound node set is the union of its parts; a part whose attribute a population lacks leaves the
    nodes of the other parts alone (the reference drops the whole population then).

    Parameters
    ----------
    rules
        Node set name -> rule, as in the JSON file.
    file
        Named in errors.
    overridden
        Names that the simulation defines differently from the circuit.

    Raises
    ------
    TargetError
        A rule is malformed, or a compound refers to an unknown node set.
    """

    def __init__(
        self, rules: Mapping[str, Any], file: Path | None = None, overridden: tuple[str, ...] = ()
    ) -> None:
        self._rules = dict(rules)
        self._file = file
        self.overridden = overridden
        self._nodes: dict[tuple[Path, str], Any] = {}
        self._check_references()
        self._conjuncts: dict[str, list[str]] = {}
        simple: dict[str, Any] = {}
        for name, rule in self._rules.items():
            if isinstance(rule, dict) and rule:
                parts = {f"{name}{_PART}{number}": part for number, part in enumerate(_split(rule))}
                self._conjuncts[name] = list(parts)
                simple.update(parts)
        try:
            self._sets = libsonata.NodeSets(json.dumps(simple))
        except (libsonata.SonataError, RuntimeError) as error:
            raise TargetError(f"the node sets are not valid: {error}", file=file) from error

    @classmethod
    def from_files(cls, circuit_file: Path | None, simulation_file: Path | None = None) -> NodeSets:
        """Read and merge node sets; where a name is in both files, the simulation wins.

        Raises
        ------
        ConfigurationError
            A file cannot be read as JSON.
        TargetError
            A rule is malformed.
        """
        circuit = {} if circuit_file is None else read_json(circuit_file)
        simulation = {} if simulation_file is None else read_json(simulation_file)
        overridden = tuple(n for n in simulation if n in circuit and circuit[n] != simulation[n])
        return cls({**circuit, **simulation}, simulation_file or circuit_file, overridden)

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._rules)

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def resolve(self, name: str, populations: Mapping[str, Path]) -> dict[str, IntArray]:
        """Return the nodes that `name` selects.

        Parameters
        ----------
        name
            A node set.
        populations
            Node population -> its file.

        Returns
        -------
        dict
            Population -> int64 ids, ascending and unique. Populations without selected nodes are absent, and
            so are those that lack an attribute that the rule asks for (a warning tells of them).

        Raises
        ------
        TargetError
            There is no such node set.
        """
        self._check_known(name)
        leaves = list(dict.fromkeys(self._leaves(name, 0)))
        found: dict[str, IntArray] = {}
        for population, file in populations.items():
            parts = [self._select(leaf, population, Path(file), name) for leaf in leaves]
            ids = np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
            if ids.size:
                found[population] = ids
        return found

    def _leaves(self, name: str, depth: int) -> Iterator[str]:
        rule = self._rules[name]
        if isinstance(rule, dict):
            yield name
            return
        if depth >= MAX_NESTING:
            raise TargetError(
                f"the node set {name!r} refers to itself, or is nested more than {MAX_NESTING} deep",
                file=self._file,
                pointer=pointer_to(name),
            )
        for part in rule:
            yield from self._leaves(part, depth + 1)

    def _select(self, leaf: str, population: str, file: Path, asked: str) -> IntArray:
        rule = self._rules[leaf]
        nodes = self._open(population, file)
        if not rule:
            return np.arange(nodes.size, dtype=np.int64)
        wanted = rule.get("population")
        if wanted is not None and population not in ([wanted] if isinstance(wanted, str) else wanted):
            return np.empty(0, dtype=np.int64)
        try:
            parts = [self._sets.materialize(part, nodes) for part in self._conjuncts[leaf]]
        except libsonata.SonataError as error:
            part = "" if leaf == asked else f" (in its part {leaf!r})"
            logger.warning("node set %r: population %r is left out%s: %s", asked, population, part, error)
            return np.empty(0, dtype=np.int64)
        except RuntimeError as error:
            raise TargetError(
                f"the node set {leaf!r} cannot be evaluated: {error}",
                file=self._file,
                pointer=pointer_to(leaf),
            ) from error
        found = [np.asarray(part.flatten(), dtype=np.int64) for part in parts]
        return reduce(np.intersect1d, found)

    def _open(self, population: str, file: Path) -> Any:
        key = (file, population)
        if key not in self._nodes:
            try:
                self._nodes[key] = libsonata.NodeStorage(str(file)).open_population(population)
            except (libsonata.SonataError, RuntimeError) as error:
                raise CircuitError(
                    f"cannot open the node population: {error}", file=file, population=population
                ) from error
        return self._nodes[key]

    def _check_known(self, name: str) -> None:
        if name not in self._rules:
            raise TargetError(
                f"unknown node set {name!r}",
                file=self._file,
                expected="one of " + ", ".join(self.names[:20]) + (", ..." if len(self._rules) > 20 else ""),
                hint=did_you_mean(name, self._rules) or None,
            )

    def _check_references(self) -> None:
        for name, rule in self._rules.items():
            if not isinstance(rule, dict | list):
                raise TargetError(
                    f"the node set {name!r} is neither a rule nor a list of node sets",
                    file=self._file,
                    pointer=pointer_to(name),
                )
            for part in rule if isinstance(rule, list) else ():
                if part not in self._rules:
                    raise TargetError(
                        f"the node set {name!r} refers to the unknown node set {part!r}",
                        file=self._file,
                        pointer=pointer_to(name),
                        hint=did_you_mean(str(part), self._rules) or None,
                    )


def _split(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rules with one operator per attribute that must all hold (libsonata takes no more)."""
    first: dict[str, Any] = {}
    further: list[dict[str, Any]] = []
    for attribute, condition in rule.items():
        operators = list(condition.items()) if isinstance(condition, dict) else []
        first[attribute] = dict(operators[:1]) if len(operators) > 1 else condition
        further += [{attribute: {name: value}} for name, value in operators[1:]]
    return [first, *further]
