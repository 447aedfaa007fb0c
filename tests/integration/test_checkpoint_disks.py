"""Checkpoints on a disk that is really full, and on one that is really read-only."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.restart_circuit import assert_same, simulate, write_circuit

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

END = 30.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uninterrupted run on two ranks, with the checkpoint of its end in the folder ``saved``."""
    folder = tmp_path_factory.mktemp("whole")
    config = write_circuit(folder, END)
    simulate(config, f"--save={folder / 'saved'}", ranks=2)
    return config


def mount(*arguments: str) -> None:
    """Mount something, or skip the test where that is not allowed."""
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount on this machine")
    if done.returncode != 0:
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def disk(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """A disk with room for one checkpoint, but not for two."""
    checkpoint = whole.parent / "saved"
    size = sum(path.stat().st_size for path in checkpoint.rglob("*.*") if path.is_file())
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size * 8 // 5}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_and_then_a_read_only_one(whole: Path, disk: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path / "full", END)
    text = simulate(config, f"--save={disk}", "--checkpoint-every=9", ranks=2, code=1)
    assert text.count("the checkpoint cannot be written: ") == 3, text
    assert "the run goes on" in text
    assert "Traceback" not in text
    assert json.loads((disk / "checkpoint.json").read_text())["time_ms"] == pytest.approx(9.0)
    assert len(list(disk.glob("state-*"))) == 1
    before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}

    mount("-o", "remount,ro", str(disk))
    refused = write_circuit(tmp_path / "refused", END)
    text = simulate(refused, f"--save={disk}", code=1)
    assert "no checkpoint can be written: Read-only file system" in text
    assert not (tmp_path / "refused" / "output").exists()

    simulate(config, f"--restore={disk}")
    assert_same(config, whole)
    assert {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()} == before
