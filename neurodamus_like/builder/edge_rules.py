"""Array rules: who connects to whom, for a whole block of nodes at once.

A rule is made with its parameters, given to ``add_edges(connection_rule=...)`` (or by its registered name, with
``connection_params``), and works block by block. Its random numbers belong to the edge group and the block,
so the result depends neither on memory nor on ranks. Rules named in the literature: fixed total number,
pairwise Bernoulli, fixed in-degree and out-degree, one-to-one, all-to-all (Senk et al. 2022, PLoS Comput Biol
18:e1010086, for the vocabulary).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.builder.node_table import IntArray
from neurodamus_like.builder.rule_base import RULES, ArrayRule, check_probability, own_index
from neurodamus_like.builder.sampling import (
    bernoulli_positions,
    distinct_ragged,
    split_total,
    without_self,
)
from neurodamus_like.exceptions import ConfigurationError


@RULES.register("all_to_all")
class AllToAll(ArrayRule):
    """Every source to every target, with `n_syn` synapses."""

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        count = len(sources)
        source = np.tile(np.arange(count, dtype=np.int64), end - begin)
        target = np.repeat(np.arange(begin, end, dtype=np.int64), count)
        if self.n_syn == (0, 0):
            source, target = source[:0], target[:0]
        return self._finish(sources, targets, EdgeBlock(source, target), rng)


@RULES.register("probability", "pairwise_bernoulli")
class Probability(ArrayRule):
    """Every pair is connected with probability `p`, independently."""

    def __init__(self, p: float, n_syn: int | tuple[int, int] = 1, self_connections: bool = True) -> None:
        super().__init__(n_syn, self_connections)
        self.p = check_probability(p)

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        count = len(sources)
        target, source = divide(bernoulli_positions(rng, (end - begin) * count, self.p), count)
        target += begin
        return self._finish(sources, targets, EdgeBlock(source, target), rng)


def divide(positions: IntArray, count: int) -> tuple[Any, Any]:
    """Return quotient and remainder; in 32 bits where they fit, which is three times as fast."""
    if positions.size and positions[-1] < 1 << 32:
        positions = positions.astype(np.uint32)
        quotient = positions // np.uint32(count)
        return quotient, positions - quotient * np.uint32(count)
    quotient = positions // max(count, 1)
    return quotient, positions - quotient * count


@RULES.register("fixed_number", "fixed_total_number")
class FixedNumber(ArrayRule):
    """Exactly `n` connections between the two lists of nodes.

    Parameters
    ----------
    n
        How many connections in all.
    multapses
        True lets a pair be drawn more than once (each draw is an edge of its own).
    """

    def __init__(
        self,
        n: int,
        n_syn: int | tuple[int, int] = 1,
        multapses: bool = False,
        self_connections: bool = True,
    ) -> None:
        super().__init__(n_syn, self_connections)
        self.n, self.multapses = int(n), multapses
        self._counts: IntArray = np.empty(0, dtype=np.int64)

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        room = np.full(len(targets), len(sources), dtype=np.int64)
        if not self.self_connections:
            room -= own_index(sources, targets, 0, len(targets)) >= 0
        if self.n < 0 or (not self.multapses and self.n > room.sum()) or (self.n and not room.any()):
            raise ConfigurationError(
                f"{self.n} connections do not fit between {len(sources)} sources and {len(targets)} targets",
                expected=f"from 0 to {room.sum()}",
            )
        if np.all(room == room[:1]):
            self._counts = split_total(rng, self.n, len(targets), len(sources), not self.multapses)
        elif self.multapses:
            self._counts = rng.multinomial(self.n, room / room.sum()).astype(np.int64)
        else:
            self._counts = rng.multivariate_hypergeometric(room, self.n, method="marginals").astype(np.int64)

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        return _in_degrees(self, sources, targets, begin, self._counts[begin:end], self.multapses, rng)


def _in_degrees(
    rule: ArrayRule,
    sources: NodeColumns,
    targets: NodeColumns,
    begin: int,
    counts: IntArray,
    multapses: bool,
    rng: np.random.Generator,
) -> EdgeBlock:
    """Give each target its number of sources."""
    own = own_index(sources, targets, begin, begin + counts.size)
    if rule.self_connections:
        own[:] = -1
    rows, values = [], []
    for has_self in (False, True):
        at = np.flatnonzero((own >= 0) == has_self)
        size = len(sources) - has_self
        if multapses:
            row = np.repeat(np.arange(at.size), counts[at])
            value = rng.integers(0, max(size, 1), row.size, dtype=np.int64)
        else:
            row, value = distinct_ragged(rng, counts[at], size)
        rows.append(at[row])
        values.append(without_self(value, own[at[row]]))
    row, value = np.concatenate(rows), np.concatenate(values)
    block = EdgeBlock(value, row + begin, rule._synapses(row.size, rng))
    return block.sorted_by_target(len(sources))


@RULES.register("fixed_indegree", "fixed_in_degree")
class FixedIndegree(ArrayRule):
    """Each target has exactly `k` incoming connections, from distinct sources unless `multapses`."""

    def __init__(
        self,
        k: int,
        n_syn: int | tuple[int, int] = 1,
        multapses: bool = False,
        self_connections: bool = True,
    ) -> None:
        super().__init__(n_syn, self_connections)
        self.k, self.multapses = int(k), multapses

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        others = len(sources)
        if not self.self_connections and np.any(own_index(sources, targets, 0, len(targets)) >= 0):
            others -= 1
        _check_degree(self.k, others, self.multapses, "sources")

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        counts = np.full(end - begin, self.k, dtype=np.int64)
        return _in_degrees(self, sources, targets, begin, counts, self.multapses, rng)


def _check_degree(k: int, others: int, multapses: bool, what: str) -> None:
    if k < 0 or (k > others and not multapses) or (k and not others):
        raise ConfigurationError(
            f"k={k} connections for each node, but there are {others} {what}", expected=f"from 0 to {others}"
        )


@RULES.register("fixed_outdegree", "fixed_out_degree")
class FixedOutdegree(ArrayRule):
    """Each source has exactly `k` outgoing connections, to distinct targets unless `multapses`."""

    over = "sources"

    def __init__(
        self,
        k: int,
        n_syn: int | tuple[int, int] = 1,
        multapses: bool = False,
        self_connections: bool = True,
    ) -> None:
        super().__init__(n_syn, self_connections)
        self.k, self.multapses = int(k), multapses

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        others = len(targets)
        if not self.self_connections and np.any(own_index(targets, sources, 0, len(sources)) >= 0):
            others -= 1
        _check_degree(self.k, others, self.multapses, "targets")

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        counts = np.full(end - begin, self.k, dtype=np.int64)
        turned = _in_degrees(self, targets, sources, begin, counts, self.multapses, rng)
        return EdgeBlock(turned.target, turned.source, turned.nsyns).sorted_by_target(len(sources))


@RULES.register("one_to_one")
class OneToOne(ArrayRule):
    """The i-th source to the i-th target."""

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        if len(sources) != len(targets):
            raise ConfigurationError(
                f"one_to_one needs lists of equal length, not {len(sources)} sources and {len(targets)} targets"
            )

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        places = np.arange(begin, end, dtype=np.int64)
        return self._finish(sources, targets, EdgeBlock(places, places), rng)
