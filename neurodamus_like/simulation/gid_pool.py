"""Global ids and what they stand for, as simulation modules ask for them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.targets.offsets import GidOffsets


class PopulationID(NamedTuple):
    """A node: its id, and its population."""

    node_id: int
    population: str


class GidPool:
    """Translates between global ids and nodes.

    Parameters
    ----------
    offsets
        Of the populations of a simulation.
    """

    def __init__(self, offsets: GidOffsets) -> None:
        self._offsets = offsets

    def get_gid(self, name: str, node_id: int) -> int:
        """Return the global id of a node of the population `name`.

        Raises
        ------
        CircuitError
            There is no such population.
        """
        return self._offsets.offset(name) + int(node_id)

    def get_pool_id(self, gid: int) -> PopulationID:
        """Return node id and population of a global id.

        Raises
        ------
        CircuitError
            It is negative.
        """
        if gid < 0:
            raise CircuitError(f"there is no cell {gid}", expected="a global id from 0 on")
        name = str(self._offsets.population_of(np.array([int(gid)]))[0])
        return PopulationID(int(gid) - self._offsets.offset(name), name)
