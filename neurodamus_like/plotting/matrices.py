"""Connectivity matrices as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurodamus_like.analysis.connectivity import ConnectivityMatrix
from neurodamus_like.plotting.backend import ensure_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WHAT = {
    "edges": "edges",
    "synapses": "synapses",
    "connections": "connected pairs",
    "probability": "probability of a connection",
    "convergence": "synapses per target",
    "divergence": "synapses per source",
}
_MAX_NUMBERS = 12


def plot_connectivity(matrix: ConnectivityMatrix, ax: Axes | None = None, *, what: str = "synapses") -> Axes:
    """Draw one quantity of a connectivity matrix: sources as rows, targets as columns.

    Parameters
    ----------
    matrix
        As from :func:`~neurodamus_like.analysis.connectivity.compute_connectivity`.
    ax
        Where to draw; a new figure if not given.
    what
        A key of :data:`WHAT`.

    Returns
    -------
    Axes
        With one image; cells carry their numbers if there are not too many.
    """
    ax = ensure_axes(ax)
    values = np.asarray(getattr(matrix, what), dtype=float)
    image = ax.imshow(values, cmap="Blues", vmin=0.0, aspect="auto")
    ax.set_xticks(range(len(matrix.targets)), matrix.targets, rotation=45, ha="right")
    ax.set_yticks(range(len(matrix.sources)), matrix.sources)
    ax.set_xlabel("target")
    ax.set_ylabel("source")
    ax.set_title(WHAT[what], fontsize="medium")
    if max(values.shape, default=0) <= _MAX_NUMBERS:
        dark = 0.6 * values.max(initial=0.0)
        for (row, column), value in np.ndenumerate(values):
            ax.text(
                column,
                row,
                f"{value:.3g}",
                ha="center",
                va="center",
                color="w" if value > dark else "k",
                fontsize=8,
            )
    else:
        ax.figure.colorbar(image, ax=ax)
    return ax
