"""SONATA report files: values of elements of nodes over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import IntArray, open_h5, population_group, population_names, text_attribute

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReportData:
    """A report of one population.

    Attributes
    ----------
    values
        Shape (frames, columns), in the type of the file.
    node_ids, index_pointers, element_ids
        As in :class:`~neurodamus_like.io.report_files.ElementLayout`, int64.
    time
        (start, end, interval) in ms; frames are at start, start + interval, ... before end.
    units
        Unit of the values.
    """

    values: npt.NDArray[Any]
    node_ids: IntArray
    index_pointers: IntArray
    element_ids: IntArray
    time: tuple[float, float, float]
    units: str

    @property
    def data(self) -> npt.NDArray[Any]:
        """The same as `values`, under its name in the file."""
        return self.values

    @property
    def times_ms(self) -> FloatArray:
        """Time of each frame, float64[frames]."""
        return self.time[0] + self.time[2] * np.arange(len(self.values), dtype=np.float64)

    @property
    def column_node_ids(self) -> IntArray:
        """Node of each column, int64[columns]."""
        return np.repeat(self.node_ids, np.diff(self.index_pointers))

    def columns_of(self, node_id: int) -> slice:
        """Return the columns of one node.

        Raises
        ------
        CircuitError
            The node is not in the report.
        """
        at = np.flatnonzero(self.node_ids == node_id)
        if not at.size:
            raise CircuitError("the node is not in the report", ids=[int(node_id)])
        return slice(int(self.index_pointers[at[0]]), int(self.index_pointers[at[0] + 1]))


@overload
def read_report(file: Path, population: None = None) -> dict[str, ReportData]: ...
@overload
def read_report(file: Path, population: str) -> ReportData: ...
def read_report(file: Path, population: str | None = None) -> dict[str, ReportData] | ReportData:
    """Read a SONATA report of elements (compartments, synapses, electrodes) or of somas.

    Parameters
    ----------
    file
        The file.
    population
        The one to read; None reads all, as {population: data}.

    Raises
    ------
    CircuitError
        The file cannot be read, the population is missing, or its parts do not fit together.
    """
    with open_h5(Path(file)) as h5:
        if population is not None:
            return _read_population(population_group(h5, "report", population))
        return {name: _read_population(h5["report"][name]) for name in population_names(h5, "report")}


def _read_population(group: Any) -> ReportData:
    mapping = group["mapping"]
    pointers = mapping["index_pointers" if "index_pointers" in mapping else "index_pointer"]
    data = group["data"]
    report = ReportData(
        data[()],
        np.asarray(mapping["node_ids"][()], dtype=np.int64),
        np.asarray(pointers[()], dtype=np.int64),
        np.asarray(mapping["element_ids"][()], dtype=np.int64),
        tuple(float(t) for t in mapping["time"][:3]),  # type: ignore[arg-type]
        text_attribute(data, "units"),
    )
    if report.index_pointers.size == report.node_ids.size:  # older writers leave the last one out
        closed = np.append(report.index_pointers, report.element_ids.size)
        report = ReportData(
            report.values, report.node_ids, closed, report.element_ids, report.time, report.units
        )
    _check_fits(report, group)
    return report


def _check_fits(report: ReportData, group: Any) -> None:
    columns = report.values.shape[1] if report.values.ndim == 2 else -1
    whole = report.index_pointers.size == report.node_ids.size + 1 and report.index_pointers[-1] == columns
    if not whole or report.element_ids.size != columns:
        raise CircuitError(
            "the parts of the report do not fit together",
            file=group.file.filename,
            pointer=group.name,
            expected="data[frames, columns], element_ids[columns], index_pointers[nodes + 1] up to columns",
        )
