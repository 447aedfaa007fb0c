"""Draw what each input block of a configuration does to one cell, without simulating.

Usage:
  neurodamus-like plot inputs CONFIG [options]
  neurodamus-like plot inputs (-h | --help)

The signals are those of the run, random ones included: the same numbers are injected.

Options:
  --node=NODE          The cell, as ID or POPULATION:ID; each block's first cell if not given.
  --input=NAME         Only this block.
  --end=MS             End of what is shown; the end of the run if not given.
  -o PNG --output=PNG  The image; CONFIG with the ending .inputs.png if not given.
  -h --help            Show this text.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.cli.figures import draw, number_option
from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.plotting.signals import plot_signals
from neurodamus_like.simulation.input_preview import InputPreview, preview_inputs
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.checks import check_inputs, find_unknown_keys
from neurodamus_like.validation.config_checks import check_before_run
from neurodamus_like.validation.problems import Problem, raise_if_errors

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``plot inputs``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["plot", "inputs", *argv])
    config = Path(arguments["CONFIG"])
    simulation = check_before_run(
        config,
        ignore_reports=True,
        extra_modules=stimulus_types,
        further=lambda read: find_unknown_keys(read.inputs, read),
    )
    raise_if_errors([Problem.from_error(error) for error in check_inputs(simulation.inputs, simulation)])
    end_ms = number_option("--end", arguments["--end"], simulation.run.tstop_ms) or simulation.run.tstop_ms
    simulation = replace(simulation, run=replace(simulation.run, tstop_ms=end_ms))
    previews = _chosen(
        preview_inputs(simulation, _node(arguments["--node"])), arguments["--input"], simulation
    )

    def paint(figure: Figure) -> None:
        plot_signals([_panel(preview) for preview in previews], figure, end_ms=end_ms)

    output = arguments["--output"] or str(config.with_suffix(".inputs.png"))
    print(draw(paint, output, config, height=max(3.0, 1.8 * len(previews))))
    return 0


def _node(text: str | None) -> tuple[str | None, int] | None:
    if text is None:
        return None
    population, _, number = text.rpartition(":")
    if not number.isdecimal():
        raise ConfigurationError(f"--node={text} is not valid", expected="a node id, or population:id")
    return population or None, int(number)


def _chosen(previews: list[InputPreview], name: str | None, simulation: Simulation) -> list[InputPreview]:
    found = [preview for preview in previews if name in (None, preview.name)]
    if not found:
        names = [preview.name for preview in previews]
        raise ConfigurationError(
            f"there is no input {name!r}" if names else "there are no inputs",
            file=simulation.path,
            pointer="/inputs",
            hint=did_you_mean(name or "", names) or None,
        )
    return found


def _panel(preview: InputPreview) -> tuple[str, str, np.ndarray, np.ndarray]:
    cell = "" if preview.node_id is None else f", cell {preview.population}:{preview.node_id}"
    title = f"{preview.name} ({preview.module}{cell})"
    if preview.signal is None:
        return title, "", np.empty(0), np.empty(0)
    return title, preview.unit, preview.signal.time_ms, preview.signal.value
