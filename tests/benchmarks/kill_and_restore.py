"""Kill one rank of a run at a random time and restore it from its last checkpoint, many times.

Usage: python -m tests.benchmarks.kill_and_restore [--times=N] [--seed=S]

The circuit is the tiny one with everything that has state. Each time 1 to 4 ranks begin, a rank is killed with SIGKILL
at a random time (while it builds, runs, saves or writes), and another number of ranks goes on from the last checkpoint,
or from the beginning if there is none. Spikes and reports must be those of the uninterrupted run, byte by byte. Exits
with 1 if any differs.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from tests.interrupted_runs import Recovery, kill_and_restore
from tests.restart_circuit import simulate, write_circuit

DURATION_MS = 400.0


def main(argv: list[str]) -> None:
    """Kill and restore."""
    options = dict(a.removeprefix("--").split("=") for a in argv)
    times, rng = int(options.get("times", 20)), random.Random(int(options.get("seed", 1)))
    outcomes: list[Recovery] = []
    with tempfile.TemporaryDirectory() as name:
        whole = write_circuit(Path(name) / "whole", DURATION_MS)
        simulate(whole)
        for number in range(times):
            outcomes.append(kill_and_restore(Path(name) / str(number), whole, DURATION_MS, rng, (1, 2, 3, 4)))
            print(outcomes[-1], flush=True)
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    restored = sum(bool(outcome.code) and outcome.restored_ms is not None for outcome in outcomes)
    print(
        f"{times - wrong} of {times} runs gave the files of the uninterrupted run, {restored} from a checkpoint"
    )
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
