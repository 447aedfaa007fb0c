"""Draw spikes: a raster of all cells and the rate of each population.

Usage:
  neurodamus-like plot raster FILE [options]
  neurodamus-like plot raster (-h | --help)

FILE is a SONATA spike file, of which the cells that fired are shown, or a simulation_config.json, of which all
simulated cells are shown.

Options:
  -o PNG --output=PNG  The image; FILE with the ending .png if not given.
  --start=MS           Begin of what is shown.
  --end=MS             End of what is shown.
  --bin=MS             Width of the bins of the rates [default: 5].
  -h --help            Show this text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurodamus_like.analysis.results import PopulationSpikes, load_results, spikes_of_file
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.cli.figures import draw, number_option
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.plotting.raster import choose_colors, plot_raster, plot_rates

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``plot raster``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["plot", "raster", *argv])
    file = Path(arguments["FILE"])
    populations = load_results(file).populations if file.suffix == ".json" else spikes_of_file(file)
    last = max((float(p.times_ms.max(initial=0.0)) for p in populations), default=0.0)
    start = number_option("--start", arguments["--start"], 0.0) or 0.0
    end = number_option("--end", arguments["--end"], max(last, start + 1.0)) or 0.0
    bin_ms = number_option("--bin", arguments["--bin"]) or 0.0
    if bin_ms <= 0 or end <= start:
        raise ConfigurationError("nothing to draw", expected="--start before --end, and --bin greater than 0")

    def paint(figure: Figure) -> None:
        _paint(figure, populations, start, end, bin_ms)

    print(draw(paint, arguments["--output"], file))
    return 0


def _paint(
    figure: Figure, populations: Sequence[PopulationSpikes], start: float, end: float, bin_ms: float
) -> None:
    colors = choose_colors(populations)
    panels = figure.subplots(2, 1, sharex=True, height_ratios=[3.0, 1.0])
    plot_raster(populations, panels[0], colors=colors)
    plot_rates(populations, end, panels[1], start_ms=start, bin_ms=bin_ms, colors=colors)
    panels[0].set_xlabel("")
    panels[0].set_xlim(start, end)
