"""Nodes and tables of types to files."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.builder.edge_writer import MAGIC, VERSION
from neurodamus_like.builder.hdf5_columns import HDF5_ERRORS, ColumnFile
from neurodamus_like.builder.node_table import NodeGroup, as_column
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import replace_when_whole


def write_node_file(
    path: Path, population: str, groups: Sequence[NodeGroup], compression: str | int | None
) -> None:
    """Write one node population; groups with the same columns share an HDF5 group.

    Raises
    ------
    CircuitError
        Writing failed, or a column has no HDF5 type.
    """
    try:
        with replace_when_whole(path) as temporary, h5py.File(temporary, "w") as h5:
            h5.attrs["magic"], h5.attrs["version"] = MAGIC, VERSION
            with ColumnFile(h5, compression) as columns:
                _write_population(columns, f"nodes/{population}", groups)
    except HDF5_ERRORS as error:
        raise CircuitError(
            f"cannot write the nodes: {error}",
            file=path,
            population=population,
            hint="no file was left under the final name; free disk space or choose another output_dir",
        ) from error


def _write_population(columns: ColumnFile, root: str, groups: Sequence[NodeGroup]) -> None:
    columns.file.create_group(root)
    numbers: dict[tuple[str, ...], int] = {}
    own = [numbers.setdefault(tuple(sorted(_names(g))), len(numbers)) for g in groups]
    filled = [0] * len(numbers)
    places = []
    for group, number in zip(groups, own, strict=True):
        places.append(np.arange(filled[number], filled[number] + len(group)))
        filled[number] += len(group)
    types = [np.full(len(g), g.type_properties["node_type_id"]) for g in groups]
    columns.write(f"{root}/node_id", _joined([g.node_ids for g in groups]), np.uint64)
    columns.write(f"{root}/node_type_id", _joined(types), np.uint64)
    columns.write(
        f"{root}/node_group_id",
        _joined([np.full(len(g), n) for g, n in zip(groups, own, strict=True)]),
        np.uint32,
    )
    columns.write(f"{root}/node_group_index", _joined(places), np.uint64)
    for number in range(max(len(numbers), 1)):
        columns.file.create_group(f"{root}/{number}")
        members = [g for g, n in zip(groups, own, strict=True) if n == number]
        for name in _names(members[0]) if members else ():
            values = _same_width([as_column(g.columns[name]) for g in members], name, root)
            columns.write(f"{root}/{number}/{name}", values)


def _names(group: NodeGroup) -> list[str]:
    return [name for name in group.columns if name != "node_id"]


def _joined(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _same_width(parts: Sequence[Any], name: str, root: str) -> Any:
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise CircuitError(
            f"node property {name!r} has rows of different length: {sorted(shapes)}",
            population=root.partition("/")[2],
            expected="the same number of values for each node",
        )
    joined = np.concatenate(parts)
    if joined.dtype == object:
        texts = np.empty(joined.shape, dtype=object)
        texts[:] = [str(value) for value in joined]
        return texts
    return joined


def write_type_table(path: Path, first: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table of node or edge types: blanks between columns, NULL for what a type lacks.

    Parameters
    ----------
    path
        CSV file.
    first
        Columns that come first.
    rows
        One type each; further columns follow in the order in which they appear.
    """
    names = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    with replace_when_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=" ", lineterminator="\r\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(row.get(name)) for name in names])


def _cell(value: Any) -> Any:
    if value is None:
        return "NULL"
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
