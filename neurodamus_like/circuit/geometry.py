"""Where the compartments of cells are: from the 3-D points of sections to global coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import NodePopulation
from neurodamus_like.io.nodes import NodeTable, read_nodes

FloatArray = npt.NDArray[np.float64]

_POSITION = ("x", "y", "z")
_QUATERNION = ("orientation_w", "orientation_x", "orientation_y", "orientation_z")
_ANGLES = ("rotation_angle_xaxis", "rotation_angle_yaxis", "rotation_angle_zaxis")


@dataclass(frozen=True)
class Compartments:
    """Geometry of compartments.

    Attributes
    ----------
    begin_um, end_um
        Shape (n, 3), global coordinates.
    diameter_um
        Shape (n,).
    middle_um
        Shape (n, 3): where the morphology is at half of the way, which is not on the straight line of a bent
        compartment; None if it was not measured.
    """

    begin_um: FloatArray
    end_um: FloatArray
    diameter_um: FloatArray
    middle_um: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.diameter_um)

    def moved(self, rotation: FloatArray, translation_um: FloatArray) -> Compartments:
        """Return them rotated (matrix of shape (3, 3)), then translated."""
        return Compartments(
            self.begin_um @ rotation.T + translation_um,
            self.end_um @ rotation.T + translation_um,
            self.diameter_um,
            None if self.middle_um is None else self.middle_um @ rotation.T + translation_um,
        )


@dataclass(frozen=True)
class Placement:
    """How a cell lies in the circuit.

    Attributes
    ----------
    rotation
        Matrix of shape (3, 3), from the coordinates of the morphology to the directions of the circuit.
    position_um
        Shape (3,).
    of_soma
        The position is that of the middle of the soma; otherwise that of the origin of the morphology.
    """

    rotation: FloatArray
    position_um: FloatArray
    of_soma: bool = False


def ordered_sections(cell: Any) -> list[Any]:
    """Return all sections by ascending report section id."""
    return [section for _, section in sorted(cell.sections_of("all"), key=lambda pair: pair[0])]


def iterate_compartments(cell_manager: Any, cells: Sequence[Any]) -> Iterator[tuple[Any, Compartments]]:
    """Yield each cell with its compartments in global coordinates.

    Compartments are ordered by report section id, along each section from 0 to 1. Copies of one morphology
    (which share their ``layout``) are measured once.
    """
    if not cells:
        return
    measured: dict[int, tuple[Compartments, FloatArray]] = {}
    for cell, placement in zip(cells, cell_manager.placements(cells), strict=True):
        key = id(cell.layout)
        if key not in measured:
            measured[key] = measure_compartments(ordered_sections(cell)), measure_soma(cell)
        compartments, soma_um = measured[key]
        origin = soma_um if placement.of_soma else np.zeros(3)
        shift = placement.position_um - placement.rotation @ origin
        yield cell, compartments.moved(placement.rotation, shift)


def read_placements(population: NodePopulation, node_ids: npt.NDArray[np.int64]) -> list[Placement]:
    """Return how the nodes of a file lie: position, and quaternion or rotation angles."""
    table = read_nodes(population.file, population.name, (), node_ids, (*_POSITION, *_QUATERNION, *_ANGLES))
    return [Placement(*placement_of(table, row)) for row in range(len(node_ids))]


def measure_soma(cell: Any) -> FloatArray:
    """Return the mean of the 3-D points of the soma, in the coordinates of the morphology; 0 if it has none."""
    points = [
        _points_of(section, np.zeros(3))[0] for _, section in cell.sections_of("soma") if section.n3d() > 1
    ]
    mean: FloatArray = np.concatenate(points).mean(axis=0) if points else np.zeros(3)
    return mean


def measure_compartments(sections: Sequence[Any]) -> Compartments:
    """Return the compartments of sections, in the coordinates of their 3-D points.

    Sections without 3-D points (a stub axon) lie straight below the one before, as far as their length goes.
    """
    begins, middles, ends, diameters = [], [], [], []
    last = np.zeros(3)
    for section in sections:
        n_segments = int(section.nseg)
        points, arc = _points_of(section, last)
        cuts = np.linspace(0.0, arc[-1], 2 * n_segments + 1)
        borders = np.column_stack([np.interp(cuts, arc, points[:, axis]) for axis in range(3)])
        begins.append(borders[:-1:2])
        middles.append(borders[1::2])
        ends.append(borders[2::2])
        diameters += [float(segment.diam) for segment in section]
        last = borders[-1]
    return Compartments(
        np.concatenate(begins), np.concatenate(ends), np.array(diameters), np.concatenate(middles)
    )


def _points_of(section: Any, begin: FloatArray) -> tuple[FloatArray, FloatArray]:
    count = int(section.n3d())
    if count < 2:
        length = float(section.L)
        return np.array([begin, begin - [0.0, length, 0.0]]), np.array([0.0, length])
    numbers = range(count)
    points = np.array([[section.x3d(i), section.y3d(i), section.z3d(i)] for i in numbers])
    return points, np.array([section.arc3d(i) for i in numbers])


def placement_of(table: NodeTable, row: int) -> tuple[FloatArray, FloatArray]:
    """Return rotation matrix and translation (µm) of a node; what the node file lacks is nothing."""
    translation = np.array([float(table[name][row]) if name in table else 0.0 for name in _POSITION])
    if all(name in table for name in _QUATERNION):
        return rotation_of_quaternion(*(float(table[name][row]) for name in _QUATERNION)), translation
    angles = [float(table[name][row]) if name in table else 0.0 for name in _ANGLES]
    return rotation_of_angles(*angles), translation


def rotation_of_quaternion(w: float, x: float, y: float, z: float) -> FloatArray:
    """Return the rotation matrix of a quaternion, which need not be normalised."""
    norm = np.sqrt(w * w + x * x + y * y + z * z)
    if norm == 0.0:
        return np.eye(3)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def rotation_of_angles(x: float, y: float, z: float, *, x_first: bool = True) -> FloatArray:
    """Return the matrix that rotates about the fixed x axis, then y, then z (radians), or in the other order."""
    (sx, sy, sz), (cx, cy, cz) = np.sin([x, y, z]), np.cos([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    rotation: FloatArray = about_z @ about_y @ about_x if x_first else about_x @ about_y @ about_z
    return rotation
