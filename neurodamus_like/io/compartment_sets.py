"""Compartment sets: names for lists of points on sections of cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.exceptions import TargetError
from neurodamus_like.io.hdf5 import IntArray

_KEYS = {"population", "compartment_set"}


@dataclass(frozen=True)
class CompartmentSet:
    """Points of one population, strictly ascending by (node, section, offset).

    Attributes
    ----------
    name, population
        Of the set, and of the node population.
    node_id
        int64[n], ids inside the population.
    section_id
        int64[n], section ids of the report numbering.
    offset
        float64[n], position along the section, 0 to 1.
    """

    name: str
    population: str
    node_id: IntArray
    section_id: IntArray
    offset: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.node_id.size)


def read_compartment_sets(file: Path) -> dict[str, CompartmentSet]:
    """Read a file of compartment sets.

    Parameters
    ----------
    file
        ``{name: {"population": ..., "compartment_set": [[node_id, section_id, offset], ...]}}``

    Raises
    ------
    ConfigurationError
        The file cannot be read as JSON.
    TargetError
        A set has other keys or values, or its rows are not strictly ascending.
    """
    return {name: _parse(name, content, Path(file)) for name, content in read_json(file).items()}


def _parse(name: str, content: Any, file: Path) -> CompartmentSet:
    if not isinstance(content, dict) or set(content) != _KEYS or not isinstance(content["population"], str):
        raise TargetError(
            f"the compartment set {name!r} is malformed",
            file=file,
            pointer=pointer_to(name),
            expected="an object with exactly the keys population (text) and compartment_set (list)",
        )
    rows = content["compartment_set"]
    if not isinstance(rows, list):
        raise _row_error(name, file, None, "a list of [node_id, section_id, offset]")
    for number, row in enumerate(rows):
        if not _is_point(row):
            raise _row_error(
                name, file, number, "[node_id, section_id, offset]: two integers >= 0, a number from 0 to 1"
            )
    node_id = np.array([row[0] for row in rows], dtype=np.int64)
    section_id = np.array([row[1] for row in rows], dtype=np.int64)
    offset = np.array([row[2] for row in rows], dtype=np.float64)
    _check_ascending(name, file, node_id, section_id, offset)
    return CompartmentSet(name, content["population"], node_id, section_id, offset)


def _is_point(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != 3 or any(isinstance(v, bool) for v in row):
        return False
    node, section, offset = row
    whole = isinstance(node, int) and isinstance(section, int) and node >= 0 and section >= 0
    return whole and isinstance(offset, int | float) and 0.0 <= offset <= 1.0


def _check_ascending(
    name: str, file: Path, node_id: IntArray, section_id: IntArray, offset: npt.NDArray[np.float64]
) -> None:
    node_step, section_step, offset_step = np.diff(node_id), np.diff(section_id), np.diff(offset)
    later_in_section = (section_step == 0) & (offset_step > 0)
    ascending = (node_step > 0) | ((node_step == 0) & ((section_step > 0) | later_in_section))
    wrong = np.flatnonzero(~ascending)
    if wrong.size:
        raise _row_error(
            name,
            file,
            int(wrong[0]) + 1,
            "rows strictly ascending by node_id, section_id, offset, without duplicates",
        )


def _row_error(name: str, file: Path, number: int | None, expected: str) -> TargetError:
    where = "" if number is None else f"row {number} of "
    pointer = pointer_to(name) + "/compartment_set" + ("" if number is None else f"/{number}")
    return TargetError(
        f"{where}the compartment set {name!r} is wrong", file=file, pointer=pointer, expected=expected
    )
