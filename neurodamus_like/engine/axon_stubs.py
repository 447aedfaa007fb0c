"""A reconstructed axon replaced by a stub of two sections, as models of the Allen Cell Types Database want it.

Four kinds: perisomatic models take diameters of 1 µm and start at the middle of the soma, all-active ones keep the
diameters of the first and the last section of the axon and start at the end of the soma; directed stubs point to where
the axon went. Each section is 30 µm long. Stubs are appended to the lists, so the order of sections becomes soma,
dendrites, stub.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine.nrn import h
from neurodamus_like.exceptions import MorphologyError

STUB_LENGTH_UM = 30.0
PERISOMATIC_DIAMETER_UM = 1.0

FloatArray = NDArray[np.float64]


def replace_axon_perisomatic(hoc: Any) -> None:
    """Replace the axon by two sections of 1 µm diameter at the middle of the soma."""
    _replace(hoc, (PERISOMATIC_DIAMETER_UM,) * 2, 0.5)


def replace_axon_all_active(hoc: Any) -> None:
    """Replace the axon by two sections with its first and last diameter at the end of the soma."""
    _replace(hoc, _axon_diameters(hoc), 1.0)


def replace_axon_perisomatic_directed(hoc: Any) -> None:
    """Replace the axon by two sections of 1 µm diameter at the middle of the soma, in the direction of the axon."""
    points = _direction_points(hoc)
    _replace_directed(hoc, points, (PERISOMATIC_DIAMETER_UM,) * 2, 0.5)


def replace_axon_all_active_directed(hoc: Any) -> None:
    """Replace the axon by two sections with its diameters at the end of the soma, in the direction of the axon."""
    points = _direction_points(hoc)
    _replace_directed(hoc, points, _axon_diameters(hoc), 1.0)


def define_shape() -> None:
    """Give 3-D points to all sections of the process that have none; the cost grows with the number of sections."""
    h.define_shape()


def _axon_sections(hoc: Any) -> list[Any]:
    return [section for section in hoc.all if section.name().rsplit(".", 1)[-1].startswith("axon")]


def _required_axon(hoc: Any) -> list[Any]:
    sections = _axon_sections(hoc)
    if not sections:
        raise MorphologyError(
            "the morphology has no axon, which the stub takes its diameters and direction from",
            hint="use aibs_perisomatic, or a morphology with an axon",
        )
    return sections


def _axon_diameters(hoc: Any) -> tuple[float, float]:
    sections = _required_axon(hoc)
    return float(hoc.axon[0].diam), float(sections[-1].diam)


def _new_sections(hoc: Any) -> list[Any]:
    for section in _axon_sections(hoc):
        h.delete_section(sec=section)
    h.execute("create axon[2]", hoc)
    return [hoc.axon[0], hoc.axon[1]]


def _replace(hoc: Any, diameters_um: Sequence[float], soma_x: float) -> None:
    sections = _new_sections(hoc)
    for section, diameter in zip(sections, diameters_um, strict=True):
        section.L = STUB_LENGTH_UM
        section.diam = diameter
        hoc.axonal.append(sec=section)
        hoc.all.append(sec=section)
    sections[0].connect(hoc.soma[0], soma_x, 0)
    sections[1].connect(sections[0], 1, 0)


def _replace_directed(hoc: Any, points: FloatArray, diameters_um: Sequence[float], soma_x: float) -> None:
    sections = _new_sections(hoc)
    for number, (section, diameter) in enumerate(zip(sections, diameters_um, strict=True)):
        for point in points[number : number + 2]:
            h.pt3dadd(*point.tolist(), diameter, sec=section)
        hoc.axonal.append(sec=section)
        hoc.all.append(sec=section)
    sections[0].connect(hoc.soma[0], soma_x, 0)
    sections[1].connect(sections[0], 1, 0)
    for section in sections:
        section.L = STUB_LENGTH_UM


def _direction_points(hoc: Any) -> FloatArray:
    """Return begin, middle and end of a directed stub, shape (3, 3).

    It begins at the last 3-D point of the soma and runs along the first principal axis of the middle point of the soma
    and the points of the last section of the axon, towards the end of the axon.
    """
    axon = _points_of(_required_axon(hoc)[-1])
    soma = _points_of(list(hoc.somatic)[-1])
    middle = soma[len(soma) // 2]
    cloud = np.concatenate([middle[None], axon])
    direction = np.linalg.svd(cloud - cloud.mean(axis=0), full_matrices=False)[2][0]
    direction /= np.sqrt((direction**2).sum())
    if direction @ (axon[-1] - middle) < 0:
        direction = -direction
    steps: FloatArray = soma[-1] + np.outer(np.arange(3) * STUB_LENGTH_UM, direction)
    return steps


def _points_of(section: Any) -> FloatArray:
    count = int(section.n3d())
    return np.array([[section.x3d(i), section.y3d(i), section.z3d(i)] for i in range(count)])
