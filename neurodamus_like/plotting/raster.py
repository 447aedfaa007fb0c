"""Spike rasters and rates over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurodamus_like.analysis.results import PopulationSpikes
from neurodamus_like.analysis.spikes import compute_population_rate
from neurodamus_like.plotting.backend import CYCLE, VIRTUAL, ensure_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def choose_colors(populations: Sequence[PopulationSpikes]) -> dict[str, str]:
    """Return a colour for each population: the shared cycle, and grey for virtual ones."""
    real = [p.name for p in populations if not p.is_virtual]
    colors = {name: CYCLE[i % len(CYCLE)] for i, name in enumerate(real)}
    return colors | {p.name: VIRTUAL for p in populations if p.is_virtual}


def plot_raster(
    populations: Sequence[PopulationSpikes],
    ax: Axes | None = None,
    *,
    colors: Mapping[str, str] | None = None,
) -> Axes:
    """Draw a tick for each spike, one row per cell, populations stacked from the top.

    Parameters
    ----------
    populations
        What to draw; one row per simulated cell, by node id. Rows of virtual populations are squeezed, so
        that these take no more than a third of the height of the others.
    ax
        Where to draw; a new figure if not given.
    colors
        Colour by population name; chosen if not given.

    Returns
    -------
    Axes
        With one collection of ticks per population, in the order given.
    """
    ax = ensure_axes(ax)
    colors = colors or choose_colors(populations)
    top, middles = 0.0, []
    for population, height in zip(populations, _row_heights(populations), strict=True):
        rows = top + height * (population.rows + 0.5)
        length, width = (2.5, 0.8) if population.is_virtual else (5.0, 1.3)
        color = colors[population.name]
        ax.scatter(
            population.times_ms,
            rows,
            s=length**2,
            linewidths=width,
            marker="|",
            color=color,
            label=population.name,
        )
        if top:
            ax.axhline(top, color="0.85", linewidth=0.8, zorder=0)
        middles.append(top + 0.5 * height * population.size)
        top += height * population.size
    ax.set_yticks(middles, [f"{p.name}\n{p.size}" for p in populations])
    for label, population in zip(ax.get_yticklabels(), populations, strict=True):
        label.set_color(colors[population.name])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(top, 1.0), 0.0)
    ax.set_xlabel("time (ms)")
    return ax


def _row_heights(populations: Sequence[PopulationSpikes]) -> list[float]:
    real = sum(p.size for p in populations if not p.is_virtual)
    virtual = sum(p.size for p in populations if p.is_virtual)
    squeezed = min(1.0, real / (3.0 * virtual)) if real and virtual else 1.0
    return [squeezed if p.is_virtual else 1.0 for p in populations]


def plot_rates(
    populations: Sequence[PopulationSpikes],
    stop_ms: float,
    ax: Axes | None = None,
    *,
    start_ms: float = 0.0,
    bin_ms: float = 5.0,
    colors: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the mean rate per cell of each population over time, in bins of `bin_ms`.

    Returns
    -------
    Axes
        With one stepped line per population, in the order given.
    """
    ax = ensure_axes(ax)
    colors = colors or choose_colors(populations)
    for population in populations:
        centers, rate = compute_population_rate(
            population.times_ms, population.size, start_ms, stop_ms, bin_ms
        )
        color = colors[population.name]
        edges = np.linspace(start_ms, stop_ms, len(centers) + 1)
        steps = np.append(rate, rate[-1])
        ax.step(edges, steps, where="post", color=color, linewidth=0.9, label=population.name)
        if not population.is_virtual:
            ax.fill_between(edges, steps, step="post", color=color, alpha=0.12, linewidth=0)
    ax.set_ylim(0.0, max(1.0, ax.get_ylim()[1]))
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("rate (Hz per cell)")
    return ax
