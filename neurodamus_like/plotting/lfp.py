"""Extracellular potentials at the contacts of an electrode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurodamus_like.analysis.lfp import Potentials, compute_power_spectrum
from neurodamus_like.plotting.backend import CYCLE, ensure_axes
from neurodamus_like.plotting.traces import plot_traces

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_lfp(potentials: Potentials, ax: Axes | None = None, *, color: str = CYCLE[1]) -> Axes:
    """Draw the potential at each contact, the first on top, in microvolts, all with one scale.

    Parameters
    ----------
    potentials
        What to draw.
    ax
        Where to draw; a new figure if not given.
    color
        Of the lines.

    Returns
    -------
    Axes
        With one line per contact and a scale bar.
    """
    microvolts = 1e3 * potentials.values_mV
    extent = float(np.ptp(microvolts, axis=0).max(initial=0.0))
    return plot_traces(
        potentials.times_ms,
        microvolts,
        ax,
        labels=[str(contact) for contact in range(potentials.n_contacts)],
        colors=[color],
        spacing=1.1 * extent if extent > 0 else 1.0,
        units="µV",
    )


def plot_power_spectrum(potentials: Potentials, ax: Axes | None = None) -> Axes:
    """Draw the mean power spectral density of all contacts on logarithmic axes.

    Returns
    -------
    Axes
        With one line.
    """
    ax = ensure_axes(ax)
    frequencies, density = compute_power_spectrum(potentials)
    ax.loglog(frequencies[1:], 1e6 * density[1:].mean(axis=1), color=CYCLE[1], linewidth=0.9)
    ax.set_xlabel("frequency (Hz)")
    ax.set_ylabel("power (µV²/Hz)")
    return ax
