"""Node sets as validation needs them: which names exist, and whether one selects anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libsonata
import numpy as np
import numpy.typing as npt

from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.config.models import Circuit
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.validation.problems import Problem

IntArray = npt.NDArray[np.int64]


class NodeSetNames:
    """The node sets of a circuit with those of a simulation laid over them.

    Parameters
    ----------
    files
        Node set files, the later ones win.
    circuit
        Whose populations are selected from; None when it could not be loaded.

    Attributes
    ----------
    names
        Names of all node sets.
    problems
        What is wrong with the files.
    """

    def __init__(self, files: list[Path], circuit: Circuit | None) -> None:
        self.circuit = circuit
        self.problems: list[Problem] = []
        self._rules: dict[str, Any] = {}
        for file in files:
            self._add(file)
        self._check_compounds(files)
        self._sets = self._parse(files)
        self._populations: dict[str, Any] = {}
        self._resolved: dict[str, dict[str, IntArray]] = {}

    @property
    def names(self) -> set[str]:
        """Names of all node sets."""
        return set(self._rules)

    def knows(self, name: str) -> bool:
        """Tell whether `name` is a node set, or ``population:nodeset`` with both parts known."""
        if name in self._rules:
            return True
        population, colon, rest = name.partition(":")
        known = self.circuit is None or population in self.circuit.nodes or not population
        return bool(colon) and known and (rest in self._rules or not rest)

    def proposal(self, name: str) -> str:
        """Return a hint for an unknown name."""
        population, colon, rest = name.partition(":")
        if colon and rest in self._rules and self.circuit is not None:
            return did_you_mean(population, self.circuit.nodes) or _known("populations", self.circuit.nodes)
        return did_you_mean(name, self._rules) or _known("node sets", self._rules)

    def unknown_populations(self, name: str) -> list[str]:
        """Return the populations that the node set `name` asks for and the circuit does not have."""
        rule = self._rules.get(name)
        if isinstance(rule, list):
            return sorted(
                {
                    p
                    for part in rule
                    if isinstance(part, str) and part != name
                    for p in self.unknown_populations(part)
                }
            )
        asked = rule.get("population", []) if isinstance(rule, Mapping) else []
        asked = [asked] if isinstance(asked, str) else asked
        nodes = self.circuit.nodes if self.circuit is not None else {}
        return [str(p) for p in asked if p not in nodes]

    def resolve(self, name: str) -> dict[str, IntArray] | None:
        """Return the ids that `name` selects in each population, empty ones left out; None if unknowable."""
        if self._sets is None or self.circuit is None or not self.knows(name):
            return None
        if name not in self._resolved:
            self._resolved[name] = self._materialize(name)
        return self._resolved[name]

    def _materialize(self, name: str) -> dict[str, IntArray]:
        assert self.circuit is not None
        only = None
        if name not in self._rules:
            only, _, name = name.partition(":")
        found = {}
        for population in self.circuit.nodes if not only else [only]:
            ids = self._select(name, population)
            if ids.size:
                found[population] = ids
        return found

    def _select(self, name: str, population: str) -> IntArray:
        assert self.circuit is not None
        if not name:
            return np.arange(self.circuit.nodes[population].size)
        try:
            if population not in self._populations:
                storage = libsonata.NodeStorage(str(self.circuit.nodes[population].file))
                self._populations[population] = storage.open_population(population)
            selection = self._sets.materialize(name, self._populations[population])
        except (libsonata.SonataError, RuntimeError):
            return np.empty(0, np.int64)  # the population lacks an attribute of the rule: it is left out
        return np.asarray(selection.flatten(), dtype=np.int64)

    def _add(self, file: Path) -> None:
        if not file.is_file():
            return
        try:
            self._rules.update(read_json(file))
        except ConfigurationError as error:
            self.problems.append(Problem.from_error(error))

    def _check_compounds(self, files: list[Path]) -> None:
        for name, rule in self._rules.items():
            for part in rule if isinstance(rule, list) else []:
                if isinstance(part, str) and part not in self._rules:
                    self.problems.append(
                        Problem(
                            "error",
                            f"the node set {name!r} refers to the unknown node set {part!r}",
                            files[-1],
                            pointer_to(name),
                            self.proposal(str(part)),
                        )
                    )

    def _parse(self, files: list[Path]) -> Any:
        if self.problems:
            return None
        try:
            return libsonata.NodeSets(json.dumps(self._rules))
        except (libsonata.SonataError, RuntimeError) as error:
            self.problems.append(
                Problem("error", f"the node sets are not valid: {error}", files[-1] if files else None)
            )
            return None


def _known(what: str, names: Any) -> str:
    listed = sorted(names)
    more = f", ... ({len(listed)} in all)" if len(listed) > 12 else ""
    return f"known {what}: " + (", ".join(listed[:12]) + more if listed else "none")
