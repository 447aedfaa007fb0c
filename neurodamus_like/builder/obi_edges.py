"""The same network in the OBI dialect: properties of types become columns, every synapse is a row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurodamus_like.builder.connection_map import ConnectionMap
from neurodamus_like.builder.edge_writer import EdgeFile, EdgeTypeRows, write_edge_file
from neurodamus_like.builder.node_table import Array, IntArray
from neurodamus_like.builder.ranks import raise_together
from neurodamus_like.builder.sonata import write_circuit_config, write_nodes
from neurodamus_like.builder.store import EdgeStore
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import replace_when_whole

if TYPE_CHECKING:
    from neurodamus_like.builder.network import NetworkBuilder

DYNAMICS = "dynamics_params/"
"""Node properties whose name begins so go to the group of that name (``dynamics_params/threshold_current``)."""

DEFAULT_COMPONENTS = {
    "morphologies_dir": "$CIRCUIT_DIR/components/morphologies",
    "biophysical_neuron_models_dir": "$CIRCUIT_DIR/components/hoc",
}
"""Folders named in the circuit configuration if no others are given."""

_NOT_COLUMNS = ("edge_type_id", "is_gap_junction", "nsyns")


class SynapseRows:
    """Edges of a store with one row for each synapse, and the numbers of the edge type as columns.

    Parameters
    ----------
    store
        What was built.
    constants
        Numbers shared by all edges of the group.
    """

    def __init__(self, store: EdgeStore, constants: Mapping[str, Any]) -> None:
        self._store = store
        self.constants = {n: v for n, v in constants.items() if n not in store.dtypes}
        self.n_edges = store.n_synapses
        own = dict(store.dtypes) if store.n_edges else {}
        self.dtypes = (
            {**own, **{n: np.asarray(v).dtype for n, v in self.constants.items()}} if store.n_edges else {}
        )

    def count_by_target(self, size: int) -> IntArray:
        """Return the number of synapses of each target id."""
        if self._store.dtypes or not self._store.n_edges:
            return self._store.count_by_target(size)
        counts = np.zeros(size, dtype=np.int64)
        for window in self._store.all_windows():
            if window:
                counts += np.bincount(window["target"], weights=window["nsyns"], minlength=size).astype(
                    np.int64
                )
        return counts

    def window(self, begin_id: int, end_id: int) -> dict[str, Array]:
        """Return the synapses of a stretch of targets."""
        rows = self._store.window(begin_id, end_id)
        if not rows:
            return rows
        counts = rows.pop("nsyns", None)
        if counts is not None and not np.all(counts == 1):
            rows = {name: np.repeat(values, counts) for name, values in rows.items()}
        size = rows["target"].size
        return {**rows, **{name: np.full(size, value) for name, value in self.constants.items()}}


def write_obi_network(
    network: NetworkBuilder,
    folder: Path,
    force_overwrite: bool,
    compression: str | int | None,
    components: Mapping[str, str] | None = None,
) -> None:
    """Write nodes, edges and circuit configuration in the OBI dialect.

    Several networks can share a folder: each adds itself to ``circuit_config.json``.

    Raises
    ------
    CircuitError
        Node ids have gaps; groups lack a property that others have; or a file cannot be written.
    """
    nodes_file = f"{network.name}_nodes.h5"
    node_entries = {nodes_file: {network.name: {"type": _population_type(network)}}}
    edge_entries: dict[str, dict[str, dict[str, str]]] = {}
    with raise_together(network.comm):
        if network.comm.rank == 0:
            folder.mkdir(parents=True, exist_ok=True)
            _write_nodes(network, folder / nodes_file, force_overwrite)
    groups: dict[tuple[str, str, str], list[ConnectionMap]] = {}
    for group in network.get_connections():
        kind = "electrical" if group.is_gap_junction else "chemical"
        groups.setdefault((group.source_network_name, group.target_network_name, kind), []).append(group)
    for (source, target, kind), members in groups.items():
        name = f"{source}__{target}__{kind}"
        path = folder / f"{name}_edges.h5"
        _write_edges(network, path, name, members, force_overwrite, compression)
        edge_entries[path.name] = {name: {"type": kind}}
    with raise_together(network.comm):
        if network.comm.rank == 0:
            folders = {**DEFAULT_COMPONENTS, **(components or {})}
            _write_config(folder / "circuit_config.json", node_entries, edge_entries, folders)


def _population_type(network: NetworkBuilder) -> str:
    kinds = {g.type_properties.get("model_type", "biophysical") for g in network.node_groups()}
    return str(kinds.pop()) if len(kinds) == 1 else "biophysical"


def _write_nodes(network: NetworkBuilder, path: Path, force_overwrite: bool) -> None:
    if path.exists() and not force_overwrite:
        raise CircuitError(
            "the file is there already", file=path, hint="choose another name, or force_overwrite=True"
        )
    nodes = network.nodes().columns()
    size = len(nodes)
    if size and (nodes.ids[0] != 0 or nodes.ids[-1] != size - 1):
        raise CircuitError(
            "node ids have gaps", population=network.name, expected=f"0 to {size - 1} in the OBI dialect"
        )
    names = dict.fromkeys(
        name
        for g in network.node_groups()
        for name in (*g.columns, *g.type_properties)
        if name not in ("node_id", "node_type_id")
    )
    columns = {name: nodes[name] for name in names if name not in ("positions", "position")}
    if {"positions", "position"} & set(names):
        columns.update(dict(zip("xyz", nodes.positions().T, strict=True)))
    texts = {
        n: np.asarray([str(v) for v in c], dtype=object) if c.dtype == object else c
        for n, c in columns.items()
    }
    dynamics = {n.removeprefix(DYNAMICS): c for n, c in texts.items() if n.startswith(DYNAMICS)}
    plain = {n: c for n, c in texts.items() if not n.startswith(DYNAMICS)}
    with replace_when_whole(path) as temporary:
        write_nodes(temporary, network.name, size, plain, dynamics)


def _write_edges(
    network: NetworkBuilder,
    path: Path,
    name: str,
    members: Sequence[ConnectionMap],
    force_overwrite: bool,
    compression: str | int | None,
) -> None:
    with raise_together(network.comm):
        if path.exists() and not force_overwrite:
            raise CircuitError("the file is there already", file=path, hint="force_overwrite=True")
    rows = []
    for group in members:
        numbers = {
            n: v
            for n, v in group.edge_type_properties.items()
            if n not in _NOT_COLUMNS and isinstance(v, int | float | np.number) and not isinstance(v, bool)
        }
        rows.append(EdgeTypeRows(-1, SynapseRows(network.store_of(group), numbers), group.label))
    with raise_together(network.comm):
        _check_same_columns(rows)
    source, target = members[0].source_network_name, members[0].target_network_name
    file = EdgeFile(
        path,
        name,
        source,
        target,
        len(network.network(source).nodes()),
        len(network.network(target).nodes()),
        compression,
        type_id_dtype=np.int64,
    )
    write_edge_file(file, rows, network.comm, network.scratch, lambda _: None)


def _check_same_columns(rows: Sequence[EdgeTypeRows]) -> None:
    filled = [one for one in rows if one.edges.n_edges]
    for one in filled[1:]:
        first = filled[0]
        differing = sorted(set(one.edges.dtypes) ^ set(first.edges.dtypes))
        types = [
            n
            for n in one.edges.dtypes
            if n in first.edges.dtypes and one.edges.dtypes[n] != first.edges.dtypes[n]
        ]
        if differing or types:
            raise CircuitError(
                f"{one.label} and {first.label} differ in {', '.join(differing or types)}",
                expected="the same columns, of the same types, for all groups of an OBI edge population",
                hint="give each group all properties, as edge type property or by add_properties",
            )


def _write_config(
    path: Path, nodes: Mapping[str, Any], edges: Mapping[str, Any], components: Mapping[str, str]
) -> None:
    if path.exists():
        networks = json.loads(path.read_text(encoding="utf-8")).get("networks", {})
        before_nodes = {e["nodes_file"]: e["populations"] for e in networks.get("nodes", [])}
        before_edges = {e["edges_file"]: e["populations"] for e in networks.get("edges", [])}
        nodes, edges = {**before_nodes, **nodes}, {**before_edges, **edges}
    with replace_when_whole(path) as temporary:
        write_circuit_config(temporary, nodes, edges, components=components)
