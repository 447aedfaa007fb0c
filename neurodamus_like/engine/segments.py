"""Geometry of the segments of a cell, as placing synapses needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine.nrn import h


@dataclass(frozen=True)
class SegmentTable:
    """Segments of a cell in the order of its sections.

    Attributes
    ----------
    section
        int64[n]: position of the section.
    kind
        str[n]: kind of the section (soma, axon, dend, apic).
    x
        Centre along the section.
    length_um
        Length.
    distance_um
        Path distance of the centre from the beginning of the soma.
    """

    section: NDArray[np.int64]
    kind: NDArray[np.str_]
    x: NDArray[np.float64]
    length_um: NDArray[np.float64]
    distance_um: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.section.size)


def read_segments(sections: Sequence[Any], soma: Any, kinds: Sequence[str]) -> SegmentTable:
    """Return the segments of a cell.

    Parameters
    ----------
    sections
        Its sections.
    soma
        Section at whose beginning distances are 0.
    kinds
        Kind of each section.
    """
    counts = [int(section.nseg) for section in sections]
    h.distance(sec=soma)
    rows = [
        (segment.x, section.L / count, h.distance(segment))
        for section, count in zip(sections, counts, strict=True)
        for segment in section
    ]
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return SegmentTable(
        np.repeat(np.arange(len(counts)), counts),
        np.repeat(np.array(kinds, dtype=np.str_), counts),
        *values.T,
    )
