"""Reports: traces of some columns, or all columns as an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurodamus_like.io.reports import ReportData
from neurodamus_like.plotting.backend import ensure_axes
from neurodamus_like.plotting.traces import plot_traces

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pick_columns(report: ReportData, node_ids: Sequence[int] | None = None, count: int = 8) -> list[int]:
    """Return up to `count` columns: the first of each node, then evenly from what is left of few nodes.

    Parameters
    ----------
    report
        The report.
    node_ids
        Nodes to show; None: all.
    count
        Largest number of columns.
    """
    owners = report.column_node_ids
    allowed = np.arange(len(owners))
    if node_ids is not None:
        allowed = allowed[np.isin(owners, np.asarray(node_ids, dtype=np.int64))]
    _, firsts = np.unique(owners[allowed], return_index=True)
    candidates = allowed[firsts] if len(firsts) >= min(count, len(allowed)) else allowed
    chosen = np.unique(np.linspace(0, len(candidates) - 1, min(count, len(candidates))).astype(int))
    return [int(candidates[i]) for i in chosen] if len(candidates) else []


def plot_report(
    report: ReportData,
    ax: Axes | None = None,
    *,
    node_ids: Sequence[int] | None = None,
    max_traces: int = 8,
) -> Axes:
    """Draw some columns of a report above each other.

    Parameters
    ----------
    report
        The report.
    ax
        Where to draw; a new figure if not given.
    node_ids
        Nodes to show; None: as many as there is room for.
    max_traces
        Largest number of traces.

    Returns
    -------
    Axes
        With one line per column and a scale bar.
    """
    columns = pick_columns(report, node_ids, max_traces)
    labels = [f"{report.column_node_ids[c]} / {report.element_ids[c]}" for c in columns]
    return plot_traces(
        report.times_ms, report.values[:, columns], ax, labels=labels, units=report.units or "(no unit)"
    )


def plot_report_image(report: ReportData, ax: Axes | None = None) -> Axes:
    """Draw all columns of a report as an image: time to the right, columns down, values as colours.

    Returns
    -------
    Axes
        With one image and its colour bar.
    """
    ax = ensure_axes(ax)
    end_ms = report.time[0] + report.time[2] * len(report.values)
    image = ax.imshow(
        report.values.T,
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
        extent=(report.time[0], end_ms, report.values.shape[1], 0),
    )
    ax.figure.colorbar(image, ax=ax, label=report.units or None, pad=0.02)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("column")
    return ax
