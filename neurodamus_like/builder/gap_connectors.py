"""Gap junctions inside a population, alone or correlated with the chemical synapses."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.connectors import UnidirectionConnector
from neurodamus_like.builder.node_pool import NodeColumns, NodePool
from neurodamus_like.builder.pairs import checked_pool
from neurodamus_like.builder.reciprocal import ReciprocalConnector, block_rows
from neurodamus_like.builder.rule_base import ArrayRule, check_probability
from neurodamus_like.builder.sampling import bernoulli_positions
from neurodamus_like.exceptions import ConfigurationError


class CorrelatedGapJunction:
    """Gap junctions inside a population whose probability depends on the chemical connections of a pair.

    Parameters
    ----------
    p_non, p_uni, p_rec
        Probability for pairs without connection, with one in one direction, and with both.
    connector
        The :class:`ReciprocalConnector` that made the chemical connections of this population.
    seed
        Of the random numbers of the junctions.

    Notes
    -----
    Each pair is looked at once (source id below target id).
    """

    def __init__(
        self,
        p_non: float = 1.0,
        p_uni: float = 1.0,
        p_rec: float = 1.0,
        connector: ReciprocalConnector | None = None,
        seed: int = 0,
        **_: Any,
    ) -> None:
        if connector is None:
            raise ConfigurationError("CorrelatedGapJunction needs the connector of the chemical synapses")
        self.p = tuple(
            check_probability(p, n) for p, n in ((p_non, "p_non"), (p_uni, "p_uni"), (p_rec, "p_rec"))
        )
        self.connector, self.seed = connector, seed
        self.source: NodePool | None = None

    def setup_nodes(self, source: NodePool | None = None, target: NodePool | None = None) -> None:
        """Say in which population; source and target must be the same nodes."""
        pool, other = checked_pool(source, "source"), checked_pool(target, "target")
        reference = self.connector.source
        if not np.array_equal(np.sort(pool.node_ids), np.sort(other.node_ids)):
            raise ConfigurationError("gap junctions need the same nodes as source and target")
        if (
            reference is None
            or not self.connector.recurrent
            or not np.array_equal(pool.node_ids, reference.node_ids)
        ):
            raise ConfigurationError(
                "the connector of the chemical synapses was not set up inside the same population"
            )
        self.source = pool

    def edge_params(self) -> dict[str, Any]:
        """Return the arguments for ``add_edges``; pass ``is_gap_junction=True`` besides."""
        pool = checked_pool(self.source, "source")
        return {"source": pool, "target": pool, "connection_rule": _GapRule(self)}


class _GapRule(ArrayRule):
    def __init__(self, junctions: CorrelatedGapJunction) -> None:
        super().__init__(1)
        self.junctions = junctions

    def block_size(self, n_sources: int, n_targets: int) -> int:
        return block_rows(n_sources)

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        self.junctions.connector.prepare(sources, targets)

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        p_non, p_uni, p_rec = self.junctions.p
        low, high, forward, backward = self.junctions.connector.states(begin, end)
        count = len(sources)
        linked = high * count + low
        chosen = linked[rng.random(linked.size) < np.where(forward & backward, p_rec, p_uni)]
        others = bernoulli_positions(rng, (end - begin) * count, p_non) + begin * count
        target, source = np.divmod(others, count)
        others = others[(source < target) & ~np.isin(others, linked)]
        target, source = np.divmod(np.sort(np.concatenate([chosen, others])), count)
        return EdgeBlock(source, target, 1)


class GapJunction(UnidirectionConnector):
    """Gap junctions of probability `p` inside a population, each pair looked at once."""

    def setup_nodes(self, source: NodePool | None = None, target: NodePool | None = None) -> None:
        """Say in which population; source and target must be the same nodes."""
        super().setup_nodes(source, target)
        assert self.source is not None
        assert self.target is not None
        if not np.array_equal(np.sort(self.source.node_ids), np.sort(self.target.node_ids)):
            raise ConfigurationError("gap junctions need the same nodes as source and target")

    def _rule(self) -> ArrayRule:
        return _UpperHalf(super()._rule())


class _UpperHalf(ArrayRule):
    """What another rule connects, as far as source < target."""

    def __init__(self, rule: ArrayRule) -> None:
        super().__init__(1)
        self.rule = rule

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        self.rule.prepare(sources, targets, rng)

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        block = self.rule.connect(sources, targets, begin, end, rng)
        return block.take(sources.ids[block.source] < targets.ids[block.target])
