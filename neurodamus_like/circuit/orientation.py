"""Orientation of cells: quaternions or rotation angles of the nodes file, as rotation matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import NodePopulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.nodes import read_nodes

FloatArray = npt.NDArray[np.float64]

QUATERNION = ("orientation_w", "orientation_x", "orientation_y", "orientation_z")
ANGLES = ("rotation_angle_xaxis", "rotation_angle_yaxis", "rotation_angle_zaxis")


def read_rotations(population: NodePopulation, node_ids: npt.NDArray[np.int64]) -> FloatArray | None:
    """Return the rotations from the coordinates of the morphology to those of the circuit.

    The quaternion is preferred; without it the angles (rad) are applied about the fixed axes x, then y, then z; a
    missing angle is 0.

    Parameters
    ----------
    population
        The node population.
    node_ids
        int64[n].

    Returns
    -------
    numpy.ndarray or None
        float64[n, 3, 3]; None when the nodes file says nothing about orientation.

    Raises
    ------
    CircuitError
        The quaternion is incomplete, or has no length.
    """
    columns = read_nodes(
        population.file, population.name, [], node_ids, optional=[*QUATERNION, *ANGLES]
    ).columns
    given = [name for name in QUATERNION if name in columns]
    if given:
        missing = sorted(set(QUATERNION) - set(given))
        if missing:
            raise CircuitError(
                f"the orientation lacks {', '.join(missing)}",
                file=population.file,
                population=population.name,
                expected="all of " + ", ".join(QUATERNION),
            )
        quaternions = np.stack([columns[name] for name in QUATERNION], axis=1).astype(np.float64)
        lengths = np.linalg.norm(quaternions, axis=1)
        if not (lengths > 0).all():
            raise CircuitError(
                "an orientation quaternion is 0",
                file=population.file,
                population=population.name,
                ids=np.asarray(node_ids)[~(lengths > 0)].tolist(),
            )
        return quaternion_matrices(quaternions / lengths[:, None])
    if not any(name in columns for name in ANGLES):
        return None
    zeros = np.zeros(len(node_ids))
    return euler_matrices(*(np.asarray(columns.get(name, zeros), dtype=np.float64) for name in ANGLES))


def quaternion_matrices(quaternions: FloatArray) -> FloatArray:
    """Return the rotation matrices float64[n, 3, 3] of unit quaternions float64[n, 4] (w, x, y, z)."""
    w, x, y, z = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def euler_matrices(x_rad: FloatArray, y_rad: FloatArray, z_rad: FloatArray) -> FloatArray:
    """Return the matrices of rotations about the fixed axes x, then y, then z; each argument has shape (n,)."""
    half = [angle / 2 for angle in (x_rad, y_rad, z_rad)]
    zero = np.zeros_like(half[0])
    about = []
    for axis, angle in enumerate(half):
        parts = [np.cos(angle), zero, zero, zero]
        parts[1 + axis] = np.sin(angle)
        about.append(quaternion_matrices(np.stack(parts, axis=1)))
    rotations: FloatArray = about[2] @ about[1] @ about[0]
    return rotations
