"""Allocations of cells to ranks and cycles: balance, files of ours and of the reference, everything that is wrong."""

from __future__ import annotations

import gzip
import os
import pickle
import sys
import types
from array import array
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.distribution.allocation import (
    Allocation,
    allocate,
    allocation_path,
    read_allocation,
    write_allocation,
)
from neurodamus_like.distribution.cell_memory import CellMemory
from neurodamus_like.exceptions import ConfigurationError

CELLS = {"A": np.arange(7), "B": np.array([2, 5])}


def costs(**values: list[float]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: (CELLS[name], np.array(values.get(name, [1.0] * CELLS[name].size))) for name in CELLS}


@given(st.lists(st.floats(1.0, 100.0), min_size=12, max_size=60), st.integers(1, 4), st.integers(1, 3))
def test_each_cell_is_somewhere_once_and_parts_are_even(
    weights: list[float], ranks: int, cycles: int
) -> None:
    cost = np.array(weights)
    whole = {"A": (np.arange(cost.size), cost)}
    allocation = allocate(whole, ranks, cycles)
    parts = list(allocation.node_ids["A"].values())
    assert sorted(np.concatenate(parts).tolist()) == list(range(cost.size))
    loads = allocation.loads(whole)
    assert loads.shape == (ranks, cycles)
    assert loads.sum() == pytest.approx(cost.sum())
    # LPT: at most 4/3 of the best, which is at least the average and the largest cell (Graham 1969)
    best = max(cost.sum() / (ranks * cycles), cost.max())
    assert loads.max() <= 4 / 3 * best + cost.max() / 3


def test_ids_of_a_rank_and_owners() -> None:
    allocation = allocate(costs(), 2, 2)
    assert allocation.local_ids("A", 0).size + allocation.local_ids("A", 1).size == 7
    assert np.array_equal(
        allocation.local_ids("A", 1),
        np.sort(np.concatenate([allocation.local_ids("A", 1, c) for c in (0, 1)])),
    )
    owners = allocation.owners("B", CELLS["B"])
    assert all(CELLS["B"][i] in allocation.local_ids("B", int(rank)) for i, rank in enumerate(owners))


def test_more_parts_than_cells() -> None:
    with pytest.raises(ConfigurationError, match="9 cells cannot be shared among 5 ranks and 2 cycles"):
        allocate(costs(), 5, 2)


def test_files_are_read_back(tmp_path: Path) -> None:
    allocation = allocate(costs(A=[7.0, 1, 1, 1, 1, 1, 1]), 3, 1)
    path = write_allocation(allocation, tmp_path)
    assert path.name == "allocation_r3_c1.pkl.gz"
    again = read_allocation(tmp_path, 3, 1, CELLS)
    assert again is not None
    for name, parts in allocation.node_ids.items():
        assert {k: v.tolist() for k, v in parts.items()} == {
            k: v.tolist() for k, v in again.node_ids[name].items()
        }
    assert read_allocation(tmp_path / "elsewhere", 3, 1, CELLS) is None


def pickled_by_the_reference() -> bytes:
    """Pickle an allocation with classes of the names that neurodamus uses."""
    names = ("neurodamus", "neurodamus.utils", "neurodamus.utils.compat", "neurodamus.utils.memory")
    modules = {name: types.ModuleType(name) for name in names}

    class Vector(array):
        pass

    class DryRunStats:
        @staticmethod
        def defaultdict_vector() -> defaultdict:
            return defaultdict(Vector)

    Vector.__module__, Vector.__qualname__ = "neurodamus.utils.compat", "Vector"
    DryRunStats.__module__, DryRunStats.__qualname__ = "neurodamus.utils.memory", "DryRunStats"
    maker = DryRunStats.defaultdict_vector
    maker.__module__, maker.__qualname__ = "neurodamus.utils.memory", "DryRunStats.defaultdict_vector"
    modules["neurodamus.utils.compat"].Vector = Vector
    modules["neurodamus.utils.memory"].DryRunStats = DryRunStats
    content = defaultdict(maker)
    for name, ids in CELLS.items():
        content[name] = defaultdict(Vector)
        content[name][0, 0], content[name][1, 0] = (
            Vector("I", ids[:1].tolist()),
            Vector("I", ids[1:].tolist()),
        )
    sys.modules.update(modules)
    try:
        return gzip.compress(pickle.dumps(content))
    finally:
        for name in names:
            del sys.modules[name]


