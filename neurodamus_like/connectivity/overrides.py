"""Connection overrides: which edges become synapses and with what settings, decided for groups of synapses at once.

What an override decides about a synapse depends on its two cells only. So cells are grouped by the node sets that
hold them, pairs of such groups are few, and each override is one mask over these pairs. A synapse refers to its
pair by number: the cost per synapse does not grow with the number of overrides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.config.models import ConnectionOverride
from neurodamus_like.connectivity.settings import BoolColumn, ConnectionSettings, IntColumn
from neurodamus_like.io.node_classes import NodeClasses
from neurodamus_like.targets.manager import TargetManager
from neurodamus_like.validation.override_checks import ZERO_WEIGHT, OverrideEnds, dropped_overrides

_DENSE_PAIRS = 1 << 20


@dataclass(frozen=True)
class PathwayRule:
    """A block of ``connection_overrides``, as far as it concerns one pair of node populations.

    Attributes
    ----------
    block
        The configuration.
    source_id, target_id
        Node ids inside the populations at both ends.
    creates
        False for delayed blocks, and for zero weights that nothing revives.
    """

    block: ConnectionOverride
    source_id: IntColumn
    target_id: IntColumn
    creates: bool = True


@dataclass(frozen=True)
class Decisions:
    """What the rules of a pathway say about its synapses.

    Attributes
    ----------
    kept
        bool[n]: which edges become synapses.
    group
        int32[n]: row of `settings` of each edge.
    settings
        The settings of each group of edges.
    matched
        For each rule, whether any edge is concerned.
    """

    kept: BoolColumn
    group: NDArray[np.int32]
    settings: ConnectionSettings
    matched: tuple[bool, ...]


class OverrideRules:
    """All overrides of a simulation, with their nodes.

    Parameters
    ----------
    blocks
        In file order.
    targets
        Finds the nodes.
    """

    def __init__(self, blocks: Sequence[ConnectionOverride], targets: TargetManager) -> None:
        self.blocks = tuple(blocks)
        self.ends = tuple(_ends_of(block, targets) for block in blocks)
        self._dropped = dropped_overrides(self.ends)

    def of_pathway(self, source: str, target: str) -> list[PathwayRule]:
        """Return the rules that have nodes in the source and in the target population, in file order."""
        return [
            PathwayRule(
                block,
                ends.source[source],
                ends.target[target],
                creates=block.delay_ms <= 0 and number not in self._dropped,
            )
            for number, (block, ends) in enumerate(zip(self.blocks, self.ends, strict=True))
            if source in ends.source and target in ends.target
        ]


def nothing_to_create(rules: Sequence[PathwayRule]) -> bool:
    """Say whether the rules leave no edge at all: a single one with weight 0, or none that creates."""
    if len(rules) == 1 and abs(rules[0].block.weight) < ZERO_WEIGHT and rules[0].block.delay_ms <= 0:
        return True
    return bool(rules) and not any(rule.creates for rule in rules)


def created_ends(rules: Sequence[PathwayRule]) -> tuple[IntColumn, IntColumn] | None:
    """Return all source and all target nodes that creating rules name; None when every edge is created."""
    creating = [rule for rule in rules if rule.creates]
    if not rules:
        return None
    nothing = np.empty(0, dtype=np.int64)
    return (
        np.unique(np.concatenate([nothing, *(rule.source_id for rule in creating)])),
        np.unique(np.concatenate([nothing, *(rule.target_id for rule in creating)])),
    )


def decide(
    rules: Sequence[PathwayRule],
    source_id: IntColumn,
    target_id: IntColumn,
    source_size: int,
    target_size: int,
) -> Decisions:
    """Apply the rules of a pathway to its edges.

    Without rules all edges are kept as they are. Otherwise edges that no creating rule covers are left out, and
    rules configure in order: weight, minis and delay are overwritten (also with default values), synapse type and
    neuromodulation only where given, HOC snippets pile up, delayed weights are noted.

    Parameters
    ----------
    rules
        Of the pair of populations, in file order.
    source_id, target_id
        Node ids of each edge, shape (n,).
    source_size, target_size
        Number of nodes of the populations.
    """
    n = source_id.size
    if not rules:
        return Decisions(
            np.ones(n, dtype=bool), np.zeros(n, dtype=np.int32), ConnectionSettings.default(), ()
        )
    sources = NodeClasses.group([rule.source_id for rule in rules], source_size)
    targets = NodeClasses.group([rule.target_id for rule in rules], target_size)
    pair, source_class, target_class = _pairs(
        _class_of(sources, source_id), _class_of(targets, target_id), len(sources) + 1, len(targets) + 1
    )
    in_source = np.column_stack([sources.members, np.zeros(len(rules), dtype=bool)])
    in_target = np.column_stack([targets.members, np.zeros(len(rules), dtype=bool)])
    kept = np.zeros(source_class.size, dtype=bool)
    settings = ConnectionSettings.default(source_class.size)
    matched = []
    for number, rule in enumerate(rules):
        where = in_source[number, source_class] & in_target[number, target_class]
        matched.append(bool(where.any()))
        if not matched[-1]:
            continue
        if rule.creates:
            kept |= where
        configure(settings, rule.block, where)
    return Decisions(kept[pair], pair.astype(np.int32), settings, tuple(matched))


def configure(settings: ConnectionSettings, block: ConnectionOverride, where: BoolColumn | int) -> None:
    """Change the settings of some groups as one override says."""
    if block.delay_ms > 0:
        settings.add_delayed_weight(where, block.delay_ms, block.weight)
        return
    settings.weight_factor[where] = block.weight
    settings.minis_rate_Hz[where] = _or_nan(block.spont_minis_Hz)
    settings.delay_override_ms[where] = _or_nan(block.synapse_delay_override_ms)
    if block.modoverride is not None:
        settings.set_modoverride(where, block.modoverride)
    if block.neuromodulation_dtc_ms is not None:
        settings.neuromodulation_dtc_ms[where] = block.neuromodulation_dtc_ms
    if block.neuromodulation_strength_uM is not None:
        settings.neuromodulation_strength_uM[where] = block.neuromodulation_strength_uM
    if block.synapse_configure is not None:
        settings.add_configuration(where, block.synapse_configure)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _ends_of(block: ConnectionOverride, targets: TargetManager) -> OverrideEnds:
    return OverrideEnds(
        name=block.name,
        weight=block.weight,
        delay_ms=block.delay_ms,
        source=targets.get_target(block.source).populations,
        target=targets.get_target(block.target).populations,
        pointer=block.pointer,
        synapse_configure=block.synapse_configure or "",
    )


def _class_of(classes: NodeClasses, node_id: IntColumn) -> IntColumn:
    """Return the class of each node; one more for ids that the population does not have."""
    size = classes.of_node.size
    table = np.append(classes.of_node, len(classes))
    if node_id.size and (int(node_id.max()) >= size or int(node_id.min()) < 0):
        return table[np.where((node_id >= 0) & (node_id < size), node_id, size)]
    return table[node_id]


def _pairs(
    source: IntColumn, target: IntColumn, n_source: int, n_target: int
) -> tuple[IntColumn, IntColumn, IntColumn]:
    """Return the pair of classes of each edge as a number, and both classes of each pair that occurs."""
    key = source * n_target + target
    if n_source * n_target > max(_DENSE_PAIRS, key.size):
        found, number = np.unique(key, return_inverse=True)
        return np.asarray(number, dtype=np.int64).reshape(-1), found // n_target, found % n_target
    occurs = np.zeros(n_source * n_target, dtype=bool)
    occurs[key] = True
    found = np.flatnonzero(occurs)
    table = np.cumsum(occurs) - 1
    return table[key], found // n_target, found % n_target
