"""The demo, end to end, through the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.analysis.results import load_results
from neurodamus_like.analysis.spikes import compute_mean_rate


def _demo(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "neurodamus_like.cli.main",
        "demo",
        f"--output-dir={directory}",
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.neuron
@pytest.mark.slow
def test_short_demo_runs_and_is_neither_silent_nor_epileptic(tmp_path):
    done = _demo(tmp_path / "demo", "--cells=20", "--tstop=150", "--ranks=2")
    assert done.returncode == 0, done.stdout + done.stderr
    output = tmp_path / "demo" / "output"
    for name in ("out.h5", "soma.h5", "dendrites.h5", "summary.png"):
        assert (output / name).stat().st_size > 0
        assert str(output / name) in done.stdout
    results = load_results(tmp_path / "demo" / "simulation_config.json")
    exc, inh, thalamus = results.populations
    assert 0.2 < compute_mean_rate(exc.times_ms, exc.size, 0.0, 150.0) < 25.0
    assert compute_mean_rate(inh.times_ms, inh.size, 0.0, 150.0) < 60.0
    assert len(thalamus.times_ms) > 100
    traces = results.pick_traces(3)
    assert traces is not None
    assert traces.values.shape[0] == len(traces.times_ms) == 1500
    assert np.isfinite(traces.values).all()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--cells=4", "expected: a whole number, at least 10"),
        ("--cells=many", "whole number"),
        ("--ranks=0", "at least 1"),
        ("--tstop=-1", "at least"),
    ],
)
def test_impossible_options_give_one_message(tmp_path, option, message):
    done = _demo(tmp_path / "demo", option)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "demo").exists()
