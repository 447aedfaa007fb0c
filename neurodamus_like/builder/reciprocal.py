"""Connections in both directions with a given share of reciprocal pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.node_pool import NodeColumns, NodePool
from neurodamus_like.builder.node_table import IntArray
from neurodamus_like.builder.pairs import FloatArray, checked_pool, pair_values
from neurodamus_like.builder.rule_base import ArrayRule, check_probability
from neurodamus_like.builder.sampling import bernoulli_positions
from neurodamus_like.builder.streams import stream, text_key
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.logs import get_logger

logger = get_logger(__name__)

_BLOCK_PAIRS = 1 << 20


def pr_from_rho(p0: Any, p1: Any, rho: Any) -> Any:
    """Return the probability of a reciprocal pair from the correlation of both directions.

    For two Bernoulli variables cov = pr - p0 p1 = rho sqrt(p0 (1 - p0) p1 (1 - p1)); the result is cut to what
    p0 and p1 allow (Frechet bounds).
    """
    pr = p0 * p1 + rho * np.sqrt(p0 * (1 - p0) * p1 * (1 - p1))
    return np.clip(pr, np.maximum(p0 + p1 - 1, 0.0), np.minimum(p0, p1))


def rho_from_pr(p0: float, p1: float, pr: float) -> float:
    """Return the correlation of both directions from the probability of a reciprocal pair."""
    return (pr - p0 * p1) / float(np.sqrt(p0 * (1 - p0) * p1 * (1 - p1)))


class ReciprocalConnector:
    """Connections in both directions with a given probability of reciprocal pairs.

    For each pair, forward and backward connection are two Bernoulli variables with P(forward) = p0,
    P(backward) = p1, P(both) = pr. Only pairs with at least one connection are drawn when p0, p1 and pr are
    numbers; with functions of distance all pairs of a block are.

    Parameters
    ----------
    p0, p1
        Numbers, or functions of distance (array in, array out). In one population p1 is p0; `symmetric_p1` sets
        p1 to p0 elsewhere.
    p0_arg, p1_arg
        What functions get: None for the distance of positions, or a function of two nodes (slow).
    pr
        Probability of a reciprocal pair, a number or a function like p0. With `estimate_rho`, and p0 or p1 a
        function, a number is the mean over all pairs that may be connected.
    rho
        Correlation of both directions, in place of `pr`.
    estimate_rho
        With p0 or p1 a function and pr a number: find the rho for which pr is the mean.
    n_syn0, n_syn1
        Synapses of a forward and of a backward connection (n_syn0 for both in one population).
    autapses
        In one population: connect nodes to themselves, with p0.
    seed
        Of the connector's random numbers; both directions share them.

    Notes
    -----
    Between two populations call ``edge_params`` twice: first for the edges from source to target, then for
    those back. The estimate of rho is linear: the mean of p0 p1 + rho sqrt(p0 (1 - p0) p1 (1 - p1)) over the
    pairs with p0 > 0 and p1 > 0 is set to pr.
    """

    def __init__(
        self,
        p0: Any = 1.0,
        p1: Any = 1.0,
        symmetric_p1: bool = False,
        p0_arg: Callable[..., float] | None = None,
        p1_arg: Callable[..., float] | None = None,
        symmetric_p1_arg: bool = False,
        pr: Any = 0.0,
        pr_arg: Any = None,
        estimate_rho: bool = True,
        rho: float | None = None,
        n_syn0: int = 1,
        n_syn1: int = 1,
        autapses: bool = False,
        seed: int = 0,
        **_: Any,
    ) -> None:
        self.p0, self.p1, self.pr, self.pr_arg = p0, (p0 if symmetric_p1 else p1), pr, pr_arg
        self.p0_arg, self.p1_arg = p0_arg, (p0_arg if symmetric_p1_arg else p1_arg)
        self.rho, self.n_syn0, self.n_syn1, self.autapses = rho, n_syn0, n_syn1, autapses
        self.estimate_rho = estimate_rho and rho is None and not callable(pr)
        self.seed, self.stage = seed, 0
        self.source: NodePool | None = None
        self.target: NodePool | None = None
        self.recurrent = False
        self._ready: tuple[NodeColumns, NodeColumns] | None = None

    def setup_nodes(self, source: NodePool | None = None, target: NodePool | None = None) -> None:
        """Say which nodes to connect; the second call for the way back may be left out."""
        if self.stage:
            return
        self.source, self.target = checked_pool(source, "source"), checked_pool(target, "target")
        same = self.source.network_name == self.target.network_name
        own, other = self.source.node_ids, self.target.node_ids
        self.recurrent = same and np.array_equal(np.sort(own), np.sort(other))
        if same and not self.recurrent and np.intersect1d(own, other).size:
            raise ConfigurationError(
                "source and target share some of their nodes", expected="the same nodes, or no common ones"
            )
        if self.recurrent:
            self.p1, self.p1_arg, self.n_syn1 = self.p0, self.p0_arg, self.n_syn0

    def edge_params(self) -> dict[str, Any]:
        """Return the arguments for ``add_edges``: first those of the way forth, then those of the way back."""
        source, target = checked_pool(self.source, "source"), checked_pool(self.target, "target")
        stage = self.stage
        self.stage = 0 if self.recurrent else 1 - stage
        ends = (source, target) if stage == 0 else (target, source)
        return {"source": ends[0], "target": ends[1], "connection_rule": _ReciprocalRule(self, stage)}

    @property
    def is_uniform(self) -> bool:
        """Whether all pairs have the same probabilities."""
        return not any(callable(p) for p in (self.p0, self.p1, self.pr))

    def prepare(self, sources: NodeColumns, targets: NodeColumns) -> None:
        """Check the probabilities; estimate rho if that is asked for."""
        self._ready = (sources, targets)
        if self.is_uniform:
            self._check_uniform()
        elif self.estimate_rho:
            self.rho = self._estimated_rho()
            logger.info("reciprocal connector: estimated rho = %.4f", self.rho)

    def _check_uniform(self) -> None:
        p0, p1 = check_probability(self.p0, "p0"), check_probability(self.p1, "p1")
        pr = self._uniform_pr()
        if not max(0.0, p0 + p1 - 1) - 1e-12 <= pr <= min(p0, p1) + 1e-12:
            raise ConfigurationError(
                f"pr={pr} does not go with p0={p0} and p1={p1}",
                expected=f"from {max(0.0, p0 + p1 - 1):g} to {min(p0, p1):g}",
            )

    def _uniform_pr(self) -> float:
        return float(pr_from_rho(self.p0, self.p1, self.rho)) if self.rho is not None else float(self.pr)

    def _tables(self, begin: int, end: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return p0, p1 and pr for the pairs of a block, float64[targets, sources] each."""
        assert self._ready is not None
        sources, targets = self._ready
        p0 = pair_values(self.p0, self.p0_arg, sources, targets, begin, end)
        turned = None if self.p1_arg is None else (lambda s, t: self.p1_arg(t, s))  # type: ignore[misc]
        p1 = p0 if self.p1 is self.p0 else pair_values(self.p1, turned, sources, targets, begin, end)
        if self.rho is not None:
            return p0, p1, pr_from_rho(p0, p1, self.rho)
        pr = pair_values(self.pr, self.pr_arg, sources, targets, begin, end)
        return p0, p1, np.clip(pr, np.maximum(p0 + p1 - 1, 0.0), np.minimum(p0, p1))

    def _estimated_rho(self) -> float:
        assert self._ready is not None
        sources, targets = self._ready
        pairs = independent = spread = 0.0
        size = block_rows(len(sources))
        for begin in range(0, len(targets), size):
            end = min(begin + size, len(targets))
            p0 = pair_values(self.p0, self.p0_arg, sources, targets, begin, end)
            turned = None if self.p1_arg is None else (lambda s, t: self.p1_arg(t, s))  # type: ignore[misc]
            p1 = p0 if self.p1 is self.p0 else pair_values(self.p1, turned, sources, targets, begin, end)
            possible = (p0 > 0) & (p1 > 0)
            if self.recurrent:
                possible &= ~(np.arange(begin, end)[:, None] == np.arange(len(sources))[None, :])
            pairs += float(possible.sum())
            independent += float((p0 * p1)[possible].sum())
            spread += float(np.sqrt(p0 * (1 - p0) * p1 * (1 - p1))[possible].sum())
        if spread == 0.0:
            return 0.0
        rho = (float(self.pr) * pairs - independent) / spread
        if not -1.0 <= rho <= 1.0:
            logger.warning(
                "reciprocal connector: no correlation gives pr=%g; rho %.3f is cut to [-1, 1]", self.pr, rho
            )
        return float(np.clip(rho, -1.0, 1.0))

    def states(self, begin: int, end: int) -> tuple[IntArray, IntArray, Any, Any]:
        """Return the connected pairs of a block of targets: source, target, forward?, backward?.

        In one population only pairs with source < target are listed. The same block gives the same pairs at
        each call.
        """
        assert self._ready is not None
        sources, targets = self._ready
        rng = stream(
            self.seed, text_key(sources.network), text_key(targets.network), int(self.recurrent), begin
        )
        if self.is_uniform:
            found = self._uniform_states(begin, end, len(sources), rng)
        else:
            p0, p1, pr = self._tables(begin, end)
            u = rng.random(p0.shape)
            target, source = np.nonzero(u < p0 + p1 - pr)
            u, p0, pr = u[target, source], p0[target, source], pr[target, source]
            found = source, target + begin, u < p0, (u < pr) | (u >= p0)
        source, target, forward, backward = found
        if self.recurrent:
            keep = source < target
            return source[keep], target[keep], forward[keep], backward[keep]
        return source, target, forward, backward

    def _uniform_states(
        self, begin: int, end: int, n_sources: int, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray, Any, Any]:
        pr = self._uniform_pr()
        either = float(self.p0) + float(self.p1) - pr
        target, source = np.divmod(
            bernoulli_positions(rng, (end - begin) * n_sources, min(either, 1.0)), n_sources
        )
        u = rng.random(target.size) * either
        return source, target + begin, u < self.p0, (u < pr) | (u >= self.p0)

    def autapse_mask(self, begin: int, end: int) -> Any:
        """Return which nodes of a block connect to themselves, bool[end - begin]."""
        assert self._ready is not None
        nodes = self._ready[0]
        rng = stream(self.seed, text_key(nodes.network), 2, begin)
        if not callable(self.p0):
            p: Any = float(self.p0)
        elif self.p0_arg is None:
            p = np.asarray(self.p0(np.zeros(end - begin)))
        else:
            p = np.asarray([float(self.p0(self.p0_arg(n, n))) for n in nodes.nodes()[begin:end]])
        return rng.random(end - begin) < p


