"""Currents of the clamps that inputs made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Report, Run
from neurodamus_like.engine.recording import Block, FloatArray, Sources
from neurodamus_like.exceptions import ReportError
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.base import NodeElements, ReportModel, report_error, report_types
from neurodamus_like.reports.selection import detailed_cells_of
from neurodamus_like.reports.table_stream import TableStream
from neurodamus_like.reports.variables import ELECTRODES, reference_of

_SIGN = "sign"
"""Attribute of clamps: what makes their current positive into the cell."""


class ClampStream(TableStream):
    """Writes ``/data``: one column for each clamp, ordered by population, node and input.

    Beside it are ``/node_ids``, ``/populations`` and ``/inputs``, which say what the columns are.

    Parameters
    ----------
    report, run, directory, comm
        As in :class:`~neurodamus_like.reports.file_stream.FileStream`.
    elements
        Population -> local nodes with clamps.
    **options
        `unit` and `coreneuron`.
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
        inputs = list(report.parameters.get("inputs", ()))
        keys = [
            (name, node.node_id, number, inputs[source])
            for name in sorted(elements)
            for node in elements[name]
            for number, source in enumerate(node.element_ids)
        ]
        everywhere = comm.allgather(keys)
        self._order = sorted(
            (key, rank, place) for rank, part in enumerate(everywhere) for place, key in enumerate(part)
        )
        signs = [s for name in sorted(elements) for node in elements[name] for s in node.attributes[_SIGN]]
        self._signs = np.array(signs, dtype=np.float64)
        sources = Sources(
            [r for name in sorted(elements) for node in elements[name] for r in node.references]
        )
        super().__init__(report, run, sources, directory, comm, **options)

    @property
    def n_columns(self) -> int:
        """Number of clamps on all ranks."""
        return len(self._order)

    def _columns(self) -> Mapping[str, npt.ArrayLike]:
        keys = [key for key, _, _ in self._order]
        return {
            "node_ids": np.array([node for _, node, _, _ in keys], dtype=np.uint64),
            "populations": np.array([name for name, _, _, _ in keys], dtype="S"),
            "inputs": np.array([name for _, _, _, name in keys], dtype="S"),
        }

    def _rows(self, block: Block) -> FloatArray:
        parts = self.comm.gather(block * self._signs)
        if parts is None:
            return np.empty((0, 0))
        rows = np.empty((len(block), self.n_columns))
        for column, (_, rank, place) in enumerate(self._order):
            rows[:, column] = parts[rank][:, place]
        return rows


@report_types.register("clamps")
class ClampReport:
    """The current (nA, positive into the cell) of each clamp that some inputs made.

    The parameter ``inputs`` lists their names.
    """

    stream_type = ClampStream

    def __init__(self, report: Report) -> None:
        self.report = report
        self.inputs: tuple[str, ...] = tuple(report.parameters.get("inputs", ()))

    def problems(self) -> list[ReportError]:
        """At least one input is needed."""
        if self.inputs:
            return []
        return [
            report_error(self.report, "no input of this kind makes clamps", expected="an input with clamps")
        ]

    def prepare(self) -> None:
        """Nothing has to be computed that is not."""

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield the local cells that have clamps; the element id is the number of the input."""
        cells = detailed_cells_of(self.report, model, cell_manager)
        owners = {section: cell for cell in cells for section in cell.sections}
        found: dict[int, list[tuple[int, Any, float]]] = {}
        for stimulus in model.stimuli:
            info = getattr(stimulus, "stim_info", None)  # types of others may keep none
            if info is None or info.name not in self.inputs:
                continue
            number = self.inputs.index(info.name)
            for source in stimulus.sources:
                cell = owners.get(source.get_segment().sec)
                if cell is not None:
                    found.setdefault(cell.node_id, []).append((number, *self._current(source)))
        for node_id, clamps in sorted(found.items()):
            numbers, references, signs = map(list, zip(*clamps, strict=True))
            yield NodeElements(node_id, numbers, references, None, {_SIGN: signs})

    def unit(self) -> str:
        """Return nA."""
        return "nA"

    def _current(self, source: Any) -> tuple[Any, float]:
        """Return the reference to a current, and its sign: electrodes are positive into the cell, others outward."""
        reference = reference_of(source, "i")
        if reference is None:
            raise report_error(self.report, f"{source.hname()} has no current")
        return reference, 1.0 if source.hname().startswith(ELECTRODES) else -1.0
