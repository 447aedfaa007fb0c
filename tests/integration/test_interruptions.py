"""Signals and sudden deaths: a run that was stopped goes on from its last checkpoint, nothing lost, nothing doubled."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.helpers import run_mpi, run_python
from tests.interrupted_runs import kill_and_restore, start, wait_for_checkpoint
from tests.restart_circuit import assert_same, results, simulate, write_circuit
from tests.signals_in_phases import write_signal_script

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
def test_killed_ranks_lose_nothing(tmp_path: Path) -> None:
    """A few of the kills of ``tests/benchmarks/kill_and_restore.py``"""
    whole = write_circuit(tmp_path / "whole", 240.0)
    simulate(whole)
    rng = random.Random(356)
    recoveries = [kill_and_restore(tmp_path / str(n), whole, 240.0, rng, (1, 2)) for n in range(2)]
    assert not [str(recovery) for recovery in recoveries if recovery.wrong]


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("phase", "stops_before", "ranks", "number"),
    [
        ("load_targets", "targets", 1, signal.SIGTERM),
        ("create_synapses", "edges", 2, signal.SIGUSR1),
        ("enable_reports", "reports", 1, signal.SIGTERM),
    ],
)
def test_a_signal_while_the_model_is_built(
    phase: str, stops_before: str, ranks: int, number: signal.Signals, tmp_path: Path
) -> None:
    """On two ranks only one of them gets it."""
    config = write_circuit(tmp_path, 15.0)
    script = write_signal_script(tmp_path / "send_signal.py", phase, number)
    text = simulate(config, f"--script={script}", "--checkpoint-every=5", ranks=ranks, code=143)
    reason = f"a signal stopped the run before the phase '{stops_before}': nothing was simulated"
    assert text.count(reason) == 1, text
    assert "Traceback" not in text
    output = tmp_path / "output"
    assert [path.suffix for path in output.iterdir()] == [".log"] if output.exists() else ranks == 1


COMPILER_ENDED = """
import os, signal
from neurodamus_like.engine import mechanisms
from neurodamus_like.exceptions import MechanismError

def ended_by_the_same_signal(*folders, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    raise MechanismError("the compiler was terminated")

mechanisms.build_mechanisms = ended_by_the_same_signal
"""


@pytest.mark.mpi
def test_a_compiler_that_the_same_signal_ended_is_no_error(tmp_path: Path) -> None:
    config, script = write_circuit(tmp_path, 15.0), tmp_path / "compiler.py"
    script.write_text(COMPILER_ENDED)
    text = simulate(config, f"--script={script}", ranks=2, code=143)
    assert "a signal stopped the run before the phase 'mechanisms'" in text
    assert "error:" not in text


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run of two blocks, of 25 and 10 ms."""
    config = write_circuit(tmp_path_factory.mktemp("brief"), 35.0)
    simulate(config)
    return config


@pytest.mark.mpi
def test_a_signal_between_build_and_run(brief: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, 35.0)
    script = write_signal_script(tmp_path / "send_signal.py", "sim_init")
    text = simulate(config, f"--script={script}", ranks=2, code=75)
    assert "a signal stopped the run at 25 ms, after a checkpoint" in text
    assert not (tmp_path / "output" / "out.h5").exists()
    simulate(config, f"--restore={tmp_path / 'output' / 'checkpoint'}")
    assert_same(config, brief)


def test_a_signal_in_the_last_block(brief: Path, tmp_path: Path) -> None:
    """What is done is written: the restored run has nothing but its last block before it."""
    config = write_circuit(tmp_path, 35.0)
    first = write_signal_script(tmp_path / "first.py", "sim_init")
    simulate(config, f"--script={first}", code=75)
    last = write_signal_script(tmp_path / "last.py", "solve")
    simulate(config, f"--script={last}", f"--restore={tmp_path / 'output' / 'checkpoint'}")
    assert_same(config, brief)


@pytest.mark.mpi
def test_a_signal_while_results_are_written(brief: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, 35.0)
    script = write_signal_script(tmp_path / "send_signal.py", "write_results")
    simulate(config, f"--script={script}", ranks=2)
    assert_same(config, brief)


@pytest.mark.mpi
def test_a_signal_where_cells_are_in_pieces(tmp_path: Path) -> None:
    config = write_demo_circuit(tmp_path, n_cells=10, tstop_ms=35.0)
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "node_set": "SampleInh", "inputs": {}, "reports": {}}))
    script = write_signal_script(tmp_path / "send_signal.py", "sim_init")
    text = simulate(config, f"--script={script}", "--lb-mode=MultiSplit", ranks=2, code=143)
    assert "1 of them split" in text
    assert "a signal stopped the run at 25 ms; nothing was saved: cells in pieces" in text
    assert "`neurodamus-like recover` finishes the reports" in text
    assert not results(config)
    assert not (tmp_path / "output" / "checkpoint").exists()


def test_a_signal_to_one_rank_that_has_all_cells_whole(brief: Path, tmp_path: Path) -> None:
    """On one rank no cell is split: the mode that was asked for does not matter."""
    config = write_circuit(tmp_path, 35.0)
    script = write_signal_script(tmp_path / "send_signal.py", "sim_init")
    simulate(config, f"--script={script}", "--lb-mode=MultiSplit", code=75)
    simulate(config, f"--restore={tmp_path / 'output' / 'checkpoint'}")
    assert_same(config, brief)


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_signal_to_a_script_of_a_user(ranks: int, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, 35.0)
    script = write_signal_script(tmp_path / "simulate.py", "sim_init")
    script.write_text(script.read_text() + f"\nNeurodamus({str(config)!r}, progress=False).run()\n")
    args = [str(script)]
    done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
    assert done.returncode == 75, done.stderr
    assert done.stderr.count("a signal stopped the run at 25 ms, after a checkpoint") == 1
