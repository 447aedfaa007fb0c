"""Signals of stimuli: one panel each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neurodamus_like.plotting.backend import CYCLE, MUTED, ensure_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_signal(
    times_ms: ArrayLike,
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    title: str = "",
    unit: str = "",
    color: str = CYCLE[1],
) -> Axes:
    """Draw the points of a signal, joined by lines.

    Parameters
    ----------
    times_ms, values
        Shape (n,). Two points at one time make a step.
    ax
        Where to draw; a new figure if not given.
    title
        Written above.
    unit
        Of the values.
    color
        Of the line.

    Returns
    -------
    Axes
        With one line, or with a note when there are no points.
    """
    ax = ensure_axes(ax)
    times = np.asarray(times_ms, dtype=np.float64)
    if times.size:
        ax.plot(times, np.asarray(values, dtype=np.float64), color=color, linewidth=0.8)
        ax.margins(x=0.0)
    else:
        ax.text(0.5, 0.5, "does nothing here", transform=ax.transAxes, ha="center", va="center", color=MUTED)
        ax.set_yticks([])
    ax.set_title(title, loc="left", fontsize="medium")
    ax.set_ylabel(unit)
    return ax


def plot_signals(
    signals: Sequence[tuple[str, str, ArrayLike, ArrayLike]], figure: Figure, *, end_ms: float
) -> Sequence[Axes]:
    """Draw signals below each other, on one time axis.

    Parameters
    ----------
    signals
        (title, unit, times in ms, values) of each.
    figure
        Where to draw.
    end_ms
        Right end of the time axis.

    Returns
    -------
    sequence of Axes
        One for each signal.
    """
    panels = np.atleast_1d(figure.subplots(len(signals), 1, sharex=True))
    for number, (panel, (title, unit, times, values)) in enumerate(zip(panels, signals, strict=True)):
        plot_signal(times, values, panel, title=title, unit=unit, color=CYCLE[number % len(CYCLE)])
    panels[-1].set_xlim(0.0, end_ms)
    panels[-1].set_xlabel("time (ms)")
    return list(panels)
