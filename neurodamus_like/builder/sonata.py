"""Writers of SONATA files: nodes, edges with both indices, node sets and configuration files.

The files are deterministic: equal arguments give equal bytes (no time stamps, sorted edges, fixed key order).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurodamus_like.exceptions import CircuitError


def _write(group: h5py.Group, name: str, values: ArrayLike) -> h5py.Dataset:
    """Write a column; strings become variable-length UTF-8, double precision is kept."""
    data = np.asarray(values)
    if data.dtype.kind in "UO":
        return group.create_dataset(
            name, data=data.astype(object), dtype=h5py.string_dtype(), track_times=False
        )
    return group.create_dataset(name, data=data, track_times=False)


def _check_columns(columns: Mapping[str, ArrayLike], size: int, file: Path, population: str) -> None:
    wrong = {name: len(np.asarray(c)) for name, c in columns.items() if len(np.asarray(c)) != size}
    if wrong:
        raise CircuitError(
            f"columns of unequal length: {wrong}",
            file=file,
            population=population,
            expected=f"{size} rows each",
        )


def write_nodes(
    path: Path,
    population: str,
    size: int,
    columns: Mapping[str, ArrayLike] | None = None,
    dynamics: Mapping[str, ArrayLike] | None = None,
) -> None:
    """Write one node population.

    Parameters
    ----------
    path
        HDF5 file; created, or extended by this population.
    population
        Name of the population.
    size
        Number of nodes.
    columns
        Attributes of group ``0``, each of length `size`; strings or numbers.
    dynamics
        Attributes of ``0/dynamics_params``, such as ``threshold_current`` (nA).

    Raises
    ------
    CircuitError
        A column has another length than `size`.
    """
    columns, dynamics = columns or {}, dynamics or {}
    _check_columns({**columns, **dynamics}, size, path, population)
    with h5py.File(path, "a") as file:
        group = file.create_group(f"nodes/{population}")
        _write(group, "node_type_id", np.full(size, -1, dtype=np.int64))
        attributes = group.create_group("0")
        for name, values in columns.items():
            _write(attributes, name, values)
        if dynamics:
            parameters = attributes.create_group("dynamics_params")
            for name, values in dynamics.items():
                _write(parameters, name, values)


def write_edges(
    path: Path,
    population: str,
    source: tuple[str, int],
    target: tuple[str, int],
    source_ids: ArrayLike,
    target_ids: ArrayLike,
    columns: Mapping[str, ArrayLike],
) -> NDArray[np.int64]:
    """Write one edge population, sorted by target and then by source, with both indices.

    Parameters
    ----------
    path
        HDF5 file; created, or extended by this population.
    population
        Name of the edge population.
    source, target
        Name and size of the node populations at both ends.
    source_ids, target_ids
        Node ids of the ends, shape (n_edges,).
    columns
        Attributes of group ``0``, each of length n_edges.

    Returns
    -------
    ndarray
        The order in which the rows were written: row ``i`` of the file is row ``order[i]`` of the arguments.

    Raises
    ------
    CircuitError
        Columns of unequal length, or node ids outside their population.
    """
    sources = np.asarray(source_ids, dtype=np.int64)
    targets = np.asarray(target_ids, dtype=np.int64)
    _check_columns({"target_node_id": targets, **columns}, len(sources), path, population)
    for ids, (name, size) in ((sources, source), (targets, target)):
        outside = ids[(ids < 0) | (ids >= size)]
        if len(outside):
            raise CircuitError(
                f"edge population {population!r} names nodes that {name!r} does not have",
                file=path,
                ids=np.unique(outside).tolist(),
                expected=f"node ids from 0 to {size - 1}",
            )
    order = np.lexsort((sources, targets))
    sources, targets = sources[order], targets[order]
    with h5py.File(path, "a") as file:
        group = file.create_group(f"edges/{population}")
        for name, ids, end in (("source_node_id", sources, source), ("target_node_id", targets, target)):
            _write(group, name, ids.astype(np.uint64)).attrs["node_population"] = end[0]
        _write(group, "edge_type_id", np.full(len(order), -1, dtype=np.int64))
        attributes = group.create_group("0")
        for name, values in columns.items():
            _write(attributes, name, np.asarray(values)[order])
        for name, ids, size in (
            ("source_to_target", sources, source[1]),
            ("target_to_source", targets, target[1]),
        ):
            ranges = group.create_group(f"indices/{name}")
            node_ranges, edge_ranges = compute_index(ids, size)
            _write(ranges, "node_id_to_ranges", node_ranges)
            _write(ranges, "range_to_edge_id", edge_ranges)
    return np.asarray(order, dtype=np.int64)


def compute_index(node_ids: ArrayLike, size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the two tables of a SONATA edge index.

    Parameters
    ----------
    node_ids
        Node id of each edge in file order, shape (n_edges,).
    size
        Number of nodes of that population.

    Returns
    -------
    node_id_to_ranges
        Shape (size, 2): first and one past last row of `range_to_edge_id` of each node.
    range_to_edge_id
        Shape (n_ranges, 2): first and one past last edge of each run of equal node ids.
    """
    ids = np.asarray(node_ids, dtype=np.int64)
    starts = np.flatnonzero(np.diff(ids, prepend=-1)) if len(ids) else np.empty(0, dtype=np.int64)
    stops = np.append(starts[1:], len(ids)) if len(ids) else starts
    owners = ids[starts]
    by_owner = np.argsort(owners, kind="stable")
    edge_ranges = np.column_stack([starts, stops])[by_owner]
    bounds = np.searchsorted(owners[by_owner], np.arange(size + 1))
    node_ranges = np.column_stack([bounds[:-1], bounds[1:]])
    return node_ranges.astype(np.uint64), edge_ranges.astype(np.uint64)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as indented JSON with a final newline."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_node_sets(path: Path, node_sets: Mapping[str, Any]) -> None:
    """Write a node sets file: basic sets (rules by attribute) and compound sets (lists of names)."""
    write_json(path, node_sets)


