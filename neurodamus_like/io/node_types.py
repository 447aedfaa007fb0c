"""Nodes whose properties are in part those of their type: columns of the HDF5 group first, then the table of types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import EdgePopulation, NodePopulation
from neurodamus_like.config.types_csv import TypeTable, read_type_table
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import IntArray
from neurodamus_like.io.nodes import read_nodes

AnyArray = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]

VIRTUAL = "virtual"
"""The ``model_type`` of nodes that only send spikes."""


@dataclass(frozen=True)
class TypedTable:
    """Properties of rows (nodes or edges) from columns of their own and from their types.

    Attributes
    ----------
    population
        The population, for messages.
    type_ids
        int64[n]: type of each row.
    columns
        Property -> array[n] as read from HDF5; None or NaN where a row has none.
    types
        The table of types; None when there is none.
    """

    population: NodePopulation | EdgePopulation
    type_ids: IntArray
    columns: dict[str, AnyArray]
    types: TypeTable | None

    def __len__(self) -> int:
        return int(self.type_ids.size)

    def has(self, name: str) -> bool:
        """Say whether rows or types have the property at all."""
        return name in self.columns or (self.types is not None and name in self.types.columns)

    def values(self, name: str) -> AnyArray:
        """Return a property of all rows, object[n]: None where neither row nor type has it."""
        own = self.columns.get(name)
        if own is not None and own.dtype.kind in "iub":
            return own.astype(object)
        found = self._of_types(name)
        if own is not None:
            there = _is_there(own)
            found[there] = own[there].astype(object)
        return found

    def value(self, name: str, row: int) -> Any:
        """Return a property of one row; None where neither the row nor its type has it."""
        own = self.columns.get(name)
        if own is not None and bool(_is_there(own[row : row + 1])[0]):
            found = own[row]
            return found.item() if isinstance(found, np.generic) else found
        types = self.types
        if types is None or name not in types.columns:
            return None
        return types.columns[name][types.row_of(int(self.type_ids[row]))]

    def numbers(self, name: str, default: float = np.nan) -> FloatArray:
        """Return a numeric property of all rows, float64[n]; `default` where neither row nor type has it.

        Raises
        ------
        CircuitError
            A value is no number.
        """
        own = self.columns.get(name)
        if own is not None and own.dtype.kind in "iuf" and own.ndim == 1:
            found = own.astype(np.float64)
            if not np.isnan(found).any():
                return found
            of_types = self._numbers_of_types(name, default)
            return np.where(np.isnan(found), of_types, found)
        if own is None:
            return self._numbers_of_types(name, default)
        return self._as_numbers(self.values(name), name, default)

    def texts(self, name: str) -> AnyArray:
        """Return a property of all rows as texts, object[n]; None where there is none."""
        keys, which = self.distinct(name)
        words = np.empty(len(keys), dtype=object)
        words[:] = [key for (key,) in keys]
        return words[which]

    def distinct(self, *names: str) -> tuple[list[tuple[str | None, ...]], IntArray]:
        """Return the distinct combinations of properties as texts, and which of them each row has, int64[n]."""
        codes = [np.asarray(self.type_ids)]
        for name in names:
            if name in self.columns:
                words = self.columns[name].astype(str)
                codes.append(np.unique(words, return_inverse=True)[1].reshape(-1))
        _, first, inverse = np.unique(np.stack(codes), axis=1, return_index=True, return_inverse=True)
        keys: dict[tuple[str | None, ...], int] = {}
        number = [keys.setdefault(self._texts_of(names, row), len(keys)) for row in first.tolist()]
        return list(keys), np.array(number, dtype=np.int64)[np.asarray(inverse).reshape(-1)]

    def _texts_of(self, names: Sequence[str], row: int) -> tuple[str | None, ...]:
        values = (self.value(name, row) for name in names)
        return tuple(None if value is None else str(value) for value in values)

    def _as_numbers(self, values: AnyArray, name: str, default: float) -> FloatArray:
        try:
            return np.array([default if v is None else float(v) for v in values], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise CircuitError(
                f"{name} is not a number everywhere: {error}",
                file=self.population.types_file or self.population.file,
                population=self.population.name,
            ) from error

    def _of_types(self, name: str) -> AnyArray:
        distinct, inverse = np.unique(self.type_ids, return_inverse=True)
        values = {} if self.types is None else dict(zip(self.types.ids, self.types.values(name), strict=True))
        found = np.empty(distinct.size, dtype=object)
        found[:] = [values.get(number) for number in distinct.tolist()]
        return found[np.asarray(inverse).reshape(-1)]

    def _numbers_of_types(self, name: str, default: float) -> FloatArray:
        distinct, first, inverse = np.unique(self.type_ids, return_index=True, return_inverse=True)
        values = self._of_types(name)[first] if distinct.size else np.empty(0, dtype=object)
        return self._as_numbers(values, name, default)[np.asarray(inverse).reshape(-1)]


def read_types(population: NodePopulation | EdgePopulation, id_name: str) -> TypeTable | None:
    """Return the table of types of a population; None when it has none."""
    return None if population.types_file is None else read_type_table(population.types_file, id_name)


def read_typed_nodes(
    population: NodePopulation, names: Sequence[str], node_ids: IntArray | None = None
) -> tuple[IntArray, TypedTable]:
    """Read properties of nodes.

    Parameters
    ----------
    population
        Where to read.
    names
        Properties; those that neither nodes nor types have are simply not there.
    node_ids
        int64[n] ids, in any order; None means all, in file order.

    Returns
    -------
    tuple
        The node ids, and their properties.

    Raises
    ------
    CircuitError
        A file or a node is missing, or a node has a type that is not in the table.
    """
    nodes = read_nodes(population.file, population.name, [], node_ids, optional=["node_type_id", *names])
    type_ids = nodes.columns.get("node_type_id", np.full(len(nodes), -1)).astype(np.int64)
    types = read_types(population, "node_type_id")
    check_types(population, type_ids, types)
    columns = {name: nodes.columns[name] for name in names if name in nodes.columns}
    return nodes.node_ids, TypedTable(population, type_ids, columns, types)


def read_virtual_ids(population: NodePopulation, node_ids: IntArray) -> IntArray:
    """Return those of some nodes that have no cell: their ``model_type`` is ``virtual``."""
    ids, table = read_typed_nodes(population, ["model_type"], node_ids)
    virtual: IntArray = ids[np.array(table.texts("model_type"), dtype=object) == VIRTUAL]
    return virtual


def check_types(
    population: NodePopulation | EdgePopulation, type_ids: IntArray, types: TypeTable | None
) -> None:
    """Check that all types are in the table.

    Raises
    ------
    CircuitError
        Naming those that are not.
    """
    if types is None:
        return
    unknown = np.setdiff1d(type_ids, np.array(types.ids, dtype=np.int64))
    if unknown.size:
        raise CircuitError(
            "types are used that the table of types does not have",
            file=types.file,
            population=population.name,
            ids=unknown.tolist(),
            expected="one of " + ", ".join(map(str, types.ids[:20])),
        )


def _is_there(values: AnyArray) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.logical_not(np.isnan(values.reshape(len(values), -1)).any(axis=1))
    if values.dtype.kind in "iub":
        return np.ones(len(values), dtype=bool)
    return np.array([v is not None and v != "" and v != "NULL" for v in values], dtype=bool)
