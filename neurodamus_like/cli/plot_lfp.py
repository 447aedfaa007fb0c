"""Draw the extracellular potentials of an lfp report, summed over cells.

Usage:
  neurodamus-like plot lfp FILE [options]
  neurodamus-like plot lfp (-h | --help)

Options:
  -o PNG --output=PNG  The image; FILE with the ending .png if not given.
  --population=NAME    Only this population; by default all are summed.
  --nodes=IDS          Only these nodes, such as 1,4,7-9.
  --spectrum           Add the power spectrum.
  --start=MS           Begin of what is shown.
  --end=MS             End of what is shown.
  -h --help            Show this text.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurodamus_like.analysis.lfp import Potentials, compute_potentials
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.cli.figures import choose_population, draw, frames_between, ids_option, number_option
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.reports import ReportData, read_report
from neurodamus_like.plotting.lfp import plot_lfp, plot_power_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``plot lfp``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["plot", "lfp", *argv])
    file = Path(arguments["FILE"])
    start, end = (number_option(o, arguments[o]) for o in ("--start", "--end"))
    reports = read_report(file)
    if arguments["--population"] is not None:
        reports = dict([choose_population(reports, arguments["--population"], file)])
    potentials = sum_populations(reports, ids_option("--nodes", arguments["--nodes"]), file)
    frames = frames_between(potentials.times_ms, start, end)
    potentials = Potentials(potentials.times_ms[frames], potentials.values_mV[frames])

    def paint(figure: Figure) -> None:
        panels = figure.subplots(2 if arguments["--spectrum"] else 1, 1, squeeze=False)[:, 0]
        plot_lfp(potentials, panels[0])
        if arguments["--spectrum"]:
            plot_power_spectrum(potentials, panels[1])
        panels[0].set_title(file.name, loc="left")
        panels[0].set_ylabel("contact")

    print(draw(paint, arguments["--output"], file, height=8.0))
    return 0


def sum_populations(reports: dict[str, ReportData], nodes: list[int] | None, file: Path) -> Potentials:
    """Return the potentials of all populations together.

    Raises
    ------
    ConfigurationError
        The file has no population, or they differ in their contacts.
    """
    parts = [compute_potentials(report, nodes) for report in reports.values()]
    if not parts or len({part.values_mV.shape for part in parts}) != 1:
        raise ConfigurationError(
            "the potentials cannot be summed",
            file=file,
            expected="an lfp report, the same contacts everywhere",
        )
    total = sum(part.values_mV for part in parts[1:])
    return Potentials(parts[0].times_ms, parts[0].values_mV + total)
