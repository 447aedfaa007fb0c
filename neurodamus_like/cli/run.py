"""Simulate the circuit of a SONATA simulation configuration.

Usage:
  neurodamus-like run CONFIG [options]
  neurodamus-like run (-h | --help)

CONFIG is the simulation_config.json. Start it with `mpiexec -n N` or `srun` to use several ranks.

Options:
  -v --verbose               Say more.
  --debug                    Say everything; errors come with their traceback.
  --quiet                    Say nothing but warnings and errors, and show no progress.
  --no-progress              Show no progress.
  --use-color=WHEN           Colours in messages: auto, on or off [default: auto].
  --output-path=DIR          Write into DIR instead of the configuration's output_dir.
  --seed=N                   Use N instead of the configuration's run.random_seed.
  --disable-reports          Write spikes only, no reports.
  --report-buffer-size=MB    Memory for buffering a report, per rank and report (8 if not given,
                             64 with CoreNEURON, where each block of the run costs a copy of the model).
  --max-report-size=MB       Refuse to begin when a report would be larger than this.
  --compress-reports=LEVEL   Compress finished reports with gzip, 1 (fast) to 9 (small), for
                             readers other than the libsonata wheel, which lacks gzip.
  --lb-mode=MODE             How cells are dealt out to ranks: RoundRobin (rr), WholeCell (by cost), MultiSplit
                             (by cost, large cells in pieces; NEURON only) or Memory (as --dry-run has allocated
                             in this folder). If not given: WholeCell for more than 1000 cells, 1000 ms and
                             200 ranks, otherwise RoundRobin.
  --dry-run                  Count cells, synapses and reports, estimate the memory of a rank, write which cell
                             is to go to which rank (allocation_r*_c*.pkl.gz and cell_memory_usage.json, into
                             this folder, for --lb-mode=Memory), and simulate nothing.
  --num-target-ranks=N       Ranks that --dry-run allocates for. If not given: as many as it suggests.
  --mechanisms=DIR           Compile the MOD files of DIR instead of the circuit's mechanisms_dir.
  --nrnmech=PATH             Use this compiled mechanism library (libnrnmech.so) and compile nothing.
  --script=FILE              Run this Python file first: it registers cell models, synapse models, ...
  --simulator=NAME           NEURON or CORENEURON instead of the configuration's target_simulator.
  --coreneuron-direct-mode   Keep CoreNEURON's model in memory (the default), and write no files of it.
  --cell-permute=ORDER       How CoreNEURON orders compartments: unpermuted or node-adjacency
                             [default: unpermuted].
  --model-stats              Have CoreNEURON print its memory and number of instances per mechanism.
  --save=DIR                 Write a checkpoint into DIR at the end, from which a run with a later end can go on.
  --restore=DIR              Go on from the checkpoint in DIR, on any number of ranks.
  --checkpoint-every=MS      Write a checkpoint every MS of simulated time, into the DIR of --save, or into
                             `checkpoint` in the folder of the results.
  --modelbuilding-steps=N    Build CoreNEURON's model in N cycles, each written to files and freed before the
                             next: memory for building falls to about 1/N [default: 1].
  --build-model=WHEN         Build CoreNEURON's model into files: 1 (on), 0 (off: use the files that are
                             there), auto (use them if they are of this model, else build) [default: auto].
  --simulate-model=SWITCH    0 (off): only build the files of the model, and keep them [default: 1].
  --keep-build               Keep the files of the model after the run.
  --build-path=DIR           Folder of these files (if not given: build, beside CONFIG).
  --enable-shm=SWITCH        1 (on): keep these files in memory (/dev/shm, or $SHMDIR) if they fit [default: 0].
  -h --help                  Show this text.

SIGTERM or SIGUSR1 makes a run write a checkpoint at the end of the present block and end with exit code 75.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from neurodamus_like.cli.commands import UsageError, parse_arguments
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.logs import get_logger, log_level, setup_logging
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import check_launch, world
from neurodamus_like.progress import configure_progress
from neurodamus_like.simulation.file_options import parse_switch
from neurodamus_like.simulation.interruption import REQUEST, RunInterrupted
from neurodamus_like.simulation.options import RunOptions

logger = get_logger(__name__)

LATER_OPTIONS = frozenset(
    "--" + name
    for name in (
        "crash-test",
        "dump-cell-state",
        "memory-tracker",
    )
)
"""Options of neurodamus that are known and answered, but not available yet."""

_COLORS = {"auto": None, "on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``run``; return the exit code."""
    check_launch()
    with REQUEST.listening():
        with collectively(world()):
            config, options = parse(argv)
        configure_console(options)
        # NEURON is loaded from here on, so that a wrong command line is answered at once
        simulation = import_module("neurodamus_like.simulation.node")
        try:
            simulation.Neurodamus(config, options=options).run()
        except RunInterrupted as stop:
            logger.warning("%s", stop)
            return stop.exit_code
        except KeyboardInterrupt:
            logger.warning(
                "spikes so far are lost; `neurodamus-like recover` finishes the reports that were begun. "
                "SIGTERM instead of Ctrl-C ends a run with a checkpoint"
            )
            raise
    return 0


