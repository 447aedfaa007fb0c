"""What report types have in common, and their registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import ReportError
from neurodamus_like.registry import Registry

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NodeElements:
    """What is reported of one node.

    Attributes
    ----------
    node_id
        Inside its population.
    element_ids
        One per value: report section ids, synapse ids or electrode numbers.
    references
        References to the simulator's variables; one per value unless there are matrices.
    matrices
        None, or the weights that make values of variables: each matrix, of shape (values, variables), takes
        the next variables and makes the next values.
    attributes
        Name -> what else the file says of each value.
    """

    node_id: int
    element_ids: list[int]
    references: list[Any]
    matrices: list[FloatArray] | None = None
    attributes: Mapping[str, Sequence[Any] | npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportModel:
    """The built model as report types see it.

    Attributes
    ----------
    target_manager
        Finds node sets and compartment sets.
    edge_managers
        Managers of synapses: ``population.target``, ``table`` and ``synapses`` (one per row of the table).
    stimuli
        Stimuli in the order in which they were made: ``stim_info`` and ``sources``.
    """

    target_manager: Any
    edge_managers: Sequence[Any] = ()
    stimuli: Sequence[Any] = ()


class ReportType(Protocol):
    """How a type of report finds its values. Registered types are called with the report block."""

    def __init__(self, report: Report) -> None: ...

    def problems(self) -> list[ReportError]:
        """Return what is wrong with the block; needs no model."""
        ...

    def prepare(self) -> None:
        """Tell the simulator what it has to compute; before elements are looked up."""
        ...

    def elements(self, model: ReportModel, cell_manager: Any) -> Iterator[NodeElements]:
        """Yield what is reported of each local cell of a population; raise ReportError if that cannot be."""
        ...

    def unit(self) -> str:
        """Return the unit of the values, "" if none is known; after elements were looked up."""
        ...


report_types: Registry[Any] = Registry("report type", "neurodamus_like.reports")


def report_error(report: Report, message: str, **details: Any) -> ReportError:
    """Return an error that says which report it is about."""
    details.setdefault("pointer", report.pointer or f"/reports/{report.name}")
    return ReportError(f"report {report.name!r}: {message}", **details)
