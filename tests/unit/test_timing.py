from __future__ import annotations

import pickle
import time
from typing import Any

import numpy as np
import pytest

from neurodamus_like.memory import available_bytes, format_bytes, peak_rss_bytes, rss_bytes, trim
from neurodamus_like.timing import PhaseRecord, PhaseTimer, format_table
from tests.helpers import run_python

MB = 2**20


class Ranks:
    """A communicator whose other ranks gather prepared phases."""

    def __init__(self, *others: dict[str, PhaseRecord]) -> None:
        self.others = others

    def allgather(self, obj: Any) -> list[Any]:
        return [pickle.loads(pickle.dumps(obj)), *((phases, 99.0, 7 * MB) for phases in self.others)]


def test_phases_nest_and_add_up() -> None:
    timer = PhaseTimer()
    for _ in range(2):
        with timer.phase("synapses"), timer.phase("read"):
            time.sleep(0.01)
    assert [(r.name, r.count) for r in timer.records] == [("synapses", 2), ("synapses/read", 2)]
    assert timer.seconds("synapses") >= timer.seconds("synapses/read") >= 0.02
    assert timer.seconds("never") == 0


def test_time_before_an_error_counts() -> None:
    timer = PhaseTimer()

    def fail() -> None:
        time.sleep(0.01)
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"), timer.phase("cells"):
        fail()
    assert timer.seconds("cells") >= 0.01
    with timer.phase("next"):
        pass
    assert timer.records[-1].name == "next"


def test_growth_of_memory_is_measured() -> None:
    timer = PhaseTimer()
    with timer.phase("allocate"):
        block = np.ones(32 * MB // 8)
    assert timer.records[0].rss_growth_bytes > 24 * MB
    assert block[0] == 1


def test_summary_over_ranks() -> None:
    timer = PhaseTimer()
    with timer.phase("cells"):
        time.sleep(0.01)
    other = {"cells": PhaseRecord("cells", 3.0, 4 * MB, 1), "late": PhaseRecord("late", 1.0)}
    summary = timer.summary(Ranks(other))
    cells, late = summary.rows
    mine = timer.seconds("cells")
    assert cells.seconds_mean == pytest.approx((3 + mine) / 2)
    assert (cells.seconds_max, cells.slowest_rank, cells.rss_growth_max_bytes) == (3.0, 1, 4 * MB)
    assert (late.name, late.seconds_mean, late.slowest_rank) == ("late", 0.5, 1)
    assert (summary.ranks, summary.total_seconds_max) == (2, 99.0)
    assert summary.peak_rss_sum_bytes == summary.peak_rss_max_bytes + 7 * MB


def test_table_for_one_rank_and_for_two() -> None:
    timer = PhaseTimer()
    with timer.phase("cells"), timer.phase("morphologies"):
        pass
    one = format_table(timer.summary(Ranks())).splitlines()
    assert one[0].split() == ["phase", "s", "memory", "+"]
    assert one[2].startswith("cells ")
    assert one[3].startswith("  morphologies ")
    assert one[-1].startswith("total ")
    assert len({len(line) for line in one[:-1]}) == 1
    two = format_table(timer.summary(Ranks({"cells": PhaseRecord("cells", 3.0, 4 * MB, 1)})))
    assert "4.0 MiB" in two
    assert "largest of 2 ranks" in two


def test_memory_numbers_are_plausible() -> None:
    block = np.ones(16 * MB // 8)
    assert 10 * MB < rss_bytes() <= peak_rss_bytes() + MB
    assert available_bytes() > 0
    del block
    assert trim() >= 0
    assert format_bytes(822e6) == "783.9 MiB"
    assert [format_bytes(x) for x in (0, 1023, -2048, 5e15)] == ["0 B", "1023 B", "-2.0 KiB", "4547.5 TiB"]


def test_the_peak_is_that_of_this_process_alone() -> None:
    """Linux hands the peak of a process down to the programs it starts."""
    ballast = np.ones(400 * MB, dtype=np.uint8)
    done = run_python("from neurodamus_like.memory import peak_rss_bytes; print(peak_rss_bytes())")
    assert int(done.stdout) < 300 * MB < len(ballast)
