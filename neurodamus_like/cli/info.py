"""Show what network files contain: populations, counts, attributes, types, sizes, state of the indices.

Usage:
  neurodamus-like info FILE... [--json] [--plot=PNG] [--group-by=NAME]
  neurodamus-like info (-h | --help)

FILE is a SONATA file of nodes or edges, or a circuit or simulation configuration of either dialect.

Options:
  --json           Print JSON.
  --plot=PNG       Draw positions of all node populations and the connectivity matrices of all edge populations.
  --group-by=NAME  Node attribute by which the figure groups nodes; a telling one is chosen if not given.
  -h --help        Show this text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.analysis.connectivity import compute_connectivity
from neurodamus_like.analysis.populations import PopulationInfo, describe_file, network_files
from neurodamus_like.builder.import_nodes import read_node_groups
from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.memory import format_bytes
from neurodamus_like.parallel.mpi import world
from neurodamus_like.plotting.backend import create_figure
from neurodamus_like.plotting.matrices import plot_connectivity
from neurodamus_like.plotting.positions import plot_positions

GROUP_NAMES = ("pop_name", "model_name", "mtype", "synapse_class", "ei", "layer", "etype", "model_type")


def run(argv: list[str]) -> int:
    """Run the command with the arguments after its name; return the exit code."""
    options = parse_arguments(__doc__ or "", ["info", *argv])
    if world().rank > 0:
        return 0
    found = [info for path in files_of(options["FILE"]) for info in describe_file(path)]
    if options["--json"]:
        print(json.dumps([info.as_dict() for info in found], indent=2))
    else:
        print("\n\n".join(format_info(info) for info in found))
    if options["--plot"]:
        path = Path(options["--plot"])
        draw(found, path, options["--group-by"])
        print(f"\n{path}")
    return 0


def files_of(arguments: list[str]) -> list[Path]:
    """Return the network files named, or named by the configurations named."""
    files: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        files += [file for _, file in network_files(path)] if path.suffix == ".json" else [path]
    return list(dict.fromkeys(files))


def format_info(info: PopulationInfo) -> str:
    """Return a population in words."""
    ends = f" {info.source} -> {info.target}" if info.kind == "edges" else ""
    size = f"{format_bytes(info.data_bytes)} of data, file of {format_bytes(info.file_bytes)}"
    lines = [
        f"{info.kind} {info.name!r}{ends}: {info.size:,} {info.kind}, {info.n_types} types",
        f"  file        {info.file} ({size})",
        "  attributes  " + (", ".join(f"{n} {t}" for n, t in info.attributes.items()) or "none"),
    ]
    if info.kind == "edges":
        lines.append("  order       " + ("sorted by target" if info.is_sorted else "not sorted by target"))
        lines += [f"  index       {name}: {state}" for name, state in info.indices.items()]
    return "\n".join(lines)


def draw(found: list[PopulationInfo], path: Path, group_by: str | None) -> None:
    """Draw positions and connectivity matrices side by side."""
    nodes = {info.name: node_columns(info) for info in found if info.kind == "nodes"}
    edges = [info for info in found if info.kind == "edges"]
    labels = {name: group_labels(columns, group_by) for name, columns in nodes.items()}
    count = max(len(nodes) + len(edges), 1)
    columns = min(count, 3)
    rows = -(-count // columns)
    figure = create_figure(4.5 * columns, 4.0 * rows)
    places = iter(figure.subplots(rows, columns, squeeze=False).ravel())
    for name, table in nodes.items():
        ax = plot_positions(table.positions(), labels[name], next(places))
        ax.set_title(name, fontsize="medium")
    for info in edges:
        source = labels.get(info.source, [info.source] * _bound(info, "source"))
        target = labels.get(info.target, [info.target] * _bound(info, "target"))
        ax = plot_connectivity(compute_connectivity(info.file, info.name, source, target), next(places))
        ax.set_title(f"{info.name}: synapses", fontsize="medium")
    for ax in places:
        ax.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def node_columns(info: PopulationInfo) -> NodeColumns:
    """Return the nodes of a population, with the properties of their types if the table is beside the file."""
    types = info.file.with_name(info.file.name.replace("_nodes.h5", "_node_types.csv"))
    groups = read_node_groups(info.file, types if types != info.file and types.is_file() else None, info.name)
    return NodeColumns(info.name, [(group, np.arange(len(group))) for group in groups])


def group_labels(nodes: NodeColumns, group_by: str | None) -> list[Any]:
    """Return the group of each node, by node id."""
    names = [group_by] if group_by else [name for name in GROUP_NAMES if name in nodes]
    size = int(nodes.ids[-1]) + 1 if len(nodes) else 0
    labels: list[Any] = [nodes.network] * size
    if names:
        for node_id, value in zip(nodes.ids.tolist(), nodes.get(names[0], "-").tolist(), strict=True):
            labels[node_id] = value
    return labels


def _bound(info: PopulationInfo, end: str) -> int:
    """Return a number above all node ids at one end, from the edges alone."""
    with h5py.File(info.file) as h5:
        ids = h5[f"edges/{info.name}/{end}_node_id"]
        return max(
            (int(ids[i : i + 1_000_000].max()) + 1 for i in range(0, ids.shape[0], 1_000_000)), default=0
        )
