"""Positions of nodes, as projections onto two axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.plotting.backend import CYCLE, ensure_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_positions(
    positions: npt.NDArray[np.float64],
    labels: Sequence[Any] | None = None,
    ax: Axes | None = None,
    *,
    axes: str = "xy",
    max_points: int = 50_000,
) -> Axes:
    """Draw where nodes are, one colour for each group.

    Parameters
    ----------
    positions
        float64[n, 3], µm.
    labels
        Group of each node.
    ax
        Where to draw; a new figure if not given.
    axes
        Which two coordinates.
    max_points
        Larger groups are thinned evenly, for the sake of the picture.

    Returns
    -------
    Axes
        With one collection of points for each group.
    """
    ax = ensure_axes(ax)
    names = np.asarray(
        ["nodes"] * len(positions) if labels is None else [str(v) for v in labels], dtype=object
    )
    first, second = ("xyz".index(axis) for axis in axes)
    for number, name in enumerate(np.unique(names).tolist()):
        mine = np.flatnonzero(names == name)
        shown = mine[:: max(1, -(-mine.size // max_points))]
        size = float(np.clip(3000.0 / max(mine.size, 1), 1.0, 20.0))
        points = positions[shown]
        color = CYCLE[number % len(CYCLE)]
        ax.scatter(
            points[:, first],
            points[:, second],
            s=size,
            color=color,
            label=f"{name} ({mine.size})",
            linewidths=0,
        )
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xlabel(f"{axes[0]} (µm)")
    ax.set_ylabel(f"{axes[1]} (µm)")
    if len(names):
        ax.legend(fontsize="small", loc="best", markerscale=2.0)
    return ax
