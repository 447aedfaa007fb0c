"""One page that tells how a run went: raster, rates and a few traces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from neurodamus_like.analysis.results import PopulationSpikes, RunResults, Traces
from neurodamus_like.analysis.spikes import compute_mean_rate
from neurodamus_like.plotting.backend import MUTED, STYLE, create_figure, require_matplotlib
from neurodamus_like.plotting.raster import choose_colors, plot_raster, plot_rates
from neurodamus_like.plotting.traces import plot_traces

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_TRACES = 6


def plot_summary(
    results: RunResults, *, title: str = "", max_traces: int = MAX_TRACES, bin_ms: float = 10.0
) -> Figure:
    """Return a figure of a run: raster of all populations, their rates, and traces of the first soma report.

    Parameters
    ----------
    results
        From :func:`neurodamus_like.analysis.results.load_results`.
    title
        Head line; the name of the configuration's folder if empty.
    max_traces
        Cells to show, shared among the populations; without a soma report there is no such panel.
    bin_ms
        Of the rates.
    """
    matplotlib = require_matplotlib()
    stop_ms = results.simulation.run.tstop_ms
    colors = choose_colors(results.populations)
    traces = results.pick_traces(max_traces)
    with matplotlib.rc_context(STYLE):
        figure = create_figure(10.0, 9.6 if traces else 6.4)
        heights = [4.4, 1.8, 4.0] if traces else [5.0, 2.0]
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        plot_raster(results.populations, panels[0], colors=colors)
        plot_rates(results.populations, stop_ms, panels[1], bin_ms=bin_ms, colors=colors)
        if traces:
            _plot_cells(traces, panels[2], colors)
        for panel in panels[:-1]:
            panel.set_xlabel("")
        panels[-1].set_xlim(0.0, stop_ms)
        _annotate_rates(panels[1], results.populations, stop_ms, colors)
        panels[0].set_title(_headline(results, title), loc="left", fontsize="large", pad=10)
    return figure


def _plot_cells(traces: Traces, ax: Axes, colors: Mapping[str, str]) -> None:
    plot_traces(
        traces.times_ms,
        traces.values,
        ax,
        labels=[f"{population} {node_id}" for population, node_id in traces.cells],
        colors=[colors[population] for population, _ in traces.cells],
        units=traces.units,
    )


def _headline(results: RunResults, title: str) -> str:
    name = title or results.simulation.path.resolve().parent.name
    real = [p for p in results.populations if not p.is_virtual]
    cells, spikes = sum(p.size for p in real), sum(len(p.times_ms) for p in real)
    return f"{name}:  {cells} cells,  {results.n_edges:,} synapses,  {spikes:,} spikes"


def _annotate_rates(
    ax: Axes, populations: tuple[PopulationSpikes, ...], stop_ms: float, colors: Mapping[str, str]
) -> None:
    """Write the mean rate of each population in its colour, above the panel's right end."""
    for number, population in enumerate(populations):
        rate = compute_mean_rate(population.times_ms, population.size, 0.0, stop_ms)
        ax.annotate(
            f"{population.name}  {rate:.1f} Hz",
            xy=(1.0, 1.0),
            xycoords="axes fraction",
            xytext=(-110.0 * (len(populations) - 1 - number), 2.0),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=colors.get(population.name, MUTED),
        )


def save_summary(results: RunResults, path: str | Path, *, title: str = "", dpi: int = 150) -> Path:
    """Draw the summary of a run into an image file and return its path."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    plot_summary(results, title=title).savefig(target, dpi=dpi)
    return target
