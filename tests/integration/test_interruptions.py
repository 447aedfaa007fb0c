"""Signals and sudden deaths: a run that was stopped goes on from its last checkpoint, nothing lost, nothing doubled."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.interrupted_runs import kill_one_rank, start, wait_for_checkpoint
from tests.restart_circuit import assert_same, simulate, write_circuit

pytestmark = pytest.mark.neuron

LONG = 1500.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uninterrupted run."""
    config = write_circuit(tmp_path_factory.mktemp("whole"), LONG)
    simulate(config)
    return config


@pytest.mark.mpi
@pytest.mark.parametrize(("number", "ranks"), [(signal.SIGTERM, 1), (signal.SIGUSR1, 2)])
def test_a_signal_leaves_a_checkpoint(
    number: signal.Signals, ranks: int, whole: Path, tmp_path: Path
) -> None:
    config = write_circuit(tmp_path, LONG)
    run = start(config, "--checkpoint-every=50", ranks=ranks)
    checkpoint = wait_for_checkpoint(run, tmp_path / "output" / "checkpoint")
    for victim in run.processes()[:1]:
        victim.send_signal(number)
    assert run.wait() == 75, run.output()
    assert "a signal stopped the run at" in run.output()
    assert f"--restore={checkpoint}" in run.output()
    assert not (tmp_path / "output" / "out.h5").exists()
    simulate(config, f"--restore={checkpoint}", ranks=3 - ranks)
    assert_same(config, whole)


@pytest.mark.mpi
def test_a_killed_rank_loses_nothing(whole: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, LONG)
    run = start(config, "--checkpoint-every=50", ranks=2)
    checkpoint = wait_for_checkpoint(run, tmp_path / "output" / "checkpoint")
    kill_one_rank(run, seed=1)
    assert run.wait() != 0
    assert json.loads((checkpoint / "checkpoint.json").read_text())["time_ms"] < LONG
    simulate(config, f"--restore={checkpoint}", ranks=1)
    assert_same(config, whole)
