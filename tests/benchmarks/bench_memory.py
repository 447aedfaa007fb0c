"""Memory predicted before a run, beside the peak that the run really had.

Usage: python -m tests.benchmarks.bench_memory [--quick]

Prediction: `neurodamus-like estimate`, with an empty cache first and a filled one then. Measurement: the largest
resident memory of a rank that builds the model and simulates 1 ms. The circuits are those of the shared data and the
demo; the figures of the reference simulator for big100 are 1590 MB predicted, 822 MB measured.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.cache import default_cache_dir
from tests.helpers import run_mpi, run_python
from tests.obi_data import link_obi_data, load_oracle, write_oracle_config

_MEASURE = """
import json, sys
from neurodamus_like import memory
from neurodamus_like.parallel.mpi import world
from neurodamus_like.simulation.node import Neurodamus
node = Neurodamus(sys.argv[1], output_path=sys.argv[2], simulator=sys.argv[3], progress=False, quiet=True)
node.solve(1.0)
peak = world().allreduce_max(memory.peak_rss_bytes())
if world().rank == 0:
    print("RESULT" + json.dumps(peak))
"""


def _measured(config: Path, out: Path, ranks: int, simulator: str) -> float:
    args = ["-c", _MEASURE, str(config), str(out), simulator]
    done = run_python(args, 1200) if ranks == 1 else run_mpi(ranks, args, 1200)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return float(json.loads(line[6:]))


def _predicted(config: Path, cache: Path, ranks: int, simulator: str) -> tuple[float, float]:
    begin = time.perf_counter()
    words = ["estimate", str(config), "--json", f"--ranks={ranks}", f"--simulator={simulator}"]
    done = run_python(
        ["-m", "neurodamus_like.cli.main", *words], 1200, env={"NEURODAMUS_LIKE_CACHE": str(cache)}
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout)["bytes_per_rank"][str(ranks)], time.perf_counter() - begin


def _cases(folder: Path) -> dict[str, Path]:
    obi = link_obi_data(folder / "obi")
    found = {}
    for case in ("v5_sonata", "usecase3", "v5_minis"):
        (folder / case).mkdir()
        found[case] = write_oracle_config(load_oracle(case), obi, folder / case)
    found["demo"] = write_demo_circuit(folder / "demo")
    found["big100"] = obi / "big100" / "simulation_config.json"
    found["big100 with minis"] = obi / "big100" / "simulation_config_minis.json"
    return found


def main(argv: list[str]) -> None:
    """Measure and print."""
    plans = (
        [(1, "NEURON")]
        if "--quick" in argv
        else [(ranks, simulator) for simulator in ("NEURON", "CORENEURON") for ranks in (1, 2)]
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = folder / "cache"
        cache.mkdir()
        for part in ("mech", "bulk"):  # compiled before: compiling is not what is measured
            (default_cache_dir() / part).mkdir(parents=True, exist_ok=True)
            (cache / part).symlink_to(default_cache_dir() / part)
        print(f"{'circuit':20}{'ranks':>6} {'simulator':>11}{'predicted':>12}{'measured':>12}{'':>9}")
        for case, config in _cases(folder).items():
            for ranks, simulator in plans:
                predicted, first_s = _predicted(config, cache, ranks, simulator)
                _, again_s = _predicted(config, cache, ranks, simulator)
                measured = _measured(config, folder / "out", ranks, simulator)
                print(
                    f"{case:20}{ranks:6} {simulator:>11}{predicted / 2**20:8.1f} MiB{measured / 2**20:8.1f} MiB"
                    f"{100 * (predicted / measured - 1):+8.1f} %  ({first_s:.1f} s, again {again_s:.1f} s)",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
