"""The file of gap junction ids that goes with edges marked ``is_gap_junction``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from neurodamus_like.builder.communicator import Communicator
from neurodamus_like.builder.connection_map import ConnectionMap
from neurodamus_like.builder.edge_writer import MAGIC, VERSION
from neurodamus_like.builder.hdf5_columns import ColumnFile
from neurodamus_like.builder.node_table import Array
from neurodamus_like.builder.store import EdgeStore
from neurodamus_like.io.hdf5 import replace_when_whole


def write_gap_junctions(
    path: Path,
    groups: Sequence[tuple[ConnectionMap, EdgeStore]],
    first_id: int,
    compression: str | int | None,
    comm: Communicator,
) -> None:
    """Write source, target and the ids of both ends of each junction: 0, 1 | 2, 3 | ... Nothing if there are none.

    Junctions are numbered edge group by edge group, by source, then target.
    """
    ends = [_ends(store) for _, store in groups]
    gathered = comm.gather(ends)
    if gathered is None:
        return
    parts = [_by_source([rank[i] for rank in gathered]) for i in range(len(groups))]
    pairs = np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.int64)
    if not len(pairs):
        return
    ids = first_id + 2 * np.arange(len(pairs), dtype=np.int64)
    with replace_when_whole(path) as temporary, h5py.File(temporary, "w") as h5:
        h5.attrs["magic"], h5.attrs["version"] = MAGIC, VERSION
        with ColumnFile(h5, compression) as columns:
            columns.write("source_ids", pairs[:, 0], np.uint64)
            columns.write("target_ids", pairs[:, 1], np.uint64)
            columns.write("src_gap_ids", ids)
            columns.write("trg_gap_ids", ids + 1)


def _ends(store: EdgeStore) -> Array:
    parts = [np.empty((0, 2), dtype=np.int64)]
    for window in store.all_windows():
        if window:
            pairs = np.column_stack([window["source"].astype(np.int64), window["target"]])
            parts.append(np.repeat(pairs, window["nsyns"], axis=0) if "nsyns" in window else pairs)
    return np.concatenate(parts)


def _by_source(parts: Sequence[Array]) -> Array:
    pairs = np.concatenate(parts)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
