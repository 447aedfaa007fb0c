"""Node sets over nodes that have some of their attributes from their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import NodePopulation
from neurodamus_like.exceptions import TargetError, did_you_mean
from neurodamus_like.io.hdf5 import IntArray
from neurodamus_like.io.node_types import AnyArray, read_typed_nodes

_MAX_NESTING = 20
_NOT_ATTRIBUTES = ("population", "node_id")


class TypedNodeSets:
    """Node sets as rules: {attribute: value or list of values}, all of which must hold, or lists of names.

    Parameters
    ----------
    rules
        Name -> rule; `population` takes a list of names, `node_id` a list of ids.
    nodes
        The node populations.
    file
        The configuration, for messages.
    """

    def __init__(self, rules: Mapping[str, Any], nodes: Mapping[str, NodePopulation], file: Path) -> None:
        self._rules = dict(rules)
        self._nodes = nodes
        self._file = file
        self._columns: dict[tuple[str, str], tuple[IntArray, AnyArray]] = {}
        self.overridden: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._rules)

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def resolve(self, name: str, populations: Mapping[str, Path]) -> dict[str, IntArray]:
        """Return population -> ids (int64, ascending and unique) of a node set; populations without nodes are absent.

        Raises
        ------
        TargetError
            There is no such node set.
        """
        rules = list(self._leaves(name, 0))
        found = {}
        for population in populations:
            parts = [self._select(rule, population) for rule in rules]
            ids = np.unique(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
            if ids.size:
                found[population] = ids
        return found

    def _leaves(self, name: str, depth: int) -> Iterator[Mapping[str, Any]]:
        if name not in self._rules or depth > _MAX_NESTING:
            problem = (
                f"unknown node set {name!r}" if name not in self._rules else f"{name!r} refers to itself"
            )
            raise TargetError(
                problem,
                file=self._file,
                pointer=pointer_to("node_sets", name),
                expected="one of " + ", ".join(self.names[:20]),
                hint=did_you_mean(name, self._rules) or None,
            )
        rule = self._rules[name]
        if isinstance(rule, Mapping):
            yield rule
            return
        for part in rule:
            yield from self._leaves(part, depth + 1)

    def _select(self, rule: Mapping[str, Any], population: str) -> IntArray:
        if population not in rule.get("population", (population,)):
            return np.empty(0, dtype=np.int64)
        ids, _ = self._column(population, "model_type")
        keep = np.ones(ids.size, dtype=bool)
        if "node_id" in rule:
            keep &= np.isin(ids, np.asarray(rule["node_id"], dtype=np.int64))
        for attribute, wanted in rule.items():
            if attribute not in _NOT_ATTRIBUTES:
                keep &= _matches(self._column(population, attribute)[1], wanted)
        return np.sort(ids[keep])

    def _column(self, population: str, attribute: str) -> tuple[IntArray, AnyArray]:
        key = (population, attribute)
        if key not in self._columns:
            ids, table = read_typed_nodes(self._nodes[population], [attribute])
            values = table.type_ids.astype(object) if attribute == "node_type_id" else table.values(attribute)
            self._columns[key] = ids, values
        return self._columns[key]


def _matches(values: AnyArray, wanted: Any) -> npt.NDArray[np.bool_]:
    """Say which values equal `wanted`, or one of it when it is a list."""
    options = wanted if isinstance(wanted, list | tuple) else [wanted]
    return np.array([any(_equal(value, option) for option in options) for value in values], dtype=bool)


def _equal(value: Any, option: Any) -> bool:
    if value is None or isinstance(value, np.ndarray):
        return False
    if isinstance(value, str) != isinstance(option, str):
        return str(value) == str(option)
    return bool(value == option)
