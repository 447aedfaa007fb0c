"""Checkpoints on disk: tables of cells come back for any cells; what is damaged is refused; the one before survives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.exceptions import CheckpointError
from neurodamus_like.io import checkpoints
from neurodamus_like.io.checkpoints import Manifest, ReportPosition
from neurodamus_like.io.ragged import Ragged, joined, sorted_by_cell


def table(counts: list[int], first: float = 0.0) -> Ragged:
    return Ragged(np.array(counts), first + np.arange(sum(counts), dtype=np.float64))


def write(
    directory: Path, parts: dict[str, tuple[list[int], dict[str, Ragged]]], time_ms: float = 1.5
) -> Manifest:
    folder = checkpoints.new_folder(directory, time_ms)
    files = [
        checkpoints.write_tables(folder / name, np.array(gids), tables)
        for name, (gids, tables) in parts.items()
    ]
    manifest = Manifest(
        time_ms=time_ms,
        ranks=len(files),
        versions={"neuron": "9"},
        identity={"run": "x"},
        mechanisms={"hh": 3},
        n_cells=sum(len(gids) for gids, _ in parts.values()),
        configuration="here",
        reports={"v": ReportPosition("v.h5", 7, None, "y")},
        folder=folder.name,
        files=tuple(files),
    )
    checkpoints.publish(directory, manifest)
    return manifest


def test_cells_come_back_from_whatever_file(tmp_path: Path) -> None:
    one = {"a/v": table([2, 0, 1]), "b": table([1, 1, 1], 50.0)}
    other = {"a/v": table([3, 1], 10.0)}
    written = write(tmp_path, {"r0.h5": ([0, 2, 4], one), "r1.h5": ([1, 3], other)})
    manifest = checkpoints.read_manifest(tmp_path)
    assert manifest == written
    found = checkpoints.read_tables(tmp_path, manifest, np.array([1, 2, 4]))
    assert found["a/v"].counts.tolist() == [3, 0, 1]
    assert found["a/v"].values.tolist() == [10.0, 11.0, 12.0, 2.0]
    assert found["b"].counts.tolist() == [0, 1, 1]
    assert found["b"].values.tolist() == [51.0, 52.0]
    assert checkpoints.read_tables(tmp_path, manifest, np.array([3]), ["b"]) == {}


def test_a_rank_without_cells_gets_empty_tables(tmp_path: Path) -> None:
    manifest = write(tmp_path, {"r0.h5": ([0, 1], {"v": table([2, 1])})})
    found = checkpoints.read_tables(tmp_path, manifest, np.array([], dtype=np.int64))
    assert found["v"].values.size == 0
    assert len(found["v"]) == 0


def test_a_missing_cell_is_named(tmp_path: Path) -> None:
    manifest = write(tmp_path, {"r0.h5": ([0, 1], {"v": table([2, 1])})})
    with pytest.raises(CheckpointError, match="no state of 2 cells") as caught:
        checkpoints.read_tables(tmp_path, manifest, np.array([1, 5, 6]))
    assert caught.value.ids == [5, 6]


def test_the_newer_replaces_the_older(tmp_path: Path) -> None:
    write(tmp_path, {"r0.h5": ([0], {"v": table([1])})}, 1.0)
    (tmp_path / "mine").mkdir()
    write(tmp_path, {"r0.h5": ([0], {"v": table([1], 9.0)})}, 1.0)
    manifest = checkpoints.read_manifest(tmp_path)
    assert checkpoints.read_tables(tmp_path, manifest, np.array([0]))["v"].values.tolist() == [9.0]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["checkpoint.json", "mine", manifest.folder])


def test_what_was_not_published_does_not_count(tmp_path: Path) -> None:
    first = write(tmp_path, {"r0.h5": ([0], {"v": table([1])})}, 1.0)
    folder = checkpoints.new_folder(tmp_path, 2.0)
    checkpoints.write_tables(folder / "r0.h5", np.array([0]), {"v": table([1], 5.0)})
    assert checkpoints.read_manifest(tmp_path) == first


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_damaged_tables_are_refused(damage: str, tmp_path: Path) -> None:
    manifest = write(tmp_path, {"r0.h5": ([0], {"v": table([1000])})})
    path = tmp_path / manifest.folder / "r0.h5"
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        content[-100] ^= 1
        path.write_bytes(content if damage == "changed" else content[:-1])
    reason = {"cut": "has .* bytes", "changed": "changed or damaged", "gone": "is missing"}[damage]
    with pytest.raises(CheckpointError, match=reason):
        checkpoints.read_tables(tmp_path, checkpoints.read_manifest(tmp_path), np.array([0]))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 2}', "\xff"])
def test_an_unreadable_index_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / checkpoints.INDEX).write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError):
        checkpoints.read_manifest(tmp_path)


def test_ragged_tables() -> None:
    sorted_ = sorted_by_cell(np.array([2, 0, 2]), np.array([10.0, 20.0, 30.0]), 3)
    assert sorted_.counts.tolist() == [1, 0, 2]
    assert sorted_.values.tolist() == [20.0, 10.0, 30.0]
    assert sorted_.cells.tolist() == [0, 2, 2]
    taken = joined([sorted_, sorted_]).take(np.array([5, 1, 0]))
    assert taken.values.tolist() == [10.0, 30.0, 20.0]
