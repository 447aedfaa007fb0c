"""neurodamus-like: run SONATA brain circuits on NEURON, from a laptop to a cluster.

Usage:
  neurodamus-like COMMAND [ARGUMENTS...]
  neurodamus-like CONFIG.json [OPTIONS...]
  neurodamus-like (-h | --help)
  neurodamus-like --version

`neurodamus-like CONFIG.json` is short for `neurodamus-like run CONFIG.json`.
`neurodamus-like COMMAND --help` shows the arguments of a command.
With several ranks: `mpiexec -n N neurodamus-like ...` or `srun neurodamus-like ...`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from docopt import DocoptExit

from neurodamus_like import __version__
from neurodamus_like.cli.commands import COMMANDS, UsageError, usage_error
from neurodamus_like.exceptions import did_you_mean
from neurodamus_like.parallel.errors import collectively, run_guarded
from neurodamus_like.parallel.mpi import launch_rank, world

_HELP = ("-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line program.

    Parameters
    ----------
    argv
        Arguments behind the program's name; those of this process by default.

    Returns
    -------
    int
        Exit code: 0 if all is well, 1 otherwise.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_guarded(lambda: _dispatch(arguments), debug="--debug" in arguments)


def help_text() -> str:
    """Return the program's usage with one line for each command."""
    commands = [COMMANDS[name] for name in COMMANDS]
    installed = [command for command in commands if command.is_installed()]
    width = max((len(command.name) for command in installed), default=0)
    lines = [f"  {command.name:<{width}}  {command.summary}" for command in installed]
    return "\n".join([(__doc__ or "").strip(), "", "Commands:", *lines])


def normalise(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the command in front: a configuration file alone means ``run``.

    Raises
    ------
    UsageError
        The first word is neither a command nor a configuration file.
    """
    first = arguments[0]
    if first in COMMANDS:
        return [COMMANDS[first].name, *arguments[1:]]
    if first.endswith(".json") or (first.startswith("-") and any(a.endswith(".json") for a in arguments)):
        return ["run", *arguments]
    if Path(first).exists():
        raise UsageError(
            f"{first!r} is no simulation configuration",
            expected="a file that ends in .json",
            hint="neurodamus-like run simulation_config.json",
        )
    what = "option" if first.startswith("-") else "command"
    raise UsageError(
        f"unknown {what} {first!r}",
        expected="a configuration file (*.json) or one of the commands " + ", ".join(COMMANDS),
        hint=did_you_mean(first, COMMANDS) or "neurodamus-like --help",
    )


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in _HELP:
        _print_once(help_text())
        return 0 if arguments else 1
    if arguments[0] == "--version":
        _print_once(f"neurodamus-like {__version__}")
        return 0
    with collectively(world()):
        name, *rest = normalise(arguments)
        module = COMMANDS[name].load()
    if any(argument in _HELP for argument in rest):
        _print_once(
            module.help_text(rest) if hasattr(module, "help_text") else (module.__doc__ or "").strip()
        )
        return 0
    try:
        return module.run(rest)
    except DocoptExit as error:
        refused = usage_error(module.__doc__ or "", [name, *rest], error)
    except UsageError as error:
        refused = error
    refused.collective = True  # all ranks have the same command line
    raise refused from None


def _print_once(text: str) -> None:
    if world().rank == 0 and launch_rank() == 0:
        print(text)


if __name__ == "__main__":
    sys.exit(main())
