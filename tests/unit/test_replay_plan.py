"""Spike trains for replay: from files, merged, and dealt out to synapses; nothing here runs NEURON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.connectivity.replay import (
    MissingSpikesPopulationError,
    ReplayBlock,
    ReplayMode,
    SpikeManager,
    plan_replay,
)
from neurodamus_like.io.spikes import write_spikes

SOURCES = np.array([1, 2, 1, 3])
TARGETS = np.array([10, 10, 11, 11])


def block(
    source: list[int], times: list[float], targets: list[int], only: list[int] | None = None
) -> ReplayBlock:
    order = np.lexsort((times, source))
    replayed = None if only is None else np.array(only)
    return ReplayBlock(np.array(source)[order], np.array(times)[order], np.array(targets), replayed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "spikes.h5"
    write_spikes(path, {"V": ([5.0, 1.0, 3.0, 9.0], [0, 0, 2, 7]), "W": ([2.0], [0])})
    return path


def test_blocks_that_hit_one_synapse_are_merged() -> None:
    plan = plan_replay(
        [block([1, 1], [4.0, 2.0], [10, 11]), block([1, 3], [3.0, 1.0], [11])], SOURCES, TARGETS
    )
    trains = {int(row): plan.times_ms[i].tolist() for row, i in zip(plan.rows, plan.stim_index, strict=True)}
    assert trains == {0: [2.0, 4.0], 2: [2.0, 3.0, 4.0], 3: [1.0]}


def test_synapses_of_one_source_share_a_train() -> None:
    plan = plan_replay([block([1], [4.0], [10, 11])], SOURCES, TARGETS)
    assert plan.rows.tolist() == [0, 2]
    assert len(plan.times_ms) == 1


def test_modes() -> None:
    blocks = [block([1], [4.0], [10])]
    assert plan_replay(blocks, SOURCES, TARGETS, ReplayMode.NONE).rows.size == 0
    complete = plan_replay(blocks, SOURCES, TARGETS, ReplayMode.COMPLETE)
    assert complete.rows.tolist() == [0, 1, 2, 3]
    lengths = [complete.times_ms[i].size for i in complete.stim_index]
    assert lengths == [1, 0, 0, 0]


def test_sources_can_be_restricted_and_many_blocks_fit() -> None:
    blocks = [block([1, 2], [float(i), float(i)], [10], only=[2]) for i in range(70)]
    plan = plan_replay(blocks, SOURCES, TARGETS)
    assert plan.rows.tolist() == [1]
    assert plan.times_ms[0].tolist() == [float(i) for i in range(70)]


def test_spikes_of_a_file(file: Path) -> None:
    manager = SpikeManager(file, delay=2.0, population="V")
    assert {gid: times.tolist() for gid, times in manager.get_map().items()} == {0: [5.0], 2: [3.0], 7: [9.0]}
    assert sorted(manager.filter_map([2, 3, 7])) == [2, 7]
    found = SpikeManager(file).block("V", 1000, np.array([4, 3]), start_ms=0.0, stop_ms=5.0)
    assert found.source_gid.tolist() == [1000, 1000, 1002]
    assert found.time_ms.tolist() == [1.0, 5.0, 3.0]
    assert found.target_gid.tolist() == [3, 4]


def test_missing_population_is_named(file: Path) -> None:
    with pytest.raises(MissingSpikesPopulationError, match="no spikes of 'v'") as error:
        SpikeManager(file, population="v")
    assert "did you mean 'V'?" in str(error.value)
