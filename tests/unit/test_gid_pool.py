"""Global ids for simulation modules: node id and population, and back."""

from __future__ import annotations

import pytest

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.simulation.gid_pool import GidPool, PopulationID
from neurodamus_like.targets.offsets import GidOffsets


def test_gids_and_nodes() -> None:
    pool = GidPool(GidOffsets({"lgn": 14, "v1": 0, "tw": 104}))
    assert pool.get_pool_id(13) == PopulationID(13, "v1")
    assert pool.get_pool_id(14) == (0, "lgn")
    assert pool.get_pool_id(110) == (6, "tw")
    assert [pool.get_gid(name, node) for node, name in map(pool.get_pool_id, (0, 50, 200))] == [0, 50, 200]
    with pytest.raises(CircuitError):
        pool.get_gid("v2", 0)
    with pytest.raises(CircuitError, match="there is no cell -1"):
        pool.get_pool_id(-1)
