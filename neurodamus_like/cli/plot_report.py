"""Draw a report: some traces above each other, or all columns as an image.

Usage:
  neurodamus-like plot report FILE [options]
  neurodamus-like plot report (-h | --help)

FILE is a SONATA report; one that is still being written (.NAME.h5.part) will do. Traces are labelled
"node id / element id".

Options:
  -o PNG --output=PNG  The image; FILE with the ending .png if not given.
  --population=NAME    Which population; the first by default.
  --nodes=IDS          Only these nodes, such as 1,4,7-9.
  --traces=N           At most so many traces [default: 8].
  --image              All columns as an image, values as colours.
  --start=MS           Begin of what is shown.
  --end=MS             End of what is shown.
  -h --help            Show this text.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.cli.figures import (
    choose_population,
    count_option,
    draw,
    frames_between,
    ids_option,
    number_option,
)
from neurodamus_like.io.reports import read_report
from neurodamus_like.plotting.report import plot_report, plot_report_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``plot report``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["plot", "report", *argv])
    file = Path(arguments["FILE"])
    start, end = (number_option(o, arguments[o]) for o in ("--start", "--end"))
    nodes, count = (
        ids_option("--nodes", arguments["--nodes"]),
        count_option("--traces", arguments["--traces"]),
    )
    name, report = choose_population(read_report(file), arguments["--population"], file)
    frames = frames_between(report.times_ms, start, end)
    time = (float(report.times_ms[frames.start]), report.time[1], report.time[2])
    report = replace(report, values=report.values[frames], time=time)

    def paint(figure: Figure) -> None:
        ax = figure.add_subplot()
        if arguments["--image"]:
            plot_report_image(report, ax)
        else:
            plot_report(report, ax, node_ids=nodes, max_traces=count)
        ax.set_title(f"{file.name}  {name}", loc="left")

    print(draw(paint, arguments["--output"], file))
    return 0
