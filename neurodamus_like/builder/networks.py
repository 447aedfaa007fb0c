"""The module name under which older BMTK scripts import the builder."""

from neurodamus_like.builder.network import NetworkBuilder

__all__ = ["NetworkBuilder"]
