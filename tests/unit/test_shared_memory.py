"""Files of a model go into memory only where they fit, machine by machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.simulation.shared_memory import (
    MemoryFolder,
    RankMemory,
    machines_without_room,
    shared_memory_folder,
    size_factor,
)


def test_ranks_of_a_machine_are_counted_together() -> None:
    ranks = [RankMemory("a", 100, 90, 1000), RankMemory("a", 100, 90, 1000), RankMemory("b", 100, 1000, 90)]
    assert machines_without_room(ranks, 1, 0.4) == []
    assert machines_without_room(ranks, 2, 0.4) == ["a (needs 160 B, has 90 B)"]
    assert len(machines_without_room(ranks, 3, 0.4)) == 2, "shared memory or main memory, whichever is less"


def test_the_factor_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert size_factor() == 0.4
    monkeypatch.setenv("NEURODAMUS_SHM_FACTOR", "0.7")
    assert size_factor() == 0.7
    monkeypatch.setenv("NEURODAMUS_SHM_FACTOR", "much")
    with pytest.raises(ConfigurationError, match="NEURODAMUS_SHM_FACTOR=much"):
        size_factor()


def test_a_folder_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHMDIR", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="no folder in memory"):
        shared_memory_folder()


def test_shared_files_stay_on_disk_and_dead_runs_leave_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    disk, shm = tmp_path / "disk", tmp_path / "shm"
    disk.mkdir()
    dead = shm / f"neurodamus_like-{os.getuid()}-999999999"
    dead.mkdir(parents=True)
    monkeypatch.setenv("SHMDIR", str(shm))
    folder = MemoryFolder(disk, Communicator())
    assert not dead.exists()
    (folder.path / "files.dat").write_text("1.8")
    (folder.path / "0_1.dat").write_text("x")
    assert [path.name for path in disk.iterdir()] == ["files.dat"]
    folder.remove()
    assert list(shm.iterdir()) == []
