"""Runs that tests stop from outside."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from tests.helpers import clean_environment, mpiexec

_PATIENCE_S = 120.0


@dataclass
class Run:
    """A run in the background."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def processes(self) -> list[psutil.Process]:
        """Return the ranks of the run, without the launcher."""
        ours = psutil.Process(self.process.pid)
        family = [ours, *ours.children(recursive=True)]
        return [p for p in family if any("neurodamus_like" in a for a in p.cmdline()) and _is_python(p)]

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return self.process.wait(timeout=_PATIENCE_S)

    def output(self) -> str:
        """Return what was printed so far."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


def start(config: Path, *options: str, ranks: int = 1) -> Run:
    """Begin a run of the command line."""
    launcher = mpiexec()
    command = [sys.executable, "-m", "neurodamus_like", "run", str(config), "--no-progress", *options]
    if ranks > 1:
        assert launcher is not None
        command = [launcher, "-n", str(ranks), *command]
    log = tempfile.TemporaryFile()  # noqa: SIM115 (read after the run)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=clean_environment(),
        start_new_session=True,
    )
    return Run(process, log)


def wait_for_checkpoint(run: Run, folder: Path) -> Path:
    """Wait until a run has written its first checkpoint into a folder, and return the folder."""
    ends = time.monotonic() + _PATIENCE_S
    while not (folder / "checkpoint.json").is_file():
        assert run.process.poll() is None, run.output()
        assert time.monotonic() < ends, run.output()
        time.sleep(0.01)
    return folder


def kill_one_rank(run: Run, seed: int) -> None:
    """Kill a rank that is chosen at random."""
    victims = run.processes()
    random.Random(seed).choice(victims).kill()


def _is_python(process: psutil.Process) -> bool:
    return Path(process.cmdline()[0]).name.startswith("python")
