"""Cells whose nodes say what they are made from: detailed cells and artificial ones, also in one population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.circuit.cells.base_cell import BaseCell, CellLayout
from neurodamus_like.circuit.cells.membrane_fits import kind_of
from neurodamus_like.circuit.cells.node_properties import NodeProperties
from neurodamus_like.engine.segments import SegmentTable, read_segments
from neurodamus_like.exceptions import TemplateError


@dataclass
class TypedCellLayout(CellLayout):
    """Numbering of sections in the order of the list ``all``, for edges and reports alike.

    `segments` is read from the first cell that is asked for it.
    """

    segments: SegmentTable | None = None


class TypedCell(BaseCell):
    """A detailed cell made by a cell model and its processing.

    Parameters
    ----------
    node
        What it is made from.
    hoc
        The HOC object, finished: it offers the list ``all`` and ``soma``.
    layout
        Numbering of its sections; None reads it from the cell.

    Attributes
    ----------
    node
        Properties of the node.
    """

    __slots__ = ("hoc", "node")

    layout: TypedCellLayout

    def __init__(self, node: NodeProperties, hoc: Any, layout: TypedCellLayout | None = None) -> None:
        self.node = node
        self.gid = node.gid
        self.node_id = node.node_id
        self.population = node.population_name
        self.hoc = hoc
        self.sections = _sections_of(hoc, node)
        self.layout = layout if layout is not None else _read_layout(self.sections)
        self.threshold_current = float(node.get("dynamics_params/threshold_current", 0.0))
        self.holding_current = float(node.get("dynamics_params/holding_current", 0.0))
        self.input_resistance = None

    @property
    def CellRef(self) -> Any:
        """The HOC object."""
        return self.hoc

    @property
    def hobj(self) -> Any:
        """The HOC object, as BMTK calls it."""
        return self.hoc

    def get_sections(self) -> list[Any]:
        """Return all sections, in the order of the list ``all``."""
        return self.sections

    def get_section(self, section_id: int) -> Any:
        """Return a section by its position in the list ``all``."""
        return self.sections[section_id]

    def __getitem__(self, name: str) -> Any:
        """Return a property of the node."""
        return self.node[name]

    @property
    def segments(self) -> SegmentTable:
        """Geometry of its segments in the order of the sections, shared by copies."""
        if self.layout.segments is None:
            self.layout.segments = read_segments(self.sections, soma_of(self.hoc), self.layout.kinds)
        return self.layout.segments

    def re_init_rng(self, ionchannel_seed: int) -> None:
        """Seed the stochastic ion channels of templates that have them."""
        if hasattr(self.hoc, "re_init_rng"):
            self.hoc.re_init_rng(ionchannel_seed)

    def spike_source(self, location: str) -> tuple[Any, float]:
        """Return the middle of the soma, whose threshold crossing is the spike."""
        return soma_of(self.hoc), 0.5

    def clear(self) -> None:
        """Let go of the sections."""
        self.sections = []
        self.hoc = None


class TypedPointCell(BaseCell):
    """An artificial cell made by a cell model."""

    __slots__ = ("hoc", "node")

    def __init__(self, node: NodeProperties, hoc: Any) -> None:
        self.node = node
        self.gid = node.gid
        self.node_id = node.node_id
        self.population = node.population_name
        self.hoc = hoc
        self.sections = []
        self.layout = _NO_LAYOUT
        self.threshold_current = self.holding_current = 0.0
        self.input_resistance = None

    @property
    def pointcell(self) -> Any:
        """The artificial cell: it takes and sends events."""
        return getattr(self.hoc, "pointcell", self.hoc)

    @property
    def CellRef(self) -> Any:
        """The HOC object."""
        return self.hoc

    @property
    def hobj(self) -> Any:
        """The HOC object, as BMTK calls it."""
        return self.hoc

    def __getitem__(self, name: str) -> Any:
        """Return a property of the node."""
        return self.node[name]

    def re_init_rng(self, ionchannel_seed: int) -> None:
        """Artificial cells have no stochastic channels."""

    def clear(self) -> None:
        """Let go of the cell."""
        self.hoc = None


def soma_of(hoc: Any) -> Any:
    """Return the first section of the soma of a HOC object, whether it is an array or not."""
    soma = hoc.soma
    return soma if hasattr(soma, "nseg") else soma[0]


def _sections_of(hoc: Any, node: NodeProperties) -> list[Any]:
    for name in ("all", "soma"):
        if not hasattr(hoc, name):
            raise TemplateError(
                f"the cell of {node.model_template!r} offers no {name!r}",
                population=node.population_name,
                ids=[node.node_id],
                expected="a template with the public names soma (sections) and all (a SectionList)",
            )
    return list(hoc.all)


def _read_layout(sections: list[Any]) -> TypedCellLayout:
    kinds = tuple(kind_of(section) for section in sections)
    numbers: NDArray[np.int64] = np.arange(len(sections), dtype=np.int64)
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    return TypedCellLayout(kinds, numbers, numbers, counts)


_NO_LAYOUT = TypedCellLayout((), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), {})
