"""Edges files whose columns are still to be written: made whole at once, filled at byte offsets by many processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.io.hdf5 import IntArray, write_header


@dataclass(frozen=True)
class EdgesFile:
    """An edges file that is being written.

    Attributes
    ----------
    path
        The file.
    population
        Name of the edge population.
    offsets
        Column, named below the population, -> byte offset of its first value (0 where there are no values).
    """

    path: Path
    population: str
    offsets: dict[str, int]


def create_edges_file(
    path: Path, source: str, target: str, columns: Mapping[str, tuple[int, npt.DTypeLike]]
) -> EdgesFile:
    """Create an edges file whose columns lie in one piece each.

    Parameters
    ----------
    path
        The file.
    source, target
        Node populations; the edge population is ``<source>_<target>``.
    columns
        Column -> number of rows and type; columns of groups are called ``0/syn_weight``.
    """
    name = f"{source}_{target}"
    with h5py.File(path, "w") as h5:
        write_header(h5)
        group = h5.create_group(f"edges/{name}")
        offsets = {column: _create(group, column, *shape) for column, shape in columns.items()}
        for column, population in (("source_node_id", source), ("target_node_id", target)):
            group[column].attrs["node_population"] = population
    return EdgesFile(Path(path), name, offsets)


def write_indices(file: EdgesFile, n_sources: int, n_targets: int) -> None:
    """Write both indices of a file whose columns are written.

    Parameters
    ----------
    file
        The file.
    n_sources, n_targets
        Sizes of the node populations.
    """
    with h5py.File(file.path, "r+") as h5:
        group = h5[f"edges/{file.population}"]
        for name, column, size in (
            ("target_to_source", "target_node_id", n_targets),
            ("source_to_target", "source_node_id", n_sources),
        ):
            ranges, of_nodes = compute_index(group[column][()].astype(np.int64), size)
            index = group.create_group(f"indices/{name}")
            index.create_dataset("node_id_to_range", data=of_nodes, dtype="<u8", track_times=False)
            index.create_dataset("range_to_edge_id", data=ranges, dtype="<u8", track_times=False)


def compute_index(node_ids: IntArray, n_nodes: int) -> tuple[IntArray, IntArray]:
    """Return where the edges of each node are.

    Parameters
    ----------
    node_ids
        int64[edges], in the order of the file.
    n_nodes
        Size of the population.

    Returns
    -------
    tuple
        ``range_to_edge_id``, int64[ranges, 2]: rows [begin, end) with one node, ordered by node; and
        ``node_id_to_range``, int64[nodes, 2]: which of these ranges belong to each node.
    """
    begins = np.flatnonzero(np.r_[True, node_ids[1:] != node_ids[:-1]]) if node_ids.size else node_ids[:0]
    ends = np.r_[begins[1:], node_ids.size] if node_ids.size else begins
    owners = node_ids[begins]
    order = np.lexsort((begins, owners))
    last = np.searchsorted(owners[order], np.arange(n_nodes), side="right")
    first = np.searchsorted(owners[order], np.arange(n_nodes), side="left")
    of_nodes = np.where((last > first)[:, None], np.column_stack([first, last]), 0)
    return np.column_stack([begins, ends])[order], of_nodes


def _create(group: Any, name: str, size: int, dtype: npt.DTypeLike) -> int:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.CONTIGUOUS)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_obj_track_times(False)
    kind = h5py.h5t.py_create(np.dtype(dtype))
    parent, _, last = name.rpartition("/")
    owner = group.require_group(parent) if parent else group
    space = h5py.h5s.create_simple((size,))
    return int(h5py.h5d.create(owner.id, last.encode(), kind, space, creation).get_offset() or 0)
