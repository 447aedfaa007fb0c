"""Files of a network under construction: which there are, and what goes into each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurodamus_like.builder.edge_writer import EdgeFile, EdgeTypeRows, write_edge_file
from neurodamus_like.builder.gap_junctions import write_gap_junctions
from neurodamus_like.builder.node_writer import write_node_file, write_type_table
from neurodamus_like.builder.ranks import raise_together
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.logs import get_logger

if TYPE_CHECKING:
    from neurodamus_like.builder.network import NetworkBuilder

logger = get_logger(__name__)


@dataclass(frozen=True)
class PairOfNetworks:
    """Names of the networks at both ends of an edge population, and its own."""

    source: str
    target: str
    population: str


def write_nodes_and_types(
    network: NetworkBuilder, nodes: Path, types: Path, force_overwrite: bool, compression: str | int | None
) -> None:
    """Write nodes (HDF5) and node types (CSV)."""
    with raise_together(network.comm):
        if network.comm.rank == 0:
            check_free([nodes, types], force_overwrite)
            groups = network.node_groups()
            write_node_file(nodes, network.name, groups, compression)
            rows = {int(g.type_properties["node_type_id"]): g.type_properties for g in groups}
            write_type_table(types, ["node_type_id"], list(rows.values()))


def write_pair(
    network: NetworkBuilder,
    pair: PairOfNetworks,
    edges: Path | None,
    types: Path | None,
    force_overwrite: bool,
    compression: str | int | None,
    index_by: Sequence[str],
) -> None:
    """Write the edges between two networks and their types; what has no path is left out."""
    ends = (pair.source, pair.target)
    groups = [g for g in network.get_connections() if (g.source_network_name, g.target_network_name) == ends]
    with raise_together(network.comm):
        check_free([path for path in (edges, types) if path is not None], force_overwrite)
        if types is not None and network.comm.rank == 0:
            first = ["edge_type_id", "target_query", "source_query"]
            write_type_table(types, first, [g.edge_type_properties for g in groups])
    if edges is None:
        return
    file = EdgeFile(
        edges,
        pair.population,
        *ends,
        network.network(pair.source).id_bound(),
        network.network(pair.target).id_bound(),
        compression,
        index_by,
    )
    rows = [EdgeTypeRows(g.edge_type_id, network.store_of(g), g.label) for g in groups]
    total = int(network.comm.allreduce_sum(sum(r.edges.n_edges for r in rows)))
    with network.show_progress(f"write {file.population}", total) as bar:
        written = write_edge_file(file, rows, network.comm, network.scratch, bar.update)
    if not written and network.comm.rank == 0:
        logger.warning("no edges from %s to %s: %s is not written", *ends, file.path)


def write_junctions(network: NetworkBuilder, path: Path, compression: str | int | None) -> None:
    """Write the ids of the gap junctions, if there are any."""
    groups = [(g, network.store_of(g)) for g in network.get_connections() if g.is_gap_junction]
    first = int(network.properties.get("gj_id_start", 0))
    with raise_together(network.comm):
        write_gap_junctions(path, groups, first, compression, network.comm)


def check_free(paths: Sequence[Path], force_overwrite: bool) -> None:
    """Raise CircuitError if a file is there that may not be replaced."""
    for path in paths:
        if path.exists() and not force_overwrite:
            hint = "choose another name, or force_overwrite=True"
            raise CircuitError("the file is there already", file=path, hint=hint)