def parse(argv: Sequence[str]) -> tuple[Path, RunOptions]:
    """Return the configuration file and the options of a command line.

    Raises
    ------
    UsageError
        The arguments do not fit the usage, or ask for what this version does not have.
    ConfigurationError
        A value is not valid, or the file does not exist.
    """
    refuse_later_options(argv)
    arguments = parse_arguments(__doc__ or "", ["run", *argv])
    return existing_config(Path(arguments["CONFIG"])), make_options(arguments)


def existing_config(path: Path) -> Path:
    """Return `path` if it is a file.

    Raises
    ------
    ConfigurationError
        It is not; the hint names configurations that are there.
    """
    if path.is_file():
        return path
    folder = path if path.is_dir() else path.parent
    near = sorted(folder.glob("*.json")) if folder.is_dir() else []
    names = [str(file) for file in near if "config" in file.name]
    what = "is a folder" if path.is_dir() else "does not exist"
    hint = did_you_mean(str(path), names) or (f"in this folder: {', '.join(names)}" if names else None)
    raise ConfigurationError(
        f"the simulation configuration {what}", file=path, expected="a simulation_config.json", hint=hint
    )


def refuse_later_options(argv: Sequence[str]) -> None:
    """Raise :class:`UsageError` for an option of neurodamus that does not work yet."""
    for argument in argv:
        name = argument.split("=", 1)[0]
        if name in LATER_OPTIONS:
            raise UsageError(
                f"option {name} is not available in this version",
                hint="`neurodamus-like run --help` shows the options that are",
            )


def make_options(arguments: Mapping[str, Any]) -> RunOptions:
    """Return the options from what docopt found.

    Raises
    ------
    ConfigurationError
        A value is not valid.
    """
    return RunOptions(
        verbose=arguments["--verbose"],
        debug=arguments["--debug"],
        quiet=arguments["--quiet"],
        progress=not (arguments["--no-progress"] or arguments["--quiet"]),
        use_color=_color(arguments["--use-color"]),
        disable_reports=arguments["--disable-reports"],
        output_path=arguments["--output-path"],
        random_seed=_optional(arguments, "--seed", int),
        lb_mode=arguments["--lb-mode"],
        report_buffer_size_mb=_optional(arguments, "--report-buffer-size", float),
        max_report_size_mb=_optional(arguments, "--max-report-size", float),
        compress_reports=_optional(arguments, "--compress-reports", int),
        dry_run=arguments["--dry-run"],
        num_target_ranks=_optional(arguments, "--num-target-ranks", int),
        mechanisms_dir=arguments["--mechanisms"],
        nrnmech=arguments["--nrnmech"],
        script=arguments["--script"],
        simulator=arguments["--simulator"],
        coreneuron_direct_mode=arguments["--coreneuron-direct-mode"],
        cell_permute=arguments["--cell-permute"],
        model_stats=arguments["--model-stats"],
        save=arguments["--save"],
        restore=arguments["--restore"],
        checkpoint_every_ms=_optional(arguments, "--checkpoint-every", float),
        modelbuilding_steps=_whole("--modelbuilding-steps", arguments["--modelbuilding-steps"]),
        build_model=parse_switch("--build-model", arguments["--build-model"], auto=True),
        simulate_model=bool(parse_switch("--simulate-model", arguments["--simulate-model"])),
        keep_build=arguments["--keep-build"],
        build_path=arguments["--build-path"],
        enable_shm=bool(parse_switch("--enable-shm", arguments["--enable-shm"])),
    )


def configure_console(options: RunOptions) -> None:
    """Set up messages and progress of this process as the options say."""
    rank = world().rank
    level = log_level(verbose=options.verbose, debug=options.debug, quiet=options.quiet)
    setup_logging(level, rank=rank, use_color=options.use_color)
    configure_progress(rank=rank, enabled=options.progress)


def _color(text: str) -> bool | None:
    if text.lower() not in _COLORS:
        raise ConfigurationError(f"--use-color={text} is not valid", expected="auto, on or off")
    return _COLORS[text.lower()]


def _whole(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(f"{option}={text} is not valid", expected="a whole number") from None


def _optional(arguments: Mapping[str, Any], option: str, kind: type) -> Any:
    text = arguments[option]
    try:
        return None if text is None else kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{option}={text} is not valid", expected=what) from None
