"""Numbers about spikes: rates, irregularity, synchrony. Pure functions of arrays.

Spikes are given as two arrays of equal length: times in ms, and node ids inside the population. A window is
``[start_ms, stop_ms)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def _select(
    times_ms: ArrayLike, node_ids: ArrayLike, start_ms: float, stop_ms: float
) -> tuple[FloatArray, IntArray]:
    times = np.asarray(times_ms, dtype=np.float64)
    ids = np.asarray(node_ids, dtype=np.int64)
    inside = (times >= start_ms) & (times < stop_ms)
    return times[inside], ids[inside]


def compute_rates(
    times_ms: ArrayLike, node_ids: ArrayLike, size: int, start_ms: float, stop_ms: float
) -> FloatArray:
    """Return the firing rate of each cell in Hz, shape (size,).

    Parameters
    ----------
    times_ms, node_ids
        Spikes, shape (n_spikes,).
    size
        Number of cells of the population; node ids are below it.
    start_ms, stop_ms
        Window in which spikes count.
    """
    _, ids = _select(times_ms, node_ids, start_ms, stop_ms)
    if stop_ms <= start_ms:
        return np.zeros(size)
    counts = np.bincount(ids, minlength=size).astype(np.float64)
    return counts * (1000.0 / (stop_ms - start_ms))


def compute_mean_rate(times_ms: ArrayLike, size: int, start_ms: float, stop_ms: float) -> float:
    """Return the mean rate over all cells in Hz; 0 for an empty population or window."""
    times = np.asarray(times_ms, dtype=np.float64)
    if size == 0 or stop_ms <= start_ms:
        return 0.0
    inside = np.count_nonzero((times >= start_ms) & (times < stop_ms))
    return float(inside * 1000.0 / (size * (stop_ms - start_ms)))


def compute_population_rate(
    times_ms: ArrayLike, size: int, start_ms: float, stop_ms: float, bin_ms: float = 5.0
) -> tuple[FloatArray, FloatArray]:
    """Return the mean rate per cell over time.

    Returns
    -------
    centers_ms, rate_Hz
        Shape (n_bins,): middle of each bin and rate in it. Bins have equal widths, `bin_ms` or a little less,
        so that they fill the window.
    """
    n_bins = max(1, int(np.ceil((stop_ms - start_ms) / bin_ms - 1e-9)))
    edges = np.linspace(start_ms, stop_ms, n_bins + 1)
    counts, _ = np.histogram(np.asarray(times_ms, dtype=np.float64), bins=edges)
    widths = np.diff(edges)
    rate = np.divide(counts * 1000.0, size * widths, out=np.zeros(n_bins), where=size * widths > 0)
    return 0.5 * (edges[:-1] + edges[1:]), rate


def compute_isi_cv(times_ms: ArrayLike, node_ids: ArrayLike, size: int, min_spikes: int = 3) -> FloatArray:
    """Return the coefficient of variation of the interspike intervals of each cell, shape (size,).

    0 is a clock and 1 a Poisson process; cells with fewer than `min_spikes` spikes have NaN.
    """
    times = np.asarray(times_ms, dtype=np.float64)
    ids = np.asarray(node_ids, dtype=np.int64)
    order = np.lexsort((times, ids))
    times, ids = times[order], ids[order]
    same_cell = ids[1:] == ids[:-1]
    intervals, owners = np.diff(times)[same_cell], ids[1:][same_cell]
    counts = np.bincount(owners, minlength=size)
    safe = np.maximum(counts, 1)
    mean = np.bincount(owners, weights=intervals, minlength=size) / safe
    variance = np.bincount(owners, weights=(intervals - mean[owners]) ** 2, minlength=size) / safe
    enough = (counts >= max(1, min_spikes - 1)) & (mean > 0)
    return np.where(enough, np.sqrt(variance) / np.where(enough, mean, 1.0), np.nan)


def compute_synchrony(
    times_ms: ArrayLike,
    node_ids: ArrayLike,
    size: int,
    start_ms: float,
    stop_ms: float,
    bin_ms: float = 5.0,
) -> float:
    """Return how much the cells fire together, from about 1/sqrt(size) (independent) to 1 (in lockstep).

    It is the measure chi of Golomb & Rinzel (1994), taken on binned spike counts: the standard deviation over
    time of the population mean, over the root mean square of the cells' own standard deviations. NaN without
    spikes.
    """
    times, ids = _select(times_ms, node_ids, start_ms, stop_ms)
    n_bins = max(1, int(np.ceil((stop_ms - start_ms) / bin_ms - 1e-9)))
    bins = np.minimum(((times - start_ms) / bin_ms).astype(np.int64), n_bins - 1)
    counts = np.bincount(ids * n_bins + bins, minlength=size * n_bins).reshape(size, n_bins)
    own_variance = counts.var(axis=1).mean() if size else 0.0
    if own_variance == 0.0:
        return float("nan")
    return float(np.sqrt(counts.mean(axis=0).var() / own_variance))
