"""Predicted efficiency against the number of ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from neurodamus_like.plotting.backend import CYCLE, MUTED, ensure_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_balance(
    ranks: ArrayLike,
    efficiencies: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    bound: ArrayLike | None = None,
) -> Axes:
    """Draw a curve for each mode.

    Parameters
    ----------
    ranks
        Numbers of ranks, shape (n,).
    efficiencies
        Mode -> average over maximum load, shape (n,).
    ax
        Where to draw; a new figure if not given.
    bound
        What no sharing of whole cells can exceed, shape (n,): a dashed line.

    Returns
    -------
    Axes
        With one line per mode, and that of the bound as the last.
    """
    ax = ensure_axes(ax)
    for (mode, values), color in zip(efficiencies.items(), CYCLE[1:], strict=False):
        ax.plot(ranks, values, "o-", color=color, ms=4, lw=1.4, label=mode)
    if bound is not None:
        ax.plot(ranks, bound, "--", color=MUTED, lw=1, label="limit of whole cells")
    ax.set_xscale("log", base=2)
    ax.set_ylim(0, 1.05)
    ax.set_xlabel("ranks")
    ax.set_ylabel("average / maximum load")
    ax.legend(loc="lower left")
    return ax
