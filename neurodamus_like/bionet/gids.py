"""Global ids, under the names of BMTK."""

from __future__ import annotations

from neurodamus_like.simulation.gid_pool import GidPool, PopulationID

__all__ = ["GidPool", "PopulationID"]
