"""Which class handles which kind of population: the registries that keep owners from importing what they own."""

from __future__ import annotations

from typing import Any

from neurodamus_like.registry import Registry

NODE_ENGINES: Registry[Any] = Registry("node population type", "neurodamus_like.node_engines")
"""SONATA node population type -> cell manager class."""

EDGE_ENGINES: Registry[Any] = Registry("edge population type", "neurodamus_like.edge_engines")
"""SONATA edge population type -> connection manager class."""
