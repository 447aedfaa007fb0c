"""Columns of a node population of a SONATA file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.columns import PopulationColumns, attribute_names, group_names, read_columns
from neurodamus_like.io.hdf5 import IntArray, open_h5, population_group

_SIZED = ("node_type_id", "node_id", "node_group_id", "node_group_index")


@dataclass(frozen=True)
class NodeTable:
    """Attributes of nodes as columns.

    Attributes
    ----------
    population
        Name of the population.
    node_ids
        int64[n]: ids inside the population, in the order asked for.
    columns
        Attribute name to array[n]; strings as object arrays of `str`; simulator ones are named
        ``dynamics_params/<name>``.
    codes, library
        For attributes stored as enumerations: the codes [n], and the words that they stand for.
    """

    population: str
    node_ids: IntArray
    columns: dict[str, npt.NDArray[Any]]
    codes: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    library: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.node_ids.size)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns


def read_nodes(
    file: Path,
    population: str,
    attributes: Sequence[str] | None = None,
    node_ids: IntArray | None = None,
    optional: Sequence[str] = (),
) -> NodeTable:
    """Read attributes of nodes.

    Parameters
    ----------
    file, population
        SONATA node file and the population in it.
    attributes
        Names that must be there; None means all that are there. ``node_type_id`` counts as an attribute.
    node_ids
        int64[n] ids to read, in any order; None means all.
    optional
        Names read if they are there.

    Raises
    ------
    CircuitError
        The file, population, an attribute or a node is missing.
    """
    with open_h5(file) as h5:
        group = population_group(h5, "nodes", population)
        ids, rows = _rows_of(group, node_ids, population)
        reader = PopulationColumns(group, rows, "node")
        found = read_columns(reader, reader.names if attributes is None else attributes, optional)
    return NodeTable(
        population,
        ids,
        {name: c.values for name, c in found.items()},
        {name: c.codes for name, c in found.items() if c.codes is not None},
        {name: c.library for name, c in found.items() if c.library is not None},
    )


def population_node_ids(file: Path, population: str) -> IntArray:
    """Return the ids of all nodes, int64[n], in file order (0, 1, ... without a ``node_id`` dataset)."""
    with open_h5(file) as h5:
        return _all_ids(population_group(h5, "nodes", population))


def node_attribute_names(file: Path, population: str) -> list[str]:
    """Return the names of the attributes of a population, sorted."""
    with open_h5(file) as h5:
        return attribute_names(population_group(h5, "nodes", population), "node")


def node_populations(file: Path) -> list[str]:
    """Return the names of the node populations of a file, sorted."""
    with open_h5(file) as h5:
        return sorted(h5.get("nodes", ()))


def _size(group: Any) -> int:
    for name in _SIZED:
        if name in group:
            return int(group[name].shape[0])
    for number in group_names(group):
        for item in group[number].values():
            if hasattr(item, "shape"):
                return int(item.shape[0])
    return 0


def _all_ids(group: Any) -> IntArray:
    if "node_id" in group:
        return np.asarray(group["node_id"][()], dtype=np.int64)
    return np.arange(_size(group), dtype=np.int64)


def _rows_of(group: Any, node_ids: IntArray | None, population: str) -> tuple[IntArray, IntArray]:
    if node_ids is None:
        ids = _all_ids(group)
        return ids, np.arange(ids.size, dtype=np.int64)
    ids = np.asarray(node_ids, dtype=np.int64)
    size = _size(group)
    if "node_id" not in group:
        _check_known(ids, (ids >= 0) & (ids < size), group, population)
        return ids, ids
    order = np.argsort(stored := _all_ids(group), kind="stable")
    at = np.minimum(np.searchsorted(stored, ids, sorter=order), max(size - 1, 0))
    rows = order[at] if size else np.zeros(ids.size, dtype=np.int64)
    _check_known(ids, stored[rows] == ids if size else np.zeros(ids.size, dtype=bool), group, population)
    return ids, rows.astype(np.int64)


def _check_known(ids: IntArray, known: npt.NDArray[np.bool_], group: Any, population: str) -> None:
    if not known.all():
        raise CircuitError(
            "nodes were asked for that the population does not have",
            file=group.file.filename,
            population=population,
            ids=ids[~known].tolist(),
            expected=f"ids of the {_size(group)} nodes of the population",
        )
