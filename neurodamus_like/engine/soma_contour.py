"""From a soma drawn as a contour to a stack of discs along its main axis.

The rule is that of NEURON's Import3d (``contour2centroid``), written for arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.exceptions import MorphologyError

Floats = NDArray[np.float64]

N_CIRCLE = 20
N_CONTOUR = 101
N_DISCS = 21


def circle_contour(center: Floats, radius_um: float) -> Floats:
    """Return a circle in the plane z = const. as a closed contour, shape (20, 3)."""
    phase = np.linspace(0.0, 2.0 * np.pi, N_CIRCLE)
    flat = np.stack([np.cos(phase), np.sin(phase), np.zeros(N_CIRCLE)], axis=1)
    return np.asarray(center + radius_um * flat, dtype=np.float64)


def contour_to_discs(contour: Floats) -> tuple[Floats, Floats]:
    """Return centres, shape (21, 3), and diameters, shape (21,), of discs that fill a contour, shape (n, 3).

    Raises
    ------
    MorphologyError
        The contour has no extent across its main axis.
    """
    points = resample(contour)
    center = points.mean(axis=0)
    major, minor = _axes(points - center)
    along, across = (points - center) @ major, (points - center) @ minor
    first = int(np.argmax(along))
    along, across = np.roll(along, -first), np.roll(across, -first)
    last = int(np.argmin(along))
    one = _increasing(along[:last][::-1], across[:last][::-1])
    other = _increasing(along[last:], across[last:])
    inner = np.sort(np.concatenate([one[0], other[0]]))
    position = inner[1] + np.arange(N_DISCS) * ((inner[-2] - inner[1]) / (N_DISCS - 1))
    diameters = np.abs(np.interp(position, *one) - np.interp(position, *other))
    diameters[0] = (diameters[0] + diameters[1]) / 2
    diameters[-1] = (diameters[-1] + diameters[-2]) / 2
    return center + position[:, None] * major, diameters


def resample(contour: Floats) -> Floats:
    """Return 101 points at equal distances (in the xy plane) along a contour, shape (101, 3)."""
    steps = np.linalg.norm(np.diff(contour[:, :2], axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.arange(N_CONTOUR) * (arc[-1] / (N_CONTOUR - 1))
    return np.stack([np.interp(wanted, arc, contour[:, k]) for k in range(3)], axis=1)


def _axes(centered: Floats) -> tuple[Floats, Floats]:
    """Return the main axis and, in the xy plane, the second one."""
    _, vectors = np.linalg.eigh(centered.T @ centered)
    major, minor = vectors[:, 2].copy(), vectors[:, 1].copy()
    if major[np.argmax(np.abs(major))] < 0:
        major = -major
    minor[2] = 0.0
    length = float(np.linalg.norm(minor))
    if length < 1e-6:
        raise MorphologyError("the contour of the soma has no extent across its main axis")
    return major, minor / length


def _increasing(along: Floats, across: Floats) -> tuple[Floats, Floats]:
    """Drop the points of one side that go back, from the end, so that `along` increases."""
    kept = list(range(along.size))
    j = len(kept) - 1
    while j > 0:
        if along[kept[j]] <= along[kept[j - 1]]:
            del kept[j]
            if j != len(kept):
                continue
        j -= 1
    return along[kept], across[kept]
