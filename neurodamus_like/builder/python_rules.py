"""Python rules: a function that is called for every pair of nodes, or for one node and a list of others.

The three ways of calling (iterators) and the order of calls are those of BMTK's builder, so that a script
that draws random numbers inside its rule makes the same network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeBlock
from neurodamus_like.builder.node_table import Array, Node
from neurodamus_like.builder.rule_base import check_counts
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.registry import Registry

Counts = Iterator[tuple[int, Array]]
Iterate = Callable[[Callable[..., Any], Sequence[Node], Sequence[Node]], Counts]

ITERATORS: Registry[Iterate] = Registry("iterator", "neurodamus_like.edge_iterators")
"""Ways of calling a Python rule, by name."""


def pure_rule(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a Python rule as a pure function of its arguments: MPI ranks may share its calls out.

    Unmarked rules may draw random numbers or count their calls; they are called in order, on rank 0.
    """
    function.__pure_rule__ = True  # type: ignore[attr-defined]
    return function


def is_pure(function: Any) -> bool:
    """Tell whether a rule was marked by :func:`pure_rule`."""
    return bool(getattr(function, "__pure_rule__", False))


@ITERATORS.register("one_to_one")
def one_to_one(rule: Callable[..., Any], sources: Sequence[Node], targets: Sequence[Node]) -> Counts:
    """Call ``rule(source, target)``; yield (source, counts over the targets)."""
    for i, source in enumerate(sources):
        yield i, _row([rule(source, target) for target in targets], len(targets))


@ITERATORS.register("one_to_all")
def one_to_all(rule: Callable[..., Any], sources: Sequence[Node], targets: Sequence[Node]) -> Counts:
    """Call ``rule(source, targets)``; yield (source, counts over the targets)."""
    everyone = list(targets)
    for i, source in enumerate(sources):
        yield i, _row(rule(source, everyone), len(targets), "targets")


@ITERATORS.register("all_to_one")
def all_to_one(rule: Callable[..., Any], sources: Sequence[Node], targets: Sequence[Node]) -> Counts:
    """Call ``rule(sources, target)``; yield (target, counts over the sources)."""
    everyone = list(sources)
    for j, target in enumerate(targets):
        yield j, _row(rule(everyone, target), len(sources), "sources")


def _row(answer: Any, size: int, what: str = "targets") -> Array:
    if not hasattr(answer, "__len__"):
        raise ConfigurationError(
            f"the connection rule returned {answer!r}",
            expected=f"one number of synapses for each of the {size} {what}",
        )
    if len(answer) != size:
        raise ConfigurationError(
            f"the connection rule returned {len(answer)} numbers",
            expected=f"one number of synapses for each of the {size} {what}",
        )
    return np.asarray(check_counts(answer))


def connect_by_function(
    rule: Callable[..., Any],
    params: dict[str, Any],
    iterator: str,
    sources: Sequence[Node],
    targets: Sequence[Node],
    progress: Callable[[int], None],
) -> EdgeBlock:
    """Call a Python rule for all nodes and return the edges, by source, then target.

    Parameters
    ----------
    rule, params
        The function and its further arguments.
    iterator
        Name of the way it is called.
    sources, targets
        The nodes, in the order of the calls; places in the result refer to it.
    progress
        Called with the number of pairs done.
    """
    bound = partial(rule, **params) if params else rule
    by_target = iterator == "all_to_one"
    first, second, counts = [], [], []
    for i, row in ITERATORS[iterator](bound, sources, targets):
        found = np.flatnonzero(row)
        if found.size:
            first.append(np.full(found.size, i, dtype=np.int64))
            second.append(found)
            counts.append(row[found])
        progress(row.size)
    one, other, nsyns = (_joined(parts) for parts in (first, second, counts))
    if not by_target:
        return EdgeBlock(one, other, nsyns.astype(np.uint32))
    order = np.argsort(other, kind="stable")
    return EdgeBlock(other[order], one[order], nsyns[order].astype(np.uint32))


def connect_by_list(values: Sequence[Any], iterator: str, n_sources: int, n_targets: int) -> EdgeBlock:
    """Return the edges of a list of numbers: one for each pair, each target or each source."""
    sizes = {
        "one_to_one": (n_sources * n_targets, "pair, source by source"),
        "one_to_all": (n_targets, "target"),
        "all_to_one": (n_sources, "source"),
    }
    size, what = sizes[iterator]
    if len(values) != size:
        raise ConfigurationError(
            f"the connection rule is a list of {len(values)} numbers",
            expected=f"{size} numbers, one for each {what} (iterator {iterator!r})",
        )
    counts = check_counts(values)
    if iterator == "all_to_one":
        counts = counts[:, None]
    table = np.broadcast_to(
        counts.reshape(-1, n_targets) if iterator == "one_to_one" else counts, (n_sources, n_targets)
    )
    source, target = np.nonzero(table)
    return EdgeBlock(source.astype(np.int64), target.astype(np.int64), table[source, target])


def _joined(parts: list[Array]) -> Array:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
