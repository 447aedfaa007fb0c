"""Runs that tests stop from outside."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from tests.helpers import clean_environment, mpiexec
from tests.restart_circuit import different_files, simulate, write_circuit

_PATIENCE_S = 240.0


@dataclass
class Run:
    """A run in the background."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def processes(self) -> list[psutil.Process]:
        """Return the ranks of the run, without the launcher."""
        ours = psutil.Process(self.process.pid)
        return [p for p in [ours, *ours.children(recursive=True)] if _is_rank(p)]

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return self.process.wait(timeout=_PATIENCE_S)

    def output(self) -> str:
        """Return what was printed so far."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


def start(config: Path, *options: str, ranks: int = 1) -> Run:
    """Begin a run of the command line, in the folder of the configuration."""
    launcher = mpiexec()
    command = [sys.executable, "-m", "neurodamus_like", "run", str(config), "--no-progress", *options]
    if ranks > 1:
        assert launcher is not None
        command = [launcher, "-n", str(ranks), *command]
    log = tempfile.TemporaryFile()  # noqa: SIM115 (read after the run)
    process = subprocess.Popen(
        command,
        cwd=config.parent,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=clean_environment(),
        start_new_session=True,
    )
    return Run(process, log)


def wait_for_checkpoint(run: Run, folder: Path) -> Path:
    """Wait until a run has written its first checkpoint into a folder, and return the folder."""
    wait_for_file(run, folder / "checkpoint.json")
    return folder


def wait_for_file(run: Run, path: Path) -> None:
    """Wait until a run has made a file or folder."""
    ends = time.monotonic() + _PATIENCE_S
    while not path.exists():
        assert run.process.poll() is None, run.output()
        assert time.monotonic() < ends, run.output()
        time.sleep(0.01)


def kill_one_rank(run: Run, rng: random.Random) -> None:
    """Kill a rank that is chosen at random, unless all have ended."""
    with contextlib.suppress(IndexError, psutil.NoSuchProcess):
        rng.choice(run.processes()).kill()


@dataclass(frozen=True)
class Recovery:
    """A run that was killed and gone on with.

    Attributes
    ----------
    ranks, ranks_after
        Of the run that was killed, and of the one that went on.
    code
        Exit code of the killed run; 0: it ended before.
    restored_ms
        Time of the checkpoint; None: there was none yet, and the run was begun again.
    wrong
        Files that differ from those of the uninterrupted run.
    """

    ranks: int
    ranks_after: int
    code: int
    restored_ms: float | None
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        how = "begun again" if self.restored_ms is None else f"restored at {self.restored_ms:g} ms"
        state = how if self.code else "had ended"
        outcome = f"DIFFERENT: {', '.join(self.wrong)}" if self.wrong else "same"
        return f"{self.ranks} -> {self.ranks_after} ranks, exit code {self.code}, {state}: {outcome}"


def kill_and_restore(
    folder: Path, whole: Path, duration_ms: float, rng: random.Random, ranks: Sequence[int]
) -> Recovery:
    """Kill a rank of a run at a random time, and go on from its last checkpoint on another number of ranks.

    The time is counted in checkpoints, so that it is spread over the run on any machine: one kill of five comes while
    the model is built, and some come while checkpoints or results are written.

    Parameters
    ----------
    folder
        For the run.
    whole
        The configuration of the uninterrupted run of `duration_ms`.
    rng
        Decides about everything.
    ranks
        Numbers of ranks to choose from.
    """
    config = write_circuit(folder, duration_ms)
    before, after = rng.choice(ranks), rng.choice(ranks)
    checkpoint = folder / "output" / "checkpoint"
    run = start(config, "--checkpoint-every=20", ranks=before)
    after_ms = rng.uniform(-0.25, 1.0) * duration_ms
    if after_ms > 0:
        _wait_for_time(run, checkpoint, after_ms)
    time.sleep(rng.uniform(0.0, 0.1 if after_ms > 0 else 2.0))
    kill_one_rank(run, rng)
    code = run.wait()
    restored_ms = _time_of(checkpoint)
    if code:
        restore = () if restored_ms is None else (f"--restore={checkpoint}",)
        simulate(config, *restore, ranks=after)
    return Recovery(before, after, code, restored_ms, tuple(different_files(config, whole)))


def _wait_for_time(run: Run, checkpoint: Path, time_ms: float) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while (_time_of(checkpoint) or 0.0) < time_ms and run.process.poll() is None:
        assert time.monotonic() < ends, run.output()
        time.sleep(0.005)


def _time_of(checkpoint: Path) -> float | None:
    index = checkpoint / "checkpoint.json"
    return float(json.loads(index.read_text())["time_ms"]) if index.is_file() else None


def _is_rank(process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return Path(command[0]).name.startswith("python") and any("neurodamus_like" in word for word in command)
