"""Attributes of the rows of one SONATA population, in whichever of its HDF5 groups (``0``, ``1``, ...).

The same rules hold for nodes and edges: ``<prefix>_group_id`` and ``<prefix>_group_index`` say where a row
lies; both absent means group ``0``, same row. ``@library/<attribute>`` turns codes into strings. What belongs
to the simulator sits under ``dynamics_params/``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.io.hdf5 import IntArray, RowSelection, decode_strings

AnyArray = npt.NDArray[Any]
_LIBRARY = "@library"
_DYNAMICS = "dynamics_params"


@dataclass(frozen=True)
class Column:
    """Values of one attribute; `codes` and `library` are set where the file stores an enumeration."""

    values: AnyArray
    codes: AnyArray | None = None
    library: AnyArray | None = None


@dataclass(frozen=True)
class _Placement:
    """Rows `rows_in_group` of the HDF5 group `group` belong at `positions` of the result."""

    group: Any
    positions: IntArray | slice
    rows_in_group: RowSelection


@dataclass
class PopulationColumns:
    """Reads attributes of a selection of rows of one population.

    Parameters
    ----------
    population
        Open HDF5 group ``/nodes/<name>`` or ``/edges/<name>``.
    rows
        int64[n]: rows of the population, in the order wanted.
    prefix
        ``node`` or ``edge``.
    """

    population: Any
    rows: IntArray
    prefix: str
    _selection: RowSelection = field(init=False)
    _placements: list[_Placement] = field(init=False)

    def __post_init__(self) -> None:
        self._selection = RowSelection(self.rows)
        self._placements = self._locate()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All attribute names of the population, sorted."""
        return tuple(attribute_names(self.population, self.prefix))

    def has(self, name: str) -> bool:
        """Tell whether any group of the population has the attribute."""
        return name in self.names

    def read(self, name: str) -> Column:
        """Return one attribute for the rows.

        Groups that lack it give NaN (numbers) or None (strings).

        Raises
        ------
        CircuitError
            No group has the attribute, or a dataset is shorter than the population.
        """
        if name == f"{self.prefix}_type_id" and name in self.population:
            return Column(self._selection.read(self.population[name]))
        if not self.has(name):
            raise self.missing([name])
        parts = [(p, _read_from_group(p.group, name, p.rows_in_group)) for p in self._placements]
        if len(parts) == 1 and parts[0][1] is not None and isinstance(parts[0][0].positions, slice):
            return parts[0][1]
        return _assemble(parts, self.rows.size)

    def missing(self, names: Sequence[str]) -> CircuitError:
        """Return the error that says that attributes are missing."""
        there = self.names
        noun = "attribute" if len(names) == 1 else "attributes"
        return CircuitError(
            f"Missing {noun} {', '.join(names)} in the SONATA {self.prefix} file",
            file=self.population.file.filename,
            pointer=f"{self.population.name}/0/{names[0]}",
            population=self.population.name.rsplit("/", 1)[-1],
            expected="one of the attributes that are there: " + (", ".join(there) or "(none)"),
            hint=did_you_mean(names[0], there) or None,
        )

    def _locate(self) -> list[_Placement]:
        id_name, index_name = f"{self.prefix}_group_id", f"{self.prefix}_group_index"
        groups = group_names(self.population)
        if index_name not in self.population or id_name not in self.population:
            if not groups:
                return []
            return [_Placement(self.population[groups[0]], slice(None), self._selection)]
        index = self._selection.read(self.population[index_name]).astype(np.int64)
        ids = self._selection.read(self.population[id_name])
        if ids.size == 0 or np.all(ids == ids[0]):
            group = self._group(int(ids[0]) if ids.size else int(groups[0]))
            selection = self._selection if np.array_equal(index, self.rows) else RowSelection(index)
            return [_Placement(group, slice(None), selection)]
        numbers = np.unique(ids)
        places = [np.flatnonzero(ids == number) for number in numbers]
        return [
            _Placement(self._group(int(number)), at, RowSelection(index[at]))
            for number, at in zip(numbers, places, strict=True)
        ]

    def _group(self, number: int) -> Any:
        if str(number) in self.population:
            return self.population[str(number)]
        raise CircuitError(
            f"{self.prefix}_group_id names group {number}, which is not in the file",
            file=self.population.file.filename,
            pointer=f"{self.population.name}/{number}",
            expected="one of the groups " + ", ".join(group_names(self.population)),
        )


def group_names(population: Any) -> list[str]:
    """Return the names of the numbered groups of a population, by number."""
    return sorted((name for name in population if name.isdigit()), key=int)


def attribute_names(population: Any, prefix: str) -> list[str]:
    """Return the names of all attributes over all groups; simulator ones as ``dynamics_params/<name>``."""
    found: set[str] = set()
    for number in group_names(population):
        group = population[number]
        found.update(name for name in group if name not in (_LIBRARY, _DYNAMICS))
        found.update(f"{_DYNAMICS}/{name}" for name in group.get(_DYNAMICS, ()))
    if f"{prefix}_type_id" in population:
        found.add(f"{prefix}_type_id")
    return sorted(found)


def read_columns(
    columns: PopulationColumns, names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Column]:
    """Read `names`, which must be there, and those of `optional` that are.

    Raises
    ------
    CircuitError
        Some of `names` are missing; all are listed.
    """
    there = set(columns.names)
    missing = [name for name in dict.fromkeys(names) if name not in there]
    if len(missing) > 1:
        raise columns.missing(missing)
    found = {name: columns.read(name) for name in names}
    found.update({n: columns.read(n) for n in optional if n in there and n not in found})
    return found


def _read_from_group(group: Any, name: str, rows: RowSelection) -> Column | None:
    if name not in group:
        return None
    raw = rows.read(group[name])
    library = group.get(f"{_LIBRARY}/{name}")
    if library is None:
        return Column(decode_strings(raw))
    words = decode_strings(library[()])
    if raw.size and (int(raw.max()) >= words.size or int(raw.min()) < 0):
        raise CircuitError(
            f"attribute {name} has a code beyond its library of {words.size} entries",
            file=group.file.filename,
            pointer=f"{group.name}/{_LIBRARY}/{name}",
            expected=f"codes from 0 to {words.size - 1}",
        )
    return Column(words[raw], codes=raw, library=words)


def _assemble(parts: Sequence[tuple[_Placement, Column | None]], size: int) -> Column:
    there = [column.values for _, column in parts if column is not None]
    complete = len(there) == len(parts)
    dtype = _common_dtype(there, complete)
    shape = (size, *(there[0].shape[1:] if there else ()))
    out = np.full(shape, None if dtype == np.dtype(object) else 0, dtype=dtype)
    if not complete and dtype.kind == "f":
        out[...] = np.nan
    for placement, column in parts:
        if column is not None:
            out[placement.positions] = column.values
    return Column(out)


def _common_dtype(arrays: Sequence[AnyArray], complete: bool) -> np.dtype[Any]:
    if not arrays:
        return np.dtype(np.float64)
    if any(a.dtype.kind in "OU" for a in arrays):
        return np.dtype(object)
    dtype = np.result_type(*arrays)
    return dtype if complete or dtype.kind == "f" else np.dtype(np.float64)
