"""Slurm jobs: a batch script that a person can read, and its submission."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.exceptions import ConfigurationError, MissingDependencyError, SimulationError
from neurodamus_like.parallel.exit_codes import CHECKPOINTED, STOPPED

DEFAULT_MARGIN_S = 120
_TIME = re.compile(r"\d+|\d+:\d\d(:\d\d)?|\d+-\d+(:\d\d){0,2}")
_ARRAY = re.compile(r"\d+(-\d+(:\d+)?)?(,\d+(-\d+(:\d+)?)?)*(%\d+)?")
_MEMORY = re.compile(r"\d+[KMGT]?", re.IGNORECASE)
_SECONDS = {"D": 86400, "H": 3600, "M": 60, "S": 1}


@dataclass(frozen=True)
class SlurmJob:
    """A simulation as a Slurm job.

    Attributes
    ----------
    config
        The simulation configuration.
    output_dir
        Folder of the results; with `seeds` each seed has a folder of its own inside.
    nodes, tasks_per_node
        Size of the job; one task is one MPI rank.
    time
        Time limit in one of Slurm's forms (minutes, ``MM:SS``, ``HH:MM:SS``, ``D-HH``, ``D-HH:MM``, ``D-HH:MM:SS``);
        empty: that of the partition.
    name
        Name of the job.
    run_options
        More options for ``neurodamus-like run``.
    partition, account, memory
        As in sbatch; empty: Slurm's default.
    mpi
        How srun connects the tasks (``srun --mpi=list``).
    margin_s
        How many seconds before the time limit a checkpoint is written.
    seeds
        A job array over these seeds (``1-10``, ``1,5,9``, ``1-100%8``); empty: one job.
    image
        An Apptainer image with neurodamus-like in it; None: the environment of this Python.
    setup
        Lines of shell that come before the run, such as ``module load gcc``.
    """

    config: Path
    output_dir: Path
    nodes: int = 1
    tasks_per_node: int = 1
    time: str = ""
    name: str = "neurodamus-like"
    run_options: tuple[str, ...] = ()
    partition: str = ""
    account: str = ""
    memory: str = ""
    mpi: str = "pmi2"
    margin_s: int = DEFAULT_MARGIN_S
    seeds: str = ""
    image: Path | None = None
    setup: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option, value in (("--nodes", self.nodes), ("--ntasks-per-node", self.tasks_per_node)):
            if value < 1:
                raise ConfigurationError(
                    f"{option}={value} is not valid", expected="a whole number from 1 up"
                )
        if self.time and not _TIME.fullmatch(self.time):
            raise ConfigurationError(
                f"--time={self.time} is not valid", expected="minutes, HH:MM:SS, D-HH or D-HH:MM:SS"
            )
        if self.seeds and not _ARRAY.fullmatch(self.seeds):
            raise ConfigurationError(
                f"--seeds={self.seeds} is not valid", expected="such as 1-10, 1,5,9 or 1-100%8 (8 at a time)"
            )
        if self.memory and not _MEMORY.fullmatch(self.memory):
            raise ConfigurationError(
                f"--mem={self.memory} is not valid",
                expected="a size such as 100G (K, M, G or T; M if not given)",
            )
        if self.time and not 0 <= self.margin_s < seconds_of(self.time):
            raise ConfigurationError(
                f"--margin={self.margin_s} is not valid",
                expected=f"from 0 to less than the {seconds_of(self.time)} s of --time={self.time}",
            )


def seconds_of(time: str) -> int:
    """Return the seconds of a time limit in one of Slurm's forms."""
    days, dash, rest = time.partition("-") if "-" in time else ("0", "", time)
    fields = rest.split(":")
    units = "HMS" if dash else {1: "M", 2: "MS", 3: "HMS"}[len(fields)]
    return int(days) * _SECONDS["D"] + sum(
        int(field) * _SECONDS[unit] for field, unit in zip(fields, units, strict=False)
    )


def batch_script(job: SlurmJob) -> str:
    """Return the text of the batch script of a job.

    The script starts one run; if an earlier start of the same job left a checkpoint, the run goes on from there. Before
    the time limit, and when Slurm takes the nodes away for another job, the run gets a SIGTERM, writes a checkpoint and
    exits with the code :data:`CHECKPOINTED`: then the script puts the job back into the queue, unless Slurm does. A
    model that was not built yet has no checkpoint (:data:`STOPPED`): such a job goes back only if it was pre-empted,
    for with a time limit that is too short for the build it would do so for ever.
    """
    return "\n".join([*_header(job), "", *_settings(job), "", *_body(job), ""])


