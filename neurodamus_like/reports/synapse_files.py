"""The synapses as they were made, as edges files from which the same network can be built again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Report, Run
from neurodamus_like.exceptions import ReportError
from neurodamus_like.io.edge_files import EdgesFile, create_edges_file, write_indices
from neurodamus_like.io.recovery import part_of
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.base import NodeElements, ReportModel, report_types
from neurodamus_like.reports.layout import arrange_columns
from neurodamus_like.reports.selection import cells_of
from neurodamus_like.reports.sizes import ExpectedSize

AnyArray = npt.NDArray[Any]

_SOURCE = "source_population"
_SIZES = "population_sizes"
_ON_SECTION, _ON_POINT = 0, 1
"""Groups of edges onto detailed and onto artificial cells."""
_EDGE_TYPES = {
    "source_node_id": "<u8",
    "target_node_id": "<u8",
    "edge_type_id": "<u4",
    "edge_group_id": "<u2",
    "edge_group_index": "<u8",
}
_GROUP_TYPES = {
    _ON_SECTION: {"syn_weight": "<f8", "sec_id": "<u8", "sec_x": "<f8"},
    _ON_POINT: {"syn_weight": "<f8"},
}
_BYTES_PER_SYNAPSE = 54


class SynapseFileStream:
    """Writes the synapses when it is opened, into ``<source>_<target>_edges.h5``; there is nothing to record.

    Parameters
    ----------
    report, directory, comm
        As in :class:`~neurodamus_like.reports.file_stream.FileStream`; `file_name` is the folder.
    run
        Not used.
    elements
        Population -> synapses from one population onto one local cell each.
    **options
        Not used.
    """

    def __init__(
        self,
        report: Report,
        run: Run,
        elements: Mapping[str, Sequence[NodeElements]],
        directory: Path,
        comm: Communicator,
        **options: Any,
    ) -> None:
        self.report = report
        self.comm = comm
        self.path = directory / report.file_name
        local: dict[tuple[str, str], list[NodeElements]] = {}
        for target, nodes in elements.items():
            for node in sorted(nodes, key=lambda n: n.node_id):
                local.setdefault((str(node.attributes[_SOURCE][0]), target), []).append(node)
        pairs = sorted({pair for part in comm.allgather(sorted(local)) for pair in part})
        self._local = {pair: local.get(pair, []) for pair in pairs}
        self._total = comm.allreduce_sum(sum(len(n.element_ids) for nodes in local.values() for n in nodes))

    @property
    def expected_size(self) -> ExpectedSize:
        """What the files will hold."""
        return ExpectedSize(self.report, self._total, 1, _BYTES_PER_SYNAPSE)

    def open(self, position: Any = None) -> None:
        """Write all files; those of a restored run are the same again."""
        with collectively(self.comm):
            self.path.mkdir(parents=True, exist_ok=True)
        for (source, target), nodes in self._local.items():
            _PairWriter(self.path / f"{source}_{target}_edges.h5", source, target, nodes, self.comm).write()
        self._local = {}


class _PairWriter:
    """Writes the synapses between two node populations; every rank those of its own targets."""

    def __init__(
        self, path: Path, source: str, target: str, nodes: Sequence[NodeElements], comm: Communicator
    ) -> None:
        self._path, self._ends, self._nodes, self._comm = path, (source, target), nodes, comm
        self._ids = np.array([n.node_id for n in nodes], dtype=np.int64)
        self._columns = {
            name: self._column(name)
            for name in ("source_node_id", "edge_type_id", *_GROUP_TYPES[_ON_SECTION])
        }
        counts = np.array([len(n.element_ids) for n in nodes], dtype=np.int64)
        self._columns["target_node_id"] = np.repeat(self._ids, counts)
        on_point = np.array([n.element_ids[0] < 0 for n in nodes], dtype=bool)
        self._columns["edge_group_id"] = np.repeat(on_point.astype(np.int64), counts)
        self._counts = counts

    def write(self) -> None:
        """Write the file and give it its name when it is whole; collective."""
        places = self._places(np.ones(len(self._counts), dtype=bool))
        groups = {kind: self._places(self._of_group(kind)) for kind in _GROUP_TYPES}
        index = np.zeros(len(self._columns["target_node_id"]), dtype=np.int64)
        for kind, (columns, _) in groups.items():
            index[self._rows_of(kind)] = columns
        self._columns["edge_group_index"] = index
        file = self._create(places[1], {kind: total for kind, (_, total) in groups.items()})
        for name, dtype in _EDGE_TYPES.items():
            self._write(file, name, dtype, *places, self._columns[name])
        for kind, types in _GROUP_TYPES.items():
            for name, dtype in types.items():
                self._write(
                    file, f"{kind}/{name}", dtype, *groups[kind], self._columns[name][self._rows_of(kind)]
                )
        self._finish(file)

    def _column(self, name: str) -> AnyArray:
        empty = np.empty(0, dtype=np.float64 if name in ("syn_weight", "sec_x") else np.int64)
        return np.concatenate([empty, *(np.asarray(n.attributes[name]) for n in self._nodes)])

    def _of_group(self, kind: int) -> AnyArray:
        return np.array([(n.element_ids[0] < 0) == (kind == _ON_POINT) for n in self._nodes], dtype=bool)

    def _rows_of(self, kind: int) -> AnyArray:
        return np.asarray(self._columns["edge_group_id"] == kind)

    def _places(self, chosen: AnyArray) -> tuple[AnyArray, int]:
        """Return where in the columns of the file the synapses onto some local nodes are, and how many all are."""
        everywhere = self._comm.allgather((self._ids[chosen], self._counts[chosen]))
        arranged = arrange_columns(everywhere, self._comm.rank)
        return arranged.columns, arranged.n_columns

    def _create(self, n_edges: int, of_groups: Mapping[int, int]) -> EdgesFile:
        shapes: dict[str, tuple[int, npt.DTypeLike]] = {
            n: (n_edges, dtype) for n, dtype in _EDGE_TYPES.items()
        }
        for kind, types in _GROUP_TYPES.items():
            shapes |= {f"{kind}/{name}": (of_groups[kind], dtype) for name, dtype in types.items()}
        file = None
        with collectively(self._comm):
            if self._comm.rank == 0:
                file = create_edges_file(part_of(self._path), *self._ends, shapes)
        shared = self._comm.bcast(file)
        assert shared is not None
        return shared

    def _write(
        self, file: EdgesFile, name: str, dtype: str, places: AnyArray, total: int, values: AnyArray
    ) -> None:
        if not total:
            return
        with BlockWriter(file.path, file.offsets[name], total, dtype, places, self._comm) as writer:
            writer.write(0, values.astype(dtype).reshape(1, -1))

    def _finish(self, file: EdgesFile) -> None:
        self._comm.barrier()
        sizes = [tuple(n.attributes[_SIZES]) for n in self._nodes[:1]]
        known = next(pair for part in self._comm.allgather(sizes) for pair in part)
        with collectively(self._comm):
            if self._comm.rank == 0:
                write_indices(file, int(known[0]), int(known[1]))
                file.path.replace(self._path)


@report_types.register("synapse_files")
class SynapseFilesReport:
    """All synapses with their place, weight and edge type; gap junctions are left out."""

    of_cells = False
    stream_type = SynapseFileStream

    def __init__(self, report: Report) -> None:
        self.report = report

    def problems(self) -> list[ReportError]:
        """Nothing can be wrong with the block."""
        return []

    def prepare(self) -> None:
        """Nothing has to be computed."""

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the synapses from each population onto each local cell; element ids are sections, -1 for none."""
        managers = [m for m in model.edge_managers if m.population.target == cell_manager.population_name]
        sources = list(dict.fromkeys(m.population.source for m in managers if hasattr(m, "replay_stim")))
        for cell in cells_of(self.report, model, cell_manager):
            for source in sources:
                found = [m for m in managers if m.population.source == source and hasattr(m, "replay_stim")]
                tables = [(m, m.table.take(m.table.rows_onto(cell.gid))) for m in found]
                tables = [(m, table) for m, table in tables if len(table)]
                if tables:
                    yield self._node(cell, tables)

    def unit(self) -> str:
        """Weights have the unit of their mechanism."""
        return ""

    def _node(self, cell: Any, tables: Sequence[tuple[Any, Any]]) -> NodeElements:
        sections = np.concatenate([table.section_id for _, table in tables])
        x = np.concatenate([table.get("afferent_section_pos", 0.5) for _, table in tables])
        first = tables[0][0]
        attributes: dict[str, AnyArray | Sequence[Any]] = {
            _SOURCE: [first.population.source],
            _SIZES: [first.source.population.size, first.target.population.size],
            "source_node_id": np.concatenate([table.source_gid - m.source.offset for m, table in tables]),
            "edge_type_id": np.concatenate([table.get("edge_type_id", 0) for _, table in tables]).astype(
                np.int64
            ),
            "syn_weight": np.concatenate([table.netcon_weight for _, table in tables]),
            "sec_id": np.maximum(sections, 0),
            "sec_x": np.array(
                [_middle(cell, s, at) for s, at in zip(sections.tolist(), x.tolist(), strict=True)]
            ),
        }
        return NodeElements(cell.node_id, sections.tolist(), [], None, attributes)


def _middle(cell: Any, section: int, x: float) -> float:
    """Return the middle of the segment at `x`; `x` itself for artificial cells."""
    return float(cell.sections[section](x).x) if section >= 0 else x
