"""Python connection rules that scripts import by name."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from neurodamus_like.builder.node_table import Node


def distance_connector(
    source: Node,
    target: Node,
    d_weight_min: float,
    d_weight_max: float,
    d_max: float,
    nsyn_min: int,
    nsyn_max: int,
) -> int | None:
    """Return a random number of synapses whose probability falls linearly with distance; None for no edge.

    Parameters
    ----------
    source, target
        Nodes with ``positions``; a node is not connected to itself.
    d_weight_min, d_weight_max
        Probability at `d_max` and at distance 0.
    d_max
        Distance (µm) beyond which nothing is connected.
    nsyn_min, nsyn_max
        Bounds of the number of synapses, both included.
    """
    if source.node_id == target.node_id:
        return None
    distance = np.linalg.norm(np.array(source["positions"]) - np.array(target["positions"]))
    share = distance / d_max
    p = d_weight_max * (1.0 - share) + d_weight_min * share if distance <= d_max else 0.0
    if p <= 0 or random.random() > p:
        return None
    return random.randint(nsyn_min, nsyn_max)


def connect_random(
    source: Node, target: Node, nsyn_min: int = 0, nsyn_max: int = 10, distribution: Any = None
) -> int:
    """Return a random number of synapses from `nsyn_min` on, below `nsyn_max`."""
    return int(np.random.randint(nsyn_min, nsyn_max))  # noqa: NPY002 - scripts seed this generator
