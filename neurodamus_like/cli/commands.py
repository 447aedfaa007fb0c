"""The table of commands, loaded by name when they are called, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from docopt import DocoptExit, docopt

from neurodamus_like.exceptions import ConfigurationError, MissingDependencyError, did_you_mean
from neurodamus_like.registry import Registry


class CommandModule(Protocol):
    """A command: a module whose docstring is its docopt text."""

    __doc__: str | None

    def run(self, argv: list[str]) -> int:
        """Run with the arguments behind the command's name; return the exit code."""


@dataclass(frozen=True)
class Command:
    """An entry of the table.

    Attributes
    ----------
    name
        What the user types.
    module
        Where it is written; imported only when the command is called.
    summary
        One line for the list of commands.
    """

    name: str
    module: str
    summary: str

    def is_installed(self) -> bool:
        """Tell whether the module can be found, without importing it."""
        return find_spec(self.module) is not None

    def load(self) -> CommandModule:
        """Import the command.

        Raises
        ------
        MissingDependencyError
            The module is not part of this installation.
        """
        if not self.is_installed():
            raise MissingDependencyError(f"command {self.name!r} is not part of this installation")
        return cast(CommandModule, import_module(self.module))


COMMANDS: Registry[Command] = Registry("command", "neurodamus_like.commands")
"""Packages add their own through the entry point group ``neurodamus_like.commands``."""

for _name, _summary in (
    ("run", "simulate a configuration"),
    ("validate", "check a configuration and its circuit without simulating"),
    ("estimate", "tell what a simulation needs: cells, synapses, memory per rank"),
    ("compile", "build the mechanism library of a model"),
    ("templates", "turn e-model descriptions (JSON) into cell templates (HOC)"),
    ("demo", "write a small circuit, simulate it and draw the results"),
    ("new", "create a folder from which a network can be simulated"),
    ("balance", "predict how evenly any number of ranks would work"),
    ("info", "show what network files contain"),
    ("electrodes", "write an electrodes file for reports of extracellular potentials"),
    ("submit", "write a Slurm batch script for a simulation, and submit it"),
    ("recover", "make whole files of the reports of a run that was cut short"),
    ("plot", "draw inputs, spikes and reports"),
    ("doctor", "show what is installed, what is missing, and what to type"),
):
    COMMANDS.add(_name, Command(_name, f"neurodamus_like.cli.{_name}", _summary))


class UsageError(ConfigurationError):
    """The command line does not fit the command's usage text."""


def parse_arguments(doc: str, argv: Sequence[str]) -> dict[str, Any]:
    """Parse a command line by a docopt text.

    Parameters
    ----------
    doc
        The command's docstring.
    argv
        The command's name and its arguments.

    Raises
    ------
    UsageError
        An option is unknown, or the arguments do not fit; the message says which and shows the usage.
    """
    unknown = _unknown_option(doc, argv)
    if unknown is not None:
        raise unknown
    try:
        return dict(docopt(doc, argv=list(argv), default_help=False))
    except DocoptExit as error:
        raise usage_error(doc, argv, error) from None


def usage_error(doc: str, argv: Sequence[str], error: DocoptExit) -> UsageError:
    """Return a readable error for arguments that docopt refused."""
    unknown = _unknown_option(doc, argv)
    if unknown is not None:
        return unknown
    first = str(error).splitlines()[0] if str(error) else ""
    message = first if "requires argument" in first or "must not have" in first else "wrong arguments"
    return UsageError(f"{argv[0]}: {message}", expected=_usage(doc), hint=f"neurodamus-like {argv[0]} --help")


def _unknown_option(doc: str, argv: Sequence[str]) -> UsageError | None:
    """Return the error for the first long option that `doc` does not list (docopt takes ``--sav`` for ``--save``)."""
    known = re.findall(r"^ +(?:-\w\b[^-\n]*)?(--[a-zA-Z][\w-]*)", doc, re.MULTILINE)
    for argument in argv:
        if argument == "--":
            break
        name = argument.split("=", 1)[0]
        if name.startswith("--") and name not in known:
            hint = did_you_mean(name, known) or f"neurodamus-like {argv[0]} --help"
            return UsageError(f"unknown option {name}", expected=_usage(doc), hint=hint)
    return None


def _usage(doc: str) -> str:
    block = re.search(r"^usage:[^\n]*\n(?:[ \t]+[^\n]*\n)*", doc + "\n", re.IGNORECASE | re.MULTILINE)
    lines = block.group(0).splitlines()[1:] if block else []
    return "; or ".join(" ".join(line.split()) for line in lines if "--help" not in line)
