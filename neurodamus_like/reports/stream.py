"""Reports of elements: every rank writes the columns of its own nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.models import Report, Run
from neurodamus_like.engine.recording import Block, Sources
from neurodamus_like.io.report_files import ElementLayout, ReportFile, create_report_file
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.base import NodeElements
from neurodamus_like.reports.file_stream import FileStream
from neurodamus_like.reports.layout import (
    PopulationPart,
    arrange_columns,
    arrange_elements,
)


class ReportStream(FileStream):
    """Records the values of elements of nodes and writes them; every method is collective.

    Nodes are in ascending order over the whole file, whatever rank they are on: any number of ranks writes
    the same bytes.

    Parameters
    ----------
    report, run, directory, comm
        As in :class:`~neurodamus_like.reports.file_stream.FileStream`.
    elements
        Population -> what is reported of its local nodes. The same populations on all ranks.
    **options
        `unit`, `coreneuron` and `recorder`.
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
        ordered = {name: sorted(nodes, key=lambda n: n.node_id) for name, nodes in elements.items()}
        parts = {name: part_of_nodes(nodes) for name, nodes in ordered.items()}
        layout = {
            name: arrange_columns(comm.allgather((part.node_ids, part.counts)), comm.rank)
            for name, part in parts.items()
        }
        self._populations = {name: columns for name, columns in layout.items() if columns.n_columns}
        self._parts = {name: parts[name] for name in self._populations}
        self._writers: dict[str, BlockWriter] = {}
        sources = sources_of([node for name in self._populations for node in ordered[name]])
        super().__init__(report, run, sources, directory, comm, **options)

    @property
    def n_columns(self) -> int:
        """Number of values per frame, over all ranks and populations."""
        return sum(c.n_columns for c in self._populations.values())

    def _create(self) -> ReportFile | None:
        layouts = {name: self._element_layout(name, part) for name, part in self._parts.items()}
        with collectively(self.comm):
            if self.comm.rank:
                return None
            self.part_path.parent.mkdir(parents=True, exist_ok=True)
            complete = {name: layout for name, layout in layouts.items() if layout is not None}
            f, report = self.frames, self.report
            return create_report_file(
                self.part_path,
                complete,
                f.count,
                f.start_ms,
                f.start_ms,  # nothing is written yet
                f.interval_ms,
                self.unit,
                dtype=self.dtype,
                style=report.style,
                variable=report.variables[0] if report.style == "positions" else "",
            )

    def _open(self, file: ReportFile) -> None:
        self._writers = {
            name: BlockWriter(
                self.part_path, file.data_offsets[name], c.n_columns, self.dtype, c.columns, self.comm
            )
            for name, c in self._populations.items()
        }

    def _write(self, row: int, block: Block) -> None:
        begin = 0
        for name, columns in self._populations.items():
            end = begin + len(columns.columns)
            self._writers[name].write(row, np.ascontiguousarray(block[:, begin:end], dtype=self.dtype))
            begin = end

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _element_layout(self, name: str, part: PopulationPart) -> ElementLayout | None:
        columns = self._populations[name]
        gathered = self.comm.gather(part)
        if gathered is None:
            return None
        element_ids, attributes = arrange_elements(columns, gathered)
        return ElementLayout(columns.node_ids, columns.index_pointers, element_ids, attributes)


def part_of_nodes(nodes: Sequence[NodeElements]) -> PopulationPart:
    """Return the elements of nodes, given by ascending node id, as arrays."""
    return PopulationPart(
        np.array([n.node_id for n in nodes], dtype=np.int64),
        np.array([len(n.element_ids) for n in nodes], dtype=np.int64),
        np.array([e for n in nodes for e in n.element_ids], dtype=np.int64),
        {
            name: np.concatenate([np.asarray(n.attributes[name]) for n in nodes])
            for name in (nodes[0].attributes if nodes else ())
        },
    )


def sources_of(nodes: Sequence[NodeElements]) -> Sources:
    """Return what has to be recorded for the elements of nodes."""
    references = [reference for node in nodes for reference in node.references]
    if not any(node.matrices is not None for node in nodes):
        return Sources(references)
    return Sources(references, [matrix for node in nodes for matrix in node.matrices or ()])
