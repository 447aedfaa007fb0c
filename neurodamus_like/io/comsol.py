"""Potentials that COMSOL computed, in its text export: nodes of the mesh with one column, or one per point of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError

FloatArray = npt.NDArray[np.float64]

_HEADER_LINES = 9
_MICROMETRES = ("µm", "μm", "um")
_UNIT = re.compile(r"\((\w+)\)")
_TIME = re.compile(r"t\s*=\s*([-+0-9.eE]+)")
_FACTORS = {"V": 1000.0, "mV": 1.0}


@dataclass(frozen=True)
class PotentialSolution:
    """A computed potential.

    Attributes
    ----------
    file
        Where it comes from.
    position_um
        Nodes of the mesh, shape (n, 3).
    potential_mV
        Shape (n, times).
    time_ms
        Points of time; None for a stationary solution (then there is one column).
    """

    file: Path
    position_um: FloatArray
    potential_mV: FloatArray
    time_ms: FloatArray | None


def read_comsol(file: Path) -> PotentialSolution:
    """Read a text export: eight lines about it, a line of column names (x, y, z, V, ...), and the numbers.

    Raises
    ------
    CircuitError
        It cannot be read, or its columns or units are not the expected ones.
    """
    names = read_comsol_columns(file)
    try:
        numbers = np.loadtxt(file, skiprows=_HEADER_LINES, ndmin=2, encoding="latin-1")
    except (OSError, ValueError) as error:
        raise CircuitError(f"cannot read the potentials: {error}", file=file) from error
    if numbers.shape[1] != len(names) or not len(numbers):
        raise CircuitError(
            f"the rows have {numbers.shape[1]} values, line {_HEADER_LINES} names {len(names)} columns",
            file=file,
            expected="column names separated by three blanks or more",
        )
    return PotentialSolution(
        Path(file), numbers[:, :3], numbers[:, 3:] * _factor(file, names[3]), _times(file, names[3:])
    )


def read_comsol_columns(file: Path) -> list[str]:
    """Return the names of the columns; only the head of the file is read.

    Raises
    ------
    CircuitError
        The head is not that of an export.
    """
    try:
        with Path(file).open("rb") as stream:
            lines = [stream.readline() for _ in range(_HEADER_LINES)]
    except OSError as error:
        raise CircuitError(f"cannot read the potentials: {error}", file=file) from error
    head = [_decoded(line).strip() for line in lines]
    names = re.split(r"\s{3,}", head[-1].lstrip("% "))
    if names[:3] != ["x", "y", "z"] or len(names) < 4:
        raise CircuitError(
            f"line {_HEADER_LINES} names no positions and potentials",
            file=file,
            expected="'% x   y   z   V (mV)', or several columns 'V (mV) @ t=0.005', behind eight lines of header",
            hint="export the solution from COMSOL as a spreadsheet, with its header",
        )
    _check_length_unit(file, head)
    _factor(file, names[3])
    _times(file, names[3:])
    return names


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _check_length_unit(file: Path, head: Sequence[str]) -> None:
    for line in head:
        if "length unit" in line.lower():
            unit = line.partition(":")[2].strip()
            if unit and unit not in _MICROMETRES:
                raise CircuitError(
                    f"the positions are in {unit}", file=file, expected="micrometres ('% Length unit: µm')"
                )


def _factor(file: Path, name: str) -> float:
    found = _UNIT.search(name)
    unit = found[1] if found else "mV"
    if unit not in _FACTORS:
        raise CircuitError(f"the potentials are in {unit}", file=file, expected="V or mV")
    return _FACTORS[unit]


def _times(file: Path, names: Sequence[str]) -> FloatArray | None:
    """Return the times of the columns (s in the file, ms here)."""
    if len(names) == 1:
        return None
    found = [_TIME.search(name) for name in names]
    try:
        times = np.array([float(match[1]) for match in found if match], dtype=np.float64) * 1000.0
    except ValueError:
        times = np.empty(0)
    if len(times) != len(names) or not (np.diff(times) > 0).all():
        raise CircuitError(
            "the columns of potentials are not those of ascending times",
            file=file,
            expected="'V (mV) @ t=0   V (mV) @ t=0.005   ...' with times in seconds",
        )
    return times
