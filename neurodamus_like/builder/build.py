"""From rules to edges: evaluate the edge groups, block by block, on the ranks that work together."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock, EdgeView
from neurodamus_like.builder.communicator import Communicator
from neurodamus_like.builder.connection_map import ConnectionMap, PropertyRule
from neurodamus_like.builder.node_table import Array, IntArray, Node, as_column
from neurodamus_like.builder.python_rules import connect_by_function, connect_by_list
from neurodamus_like.builder.rule_base import ArrayRule, FunctionRule
from neurodamus_like.builder.store import EdgeStore, Scratch
from neurodamus_like.builder.streams import Purpose, stream, text_key
from neurodamus_like.exceptions import ConfigurationError, NeurodamusLikeError

Tick = Callable[[int], None]
_MAX_THREADS = 4


class GroupBuilder:
    """Builds one edge group.

    Parameters
    ----------
    group
        What to build.
    seed
        Of the network.
    scratch
        Memory budget for the edges.
    comm
        Ranks that work together.
    """

    def __init__(self, group: ConnectionMap, seed: int, scratch: Scratch, comm: Communicator) -> None:
        self.group, self.comm = group, comm
        self.sources, self.targets = group.source_nodes.columns(), group.target_nodes.columns()
        self._key = (
            seed,
            text_key(group.source_network_name),
            text_key(group.target_network_name),
            group.edge_type_id,
        )
        self._source_nodes: list[Node] | None = None
        self._target_nodes: list[Node] | None = None
        self.store = EdgeStore(self.sources.ids, self.targets.ids, scratch)

    @property
    def n_pairs(self) -> int:
        """Number of pairs, the measure of progress."""
        return len(self.sources) * len(self.targets)

    def build(self, tick: Tick) -> EdgeStore:
        """Evaluate rule and properties; return the edges of this rank.

        Raises
        ------
        ConfigurationError
            The rule or a property returned something invalid; the message names the edge group.
        """
        try:
            for property_rule in self.group.params:
                if property_rule.is_array:
                    property_rule.rule.prepare(self.sources, self.targets)
            blocks = self._ordered(tick) if self.group.is_ordered else self._by_blocks(tick)
            for block in blocks:
                self.store.put(block)
            self.store.flush()
        except NeurodamusLikeError as error:
            error.message = f"{self.group.label}: {error.message}"
            raise
        return self.store

    def _ordered(self, tick: Tick) -> Iterator[EdgeBlock]:
        """Make the whole group in the order in which BMTK calls its functions."""
        # random array properties belong to whole blocks, and here the block is the group
        shared = self.group.is_shareable and not any(p.is_array for p in self.group.params)
        if not shared and self.comm.rank > 0:
            return
        sources, targets = list(self.group.source_nodes), list(self.group.target_nodes)
        mine = slice(self.comm.rank, None, self.comm.size) if shared else slice(None)
        if self.group.iterator == "all_to_one":
            targets = targets[mine]
        else:
            sources = sources[mine]
        source_places = _places(self.sources.ids, sources)
        target_places = _places(self.targets.ids, targets)
        rule = self.group.rule
        if isinstance(rule, ArrayRule):
            count = len(targets)
            places = np.arange(len(sources), dtype=np.int64)
            found = EdgeBlock(
                np.repeat(places, count), np.tile(np.arange(count), len(sources)), rule.n_syn[0]
            )
            if rule.n_syn[0] == 0:
                found = found.take(slice(0, 0))
        elif callable(rule):
            params, iterator = self.group.connector_params, self.group.iterator
            found = connect_by_function(rule, params, iterator, sources, targets, tick)
        else:
            found = connect_by_list(rule, self.group.iterator, len(sources), len(targets))
        found = EdgeBlock(source_places[found.source], target_places[found.target], found.nsyns)
        yield self._with_properties(found, 0)

    def _by_blocks(self, tick: Tick) -> Iterator[EdgeBlock]:
        """Make the group by blocks of nodes; ranks take turns."""
        rule: ArrayRule = self.group.rule
        rule.prepare(self.sources, self.targets, self._rng(Purpose.PREPARE))
        count = len(self.targets) if rule.over == "targets" else len(self.sources)
        size = rule.block_size(len(self.sources), len(self.targets))
        shared = self.group.is_shareable
        step, first = (self.comm.size, self.comm.rank) if shared else (1, 0)
        if not shared and self.comm.rank > 0:
            return
        others = self.n_pairs // max(count, 1)
        starts = range(first * size, count, step * size)

        def make(begin: int) -> EdgeBlock:
            end = min(begin + size, count)
            number = begin // size
            block = rule.connect(self.sources, self.targets, begin, end, self._rng(Purpose.CONNECT, number))
            return self._with_properties(block, number)

        plain = not isinstance(rule, FunctionRule) and all(p.is_array for p in self.group.params)
        threads = min(_MAX_THREADS, os.cpu_count() or 1) if plain and self.comm.size == 1 else 1
        for begin, block in zip(starts, _mapped(make, starts, threads), strict=True):
            yield block
            tick((min(begin + size, count) - begin) * others)

    def _with_properties(self, block: EdgeBlock, number: int) -> EdgeBlock:
        if not self.group.params:
            return block
        rows = block.per_synapse()
        rows.columns = {}
        for index, rule in enumerate(self.group.params):
            for name, values in self._evaluate(rule, index, rows, number):
                rows.columns[name] = values
        return rows

    def _evaluate(
        self, rule: PropertyRule, index: int, rows: EdgeBlock, number: int
    ) -> Iterator[tuple[str, Array]]:
        if rule.is_array:
            rng = self._rng(Purpose.PROPERTY, index, number)
            answer = rule.rule.compute(EdgeView(self.sources, self.targets, rows, rng))
            parts = answer if rule.returns_several else (answer,)
        else:
            parts = self._call_for_each(rule, rows)
        if len(parts) != len(rule.names):
            raise ConfigurationError(
                f"the rule of the properties {', '.join(rule.names)} returned {len(parts)} columns",
                expected=f"{len(rule.names)} columns",
            )
        for name, values, dtype in zip(rule.names, parts, rule.dtypes, strict=True):
            yield name, _column(name, values, dtype, len(rows), rule.is_array)

    def _call_for_each(self, rule: PropertyRule, rows: EdgeBlock) -> list[Any]:
        size = len(rows)
        if isinstance(rule.rule, list):
            if len(rule.rule) != size:
                raise ConfigurationError(
                    f"{len(rule.rule)} values for {', '.join(rule.names)}, but there are {size} synapses",
                    expected="one value for each synapse, source by source",
                )
            answers = list(rule.rule)
        else:
            sources, targets = self._nodes()
            pairs = zip(rows.source.tolist(), rows.target.tolist(), strict=True)
            answers = [rule.rule(sources[s], targets[t], **rule.params) for s, t in pairs]
        if not rule.returns_several:
            return [answers]
        if any(len(a) < len(rule.names) for a in answers):
            raise ConfigurationError(
                f"the rule of the properties {', '.join(rule.names)} returned too few values",
                expected=f"{len(rule.names)} values for each synapse",
            )
        return [[a[i] for a in answers] for i in range(len(rule.names))]

    def _nodes(self) -> tuple[list[Node], list[Node]]:
        if self._source_nodes is None or self._target_nodes is None:
            self._source_nodes, self._target_nodes = self.sources.nodes(), self.targets.nodes()
        return self._source_nodes, self._target_nodes

    def _rng(self, purpose: Purpose, *number: int) -> np.random.Generator:
        return stream(*self._key, int(purpose), *number)


def _places(ids: IntArray, nodes: list[Node]) -> IntArray:
    return np.searchsorted(ids, np.fromiter((n.node_id for n in nodes), dtype=np.int64, count=len(nodes)))


def _column(name: str, values: Any, dtype: Any, size: int, is_array: bool) -> Array:
    wanted = object if dtype in (str, np.str_) else dtype
    if wanted is None and not is_array:
        wanted = _python_type(values)
    try:
        column = as_column(values) if wanted is None else np.asarray(values, dtype=wanted)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"property {name!r}: {error}", expected=f"values of type {dtype}") from error
    if column.shape[:1] != (size,):
        raise ConfigurationError(
            f"the rule of property {name!r} returned an array of shape {column.shape}",
            expected=f"one value for each of the {size} synapses",
        )
    return column


def _python_type(values: Any) -> Any:
    """Numbers from Python rules are stored in double precision, as by BMTK; text as text."""
    return object if any(isinstance(v, str) for v in values) else np.float64


def _mapped(make: Callable[[int], EdgeBlock], items: Iterable[int], threads: int) -> Iterator[EdgeBlock]:
    """Call `make` for all items and yield in order; some threads ahead, never many blocks in memory."""
    if threads < 2:
        yield from map(make, items)
        return
    waiting: deque[Future[EdgeBlock]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(make, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
