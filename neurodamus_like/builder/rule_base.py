"""What all array rules have in common, and functions as array rules.

An array rule says who connects to whom for a whole block of nodes at once. Its random numbers belong to the
edge group and the block, so that the result depends neither on memory nor on ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.builder.node_table import IntArray
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.registry import Registry

RULES: Registry[Callable[..., ArrayRule]] = Registry("connection rule", "neurodamus_like.connection_rules")
"""Rules by name; packages add their own through the entry point group."""

PAIRS_PER_BLOCK = 1 << 24
NODES_PER_BLOCK = 256


class ArrayRule:
    """Base of the array rules.

    Parameters
    ----------
    n_syn
        Synapses of each connection: a number, or (low, high) for a uniform draw that includes both ends.
    self_connections
        False leaves out edges from a node to itself.

    Attributes
    ----------
    over
        Which nodes a block is a stretch of: "targets" or "sources".
    """

    over = "targets"

    def __init__(self, n_syn: int | tuple[int, int] = 1, self_connections: bool = True) -> None:
        low, high = (n_syn, n_syn) if isinstance(n_syn, int | np.integer) else n_syn
        if low < 0 or high < low:
            raise ConfigurationError(
                f"n_syn={n_syn!r} is not valid",
                expected="a number of synapses, or (low, high) with low <= high",
            )
        self.n_syn = (int(low), int(high))
        self.self_connections = self_connections

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        """Do once what concerns all blocks."""

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        """Return the edges of the targets (or sources) ``begin <= i < end``."""
        raise TypeError(f"{type(self).__name__} does not say how to connect")  # pragma: no cover

    def block_size(self, n_sources: int, n_targets: int) -> int:
        """Return how many nodes a block has; a function of the sizes alone, so that results are stable."""
        others = n_sources if self.over == "targets" else n_targets
        return max(1, min(NODES_PER_BLOCK, PAIRS_PER_BLOCK // max(others, 1)))

    def _synapses(self, size: int, rng: np.random.Generator) -> Any:
        low, high = self.n_syn
        return low if low == high else rng.integers(low, high + 1, size, dtype=np.uint32)

    def _finish(
        self, sources: NodeColumns, targets: NodeColumns, block: EdgeBlock, rng: np.random.Generator
    ) -> EdgeBlock:
        """Leave out edges to oneself if asked to, and draw the numbers of synapses."""
        if not self.self_connections and sources.network == targets.network:
            same = sources.ids[block.source] == targets.ids[block.target]
            if same.any():
                block = block.take(~same)
        return EdgeBlock(block.source, block.target, self._synapses(len(block), rng))


def check_probability(p: float, name: str = "p") -> float:
    """Return `p` as a float; raise ConfigurationError unless 0 <= p <= 1."""
    value = float(p)
    if not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"{name}={p!r} is not a probability", expected="a number from 0 to 1")
    return value


def own_index(sources: NodeColumns, targets: NodeColumns, begin: int, end: int) -> IntArray:
    """Return for each target of a block its own place among the sources, -1 if it is none."""
    if sources.network != targets.network or not len(sources):
        return np.full(end - begin, -1, dtype=np.int64)
    wanted = targets.ids[begin:end]
    at = np.minimum(np.searchsorted(sources.ids, wanted), len(sources) - 1)
    return np.where(sources.ids[at] == wanted, at, -1)


class FunctionRule(ArrayRule):
    """A rule made from a function; see :func:`array_rule`."""

    def __init__(self, function: Callable[..., Any], params: dict[str, Any]) -> None:
        super().__init__()
        self.function, self.params = function, params

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        answer = self.function(sources, targets, slice(begin, end), rng, **self.params)
        if isinstance(answer, tuple):
            source, target = (np.asarray(part) for part in answer[:2])
            nsyns = check_counts(answer[2]) if len(answer) > 2 else 1
            for name, places, size in (("source", source, len(sources)), ("target", target, end - begin)):
                if places.size and (places.min() < 0 or places.max() >= size):
                    raise ConfigurationError(f"the rule returned {name} indices outside 0..{size - 1}")
            if source.shape != target.shape:
                raise ConfigurationError(
                    f"the rule returned {source.size} sources and {target.size} targets",
                    expected="arrays of equal length",
                )
            if not isinstance(nsyns, int):
                nsyns = np.broadcast_to(nsyns, source.shape)
            block = EdgeBlock(source.astype(np.int64), target.astype(np.int64) + begin, nsyns)
            return block.sorted_by_target(len(sources))
        counts = check_counts(answer)
        if counts.shape != (end - begin, len(sources)):
            raise ConfigurationError(
                f"the rule returned an array of shape {counts.shape}",
                expected=f"(targets, sources) = ({end - begin}, {len(sources)})",
            )
        target, source = np.nonzero(counts)
        return EdgeBlock(source, target + begin, counts[target, source])


def array_rule(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function as an array rule.

    It is called with ``(sources, targets, block, rng, **connection_params)``: two :class:`NodeColumns`, the slice
    of targets that it is to connect, and its random numbers. It returns either the numbers of synapses as
    an array (targets of the block, sources), or a tuple ``(source, target)`` or ``(source, target, n_syn)`` of
    equal lengths with places in `sources` and places inside the block.
    """
    function.__array_rule__ = True  # type: ignore[attr-defined]
    return function


def check_counts(values: Any) -> Any:
    """Return numbers of synapses as uint32; None counts as 0.

    Raises
    ------
    ConfigurationError
        A number is negative, not whole, or no number at all.
    """
    array = np.asarray(values)
    if array.dtype == object:
        try:
            array = np.array([0 if v is None else v for v in array.ravel()]).reshape(array.shape)
        except ValueError:
            array = array.astype(object)
    if array.dtype.kind == "b":
        return array.astype(np.uint32)
    if array.dtype.kind not in "iuf":
        raise ConfigurationError(
            f"the connection rule returned {_first(array)!r}, which is no number of synapses",
            expected="whole numbers from 0 on, or None",
        )
    if array.dtype.kind == "f":
        wrong = array != np.floor(array)
        if wrong.any() or not np.isfinite(array).all():
            bad = array[wrong | ~np.isfinite(array)]
            raise ConfigurationError(
                f"the connection rule returned {bad.flat[0]}, which is not a whole number",
                expected="whole numbers of synapses from 0 on, or None",
                hint="return int(...), or draw a Bernoulli number if this is a probability",
            )
    if array.size and array.min() < 0:
        raise ConfigurationError(
            f"the connection rule returned {array.min()}, a negative number of synapses",
            expected="whole numbers of synapses from 0 on, or None",
        )
    if array.size and array.max() > np.iinfo(np.uint32).max:
        raise ConfigurationError(f"the connection rule returned {array.max()} synapses, beyond 32 bits")
    return array.astype(np.uint32)


def _first(array: Any) -> Any:
    return next((v for v in array.ravel() if not isinstance(v, int | float)), None)