def write_circuit_config(
    path: Path,
    nodes: Mapping[str, Mapping[str, Mapping[str, Any]]],
    edges: Mapping[str, Mapping[str, Mapping[str, Any]]],
    *,
    node_sets_file: str | None = None,
    components: Mapping[str, Any] | None = None,
) -> None:
    """Write a circuit configuration.

    Parameters
    ----------
    path
        JSON file; relative paths inside are relative to its folder.
    nodes, edges
        {HDF5 file: {population: properties such as ``type``}}.
    node_sets_file
        Path of the node sets.
    components
        Folders shared by all populations.
    """
    config: dict[str, Any] = {"version": 2.3, "manifest": {"$CIRCUIT_DIR": "."}}
    if node_sets_file:
        config["node_sets_file"] = node_sets_file
    if components:
        config["components"] = dict(components)
    config["networks"] = {
        "nodes": [{"nodes_file": f, "populations": p} for f, p in nodes.items()],
        "edges": [{"edges_file": f, "populations": p} for f, p in edges.items()],
    }
    write_json(path, config)


def write_simulation_config(
    path: Path,
    *,
    network: str,
    run: Mapping[str, Any],
    node_set: str | None = None,
    node_sets_file: str | None = None,
    conditions: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    reports: Mapping[str, Any] | None = None,
    connection_overrides: list[Mapping[str, Any]] | None = None,
) -> None:
    """Write a simulation configuration; empty parts are left out, so that the defaults of the format hold.

    Parameters
    ----------
    path
        JSON file; relative paths inside are relative to its folder.
    network
        Path of the circuit configuration.
    run
        At least ``tstop`` and ``dt`` (ms) and ``random_seed``.
    node_set, node_sets_file
        What to simulate, and where sets are defined.
    conditions, output, inputs, reports, connection_overrides
        Blocks of the same names, in the keys of the format.
    """
    config: dict[str, Any] = {"version": 2.4, "network": network, "target_simulator": "NEURON"}
    optional = {
        "node_sets_file": node_sets_file,
        "node_set": node_set,
        "run": dict(run),
        "conditions": conditions,
        "output": output,
        "inputs": inputs,
        "reports": reports,
        "connection_overrides": connection_overrides,
    }
    write_json(path, {**config, **{key: value for key, value in optional.items() if value}})
