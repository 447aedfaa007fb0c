"""The connectors that users of bmtool know, as array rules.

A connector is set up with nodes and hands the arguments to ``add_edges``::

    connector = ReciprocalConnector(p0=0.15, pr=0.06)
    connector.setup_nodes(source=net.nodes(pop_name="PopA"), target=net.nodes(pop_name="PopA"))
    net.add_edges(**connector.edge_params(), syn_weight=...)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.distance_rules import DistanceProbability
from neurodamus_like.builder.edge_rules import Probability
from neurodamus_like.builder.node_pool import NodeColumns, NodePool
from neurodamus_like.builder.pairs import checked_pool, pair_values
from neurodamus_like.builder.rule_base import ArrayRule
from neurodamus_like.exceptions import ConfigurationError


class UnidirectionConnector:
    """Connections of probability `p` from source to target.

    Parameters
    ----------
    p
        A number, or a function of distance (array of µm in, probabilities out).
    p_arg
        What a function `p` gets: None for the distance of the positions, or a function of (source node, target
        node), called for every pair (slow).
    n_syn
        Synapses of each connection.
    seed
        Not used here; the network's seed rules.
    """

    def __init__(
        self, p: Any = 1.0, p_arg: Callable[..., float] | None = None, n_syn: int = 1, **_: Any
    ) -> None:
        self.p, self.p_arg, self.n_syn = p, p_arg, n_syn
        self.source: NodePool | None = None
        self.target: NodePool | None = None

    def setup_nodes(self, source: NodePool | None = None, target: NodePool | None = None) -> None:
        """Say which nodes to connect."""
        self.source, self.target = checked_pool(source, "source"), checked_pool(target, "target")

    def edge_params(self) -> dict[str, Any]:
        """Return the arguments for ``add_edges``."""
        checked_pool(self.source, "source")
        return {"source": self.source, "target": self.target, "connection_rule": self._rule()}

    def _rule(self) -> ArrayRule:
        if not callable(self.p):
            return Probability(self.p, self.n_syn)
        if self.p_arg is None:
            return DistanceProbability(self.p, self.n_syn, self_connections=True)
        return _PairTable(self.p, self.p_arg, self.n_syn)


class _PairTable(ArrayRule):
    """Independent connections whose probability comes from a Python function of both nodes."""

    def __init__(self, p: Callable[..., Any], p_arg: Callable[..., float], n_syn: int) -> None:
        super().__init__(n_syn)
        self.p, self.p_arg = p, p_arg

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        p = pair_values(self.p, self.p_arg, sources, targets, begin, end)
        target, source = np.nonzero(rng.random(p.shape) < p)
        return self._finish(sources, targets, EdgeBlock(source, target + begin), rng)


class OneToOneSequentialConnector:
    """One source for each target, for several target populations one after the other.

    Parameters
    ----------
    n_syn
        Synapses of each connection.
    partition_source
        Several source populations onto one target population instead.
    """

    def __init__(self, n_syn: int = 1, partition_source: bool = False, **_: Any) -> None:
        self.n_syn, self.partition_source = int(n_syn), partition_source
        self._whole: NodePool | None = None
        self._parts: list[tuple[NodePool, int]] = []
        self._used = 0

    def setup_nodes(self, source: NodePool | None = None, target: NodePool | None = None) -> None:
        """Say which nodes come next; the undivided population is needed at the first call only."""
        whole, part = (target, source) if self.partition_source else (source, target)
        if self._whole is None:
            self._whole = checked_pool(whole, "target" if self.partition_source else "source")
        pool = checked_pool(part, "source" if self.partition_source else "target")
        if self._used + len(pool) > len(self._whole):
            raise ConfigurationError(
                f"{self._used + len(pool)} nodes are to be paired with the {len(self._whole)} nodes of "
                f"{self._whole.network_name!r}",
                expected="at least one partner for each node",
            )
        self._parts.append((pool, self._used))
        self._used += len(pool)

    def edge_params(self, target_pop_idx: int = -1) -> dict[str, Any]:
        """Return the arguments for ``add_edges`` for the population set up last (or that of this number)."""
        if self._whole is None:
            raise ConfigurationError(
                "the connector has no nodes", hint="call setup_nodes(source=..., target=...)"
            )
        pool, offset = self._parts[target_pop_idx]
        ends = (pool, self._whole) if self.partition_source else (self._whole, pool)
        rule = _SequentialRule(self.n_syn, offset, self.partition_source)
        return {"source": ends[0], "target": ends[1], "connection_rule": rule}


class _SequentialRule(ArrayRule):
    def __init__(self, n_syn: int, offset: int, partition_source: bool) -> None:
        super().__init__(n_syn)
        self.offset = offset
        self.over = "sources" if partition_source else "targets"

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        own = np.arange(begin, end, dtype=np.int64)
        other = own + self.offset
        return (
            EdgeBlock(own, other, self.n_syn[0])
            if self.over == "sources"
            else EdgeBlock(other, own, self.n_syn[0])
        )
