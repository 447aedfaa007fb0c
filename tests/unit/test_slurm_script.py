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


@pytest.mark.parametrize(
    "settings",
    [{}, {"seeds": "3,4"}, {"image": Path("/images/nd.sif")}, {"setup": ("module load gcc",), "time": "10"}],
)
@pytest.mark.parametrize(
    ("restarted", "state"), [(False, "RUNNING"), (True, "RUNNING"), (False, "COMPLETING")]
)
def test_the_shell_runs_what_was_asked_for(
    settings: dict[str, Any], restarted: bool, state: str, tmp_path: Path
) -> None:
    """With stand-ins for srun and scontrol that print their arguments: paths with blanks stay whole."""
    output = tmp_path / "out"
    seed_folder = output / "seed_3" if "seeds" in settings else output
    if restarted:
        (seed_folder / "checkpoint").mkdir(parents=True)
        (seed_folder / "checkpoint" / "checkpoint.json").touch()
    for name, body in (
        ("srun", 'printf "[%s]" "$@"; echo; exit 75'),
        ("scontrol", 'echo "scontrol $@"; echo "JobState=STATE"'.replace("STATE", state)),
        ("module", ":"),
    ):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    script = tmp_path / "job.sbatch"
    script.write_text(
        batch_script(
            SlurmJob(Path("/data/my circuit/config.json"), output, run_options=("--quiet",), **settings)
        )
    )
    environment = clean_environment({"SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"})
    environment |= {"SLURM_RESTART_COUNT": "1"} if restarted else {}
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 75, done.stderr
    shown = done.stdout.splitlines()[0]
    assert "[--mpi=pmi2]" in shown
    assert "[neurodamus-like][run][/data/my circuit/config.json]" in shown
    assert f"[--output-path={seed_folder}]" in shown
    assert "[--quiet]" in shown
    assert ("[--seed=3]" in shown) == ("seeds" in settings)
    assert ("[apptainer][exec]" in shown) == ("image" in settings)
    assert (f"[--restore={seed_folder}/checkpoint]" in shown) == restarted
    assert ("scontrol requeue 7" in done.stdout) == (state == "RUNNING")


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
