"""Jobs on a real Slurm of two nodes: they run, are stopped, go back into the queue and end as if never stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import clean_environment, run_python
from slurm_cluster import SlurmCluster, running_slurm, why_not

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.io.spikes import read_spikes

pytestmark = pytest.mark.slow
TSTOP_MS = 400.0


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    if reason := why_not():
        pytest.skip(reason)
    with running_slurm(tmp_path_factory.mktemp("slurm")) as cluster:
        if cluster is None:
            pytest.skip("Slurm does not start on this machine")
        yield cluster


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return write_demo_circuit(folder / "circuit", n_cells=20, tstop_ms=TSTOP_MS, seed=5)


@pytest.fixture(scope="module")
def uninterrupted(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole") / "output"
    done = run_python(
        ["-m", "neurodamus_like", "run", str(config), f"--output-path={output}", "--quiet"], 600
    )
    assert done.returncode == 0, done.stderr
    return output


def submit(slurm: SlurmCluster, config: Path, folder: Path, *options: str) -> str:
    words = ["submit", str(config), f"--output-path={folder}/output", "--now", *options]
    environment = {**slurm.environment, "PYTHONPATH": clean_environment().get("PYTHONPATH", "")}
    done = run_python(["-m", "neurodamus_like", *words], 120, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()[-1]


WAIT_FOR_THE_SIGNAL = """
import os, time
from neurodamus_like import Neurodamus
from neurodamus_like.simulation.interruption import REQUEST

phase = Neurodamus.{phase}

def when_the_signal_came(self, *args):
    if os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
        {before}
        open("waiting", "w").close()
        ends = time.monotonic() + 240
        while not REQUEST.received:
            assert time.monotonic() < ends
            time.sleep(0.05)
    return phase(self, *args)

Neurodamus.{phase} = when_the_signal_came
"""


def submit_waiting_job(
    slurm: SlurmCluster, config: Path, folder: Path, *options: str, phase: str = "solve"
) -> str:
    """Submit a job that waits for its signal in its first start, and return its id as soon as it does."""
    script = folder / "wait.py"
    before = "phase(self, 110.0)" if phase == "solve" else "pass"
    script.write_text(WAIT_FOR_THE_SIGNAL.format(phase=phase, before=before))
    job = submit(slurm, config, folder, *options, "--", f"--script={script}")
    deadline = time.monotonic() + 240
    while not (folder / "waiting").exists():
        assert slurm.state(job) in ("PENDING", "CONFIGURING", "RUNNING"), log_of(folder)
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return job


def log_of(folder: Path) -> str:
    return "\n".join(file.read_text() for file in folder.glob("*.log"))


def assert_same_results(output: Path, expected: Path) -> None:
    found, wanted = read_spikes(output / "out.h5"), read_spikes(expected / "out.h5")
    assert sum(len(train) for train in wanted.values()) > 20
    for name, train in wanted.items():
        np.testing.assert_array_equal(found[name].timestamps, train.timestamps)
        np.testing.assert_array_equal(found[name].node_ids, train.node_ids)
    with h5py.File(output / "soma.h5") as ours, h5py.File(expected / "soma.h5") as theirs:
        for population in theirs["report"]:
            path = f"report/{population}/data"
            np.testing.assert_array_equal(ours[path][()], theirs[path][()])


def test_a_job_on_two_nodes(slurm: SlurmCluster, config: Path, uninterrupted: Path, tmp_path: Path) -> None:
    job = submit(slurm, config, tmp_path, "--nodes=2", "--time=10")
    assert slurm.field(job, "NumNodes").startswith("2")
    assert slurm.wait_until(job, "COMPLETED", "FAILED", "CANCELLED") == "COMPLETED", log_of(tmp_path)
    assert "activity on 2 ranks" in log_of(tmp_path)
    assert_same_results(tmp_path / "output", uninterrupted)


@pytest.mark.parametrize("how", ["told to stop", "cancelled"])
def test_a_stopped_job_goes_on(
    slurm: SlurmCluster, config: Path, uninterrupted: Path, tmp_path: Path, how: str
) -> None:
    """One that is told to stop (as before its time limit) requeues itself; a cancelled one is requeued by hand."""
    job = submit_waiting_job(slurm, config, tmp_path, "--ntasks-per-node=2")
    if how == "cancelled":
        slurm.call("scancel", job)
        assert slurm.wait_until(job, "CANCELLED", "COMPLETED", "FAILED") == "CANCELLED"
        slurm.call("scontrol", "requeue", job)
    else:
        slurm.call("scancel", "--signal=TERM", job)
    assert slurm.wait_until(job, "COMPLETED", "FAILED") == "COMPLETED", log_of(tmp_path)
    assert slurm.field(job, "Restarts") == "1"
    assert log_of(tmp_path).count("restored at") == 1
    assert_same_results(tmp_path / "output", uninterrupted)


def submit_urgent_job(slurm: SlurmCluster, folder: Path) -> str:
    """Submit a short job of higher priority that needs all nodes."""
    words = ("--parsable", "--partition=urgent", "--nodes=2", "--exclusive", f"--output={folder}/urgent.out")
    return slurm.call("sbatch", *words, "--wrap=true").strip()


def test_a_preempted_job_goes_on(
    slurm: SlurmCluster, config: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    job = submit_waiting_job(slurm, config, tmp_path, "--nodes=2")
    urgent = submit_urgent_job(slurm, tmp_path)
    assert slurm.wait_until(urgent, "COMPLETED", "FAILED") == "COMPLETED"
    assert slurm.wait_until(job, "COMPLETED", "FAILED", "CANCELLED") == "COMPLETED", log_of(tmp_path)
    assert slurm.field(job, "Restarts") == "1"
    assert "a signal stopped the run at 135 ms, after a checkpoint" in log_of(tmp_path)
    assert log_of(tmp_path).count("restored at 135 ms") == 1
    assert_same_results(tmp_path / "output", uninterrupted)


def test_a_job_that_is_preempted_while_it_builds_begins_again(
    slurm: SlurmCluster, config: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    job = submit_waiting_job(slurm, config, tmp_path, "--nodes=2", phase="create_cells")
    urgent = submit_urgent_job(slurm, tmp_path)
    assert slurm.wait_until(urgent, "COMPLETED", "FAILED") == "COMPLETED"
    assert slurm.wait_until(job, "COMPLETED", "FAILED", "CANCELLED") == "COMPLETED", log_of(tmp_path)
    assert slurm.field(job, "Restarts") == "1"
    assert "before the phase 'cells': nothing was simulated" in log_of(tmp_path)
    assert "restored at" not in log_of(tmp_path)
    assert_same_results(tmp_path / "output", uninterrupted)


RANK_DIES = """
import os, signal
from neurodamus_like import Neurodamus
from neurodamus_like.parallel.mpi import world

