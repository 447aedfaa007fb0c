"""Potential at contacts per unit membrane current of compartments, in an infinite homogeneous conductor.

Compartments are straight lines from their begin to their end. Lengths in µm, conductivity in S/m; factors come
out in mV/nA, because 1 nA / (1 S/m x 1 µm) = 1 mV.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from neurodamus_like.circuit.geometry import Compartments

FloatArray = npt.NDArray[np.float64]

EXTRACELLULAR_CONDUCTIVITY = 0.3
"""S/m, grey matter (Hämäläinen et al. 1993, Rev. Mod. Phys. 65:413)."""


def compute_point_source_factors(
    compartments: Compartments, contacts_um: FloatArray, conductivity: float = EXTRACELLULAR_CONDUCTIVITY
) -> FloatArray:
    """Return the factors of compartments whose whole current leaves at their middle.

    ``phi = I / (4 pi sigma r)``, with r, the distance from the contact, not below the compartment's radius.

    Returns
    -------
    numpy.ndarray
        mV/nA, shape (compartments, contacts).
    """
    middle = 0.5 * (compartments.begin_um + compartments.end_um)
    distance = np.linalg.norm(contacts_um[None, :, :] - middle[:, None, :], axis=2)
    factors: FloatArray = 1.0 / (4 * np.pi * conductivity * np.maximum(distance, _radius(compartments)))
    return factors


def compute_line_source_factors(
    compartments: Compartments, contacts_um: FloatArray, conductivity: float = EXTRACELLULAR_CONDUCTIVITY
) -> FloatArray:
    """Return the factors of compartments whose current leaves evenly along their line.

    The point source integrated along the line (Holt & Koch 1999, J. Comput. Neurosci. 6:169):
    ``phi = I / (4 pi sigma L) (asinh(l / r) - asinh(h / r))``. L is the length; l and h are the distances, along
    the line, of the contact from the begin and the end; r is its distance from the line, not below the radius.
    Compartments without length are points.

    Returns
    -------
    numpy.ndarray
        mV/nA, shape (compartments, contacts).
    """
    axis = compartments.end_um - compartments.begin_um
    length = np.linalg.norm(axis, axis=1)[:, None]
    is_line = length > 1e-9
    unit = axis / np.where(is_line, length, 1.0)
    from_begin = contacts_um[None, :, :] - compartments.begin_um[:, None, :]
    along = np.einsum("ckx,cx->ck", from_begin, unit)
    square = np.einsum("ckx,ckx->ck", from_begin, from_begin) - along**2
    radial = np.sqrt(np.maximum(square, _radius(compartments) ** 2))
    integral = np.arcsinh(along / radial) - np.arcsinh((along - length) / radial)
    lines = integral / (4 * np.pi * conductivity * np.where(is_line, length, 1.0))
    factors: FloatArray = np.where(
        is_line, lines, compute_point_source_factors(compartments, contacts_um, conductivity)
    )
    return factors


def compute_bounded_line_source_factors(
    compartments: Compartments,
    contacts_um: FloatArray,
    conductivity: float = EXTRACELLULAR_CONDUCTIVITY,
    minimum_um: FloatArray | float | None = None,
) -> FloatArray:
    """Return line-source factors in which only contacts close to a compartment are moved away from its axis.

    ``phi = I / (4 pi sigma L) ln((u + sqrt(u^2 + h^2)) / (d + sqrt(d^2 + h^2)))`` with ``u = a + L/2``,
    ``d = a - L/2``; a is the distance along the axis, from the middle, h that from the axis. Where ``d`` is less than
    the minimum, h is at least the minimum (the formula of BMTK's electrodes).

    Parameters
    ----------
    compartments, contacts_um, conductivity
        As for :func:`compute_line_source_factors`.
    minimum_um
        Smallest distance, one for all or shape (compartments,); None leaves contacts where they are.

    Returns
    -------
    numpy.ndarray
        mV/nA, shape (compartments, contacts); not finite at a contact on the axis.
    """
    length, along, square = _cylinder_coordinates(compartments, contacts_um)
    upper, lower = along + length / 2, along - length / 2
    if minimum_um is not None:
        least = np.broadcast_to(np.asarray(minimum_um, dtype=np.float64), (len(compartments),))[:, None]
        square = np.where(lower < least, np.maximum(square, least**2), square)
    radial = np.sqrt(np.maximum(square, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        off_axis = np.arcsinh(upper / radial) - np.arcsinh(lower / radial)
        integral = np.where(radial > 0, off_axis, np.log(upper / lower))
        factors: FloatArray = integral / (4 * np.pi * conductivity * length)
    is_line = length > 1e-9
    if not is_line.all():
        points = compute_bounded_point_source_factors(compartments, contacts_um, conductivity, minimum_um)
        factors = np.where(is_line, factors, points)
    return factors


def compute_bounded_point_source_factors(
    compartments: Compartments,
    contacts_um: FloatArray,
    conductivity: float = EXTRACELLULAR_CONDUCTIVITY,
    minimum_um: FloatArray | float | None = None,
) -> FloatArray:
    """Return point-source factors whose distances are at least `minimum_um`; parameters as for line sources."""
    middle = 0.5 * (compartments.begin_um + compartments.end_um)
    distance = np.linalg.norm(contacts_um[None, :, :] - middle[:, None, :], axis=2)
    if minimum_um is not None:
        least = np.broadcast_to(np.asarray(minimum_um, dtype=np.float64), (len(compartments),))[:, None]
        distance = np.maximum(distance, least)
    with np.errstate(divide="ignore"):
        factors: FloatArray = 1.0 / (4 * np.pi * conductivity * distance)
    return factors


def find_contacts_inside(compartments: Compartments, contacts_um: FloatArray) -> npt.NDArray[np.bool_]:
    """Say which contacts are inside of any compartment, bool[contacts]."""
    length, along, square = _cylinder_coordinates(compartments, contacts_um)
    radius = 0.5 * compartments.diameter_um[:, None]
    return np.asarray(((along <= length / 2) & (square < radius**2)).any(axis=0))


def _cylinder_coordinates(
    compartments: Compartments, contacts_um: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lengths (n, 1), and of each contact distance along the axis from the middle and square of that across."""
    axis = compartments.end_um - compartments.begin_um
    length = np.linalg.norm(axis, axis=1)[:, None]
    unit = axis / np.where(length > 1e-9, length, 1.0)
    middle = 0.5 * (compartments.begin_um + compartments.end_um)
    offset = contacts_um[None, :, :] - middle[:, None, :]
    along = np.abs(np.einsum("ckx,cx->ck", offset, unit))
    return length, along, np.einsum("ckx,ckx->ck", offset, offset) - along**2


def _radius(compartments: Compartments) -> FloatArray:
    radius: FloatArray = np.maximum(0.5 * compartments.diameter_um, 1e-3)[:, None]
    return radius


FACTOR_METHODS: Mapping[str, Callable[[Compartments, FloatArray, float], FloatArray]] = MappingProxyType(
    {"line": compute_line_source_factors, "point": compute_point_source_factors}
)
"""How the current leaves a compartment: evenly along its line, or at its middle."""

BOUNDED_FACTOR_METHODS: Mapping[
    str, Callable[[Compartments, FloatArray, float, FloatArray | float | None], FloatArray]
] = MappingProxyType(
    {"line": compute_bounded_line_source_factors, "point": compute_bounded_point_source_factors}
)
"""The same, with a smallest distance of contacts."""
