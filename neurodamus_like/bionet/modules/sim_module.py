"""The base of simulation modules."""

from __future__ import annotations

from neurodamus_like.simulation.modules import SimulatorMod

__all__ = ["SimulatorMod"]
