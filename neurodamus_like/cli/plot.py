"""Draw results into PNG files, from the files alone.

Usage:
  neurodamus-like plot WHAT [ARGUMENTS...]
  neurodamus-like plot (-h | --help)

`neurodamus-like plot WHAT --help` shows the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from neurodamus_like.cli.commands import UsageError
from neurodamus_like.exceptions import did_you_mean

FIGURES = {
    "inputs": (
        "neurodamus_like.cli.plot_inputs",
        "what each input block does to one cell, without simulating",
    ),
    "report": ("neurodamus_like.cli.plot_report", "traces of a report, or all its columns as an image"),
    "raster": ("neurodamus_like.cli.plot_raster", "spikes and rates"),
    "lfp": ("neurodamus_like.cli.plot_lfp", "extracellular potentials of an lfp report"),
}
"""What can be drawn: module and one line for the list; a module has a docopt text and ``run(argv)``."""


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``plot``; return the exit code."""
    return int(_load(argv).run(argv[1:]))


def help_text(argv: Sequence[str]) -> str:
    """Return the help of a figure, or the list of figures."""
    if argv and not argv[0].startswith("-"):
        return (_load(argv).__doc__ or "").strip()
    width = max(map(len, FIGURES))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in FIGURES.items()]
    return "\n".join([(__doc__ or "").strip(), "", "What can be drawn:", *lines])


def _load(argv: Sequence[str]) -> Any:
    name = argv[0] if argv else ""
    if name not in FIGURES:
        raise UsageError(
            f"plot: unknown figure {name!r}" if name else "plot: what?",
            expected="one of " + ", ".join(FIGURES),
            hint=did_you_mean(name, FIGURES) or "neurodamus-like plot --help",
        )
    return import_module(FIGURES[name][0])
