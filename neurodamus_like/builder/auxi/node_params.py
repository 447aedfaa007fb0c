"""Random positions of nodes, drawn from numpy's global generator so that ``np.random.seed`` rules them.

Heights are along y. All functions return float64[N, 3] in µm.
"""

# ruff: noqa: NPY002
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ConfigurationError

FloatArray = npt.NDArray[np.float64]
_CENTER = (0.0, 50.0, 0.0)


def positions_columinar(
    N: int = 1,
    center: Sequence[float] = _CENTER,
    height: float = 100.0,
    min_radius: float = 0.0,
    max_radius: float = 1.0,
    plot: bool = False,
) -> FloatArray:
    """Return points uniformly inside a cylinder, or a hollow one, around the y axis through `center`."""
    angle = 2.0 * np.pi * np.random.random([N])
    # the area grows with the square of the radius
    radius = np.sqrt((min_radius**2 - max_radius**2) * np.random.random([N]) + max_radius**2)
    y = center[1] + height * (np.random.random([N]) - 0.5)
    return np.column_stack([center[0] + radius * np.cos(angle), y, center[2] + radius * np.sin(angle)])


positions_columnar = positions_columinar


def positions_rect_prism(
    N: int = 1,
    center: Sequence[float] = _CENTER,
    height: float = 20.0,
    x_length: float = 100.0,
    z_length: float = 100.0,
    plot: bool = False,
) -> FloatArray:
    """Return points uniformly inside a box around `center`."""
    x = center[0] + x_length * (np.random.random([N]) - 0.5)
    z = center[2] + z_length * (np.random.random([N]) - 0.5)
    y = center[1] + height * (np.random.random([N]) - 0.5)
    return np.column_stack([x, y, z])


def positions_ellipsoid(
    N: int = 1,
    center: Sequence[float] = _CENTER,
    height: float = 50.0,
    x_length: float = 100.0,
    z_length: float = 200.0,
    plot: bool = False,
) -> FloatArray:
    """Return points uniformly inside an ellipsoid with these axes around `center`."""
    middle, half = np.asarray(center), 0.5 * np.asarray([x_length, height, z_length])
    found = np.empty((0, 3))
    while len(found) < N:
        points = positions_rect_prism(3 * N, center, height, x_length, z_length)
        inside = (((points - middle) / half) ** 2).sum(axis=1) < 1.0
        found = np.concatenate([found, points[inside]])
    return found[:N]


def positions_cuboid(
    N: int = 1,
    center: Sequence[float] = (0.0, 0.0, 0.0),
    height: float = 100.0,
    xside_length: float = 100.0,
    yside_length: float = 100.0,
    min_dist: float = 20.0,
    plot: bool = False,
) -> FloatArray:
    """Return distinct points of a cubic grid of spacing `min_dist` that begins at `center`.

    Raises
    ------
    ConfigurationError
        The grid has fewer than N points.
    """
    sides = (xside_length, yside_length, height)
    axes = [np.arange(c, side + min_dist, min_dist) for c, side in zip(center, sides, strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 3)
    if len(grid) < N:
        raise ConfigurationError(
            f"{N} positions asked for, but the grid has {len(grid)}", hint="reduce min_dist"
        )
    return np.asarray(grid[np.random.choice(np.arange(len(grid)), N, replace=False)], dtype=float)


def positions_list(positions: Any = ((0, 0, 0), (0, 0, 1))) -> FloatArray:
    """Return given positions as an array."""
    return np.array(positions, dtype=float)[:, :3]


def positions_density_matrix(
    mat: Any,
    position_scale: Any = ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    plot: bool = False,
) -> FloatArray:
    """Return random points of a density (cells per mm^3) given on a grid.

    Parameters
    ----------
    mat
        float[i, j, k] density of each voxel.
    position_scale
        3 x 3 matrix from grid to physical coordinates (µm).
    origin
        Physical position (µm) of the grid's corner.
    """
    density = np.asarray(mat, dtype=float)
    scale = np.asarray(position_scale, dtype=float)
    voxel = abs(float(np.linalg.det(scale))) * 1e-9
    count = round(float(density.sum()) * voxel)
    share = density.ravel() / density.sum() if count else density.ravel()
    chosen = np.random.choice(density.size, size=count, p=share) if count else np.empty(0, dtype=int)
    inside = np.stack(np.unravel_index(chosen, density.shape), axis=-1) + np.random.random([count, 3])
    return np.asarray(inside @ scale.T + np.asarray(origin, dtype=float))


def xiter_random(N: int = 1, min_x: float = 0.0, max_x: float = 1.0) -> FloatArray:
    """Return N uniform numbers from `min_x` to `max_x`."""
    return np.random.uniform(low=min_x, high=max_x, size=(N,))
