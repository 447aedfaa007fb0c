"""Checkpoints of the yardstick circuit (100 cells, 200,000 synapses): size, and CPU seconds to save and to restore.

Usage: python -m tests.benchmarks.bench_checkpoint [--ranks=N]

Of several saves and restores in one run the fastest counts. Exits with 1 if one of them is slower than the target.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.helpers import run_mpi, run_python
from tests.obi_data import link_obi_data

TARGET_MB_PER_S = 20.0
"""Both for saving and for restoring, with its hash and its checks, on one rank."""

_CHILD = """
import json, os, sys, time
from pathlib import Path
from neurodamus_like.simulation.node import Neurodamus
folder = Path(sys.argv[2])

def timed(function, *arguments):
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start

node = Neurodamus(
    sys.argv[1], output_path=folder / "a", save=folder / "checkpoint", disable_reports=True, progress=False
)
node.solve(10.0)
saves = [timed(node.save) for _ in range(3)]
size = sum(path.stat().st_size for path in (folder / "checkpoint").rglob("*.h5"))
node.cleanup()
node = Neurodamus(
    sys.argv[1], output_path=folder / "b", restore=folder / "checkpoint", disable_reports=True, progress=False
)
restores = []
for _ in range(3):
    node._initialize_state()
    restores.append(timed(node._checkpoints.restore, node._parts()))
if node.comm.rank == 0:
    print("RESULT" + json.dumps({"saves": saves, "restores": restores, "bytes": size}))
"""


def main(argv: list[str]) -> None:
    """Measure and print."""
    ranks = next((int(a.split("=")[1]) for a in argv if a.startswith("--ranks=")), 1)
    with tempfile.TemporaryDirectory() as folder:
        obi = link_obi_data(Path(folder))
        args = ["-c", _CHILD, str(obi / "big100" / "simulation_config.json"), folder]
        done = run_python(args, 900) if ranks == 1 else run_mpi(ranks, args, 900)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))[6:])
    megabytes, slow = found["bytes"] / 1e6, []
    print(f"big100 on {ranks} rank(s): checkpoint of {megabytes:.0f} MB")
    for name in ("saves", "restores"):
        seconds = min(found[name])
        print(f"{name[:-1]:8} {seconds:6.2f} s   {megabytes / ranks / seconds:6.0f} MB/s per rank")
        slow += [name] if ranks == 1 and megabytes / seconds < TARGET_MB_PER_S else []
    if slow:
        raise SystemExit(f"slower than {TARGET_MB_PER_S} MB/s: {', '.join(slow)}")


if __name__ == "__main__":
    main(sys.argv[1:])
