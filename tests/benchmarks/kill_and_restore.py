"""Kill one rank of a run at a random time and restore it from its last checkpoint, many times.

Usage: python -m tests.benchmarks.kill_and_restore [--times=N] [--seed=S]

The circuit is the tiny one with everything that has state. Each time 1 to 4 ranks begin, a rank is killed with SIGKILL
at a random time (while it builds, runs, saves or writes), and another number of ranks goes on from the last checkpoint,
or from the beginning if there is none. Spikes and reports must be those of the uninterrupted run, byte by byte. Exits
with 1 if any differs.
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.interrupted_runs import start
from tests.restart_circuit import assert_same, simulate, write_circuit

DURATION_MS = 1500.0


def main(argv: list[str]) -> None:
    """Kill and restore."""
    options = dict(a.removeprefix("--").split("=") for a in argv)
    times, rng = int(options.get("times", 20)), random.Random(int(options.get("seed", 1)))
    with tempfile.TemporaryDirectory() as name:
        whole = write_circuit(Path(name) / "whole", DURATION_MS)
        began = time.monotonic()
        simulate(whole)
        length_s = time.monotonic() - began
        outcomes = [_once(Path(name) / str(number), whole, rng, length_s) for number in range(times)]
    wrong = sum(not same for same in outcomes)
    print(f"{times - wrong} of {times} runs gave the files of the uninterrupted run")
    raise SystemExit(1 if wrong else 0)


def _once(folder: Path, whole: Path, rng: random.Random, length_s: float) -> bool:
    config = write_circuit(folder, DURATION_MS)
    before, after = rng.choice([1, 2, 3, 4]), rng.choice([1, 2, 3, 4])
    run = start(config, "--checkpoint-every=20", ranks=before)
    time.sleep(rng.uniform(0.3, 1.5) * length_s)
    with contextlib.suppress(IndexError, psutil.NoSuchProcess):
        rng.choice(run.processes()).kill()
    code = run.wait()
    checkpoint = folder / "output" / "checkpoint"
    restore = [f"--restore={checkpoint}"] if (checkpoint / "checkpoint.json").is_file() else []
    if code:
        simulate(config, *restore, ranks=after)
    try:
        assert_same(config, whole)
        same = True
    except AssertionError:
        same = False
    state = "restored" if code and restore else "begun again" if code else "had ended"
    print(
        f"{before} -> {after} ranks, exit code {code}, {state}: {'same' if same else 'DIFFERENT'}", flush=True
    )
    return same


if __name__ == "__main__":
    main(sys.argv[1:])
