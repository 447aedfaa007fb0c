"""An edge group: what one call of ``add_edges`` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurodamus_like.builder import distance_rules  # noqa: F401 - registers its rules
from neurodamus_like.builder.edge_rules import AllToAll
from neurodamus_like.builder.node_pool import NodePool
from neurodamus_like.builder.properties import ArrayProperty, Constant, FunctionProperty
from neurodamus_like.builder.python_rules import ITERATORS, is_pure
from neurodamus_like.builder.rule_base import RULES, ArrayRule, FunctionRule
from neurodamus_like.exceptions import ConfigurationError


@dataclass(frozen=True)
class PropertyRule:
    """One call of ``add_properties``.

    Attributes
    ----------
    names
        Columns that it fills.
    rule
        An :class:`ArrayProperty`, or a Python function of (source node, target node), or a list of values.
    params
        Further arguments of a Python function.
    dtypes
        Type of each column; None means double precision for Python functions, and as computed for arrays.
    returns_several
        The rule returns one value for each name.
    """

    names: tuple[str, ...]
    rule: Any
    params: dict[str, Any]
    dtypes: tuple[Any, ...]
    returns_several: bool

    @property
    def is_array(self) -> bool:
        """Whether it works on whole blocks."""
        return isinstance(self.rule, ArrayProperty)


class ConnectionMap:
    """The rule of an edge group, its properties, and which nodes it connects.

    Made by ``NetworkBuilder.add_edges``; :meth:`add_properties` gives each synapse values of its own.
    """

    def __init__(
        self,
        sources: NodePool,
        targets: NodePool,
        connection_rule: Any,
        connection_params: Mapping[str, Any] | None,
        iterator: str,
        edge_type_properties: dict[str, Any],
    ) -> None:
        self.source_nodes, self.target_nodes = sources, targets
        self.connector = connection_rule
        self.connector_params = dict(connection_params or {})
        self.iterator = iterator
        self.edge_type_properties = edge_type_properties
        self.params: list[PropertyRule] = []
        if iterator not in ITERATORS:
            ITERATORS[iterator]
        self.rule = _resolve(connection_rule, self.connector_params)

    @property
    def edge_type_id(self) -> int:
        """Id of the edge type."""
        return int(self.edge_type_properties["edge_type_id"])

    @property
    def source_network_name(self) -> str:
        """Network of the sources."""
        return self.source_nodes.network_name

    @property
    def target_network_name(self) -> str:
        """Network of the targets."""
        return self.target_nodes.network_name

    @property
    def property_names(self) -> list[str]:
        """Columns that the edges will have: those of :meth:`add_properties`, or ``nsyns``."""
        return [name for rule in self.params for name in rule.names] or ["nsyns"]

    @property
    def is_gap_junction(self) -> bool:
        """Whether the edges are gap junctions."""
        return bool(self.edge_type_properties.get("is_gap_junction", False))

    @property
    def label(self) -> str:
        """The edge group in words, for messages."""
        return (
            f"edge group {self.edge_type_id} ({self.source_network_name}[{self.source_nodes.filter_str}] to "
            f"{self.target_network_name}[{self.target_nodes.filter_str}])"
        )

    def add_properties(
        self,
        names: str | Sequence[str],
        rule: Any = None,
        rule_params: Mapping[str, Any] | None = None,
        values: Any = None,
        dtypes: Any = None,
    ) -> None:
        """Give every synapse of the group its own values; the file then has one row for each synapse.

        Parameters
        ----------
        names
            One column, or several that one rule computes together.
        rule
            A function of (source node, target node), called for each synapse, source by source; or an
            :class:`~neurodamus_like.builder.properties.ArrayProperty` or a function marked by
            ``@array_property``, called for whole blocks; or one value for all; or a list of values.
        rule_params
            Further arguments of the function.
        values
            A list of values, in the order source by source, in place of `rule`.
        dtypes
            Type of the column, or of each of the columns.

        Raises
        ------
        ConfigurationError
            Both or none of `rule` and `values` are given, a name is taken already, or the number of types is
            another than that of names.
        """
        several = not isinstance(names, str)
        found = tuple(names) if several else (str(names),)
        if (rule is None) == (values is None):
            raise ConfigurationError(f"add_properties of {self.label}: give either rule or values")
        taken = {name for one in self.params for name in one.names}
        twice = sorted({n for n in found if n in taken or found.count(n) > 1} | ({"nsyns"} & set(found)))
        if twice:
            raise ConfigurationError(f"add_properties of {self.label}: {', '.join(twice)} is there already")
        types = tuple(dtypes) if isinstance(dtypes, list | tuple) else (dtypes,) * len(found)
        if len(types) != len(found):
            raise ConfigurationError(
                f"add_properties of {self.label}: {len(types)} dtypes for {len(found)} names",
                expected="one type for each name",
            )
        made = _property(values if rule is None else rule, dict(rule_params or {}), several)
        self.params.append(PropertyRule(found, made, dict(rule_params or {}), types, several))

    @property
    def is_ordered(self) -> bool:
        """Whether edges are made in one go, source by source, because Python functions may count on it."""
        if not isinstance(self.rule, ArrayRule):
            return True
        computed = callable(self.connector) or isinstance(self.connector, str | ArrayRule)
        return not computed and any(not p.is_array for p in self.params)

    @property
    def is_shareable(self) -> bool:
        """Whether ranks may compute parts of the group independently."""
        functions = [p.rule for p in self.params if not p.is_array]
        if not isinstance(self.rule, ArrayRule):
            functions.append(self.rule)
        return all(is_pure(f) for f in functions)


def _resolve(rule: Any, params: dict[str, Any]) -> Any:
    if isinstance(rule, str):
        return RULES[rule](**params)
    if isinstance(rule, ArrayRule):
        return rule
    if isinstance(rule, int | np.integer) and not isinstance(rule, bool):
        if rule < 0:
            raise ConfigurationError(f"connection_rule={rule} is negative", expected="a number of synapses")
        return AllToAll(int(rule))
    if isinstance(rule, float | np.floating | bool) or rule is None:
        raise ConfigurationError(
            f"connection_rule={rule!r} is not valid",
            expected="a whole number, a list, a function, an array rule or its name",
            hint="for a probability use connection_rule=Probability(p)",
        )
    if getattr(rule, "__array_rule__", False):
        return FunctionRule(rule, params)
    if callable(rule) or isinstance(rule, list | tuple | np.ndarray):
        return rule
    raise ConfigurationError(
        f"connection_rule of type {type(rule).__name__} is not valid",
        expected="a whole number, a list, a function, an array rule or its name",
    )


def _property(
    rule: Any, params: dict[str, Any], several: bool
) -> ArrayProperty | Callable[..., Any] | list[Any]:
    if isinstance(rule, ArrayProperty):
        return rule
    if getattr(rule, "__array_property__", False):
        return FunctionProperty(rule, params)
    if callable(rule):
        return rule  # type: ignore[no-any-return]
    if isinstance(rule, list | np.ndarray) and not several:
        return list(rule)
    if isinstance(rule, list | np.ndarray) and several and np.ndim(rule) > 1:
        return list(rule)
    return Constant(rule)
