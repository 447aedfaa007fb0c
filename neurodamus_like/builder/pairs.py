"""Pairs of nodes: their probabilities as arrays, and the checks that all connectors share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.node_pool import NodeColumns, NodePool
from neurodamus_like.builder.rule_base import check_probability
from neurodamus_like.exceptions import ConfigurationError

FloatArray = npt.NDArray[np.float64]


def checked_pool(pool: NodePool | None, end: str) -> NodePool:
    if pool is None:
        raise ConfigurationError(
            f"the connector has no {end} nodes", hint="call setup_nodes(source=..., target=...)"
        )
    if not len(pool):
        raise ConfigurationError(f"no node fits the {end} filter {pool.filter_str} of {pool.network_name!r}")
    return pool


def pair_values(
    p: Any,
    argument: Callable[..., float] | None,
    sources: NodeColumns,
    targets: NodeColumns,
    begin: int,
    end: int,
) -> FloatArray:
    """Return a probability for each pair, float64[targets of the block, sources]."""
    shape = (end - begin, len(sources))
    if not callable(p):
        return np.full(shape, check_probability(p))
    if argument is None:
        delta = targets.positions()[begin:end, None, :] - sources.positions()[None, :, :]
        distance = np.sqrt(np.einsum("ijk,ijk->ij", delta, delta))
    else:
        others = sources.nodes()
        rows = [[argument(s, t) for s in others] for t in targets.nodes()[begin:end]]
        distance = np.asarray(rows, dtype=float).reshape(shape)
    values = np.broadcast_to(np.asarray(p(distance), dtype=float), shape)
    if not np.all((values >= 0) & (values <= 1)):
        raise ConfigurationError("a probability function returned values outside 0 to 1")
    return values
