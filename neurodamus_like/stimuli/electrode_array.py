"""Stimulation electrodes: where their surfaces are, and the potential that their current makes in a conductor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.circuit.geometry import rotation_of_angles
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.tables import read_table

FloatArray = npt.NDArray[np.float64]

MINIMUM_DISTANCE_UM = 10.0
"""Nearer than that the potential of a point is no longer that of an electrode."""

_CENTIMETRES_PER_MICROMETRE_INVERSE = 0.01
_MILLIVOLTS_PER_MILLIAMPERE_OHM = 1e6
"""Together: mA x Ohm cm / um -> mV, in the units that BMTK documents (mA in, mV out)."""


@dataclass(frozen=True, eq=False)
class Electrode:
    """An electrode.

    Attributes
    ----------
    points_um
        Points of its surface, which share its current equally; shape (n, 3).
    waveform_file
        Name of the waveform in the table of positions, if it has such a column.
    """

    points_um: FloatArray
    waveform_file: str | None = None


def read_electrodes(positions_file: Path, mesh_dir: Path | None = None) -> list[Electrode]:
    """Read the table of electrodes: ``pos_x pos_y pos_z`` (µm) and perhaps rotations (rad), meshes and waveforms.

    Parameters
    ----------
    positions_file
        The table, separated by blanks.
    mesh_dir
        Folder of the files in ``electrode_mesh_file``; that of the table by default. A mesh (``x_pos y_pos z_pos``)
        is rotated about the origin by ``Rx Ry Rz``, then moved so that its mean is at the electrode's position.

    Raises
    ------
    CircuitError
        A file cannot be read, or lacks a column.
    """
    table = read_table(positions_file)
    positions = np.column_stack([table.numbers(f"pos_{axis}") for axis in "xyz"])
    names = [f"rotation_{axis}" for axis in "xyz"]
    angles = np.column_stack(
        [table.numbers(name) if name in table.names else np.zeros(len(table)) for name in names]
    )
    meshes = (
        table.texts("electrode_mesh_file") if "electrode_mesh_file" in table.names else [None] * len(table)
    )
    waves = table.texts("waveform") if "waveform" in table.names else [None] * len(table)
    folder = Path(mesh_dir) if mesh_dir is not None else Path(positions_file).parent
    return [
        Electrode(_placed(_read_mesh(folder, mesh, positions_file), position, rotation), wave)
        for mesh, position, rotation, wave in zip(meshes, positions, angles, waves, strict=True)
    ]


def _read_mesh(folder: Path, name: str | None, positions_file: Path) -> FloatArray:
    if name is None:
        return np.zeros((1, 3))
    if not (folder / name).is_file():
        raise CircuitError(
            f"the mesh {name!r} of an electrode does not exist in {folder}",
            file=positions_file,
            hint="set mesh_files_dir to its folder",
        )
    table = read_table(folder / name)
    return np.column_stack([table.numbers(f"{axis}_pos") for axis in "xyz"])


def _placed(mesh_um: FloatArray, position_um: FloatArray, angles_rad: FloatArray) -> FloatArray:
    rotated: FloatArray = mesh_um @ rotation_of_angles(*angles_rad, x_first=False).T
    placed: FloatArray = rotated - rotated.mean(axis=0) + position_um
    return placed


def nearest_distance(electrode: Electrode, segments_um: FloatArray) -> float:
    """Return the smallest distance (µm) of a point of the electrode from segments, shape (n, 3)."""
    return min(float(np.linalg.norm(segments_um - point, axis=1).min()) for point in electrode.points_um)


def transfer_potentials(
    electrodes: Sequence[Electrode], segments_um: FloatArray, resistivity_ohm_cm: float
) -> FloatArray:
    """Return the potential at segments per mA of each electrode.

    ``V = rho / (4 pi) mean(1 / r)``: point sources in an infinite homogeneous conductor, superposed.

    Parameters
    ----------
    electrodes
        The electrodes.
    segments_um
        Middles of the segments, shape (n, 3).
    resistivity_ohm_cm
        Of the medium.

    Returns
    -------
    numpy.ndarray
        mV/mA, shape (electrodes, n).
    """
    scale = resistivity_ohm_cm / (4 * math.pi) * _CENTIMETRES_PER_MICROMETRE_INVERSE
    found = np.zeros((len(electrodes), len(segments_um)))
    for row, electrode in enumerate(electrodes):
        for point in electrode.points_um:
            found[row] += 1.0 / np.linalg.norm(segments_um - point, axis=1)
        found[row] *= scale / len(electrode.points_um) * _MILLIVOLTS_PER_MILLIAMPERE_OHM
    return found
