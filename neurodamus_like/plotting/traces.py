"""Traces of a report, stacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neurodamus_like.plotting.backend import CYCLE, MUTED, ensure_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_traces(
    times_ms: ArrayLike,
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    labels: Sequence[str] = (),
    colors: Sequence[str] = CYCLE,
    spacing: float | None = None,
    units: str = "mV",
) -> Axes:
    """Draw traces above each other, the first on top, with a bar for their scale.

    Parameters
    ----------
    times_ms
        Shape (n_times,).
    values
        Shape (n_times, n_traces).
    ax
        Where to draw; a new figure if not given.
    labels
        Name of each trace, written at its left.
    colors
        Colour of each trace; repeated if there are more traces.
    spacing
        Distance between traces in `units`; by default 1.1 times the largest extent of one.
    units
        Of the values.

    Returns
    -------
    Axes
        With one line per trace, in the order given, and the scale bar as the last line.
    """
    ax = ensure_axes(ax)
    times, data = np.asarray(times_ms, dtype=np.float64), np.asarray(values, dtype=np.float64)
    extents = np.ptp(data, axis=0) if data.size else np.zeros(data.shape[1])
    step = spacing if spacing is not None else 1.1 * float(extents.max(initial=1.0))
    positions = []
    for index in range(data.shape[1]):
        shift = -index * step - (float(data[:, index].min()) if len(data) else 0.0)
        color = colors[index % len(colors)]
        ax.plot(times, data[:, index] + shift, color=color, linewidth=0.8, label=None)
        positions.append(-index * step + 0.12 * step)
    ax.set_yticks(positions[: len(labels)], list(labels))
    for number, tick in enumerate(ax.get_yticklabels()):
        tick.set_color(colors[number % len(colors)])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    _scale_bar(ax, times, _round_down(0.6 * step), units)
    ax.set_xlabel("time (ms)")
    return ax


def _round_down(value: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above `value`."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-12)))
    return float(power * max(m for m in (1.0, 2.0, 5.0) if m * power <= value * (1 + 1e-9)))


def _scale_bar(ax: Axes, times: np.ndarray, height: float, units: str) -> None:
    if not len(times):
        return
    x = times[-1] + 0.015 * max(float(np.ptp(times)), 1.0)
    ax.plot([x, x], [0.0, height], color=MUTED, linewidth=1.6, solid_capstyle="butt", clip_on=False)
    ax.text(x, 0.5 * height, f" {height:g} {units}", va="center", ha="left", color=MUTED, fontsize="small")
