"""Node sets of the Allen dialect, in all the forms it allows, as one table of rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.config.models import Circuit, NodePopulation
from neurodamus_like.config.populations import open_hdf5
from neurodamus_like.config.types_csv import read_type_table
from neurodamus_like.exceptions import did_you_mean

EVERYTHING = "all"
_POPULATION_KEYS = ("population", "populations")
_ID_KEYS = ("node_id", "node_ids")
_MODEL_TYPES = ("biophysical", "point_process", "point_neuron", "virtual")


class NodeSetBook:
    """All node sets of a configuration: those of the file, those it defines itself, and those made on the fly.

    Parameters
    ----------
    document
        The configuration.
    circuit
        Its populations, whose names are node sets, too; so are ``all`` and the model types.
    known
        Rules that were read before, by name.
    """

    def __init__(
        self, document: AllenDocument, circuit: Circuit, known: Mapping[str, Any] | None = None
    ) -> None:
        self._document = document
        self._circuit = circuit
        self._attributes: frozenset[str] | None = None
        self._rules: dict[str, Any] = {EVERYTHING: {}}
        self._rules |= {name: {"model_type": name} for name in _MODEL_TYPES}
        self._rules |= {name: {"population": [name]} for name in circuit.nodes}
        self._rules |= known or {}
        self._written = self._read()

    def rules(self) -> dict[str, Any]:
        """Return name -> rule of all node sets in use so far, and of all that are right among the others."""
        while self._written:
            name = next(iter(self._written))
            with self._document.collecting():
                self.name_of(name, "node_sets", name)
        return dict(self._rules)

    def name_of(self, value: Any, *where: str | int) -> str:
        """Return the name of the node set that `value` (a name, rule, node id, or list of them) means.

        Parameters
        ----------
        value
            As written in the configuration.
        where
            The place it was written at.

        Raises
        ------
        ConfigurationError
            There is no such node set, or the rule is malformed; BMTK would select all nodes in some of these cases.
        """
        if isinstance(value, str):
            return self._known(value, where)
        name = pointer_to(*where)
        self._rules[name] = self._rule(value, where)
        return name

    def _known(self, name: str, where: tuple[str | int, ...]) -> str:
        if name in self._written:
            value = self._written.pop(name)
            self._rules[name] = self._rule(value, ("node_sets", name))
        if name not in self._rules:
            names = [*self._written, *self._rules]
            raise self._document.error(
                f"unknown node set {name!r}",
                *where,
                expected="one of " + ", ".join(names[:20]),
                hint=did_you_mean(name, names) or None,
            )
        return name

    def _rule(self, value: Any, where: tuple[str | int, ...]) -> Any:
        if isinstance(value, Mapping):
            return dict(self._conditions(value, where))
        items = value if isinstance(value, list) else [value]
        if all(isinstance(item, int) and not isinstance(item, bool) for item in items):
            return {"node_id": [int(item) for item in items]}
        if all(isinstance(item, str) for item in items):
            return [self._known(item, where) for item in items]
        raise self._document.error(
            f"this is no node set: {value!r}",
            *where,
            expected="a name, a list of node ids, or {attribute: value or list of values}",
        )

    def _conditions(self, rule: Mapping[str, Any], where: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
        for key, value in rule.items():
            if key in _POPULATION_KEYS:
                yield "population", self._populations(value, (*where, key))
            elif key in _ID_KEYS:
                yield "node_id", self._ids(value, (*where, key))
            elif key in self._known_attributes():
                yield key, value
            else:
                raise self._document.error(
                    f"the nodes have no attribute {key!r} (BMTK would ignore it and select all nodes)",
                    *where,
                    key,
                    expected="population, node_id, or one of " + ", ".join(sorted(self._known_attributes())),
                    hint=did_you_mean(key, self._known_attributes()) or None,
                )

    def _populations(self, value: Any, where: tuple[str | int, ...]) -> list[str]:
        names = value if isinstance(value, list) else [value]
        for name in names:
            if name not in self._circuit.nodes:
                raise self._document.error(
                    f"unknown node population {name!r}",
                    *where,
                    expected="one of " + ", ".join(self._circuit.nodes),
                    hint=did_you_mean(str(name), self._circuit.nodes) or None,
                )
        return list(names)

    def _ids(self, value: Any, where: tuple[str | int, ...]) -> list[int]:
        ids = value if isinstance(value, list) else [value]
        if not all(isinstance(i, int) and not isinstance(i, bool) for i in ids):
            raise self._document.error(f"node ids are whole numbers, found {value!r}", *where)
        return ids

    def _known_attributes(self) -> frozenset[str]:
        if self._attributes is None:
            names = {"node_type_id", "model_type"}
            self._attributes = frozenset(names.union(*map(attributes_of, self._circuit.nodes.values())))
        return self._attributes

    def _read(self) -> dict[str, Any]:
        document = self._document
        found: dict[str, Any] = {}
        if document.sections.get("node_sets_file"):
            with document.collecting():
                file = document.existing(document.sections["node_sets_file"], "node_sets_file")
                found |= read_json(file)
        inline = document.sections.get("node_sets")
        if isinstance(inline, str):
            with document.collecting():
                found |= read_json(document.existing(inline, "node_sets"))
        elif inline is not None:
            with document.collecting():
                found |= document.block("node_sets")
        if found.pop(EVERYTHING, {}) not in ({}, EVERYTHING):
            document.notice("the node set 'all' always means all nodes", "node_sets", EVERYTHING)
        return found


def attributes_of(population: NodePopulation) -> frozenset[str]:
    """Return the names of the attributes of nodes, in their file or in the table of their types."""
    names: set[str] = set()
    if population.types_file is not None:
        names |= set(read_type_table(population.types_file, "node_type_id").columns)
    with open_hdf5(population.file) as h5:
        group = h5["nodes"][population.name]
        for number in group:
            if number.isdigit():
                names |= set(group[number])
    return frozenset(names)
