"""The one place that imports matplotlib, and the colours that all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurodamus_like.exceptions import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#24292f"
MUTED = "#6e7781"
VIRTUAL = "#9aa5b1"
CYCLE = ("#c8443c", "#2767b0", "#2f8f5b", "#b7791f", "#7a4fb5", "#1b8a9e")

STYLE = {
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "text.color": INK,
}


def require_matplotlib() -> Any:
    """Return the matplotlib package.

    Raises
    ------
    MissingDependencyError
        It is not installed; the message names the extra to install.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError(
            "drawing needs matplotlib, which is not installed",
            hint="pip install 'neurodamus-like[plot]'",
        ) from error
    return matplotlib


def create_figure(width: float, height: float) -> Figure:
    """Return an empty figure that belongs to no window, `width` x `height` inches."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def ensure_axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the axes of a new figure."""
    return ax if ax is not None else create_figure(7.0, 4.0).add_subplot()