def _header(job: SlurmJob) -> Iterator[str]:
    log = "%x-%A_%a.log" if job.seeds else "%x-%j.log"
    directives = {
        "job-name": job.name,
        "nodes": job.nodes,
        "ntasks-per-node": job.tasks_per_node,
        "time": job.time,
        "partition": job.partition,
        "account": job.account,
        "mem": job.memory,
        "array": job.seeds,
        "output": log,
        "open-mode": "append",
        "signal": f"TERM@{job.margin_s}" if job.time else "",
    }
    yield "#!/bin/bash"
    yield from (f"#SBATCH --{name}={value}" for name, value in directives.items() if value)
    yield "#SBATCH --requeue"


def _settings(job: SlurmJob) -> Iterator[str]:
    seed = "/seed_$SLURM_ARRAY_TASK_ID" if job.seeds else ""
    yield from job.setup
    if job.image is None:
        yield f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'
    yield f"config={shlex.quote(str(job.config))}"
    yield f"output={shlex.quote(str(job.output_dir))}" + (f'"{seed}"' if seed else "")
    yield "checkpoint=$output/checkpoint"
    options = ['--output-path="$output"']
    options += ['--seed="$SLURM_ARRAY_TASK_ID"'] if job.seeds else []
    yield f"options=({' '.join([*options, *map(shlex.quote, job.run_options)])})"


def _body(job: SlurmJob) -> Iterator[str]:
    program = "neurodamus-like"
    if job.image is not None:
        folders = ",".join(dict.fromkeys((str(job.config.parent), str(job.output_dir.parent))))
        program = (
            f"apptainer exec --bind {shlex.quote(folders)} {shlex.quote(str(job.image))} neurodamus-like"
        )
    yield "# A job that was stopped and started again goes on from its own checkpoint, not from one of an earlier job."
    yield 'mkdir -p "$output"'
    yield "begun=$output/.begun-$SLURM_JOB_ID"
    yield 'if [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ]; then'
    yield '    touch "$begun"'
    yield 'elif [ "$checkpoint/checkpoint.json" -nt "$begun" ]; then'
    yield '    options+=(--restore="$checkpoint")'
    yield "fi"
    yield ""
    yield "# The run answers SIGTERM (time limit, pre-emption) with a checkpoint; this script only waits for it."
    yield "trap : TERM"
    yield "# Ranks end together: what is left a minute after the first has ended waits for one that was killed."
    yield f'srun --mpi={job.mpi} --wait=60 {program} run "$config" "${{options[@]}}"'
    yield "code=$?"
    yield '[ "$code" -ne 0 ] || rm -f "$begun"'
    yield ""
    yield "# Stopped after a checkpoint, or pre-empted while the model was still being built: go on in a new start."
    yield "# A job that Slurm ends already is not touched: what its owner cancels stays cancelled."
    yield 'state=$(scontrol show job "$SLURM_JOB_ID")'
    yield "again=no"
    yield f'[ "$code" -ne {CHECKPOINTED} ] || again=yes'
    yield f'[ "$code" -ne {STOPPED} ] || [[ $state == *PreemptTime=None* ]] || again=yes'
    yield "if [ $again = yes ] && [[ $state == *JobState=RUNNING* ]]; then"
    yield '    scontrol requeue "$SLURM_JOB_ID"'
    yield "fi"
    yield 'exit "$code"'


def submit(script: Path) -> str:
    """Hand a batch script to Slurm and return the id of the job.

    Raises
    ------
    MissingDependencyError
        There is no sbatch on this machine.
    SimulationError
        Slurm refused the script; the message is Slurm's.
    """
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        raise MissingDependencyError(
            "there is no sbatch on this machine",
            hint=f"copy the folder to the cluster, then: sbatch {script}",
        )
    done = subprocess.run([sbatch, "--parsable", str(script)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SimulationError("Slurm did not take the job", file=script, hint=done.stderr.strip())
    return done.stdout.strip().split(";")[0]
