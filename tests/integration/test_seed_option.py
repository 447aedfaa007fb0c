"""``run --seed`` is the same as another ``random_seed`` in the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from helpers import run_python

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.io.spikes import read_spikes


def spikes_of(config: Path, output: Path, *options: str) -> dict[str, np.ndarray]:
    words = ["run", str(config), f"--output-path={output}", "--quiet", "--disable-reports", *options]
    done = run_python(["-m", "neurodamus_like", *words], 300)
    assert done.returncode == 0, done.stderr
    return {name: train.timestamps for name, train in read_spikes(output / "out.h5").items()}


def test_the_option_stands_for_the_key(tmp_path: Path) -> None:
    config = write_demo_circuit(tmp_path / "circuit", n_cells=20, tstop_ms=100.0, seed=5)
    content = json.loads(config.read_text())
    first = spikes_of(config, tmp_path / "first")
    content["run"]["random_seed"] += 1
    config.write_text(json.dumps(content))
    by_key = spikes_of(config, tmp_path / "key")
    content["run"]["random_seed"] -= 1
    config.write_text(json.dumps(content))
    by_option = spikes_of(config, tmp_path / "option", f"--seed={content['run']['random_seed'] + 1}")
    assert sum(map(len, first.values())) > 10
    for name in first:
        np.testing.assert_array_equal(by_option[name], by_key[name])
    assert any(not np.array_equal(first[name], by_key[name]) for name in first)
