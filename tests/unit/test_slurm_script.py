"""The batch script: what it says for which options, that the shell accepts it, and what is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers import clean_environment

from neurodamus_like.exceptions import ConfigurationError, MissingDependencyError
from neurodamus_like.hpc.slurm import SlurmJob, batch_script, seconds_of, submit


def job(**settings: Any) -> SlurmJob:
    return SlurmJob(Path("/data/my circuit/config.json"), Path("/scratch/out"), **settings)


def directives(script: str) -> dict[str, str]:
    lines = [line[len("#SBATCH --") :] for line in script.splitlines() if line.startswith("#SBATCH --")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_size_and_limits() -> None:
    script = batch_script(job(nodes=2, tasks_per_node=16, time="1-12", memory="90G", partition="p", name="n"))
    said = directives(script)
    assert said["nodes"] == "2"
    assert said["ntasks-per-node"] == "16"
    assert said["time"] == "1-12"
    assert said["mem"] == "90G"
    assert said["partition"] == "p"
    assert said["job-name"] == "n"
    assert said["signal"] == "TERM@120"
    assert "requeue" in said
    assert "account" not in said
    assert "array" not in said


def test_an_array_gives_each_seed_its_folder() -> None:
    script = batch_script(job(seeds="1-10%4"))
    assert directives(script)["array"] == "1-10%4"
    assert '--seed="$SLURM_ARRAY_TASK_ID"' in script
    assert 'output=/scratch/out"/seed_$SLURM_ARRAY_TASK_ID"' in script


def run_script(
    folder: Path,
    output: Path,
    *,
    state: str = "JobState=RUNNING PreemptTime=None",
    code: int = 75,
    restarts: int = 0,
    **settings: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a batch script with stand-ins for srun and scontrol that print their arguments."""
    for name, body in (
        ("srun", f'printf "[%s]" "$@"; echo; exit {code}'),
        ("scontrol", f'echo "scontrol $@" >&2; echo "{state}"'),
        ("module", ":"),
    ):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    script = folder / "job.sbatch"
    config = Path("/data/my circuit/config.json")
    script.write_text(batch_script(SlurmJob(config, output, run_options=("--quiet",), **settings)))
    environment = clean_environment({"SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"})
    environment |= {"SLURM_RESTART_COUNT": str(restarts)} if restarts else {}
    environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("restarts", [0, 1])
@pytest.mark.parametrize(
    "settings",
    [{}, {"seeds": "3,4"}, {"image": Path("/images/nd.sif")}, {"setup": ("module load gcc",), "time": "10"}],
)
def test_the_shell_runs_what_was_asked_for(settings: dict[str, Any], restarts: int, tmp_path: Path) -> None:
    """Paths with blanks stay whole; a checkpoint is for the second start."""
    output = tmp_path / "my out"
    seed_folder = output / "seed_3" if "seeds" in settings else output
    write_checkpoint(seed_folder)
    shown = run_script(tmp_path, output, restarts=restarts, **settings).stdout.splitlines()[0]
    assert "[--mpi=pmi2]" in shown
    assert "[neurodamus-like][run][/data/my circuit/config.json]" in shown
    assert f"[--output-path={seed_folder}]" in shown
    assert "[--quiet]" in shown
    assert ("[--seed=3]" in shown) == ("seeds" in settings)
    assert ("[apptainer][exec]" in shown) == ("image" in settings)
    assert (f"[--restore={seed_folder}/checkpoint]" in shown) == bool(restarts)


def write_checkpoint(output: Path) -> None:
    (output / "checkpoint").mkdir(parents=True)
    (output / "checkpoint" / "checkpoint.json").touch()


@pytest.mark.parametrize(
    ("code", "state", "requeued"),
    [
        (75, "JobState=RUNNING PreemptTime=None", True),
        (75, "JobState=COMPLETING PreemptTime=None", False),
        (143, "JobState=RUNNING PreemptTime=None", False),
        (143, "JobState=RUNNING PreemptTime=2026-11-21T10:00:00", True),
        (143, "JobState=CANCELLED PreemptTime=2026-11-21T10:00:00", False),
        (1, "JobState=RUNNING PreemptTime=2026-11-21T10:00:00", False),
        (0, "JobState=RUNNING PreemptTime=2026-11-21T10:00:00", False),
    ],
)
def test_which_jobs_go_back_into_the_queue(code: int, state: str, requeued: bool, tmp_path: Path) -> None:
    done = run_script(tmp_path, tmp_path / "out", code=code, state=state)
    assert ("scontrol requeue 7" in done.stderr) == requeued
    assert (tmp_path / "out" / ".begun-7").exists() == (code != 0)


def test_the_checkpoint_of_an_earlier_job_is_left_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "out")
    old = tmp_path / "out" / "checkpoint" / "checkpoint.json"
    os.utime(old, (1e9, 1e9))
    run_script(tmp_path, tmp_path / "out", code=143)
    again = run_script(tmp_path, tmp_path / "out", restarts=1)
    assert "--restore" not in again.stdout
    os.utime(old, (4e9, 4e9))
    assert "--restore" in run_script(tmp_path, tmp_path / "out", restarts=2).stdout
    assert old.exists()


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("10", 600),
        ("10:30", 630),
        ("01:00:00", 3600),
        ("1-12", 129600),
        ("1-00:30", 88200),
        ("2-00:00:01", 172801),
    ],
)
def test_time_limits(time: str, seconds: int) -> None:
    assert seconds_of(time) == seconds


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"nodes": 0}, "--nodes=0"),
        ({"tasks_per_node": -1}, "--ntasks-per-node=-1"),
        ({"time": "soon"}, "--time=soon"),
        ({"memory": "lots"}, "--mem=lots"),
        ({"seeds": "a-b"}, "--seeds=a-b"),
        ({"time": "1", "margin_s": 60}, "--margin=60"),
    ],
)
def test_bad_values(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        job(**settings)


def test_without_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="no sbatch"):
        submit(tmp_path / "job.sbatch")
