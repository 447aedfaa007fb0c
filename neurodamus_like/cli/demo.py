"""Write a small cortical circuit, simulate it, and draw what it did.

Usage:
  neurodamus-like demo [--output-dir=DIR] [--ranks=N] [--tstop=MS] [--cells=N] [--seed=N] [--no-plot]
  neurodamus-like demo (-h | --help)

Options:
  --output-dir=DIR  Where the circuit and the results go [default: neurodamus-like-demo].
  --ranks=N         MPI ranks; one is used, and said, where MPI is not installed [default: 2].
  --tstop=MS        Simulated time in milliseconds [default: 500].
  --cells=N         Detailed cells, at least 10, a fifth of them inhibitory [default: 120].
  --seed=N          Of all that is random [default: 1].
  --no-plot         Draw nothing (matplotlib is then not needed).
  -h --help         Show this text.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.analysis.results import RunResults, load_results
from neurodamus_like.analysis.spikes import (
    compute_isi_cv,
    compute_mean_rate,
    compute_rates,
    compute_synchrony,
)
from neurodamus_like.builder.demo import MIN_CELLS, write_demo_circuit
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.exceptions import ConfigurationError, ParallelError
from neurodamus_like.parallel.mpi import world
from neurodamus_like.plotting.backend import require_matplotlib
from neurodamus_like.plotting.summary import save_summary

PNG_NAME = "summary.png"


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind its name; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["demo", *argv])
    if world().size > 1:
        raise ParallelError(
            "the demo starts its MPI ranks itself", hint="neurodamus-like demo --ranks=N, without a launcher"
        )
    return _demo(arguments)


def _demo(arguments: Mapping[str, Any]) -> int:
    ranks = _number(arguments, "--ranks", int, 1)
    cells = _number(arguments, "--cells", int, MIN_CELLS)
    seed = _number(arguments, "--seed", int, 0)
    tstop_ms = _number(arguments, "--tstop", float, 0.025)
    if not arguments["--no-plot"]:
        require_matplotlib()
    directory = Path(arguments["--output-dir"]).resolve()
    config = write_demo_circuit(directory, n_cells=cells, tstop_ms=tstop_ms, seed=seed)
    print(f"demo circuit written to {directory}", flush=True)
    status = _simulate(config, ranks)
    if status != 0:
        print(f"error: the simulation ended with exit status {status}; see above", file=sys.stderr)
        return status
    results = load_results(config)
    print(format_activity(results))
    output = results.simulation.output.directory
    paths = [output / results.simulation.output.spikes_file]
    paths += [results.report_path(report.name) for report in results.simulation.reports]
    if not arguments["--no-plot"]:
        paths.append(save_summary(results, output / PNG_NAME, title="neurodamus-like demo"))
    print("\n".join(["", "results:", *(f"  {path}" for path in paths)]))
    return 0


def _number(arguments: Mapping[str, Any], option: str, kind: type, minimum: float) -> Any:
    text = arguments[option]
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not minimum <= value < float("inf"):
        what = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{option}={text} is not valid", expected=f"{what}, at least {minimum:g}")
    return value


def build_command(config: Path, ranks: int) -> list[str]:
    """Return the command line that simulates `config`, under this Python's MPI launcher if there is one."""
    simulate = [sys.executable, "-m", "neurodamus_like.cli.main", "run", str(config)]
    launcher = find_launcher()
    if ranks == 1 or launcher is None:
        return simulate
    return [str(launcher), "-n", str(ranks), *simulate]


def find_launcher() -> Path | None:
    """Return ``mpiexec`` beside the running Python, if it and mpi4py are installed."""
    launcher = Path(sys.executable).parent / "mpiexec"
    return launcher if launcher.exists() and find_spec("mpi4py") is not None else None


def _simulate(config: Path, ranks: int) -> int:
    command = build_command(config, ranks)
    if ranks > 1 and find_launcher() is None:
        print("MPI is not installed (pip install 'neurodamus-like[mpich]'): using one rank instead of", ranks)
    print("$ " + " ".join(command), flush=True)
    begin = time.perf_counter()
    status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    print(f"simulation command took {time.perf_counter() - begin:.1f} s", flush=True)
    return status


def format_activity(results: RunResults) -> str:
    """Return a table of how each population fired: who, how much, how regularly, how much together."""
    stop_ms = results.simulation.run.tstop_ms
    lines = [f"{'activity':<12}{'mean rate':>12}{'active cells':>14}{'ISI CV':>9}{'synchrony':>11}"]
    for population in results.populations:
        times, rows, size = population.times_ms, population.rows, population.size
        active = np.count_nonzero(compute_rates(times, rows, size, 0.0, stop_ms)) / max(size, 1)
        cv = compute_isi_cv(times, rows, size)
        known_cv = cv[np.isfinite(cv)]
        mean_cv = known_cv.mean() if known_cv.size else np.nan
        lines.append(
            f"{population.name:<12}{compute_mean_rate(times, size, 0.0, stop_ms):>9.2f} Hz{active:>14.0%}"
            f"{_or_dash(mean_cv):>9}{_or_dash(compute_synchrony(times, rows, size, 0.0, stop_ms)):>11}"
            + ("  (replayed)" if population.is_virtual else "")
        )
    return "\n".join(lines)


def _or_dash(value: float) -> str:
    """Return a number as text; a dash where too few spikes leave it undefined."""
    return f"{value:.2f}" if np.isfinite(value) else "-"
