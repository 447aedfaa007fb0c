"""Nodes of existing SONATA files as groups of the builder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.builder.node_table import NodeGroup
from neurodamus_like.builder.types_csv import read_type_table
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import decode_strings, open_h5, population_group, population_names


def read_node_groups(path: Path, types_path: Path | None, population: str | None) -> list[NodeGroup]:
    """Return the nodes of a population, grouped by node type and HDF5 group, by ascending first id.

    Raises
    ------
    CircuitError
        A file, the population or a node type is missing, or the file has several populations and none is named.
    """
    types = {} if types_path is None else read_type_table(types_path, "node_type_id")
    with open_h5(path) as h5:
        known = population_names(h5, "nodes")
        if population is None and len(known) != 1:
            raise CircuitError(
                f"the file has {len(known)} node populations",
                file=path,
                expected="population=" + " or ".join(repr(name) for name in known),
            )
        name = known[0] if population is None else population
        return _groups(population_group(h5, "nodes", name), types, types_path)


def _groups(group: Any, types: dict[int, dict[str, Any]], types_path: Path | None) -> list[NodeGroup]:
    type_ids = np.asarray(group["node_type_id"][()], dtype=np.int64)
    size = type_ids.size
    ids = np.asarray(group["node_id"][()], dtype=np.int64) if "node_id" in group else np.arange(size)
    numbers = _column(group, "node_group_id", np.zeros(size, dtype=np.int64))
    rows = _column(group, "node_group_index", np.arange(size, dtype=np.int64))
    made = []
    for number, type_id in sorted(set(zip(numbers.tolist(), type_ids.tolist(), strict=True))):
        if types_path is not None and type_id not in types:
            raise CircuitError(f"node type {type_id} is not in the table of types", file=types_path)
        mine = np.flatnonzero((numbers == number) & (type_ids == type_id))
        stored = _attributes(group[str(number)]) if str(number) in group else {}
        columns = {name: values[rows[mine]] for name, values in stored.items()}
        properties = {**types.get(type_id, {}), "node_type_id": type_id}
        made.append(NodeGroup(ids[mine], properties, columns))
    return sorted(made, key=lambda g: int(g.node_ids[0]))


def _attributes(group: Any, prefix: str = "") -> dict[str, Any]:
    """Return the columns of an HDF5 group; codes of enumerations as words, simulator ones with their folder."""
    library = group.get("@library", {})
    found: dict[str, Any] = {}
    for name, item in group.items():
        if not hasattr(item, "shape"):
            if name == "dynamics_params":
                found.update(_attributes(item, f"{name}/"))
            continue
        values = decode_strings(item[()])
        found[prefix + name] = decode_strings(library[name][()])[values] if name in library else values
    return found


def _column(group: Any, name: str, default: Any) -> Any:
    return np.asarray(group[name][()], dtype=np.int64) if name in group else default
