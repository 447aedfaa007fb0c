"""Functions of users that make the spikes of virtual nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurodamus_like.registry import Registry

SpikesGenerator = Callable[[Any, Any], Any]

SPIKE_GENERATORS: Registry[SpikesGenerator] = Registry("spikes generator", "neurodamus_like.spike_generators")
"""Name in ``spikes_function`` of an input -> function (node, simulation) that returns times in ms."""


def add_spikes_generator(func: SpikesGenerator, name: str | None = None, overwrite: bool = True) -> None:
    """Register a function that makes spikes, under its own name or `name`."""
    key = name or func.__name__
    if overwrite or key not in SPIKE_GENERATORS:
        SPIKE_GENERATORS.add(key, func)