def test_files_of_the_reference_are_read(tmp_path: Path) -> None:
    allocation_path(tmp_path, 2, 1).write_bytes(pickled_by_the_reference())
    found = read_allocation(tmp_path, 2, 1, CELLS)
    assert found is not None
    assert found.local_ids("A", 1).tolist() == [1, 2, 3, 4, 5, 6]
    assert found.local_ids("B", 0).tolist() == [2]


def test_files_with_numpy_arrays_are_read(tmp_path: Path) -> None:
    content = {name: {(0, 0): ids.astype(np.uint32)} for name, ids in CELLS.items()}
    allocation_path(tmp_path, 1, 1).write_bytes(gzip.compress(pickle.dumps(content)))
    found = read_allocation(tmp_path, 1, 1, CELLS)
    assert found is not None
    assert found.local_ids("A", 0).tolist() == list(range(7))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("should_not_exist",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(pickle.dumps(Evil())), "mkdir does not belong into an allocation"),
        (b"not compressed", "cannot be read"),
        (gzip.compress(pickle.dumps({"A": {(0, 0): [0]}}))[:-9], "cannot be read"),
        (gzip.compress(pickle.dumps([1, 2])), "is not what it should be"),
        (gzip.compress(pickle.dumps({"A": {0: [1]}})), "is not what it should be"),
        (
            gzip.compress(pickle.dumps({"A": {(0, 0): list(range(7))}, "B": {(0, 0): [2]}})),
            "1 of this run are missing",
        ),
        (
            gzip.compress(pickle.dumps({"A": {(0, 0): list(range(8))}, "B": {(0, 0): [2, 5]}})),
            "1 of it are not simulated",
        ),
        (
            gzip.compress(pickle.dumps({"A": {(1, 0): list(range(7))}, "B": {(0, 0): [2, 5]}})),
            "is for other cells",
        ),
    ],
)
def test_damaged_files(content: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    allocation_path(tmp_path, 1, 1).write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_allocation(tmp_path, 1, 1, CELLS)
    assert caught.value.file == allocation_path(tmp_path, 1, 1)
    assert "--dry-run" in str(caught.value)
    assert not (tmp_path / "should_not_exist").exists()


def test_an_allocation_for_other_ranks(tmp_path: Path) -> None:
    write_allocation(allocate(costs(), 4, 1), tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        read_allocation(tmp_path, 2, 3, CELLS)
    text = str(caught.value)
    assert "no allocation for 2 ranks and 3 cycles, only allocation_r4_c1.pkl.gz" in text
    assert "--num-target-ranks=2 --modelbuilding-steps=3" in text


def test_memory_of_types(tmp_path: Path) -> None:
    ids = {"A": np.array([0, 1, 4])}
    memory = CellMemory.summarize(
        {"A": np.array(["L4-x", "L5-y", "L4-x"])},
        ids,
        {"A": np.array([1024.0, 4096.0, 3072.0])},
        {"A": np.array([10, 20, 30])},
        2048.0,
    )
    memory.write(tmp_path)
    again = CellMemory.read(tmp_path)
    assert again is not None
    assert again.cell_kib == {"L4-x": 2.0, "L5-y": 4.0}
    assert again.synapses == {"L4-x": 20.0, "L5-y": 20.0}
    found, cost = again.costs()["A"]
    assert found.tolist() == [0, 1, 4]
    assert cost.tolist() == [(2 + 40) * 1024.0, (4 + 40) * 1024.0, (2 + 40) * 1024.0]
    assert CellMemory.read(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSONDecodeError"),
        ('{"metype_memory": {}}', "pop_metype_gids"),
        ('{"metype_memory": {"a": 1}, "pop_metype_gids": {"A": {"b": [1]}}}', "metype_memory of b"),
    ],
)
def test_damaged_memory_of_types(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "cell_memory_usage.json").write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        CellMemory.read(tmp_path)


def test_the_memory_file_of_the_reference_has_no_synapses(tmp_path: Path) -> None:
    text = '{"metype_memory": {"a-b": 100.0}, "pop_metype_gids": {"A": {"a-b": [0, 1]}}}'
    (tmp_path / "cell_memory_usage.json").write_text(text)
    found = CellMemory.read(tmp_path)
    assert found is not None
    assert allocate(found.costs(), 2).loads(found.costs()).tolist() == [[102400.0], [102400.0]]
    assert isinstance(allocate(found.costs(), 1), Allocation)
