"""The nearest of other points on the same section, for many points at once."""

from __future__ import annotations

import numpy as np

from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn


def closest(
    place: IntColumn, x: FloatColumn, other_place: IntColumn, other_x: FloatColumn
) -> tuple[IntColumn, FloatColumn]:
    """Find for each point the nearest of other points on the same section.

    Parameters
    ----------
    place, x
        Section (a number) and position of each point, shape (n,).
    other_place, other_x
        The same of the other points, shape (m,).

    Returns
    -------
    tuple
        Row of the nearest point (the first of several), and its distance; infinite where the section has none.
    """
    order = np.lexsort((other_x, other_place))
    code = np.unique(np.concatenate([other_place, place]), return_inverse=True)[1]
    # on one axis, sections lie two apart: points of the same section are always nearer
    axis, other_axis = 2.0 * code[other_place.size :] + x, (2.0 * code[: other_place.size] + other_x)[order]
    found = np.zeros(place.size, dtype=np.int64)
    distance = np.full(place.size, np.inf)
    if not order.size:
        return found, distance
    after = np.searchsorted(other_axis, axis)
    for candidate in (np.maximum(after - 1, 0), np.minimum(after, order.size - 1)):
        rows = order[np.searchsorted(other_axis, other_axis[candidate])]  # the first of those at one position
        same = other_place[rows] == place
        gap = np.where(same, np.abs(other_x[rows] - x), np.inf)
        nearer = (gap < distance) | ((gap == distance) & (rows < found))
        found[nearer], distance[nearer] = rows[nearer], gap[nearer]
    return found, distance
