"""Edges to a SONATA file, window by window: merged from all groups and ranks, sorted by target, indexed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from neurodamus_like.builder.communicator import Communicator
from neurodamus_like.builder.hdf5_columns import HDF5_ERRORS, ColumnFile
from neurodamus_like.builder.node_table import Array, IntArray
from neurodamus_like.builder.source_index import SourceIndex, write_target_index
from neurodamus_like.builder.store import Scratch, merge_sorted, windows_of
from neurodamus_like.exceptions import CircuitError, NeurodamusLikeError
from neurodamus_like.io.hdf5 import replace_when_whole

WINDOW_ROWS = 1 << 20
MAGIC = np.uint32(0x0A7A)
VERSION = np.array([0, 1], dtype=np.uint32)


class EdgeSource(Protocol):
    """The edges of one group on this rank, ready to be written."""

    @property
    def n_edges(self) -> int:
        """Number of rows."""

    @property
    def dtypes(self) -> Mapping[str, np.dtype[Any]]:
        """Columns of the rows, without the ends; empty stands for ``nsyns`` alone."""

    def count_by_target(self, size: int) -> IntArray:
        """Return the number of rows of each target id."""

    def window(self, begin_id: int, end_id: int) -> dict[str, Array]:
        """Return rows of a stretch of targets: target, source and the columns, sorted by target, source."""


@dataclass
class EdgeTypeRows:
    """One edge type of a file.

    Attributes
    ----------
    edge_type_id
        As in the table of types.
    edges
        Its rows.
    label
        The edge group in words.
    """

    edge_type_id: int
    edges: EdgeSource
    label: str
    dtypes: dict[str, np.dtype[Any]] = field(default_factory=dict)
    model_group: int = -1
    n_rows: int = 0


@dataclass
class EdgeFile:
    """Where edges go.

    Attributes
    ----------
    path, population
        File and name of the edge population.
    source, target
        Names of the node populations.
    n_sources, n_targets
        One more than the largest node id of each.
    compression
        As from :func:`~neurodamus_like.builder.hdf5_columns.check_compression`.
    index_by
        Indices to write: "target_node_id", "source_node_id".
    type_id_dtype
        Of ``edge_type_id``.
    """

    path: Path
    population: str
    source: str
    target: str
    n_sources: int
    n_targets: int
    compression: str | int | None
    index_by: Sequence[str] = ("target_node_id", "source_node_id")
    type_id_dtype: Any = np.uint32


def write_edge_file(
    file: EdgeFile,
    types: Sequence[EdgeTypeRows],
    comm: Communicator,
    scratch: Scratch,
    progress: Callable[[int], None],
) -> int:
    """Write one edge population; return the number of rows. All ranks call it; rank 0 writes.

    The file appears under its name only when it is whole. Nothing is written if there are no edges.

    Raises
    ------
    CircuitError
        Writing failed (on all ranks alike).
    """
    counts = np.zeros(file.n_targets, dtype=np.int64)
    for one in types:
        counts += one.edges.count_by_target(file.n_targets)
        _agree(one, comm)
    counts = comm.allreduce_sum(counts)
    total = int(counts.sum())
    if not total:
        return 0
    _assign_model_groups(types)
    windows = windows_of(counts, WINDOW_ROWS)
    if comm.rank > 0:
        _serve(windows, types, comm)
    else:
        _write(file, types, comm, scratch, progress, counts, windows)
    return total


def _agree(one: EdgeTypeRows, comm: Communicator) -> None:
    """Let all ranks know columns and size of an edge type."""
    known = comm.allgather(dict(one.edges.dtypes))
    one.n_rows = int(comm.allreduce_sum(one.edges.n_edges))
    filled = [dtypes for dtypes in known if dtypes]
    one.dtypes = filled[0] if filled else {"nsyns": np.dtype(np.uint32)}


def _assign_model_groups(types: Sequence[EdgeTypeRows]) -> None:
    """Edge types with the same columns share an HDF5 group."""
    known: dict[Any, int] = {}
    for one in types:
        if one.n_rows:
            key = tuple(sorted((name, dtype.str) for name, dtype in one.dtypes.items()))
            one.model_group = known.setdefault(key, len(known))


def _serve(windows: Sequence[tuple[int, int]], types: Sequence[EdgeTypeRows], comm: Communicator) -> None:
    for begin, end in windows:
        comm.gather([one.edges.window(begin, end) for one in types])
    failure = comm.bcast(None)
    if failure is not None:
        raise failure


def _write(
    file: EdgeFile,
    types: Sequence[EdgeTypeRows],
    comm: Communicator,
    scratch: Scratch,
    progress: Callable[[int], None],
    counts: IntArray,
    windows: Sequence[tuple[int, int]],
) -> None:
    served = 0
    failure: NeurodamusLikeError | None = None
    try:
        with replace_when_whole(file.path) as temporary, h5py.File(temporary, "w") as h5:
            h5.attrs["magic"], h5.attrs["version"] = MAGIC, VERSION
            with ColumnFile(h5, file.compression) as columns:
                writer = _Population(columns, file, types, int(counts.sum()), scratch)
                for begin, end in windows:
                    gathered = comm.gather([one.edges.window(begin, end) for one in types])
                    served += 1
                    writer.append(_merged(gathered or [], len(types)))
                    progress(int(counts[begin:end].sum()))
                writer.finish(counts)
    except HDF5_ERRORS as error:
        failure = CircuitError(
            f"cannot write the edges of {', '.join(t.label for t in types)}: {error}",
            file=file.path,
            population=file.population,
            hint="no file was left under the final name; free disk space or choose another output_dir",
        )
    except NeurodamusLikeError as error:
        failure = error
    for begin, end in windows[served:]:
        comm.gather([one.edges.window(begin, end) for one in types])
    comm.bcast(failure)
    if failure is not None:
        raise failure


def _merged(gathered: Sequence[list[dict[str, Array]]], n_types: int) -> list[dict[str, Array]]:
    """Join the rows of all ranks, type by type."""
    if len(gathered) == 1:
        return gathered[0]
    return [merge_sorted([rank[i] for rank in gathered if rank[i]]) for i in range(n_types)]


class _Population:
    """Datasets of one edge population while they are filled."""

    def __init__(
        self,
        columns: ColumnFile,
        file: EdgeFile,
        types: Sequence[EdgeTypeRows],
        total: int,
        scratch: Scratch,
    ) -> None:
        self._columns, self._file, self._types = columns, file, types
        self._root = f"edges/{file.population}"
        add = columns.column
        self._source = add(f"{self._root}/source_node_id", total, np.uint64)
        self._target = add(f"{self._root}/target_node_id", total, np.uint64, smooth=True)
        self._source.dataset.attrs["node_population"] = file.source
        self._target.dataset.attrs["node_population"] = file.target
        self._group_id = add(f"{self._root}/edge_group_id", total, np.uint16, smooth=True)
        wide = np.uint32 if total < 1 << 32 else np.uint64
        self._group_index = add(f"{self._root}/edge_group_index", total, wide, smooth=True)
        self._type_id = add(f"{self._root}/edge_type_id", total, file.type_id_dtype, smooth=True)
        self._attributes: dict[int, dict[str, Any]] = {}
        for number in sorted({t.model_group for t in types if t.n_rows}):
            members = [t for t in types if t.model_group == number]
            rows = sum(t.n_rows for t in members)
            self._attributes[number] = {
                name: add(f"{self._root}/{number}/{name}", rows, dtype, smooth=dtype.kind in "iu")
                for name, dtype in members[0].dtypes.items()
            }
        self._filled = dict.fromkeys(self._attributes, 0)
        by_source = "source_node_id" in file.index_by
        self._sources = SourceIndex(file.n_sources, scratch) if by_source else None

    def append(self, parts: Sequence[dict[str, Array]]) -> None:
        """Write the rows of one window, given type by type."""
        found = [(one, part) for one, part in zip(self._types, parts, strict=True) if part]
        if not found:
            return
        sizes = [part["target"].size for _, part in found]
        target, order = _by_target([part["target"] for _, part in found])
        source = _ordered([part["source"] for _, part in found], order)
        self._target.append(target)
        self._source.append(source)
        if self._sources is not None:
            self._sources.add(source)
        dtype = self._file.type_id_dtype
        self._type_id.append(
            _ordered(
                [np.full(n, t.edge_type_id, dtype) for (t, _), n in zip(found, sizes, strict=True)], order
            )
        )
        groups = [np.full(n, t.model_group, np.uint16) for (t, _), n in zip(found, sizes, strict=True)]
        unsorted = groups[0] if len(groups) == 1 else np.concatenate(groups)
        group = unsorted if order is None else unsorted[order]
        self._group_id.append(group)
        index = np.empty(target.size, dtype=np.int64)
        for number in sorted({t.model_group for t, _ in found}):
            self._append_attributes(number, found, unsorted, group, order, index)
        self._group_index.append(index)

    def _append_attributes(
        self, number: int, found: Any, unsorted: Array, group: Array, order: Any, index: IntArray
    ) -> None:
        mine = group == number
        size = int(mine.sum())
        index[mine] = np.arange(self._filled[number], self._filled[number] + size)
        self._filled[number] += size
        members = [part for one, part in found if one.model_group == number]
        place: Any = None
        if order is not None:
            place = (np.cumsum(unsorted == number) - 1)[order][mine]
        for name, column in self._attributes[number].items():
            column.append(_ordered([part[name] for part in members], place))

    def finish(self, counts: IntArray) -> None:
        """Write the last chunks and the indices."""
        self._columns.finish()
        indices = f"{self._root}/indices"
        if self._sources is not None:
            self._sources.write(self._columns, f"{indices}/source_to_target")
        if "target_node_id" in self._file.index_by:
            write_target_index(self._columns, f"{indices}/target_to_source", counts)


def _by_target(parts: list[Array]) -> tuple[Array, Any]:
    """Return joined targets in ascending order, and the order that did it (None: as they were)."""
    if len(parts) == 1:
        return parts[0], None
    target = np.concatenate(parts)
    low = int(target.min())
    near = int(target.max()) - low < 1 << 16
    order = np.argsort((target - low).astype(np.uint16) if near else target, kind="stable")
    return target[order], order


def _ordered(parts: list[Array], order: Any) -> Array:
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return joined if order is None else joined[order]