def block_rows(n_sources: int) -> int:
    """Return how many targets a block of pairs has."""
    return max(1, min(256, _BLOCK_PAIRS // max(n_sources, 1)))


class _ReciprocalRule(ArrayRule):
    """One direction of a reciprocal connector (both, in one population)."""

    def __init__(self, connector: ReciprocalConnector, stage: int) -> None:
        super().__init__(connector.n_syn0 if stage == 0 else connector.n_syn1)
        self.connector, self.stage = connector, stage
        self.over = "targets" if stage == 0 else "sources"

    def block_size(self, n_sources: int, n_targets: int) -> int:
        return block_rows(n_sources if self.stage == 0 else n_targets)

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        ends = (sources, targets) if self.stage == 0 else (targets, sources)
        self.connector.prepare(*ends)

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        low, high, forward, backward = self.connector.states(begin, end)
        if self.stage == 1:
            block = EdgeBlock(high[backward], low[backward])
        elif not self.connector.recurrent:
            block = EdgeBlock(low[forward], high[forward])
        else:
            own = np.empty(0, dtype=np.int64)
            if self.connector.autapses:
                own = begin + np.flatnonzero(self.connector.autapse_mask(begin, end))
            block = EdgeBlock(
                np.concatenate([low[forward], high[backward], own]),
                np.concatenate([high[forward], low[backward], own]),
            )
        block = block.sorted_by_target(len(sources))
        return EdgeBlock(block.source, block.target, self._synapses(len(block), rng))
