"""Write a Slurm batch script for a simulation, and submit it.

Usage:
  neurodamus-like submit CONFIG [options] [--] [RUN_OPTION...]
  neurodamus-like submit (-h | --help)

CONFIG is the simulation_config.json. What stands behind `--` is handed to `neurodamus-like run`, for example
`-- --checkpoint-every=1000 --disable-reports`. The configuration is checked before anything is written.

Options:
  --nodes=N              Nodes [default: 1].
  --ntasks-per-node=N    MPI ranks on each node [default: 1].
  --time=LIMIT           Time limit: minutes, HH:MM:SS, D-HH or D-HH:MM:SS; that of the partition if not given.
  --margin=SECONDS       How long before the time limit a checkpoint is written [default: 120].
  --partition=NAME       Partition.
  --account=NAME         Account that pays.
  --mem=SIZE             Memory of a node, such as 100G.
  --job-name=NAME        Name of the job; that of the configuration file if not given.
  --seeds=LIST           One job for each of these seeds, as an array: 1-10, 1,5,9 or 1-100%8 (8 at a time).
                         Each writes into seed_N inside the output folder.
  --mpi=KIND             How srun connects the ranks; `srun --mpi=list` shows the kinds [default: pmi2].
  --image=FILE           Run inside this Apptainer image.
  --setup=FILE           Lines of shell to put before the run, such as `module load gcc`.
  --output-path=DIR      Write into DIR instead of the configuration's output_dir.
  --script=FILE          Where the script goes; NAME.sbatch in this folder if not given.
  --now                  Submit it.
  -h --help              Show this text.

The job writes a checkpoint when Slurm takes its nodes away or its time ends, puts itself back into the queue, and goes
on from the checkpoint when it starts again. Runs through files (--modelbuilding-steps and the like) and cells in pieces
(--lb-mode=MultiSplit) have no checkpoints: such a job loses what it has computed, which a warning says.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurodamus_like.cli import run as run_command
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.hpc.slurm import SlurmJob, batch_script, submit
from neurodamus_like.parallel.mpi import world
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.validation.config_checks import check_before_run

logger = logging.getLogger(__name__)

OWN_OPTIONS = {
    "--output-path": "give it to submit itself",
    "--seed": "use --seeds=N",
    "--save": "the checkpoints of a job are in `checkpoint` in the folder of its results",
    "--restore": "the job goes on from its own checkpoint; for another one write the script and change it",
}
"""Options of ``run`` that the script gives by itself, and what to do instead."""


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``submit``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["submit", *argv])
    if world().rank > 0:
        return 0
    job = make_job(arguments)
    _, options = run_command.parse([str(job.config), *job.run_options])
    _warn_without_checkpoints(options)
    script = _writable_script(Path(arguments["--script"] or f"{job.name}.sbatch"))
    script.write_text(batch_script(job), encoding="utf-8")
    print(script)
    if arguments["--now"]:
        print(f"submitted as job {submit(script)}")
    else:
        print(f"submit it: sbatch {script}")
    return 0


def make_job(arguments: Mapping[str, Any]) -> SlurmJob:
    """Return the job that the parsed arguments describe.

    Raises
    ------
    ConfigurationError
        A value is not valid, or the configuration could not be run.
    """
    options = tuple(word for word in arguments["RUN_OPTION"] if word != "--")
    _refuse_own_options(options)
    config = _checked_config(arguments["CONFIG"], options)
    simulation = check_before_run(config)
    output = arguments["--output-path"] or simulation.output.directory
    return SlurmJob(
        config=config,
        output_dir=Path(output).absolute(),
        nodes=_whole(arguments, "--nodes"),
        tasks_per_node=_whole(arguments, "--ntasks-per-node"),
        time=arguments["--time"] or "",
        name=arguments["--job-name"] or config.stem,
        run_options=options,
        partition=arguments["--partition"] or "",
        account=arguments["--account"] or "",
        memory=arguments["--mem"] or "",
        mpi=arguments["--mpi"],
        margin_s=_whole(arguments, "--margin"),
        seeds=arguments["--seeds"] or "",
        image=_existing(arguments, "--image"),
        setup=_lines(_existing(arguments, "--setup")),
    )


def _warn_without_checkpoints(options: RunOptions) -> None:
    """Say that the job cannot be interrupted without a loss, if that is so."""
    if options.without_checkpoints:
        logger.warning(
            "with %s the run has no checkpoints: when the time of the job ends or Slurm takes its nodes away, what it "
            "has computed is lost; give it time enough with --time, or leave the option out",
            ", ".join(options.without_checkpoints),
        )


def _refuse_own_options(options: Sequence[str]) -> None:
    """Raise for options of ``run`` that the script itself gives."""
    for word in options:
        name = word.partition("=")[0]
        if name in OWN_OPTIONS:
            raise ConfigurationError(f"{name} cannot be given behind `--`", hint=OWN_OPTIONS[name])


def _checked_config(config: str, run_options: Sequence[str]) -> Path:
    """Return the configuration's path, after ``run`` has accepted the command line that the job will use."""
    path, _ = run_command.parse([config, *run_options])
    return path.absolute()


def _writable_script(path: Path) -> Path:
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise ConfigurationError(
            f"the file of --script {what}", file=path, expected="a file in a folder that exists"
        )
    return path


def _whole(arguments: Mapping[str, Any], option: str) -> int:
    try:
        return int(arguments[option])
    except ValueError:
        raise ConfigurationError(
            f"{option}={arguments[option]} is not valid", expected="a whole number"
        ) from None


def _existing(arguments: Mapping[str, Any], option: str) -> Path | None:
    if arguments[option] is None:
        return None
    path = Path(arguments[option])
    if not path.exists():
        raise ConfigurationError(f"the file of {option} does not exist", file=path)
    return path.absolute()


def _lines(file: Path | None) -> tuple[str, ...]:
    return () if file is None else tuple(file.read_text(encoding="utf-8").splitlines())
