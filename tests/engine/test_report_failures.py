"""Reports when things go wrong: a rank that is killed, a disk that is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import clean_environment, mpiexec, run_mpi, run_python
from test_reports import MODEL

from neurodamus_like.io.recovery import find_unfinished, recover_report

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

ROOT = Path(__file__).resolve().parents[2]
LONG = (
    MODEL.replace("tstop_ms=20.0", "tstop_ms=1e6")
    .replace("end=20.0", "end=1e6")
    .replace("tstop=20.0", "tstop=1e6")
)


def write_pid_and(code: str) -> str:
    return LONG + f"\nPath('pid' + str(comm.rank)).write_text(str(os.getpid()))\n{code}\n"


def written_ms(part: Path) -> float:
    """Return up to which time the header says that a report is written; 0 if there is none yet."""
    try:
        with h5py.File(part) as h5:
            return float(h5["report/A/mapping/time"][1])
    except (OSError, KeyError):
        return 0.0


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_rank_leaves_a_readable_file_and_no_hang(victim: int, tmp_path: Path) -> None:
    launcher = mpiexec()
    if launcher is None:
        pytest.skip("no mpiexec beside the interpreter")
    code = write_pid_and("simulate([report('soma', sections='all', compartments='all', dt=1.0)], block=5.0)")
    process = subprocess.Popen(
        [launcher, "-n", "2", sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    part = tmp_path / "out" / ".soma.h5.part"
    try:
        deadline = time.monotonic() + 300
        while written_ms(part) < 50.0 and time.monotonic() < deadline:
            assert process.poll() is None, "the run ended by itself"
            time.sleep(0.05)
        os.kill(int((tmp_path / f"pid{victim}").read_text()), signal.SIGKILL)
        assert process.wait(timeout=120) != 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert find_unfinished(tmp_path / "out") == [part]
    with h5py.File(part) as h5:
        frames = round(float(h5["report/A/mapping/time"][1]))
        assert frames >= 50
        assert (h5["report/A/data"][:frames] != 0).all()
    found = recover_report(part)
    assert found.n_frames == frames
    with h5py.File(tmp_path / "out" / "soma.h5") as h5:
        assert h5["report/A/data"].shape == (frames, 12)
        assert np.ptp(h5["report/A/data"][:, 0]) > 50, "the cell spiked"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("mounting a small tmpfs needs more rights")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # ranks may still be ending


FULL = """
from neurodamus_like.parallel.errors import run_guarded
def main():
    original = ReportManager.enable
    def enable(self):
        original(self)
        if comm.rank == 0:
            Path("out/other").write_bytes(bytes(800_000))
        comm.barrier()
    ReportManager.enable = enable
    simulate([report('all', sections='all', compartments='all', dt=0.025)])
    return 0
import sys
sys.exit(run_guarded(main))
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_full_disk_is_one_clear_error(ranks: int, small_disk: Path) -> None:
    code = MODEL.replace("tstop_ms=20.0", "tstop_ms=200.0").replace("20.0", "200.0") + FULL
    env = {"PYTHONPATH": str(ROOT)}
    done = (
        run_mpi(ranks, code, 120, cwd=small_disk, env=env)
        if ranks > 1
        else run_python(code, 120, cwd=small_disk, env=env)
    )
    assert done.returncode != 0
    assert done.stderr.count("cannot write results") == 1, done.stderr
    assert ".all.h5.part" in done.stderr
    assert "disk full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_that_will_be_too_small_is_refused_before_the_run(small_disk: Path) -> None:
    code = MODEL.replace("20.0", "2000.0") + (
        "try:\n    simulate([report('all', sections='all', compartments='all', dt=0.025)])\n"
        "except NeurodamusLikeError as error:\n    print(error)\n    print(sorted(os.listdir('.')))\n"
    )
    done = run_python(code, 120, cwd=small_disk, env={"PYTHONPATH": str(ROOT)})
    assert "the disk has 1.05 MB left" in done.stdout, done.stdout + done.stderr
    assert done.stdout.strip().endswith("[]"), "nothing was written"
