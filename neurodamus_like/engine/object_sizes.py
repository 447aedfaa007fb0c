"""How much memory simulator objects take: made in numbers, measured, and kept until the process ends.

Only for processes of their own: what is made here stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurodamus_like import memory
from neurodamus_like.engine import artificial, nrn, synapse_factory
from neurodamus_like.engine.makers import maker
from neurodamus_like.engine.nrn import h
from neurodamus_like.engine.object_columns import ObjectColumn

_kept: list[Any] = []


def settled_bytes() -> int:
    """Return the resident memory after free memory was given back."""
    memory.trim()
    return memory.rss_bytes()


def grown_by(make: Callable[[], Any]) -> int:
    """Return by how much memory grows when something is made; it is kept."""
    before = settled_bytes()
    _kept.append(make())
    return max(0, settled_bytes() - before)


def measure_point_process(
    mechanism: str, sections: Sequence[Any], count: int
) -> tuple[float, ObjectColumn | None]:
    """Return the bytes of one point process of a kind, with what the initial state adds, and the ones made.

    Those that have ``setRNG`` get a random stream each. 0 and None when there is no such point process.
    """
    if not hasattr(h, mechanism):
        return 0.0, None
    rng = np.random.default_rng(1)
    places = np.sort(rng.integers(0, len(sections), count)), rng.random(count)
    made: list[ObjectColumn] = []

    def make() -> None:
        objects = synapse_factory.create_point_processes(mechanism, sections, *places, {})
        if hasattr(objects[0], "setRNG"):
            maker().call_numbers(objects, "setRNG", np.tile(np.arange(count)[:, None], (1, 3)))
        made.append(objects)

    size = grown_by(make)
    return (size + grown_by(_initialize)) / count, made[0]


def artificial_targets(count: int) -> ObjectColumn:
    """Return artificial cells that NetCons can end on."""
    made = maker().artificial_cells("IntFire1", count)
    _kept.append(made)
    return made


def measure_gid_netcon(gids: Sequence[int], targets: ObjectColumn) -> float:
    """Return the bytes of one NetCon from a cell, on this rank (``gids[0]``) or elsewhere (any other number)."""
    n = len(targets)
    sources, ones = np.resize(np.array(gids, dtype=np.int64), n), np.ones(n)
    size = grown_by(lambda: synapse_factory.connect_gids(sources, targets, ones, ones))
    return (size + grown_by(_initialize)) / n


def measure_replay(targets: ObjectColumn) -> tuple[float, float]:
    """Return the bytes of a spike train with its source, and of one NetCon from it."""
    n = len(targets)
    trains = max(1, n // 4)
    size = grown_by(lambda: _kept.append(synapse_factory.create_vecstims([np.arange(4.0)] * trains)))
    stims, index, ones = _kept[-2][0], np.arange(n) % trains, np.ones(n)
    connected = grown_by(lambda: synapse_factory.connect_stims(stims, index, targets, ones, ones))
    return size / trains, (connected + grown_by(_initialize)) / n


def measure_minis(targets: ObjectColumn) -> float:
    """Return the bytes of a source of spontaneous release with its NetCon; 0 when its mechanism is not loaded."""
    if not hasattr(h, artificial.POISSON_SOURCE):
        return 0.0
    n = len(targets)
    streams, ones = np.tile(np.arange(n)[:, None], (1, 6)), np.ones(n)

    def make() -> Any:
        stims, kept = artificial.create_poisson_stims(ones, streams, 1.0)
        return stims, kept, synapse_factory.connect_stims(stims, np.arange(n), targets, ones, ones)

    size = grown_by(make)
    return (size + grown_by(_initialize)) / n


def membrane_weight(sections: Sequence[Any]) -> float:
    """Return a number that grows with the memory of sections: segments times mechanisms."""
    total = 0.0
    for section in sections:
        total += section.nseg * (2.0 + sum(1 for _ in section(0.5)))
    return total


def _initialize() -> None:
    nrn.initialize(-65.0)