phase = Neurodamus.solve

def as_if_out_of_memory(self, *args):
    if world().rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return phase(self, *args)

Neurodamus.solve = as_if_out_of_memory
"""


def test_a_job_ends_when_a_rank_is_killed(slurm: SlurmCluster, config: Path, tmp_path: Path) -> None:
    (tmp_path / "die.py").write_text(RANK_DIES)
    words = ["submit", str(config), f"--output-path={tmp_path}/output", "--script=job.sbatch", "--nodes=2"]
    done = run_python(["-m", "neurodamus_like", *words, "--", f"--script={tmp_path}/die.py"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    script = tmp_path / "job.sbatch"
    text = script.read_text()
    assert text.count("srun --mpi=pmi2 --wait=60 ") == 1
    script.write_text(text.replace("--wait=60", "--wait=2"))
    job = slurm.call("sbatch", "--parsable", f"--chdir={tmp_path}", str(script)).strip()
    assert slurm.wait_until(job, "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT") == "FAILED", log_of(tmp_path)
    assert slurm.field(job, "Restarts") == "0"
    assert not (tmp_path / "output" / "out.h5").exists()


def test_an_array_of_seeds(slurm: SlurmCluster, config: Path, tmp_path: Path) -> None:
    job = submit(slurm, config, tmp_path, "--seeds=7-8", "--", "--disable-reports")
    for task in (7, 8):
        assert slurm.wait_until(f"{job}_{task}", "COMPLETED", "FAILED") == "COMPLETED", log_of(tmp_path)
    seven, eight = (read_spikes(tmp_path / "output" / f"seed_{seed}" / "out.h5") for seed in (7, 8))
    assert any(not np.array_equal(seven[name].timestamps, eight[name].timestamps) for name in seven)


def test_bad_input_writes_no_script(config: Path, tmp_path: Path) -> None:
    for words, message in (
        ([str(tmp_path / "none.json")], "does not exist"),
        ([str(config), "--nodes=0"], "--nodes=0 is not valid"),
        ([str(config), "--", "--lb-mode=WholeCel"], "did you mean 'WholeCell'"),
        ([str(config), "--", "--save=there"], "--save cannot be given behind `--`"),
        ([str(config), "--image=none.sif"], "the file of --image does not exist"),
    ):
        done = run_python(
            ["-m", "neurodamus_like", "submit", *words],
            cwd=tmp_path,
            env={"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        )
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.sbatch"))
