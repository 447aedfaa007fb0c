"""What reading a morphology file does to a cell, kept in a form that makes the same sections again quickly.

NEURON's Import3d builds a cell by executing HOC texts: create the section arrays, fill the section lists, then
for each section connect it, give it a style and its 3-D points. A record holds the same steps in the same order,
with the points of a section in vectors.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neurodamus_like.engine.nrn import h
from neurodamus_like.exceptions import MorphologyError

_CREATE = re.compile(r"~create (\w+)\[(\d+)\]\s*\Z")
_LISTING = re.compile(r"(?:forsec \"\w+\" \w+\.append|forall all\.append)\s*\Z")
_CONNECT = re.compile(r"(\w+)(?:\[(\d+)\])? connect (\w+)(?:\[(\d+)\])?\(0\), (\S+)\s*\Z")
_STYLE = re.compile(r"(\w+)(?:\[(\d+)\])? \{ pt3dstyle\(1, (\S+), (\S+), (\S+)\) \}\s*\Z")
_POINT = re.compile(r"(\w+)(?:\[(\d+)\])? \{ pt3dadd\((\S+), (\S+), (\S+), (\S+)\) \}\s*\Z")

_BYTES_PER_POINT = 32
_BYTES_PER_SECTION = 1600

Place = tuple[str, int]
"""Section array and index."""


@dataclass
class SectionRecord:
    """One section: parent and position on it, style point, and points as HOC vectors x, y, z, diameter."""

    place: Place
    parent: Place | None = None
    parent_x: float = 1.0
    style: tuple[float, float, float] | None = None
    points: tuple[Any, Any, Any, Any] | None = None
    contour: tuple[Any, ...] | None = None


@dataclass
class MorphologyRecord:
    """Sections of a morphology, ready to be made again.

    Attributes
    ----------
    setup
        HOC texts that create the arrays and fill the lists.
    counts
        Sections per array, in the order of creation.
    sections
        In the order in which the reader connects them.
    """

    setup: list[str]
    counts: dict[str, int]
    sections: list[SectionRecord]
    n_points: int = 0
    _setup_text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self._setup_text = "~" + "\n".join(text.strip().lstrip("~") for text in self.setup) + "\n"

    @property
    def nbytes(self) -> int:
        """Estimate of the memory the record takes."""
        return self.n_points * _BYTES_PER_POINT + len(self.sections) * _BYTES_PER_SECTION

    def replay(self, cell: Any) -> None:
        """Make the sections in `cell`, a HOC object with the lists that Import3d fills."""
        h.execute(self._setup_text, cell)
        arrays = sections_by_array(cell, self.counts)
        style, add = h.pt3dstyle, h.pt3dadd
        for record in self.sections:
            name, index = record.place
            section = arrays[name][index]
            if record.parent is not None:
                parent = arrays[record.parent[0]][record.parent[1]]
                section.connect(parent(record.parent_x), 0)
            if record.style is not None:
                style(1, *record.style, sec=section)
            if record.points is not None:
                add(*record.points, sec=section)
            if record.contour is not None:
                _contours()[section.hoc_internal_name()] = record.contour


def sections_by_array(cell: Any, counts: Mapping[str, int]) -> dict[str, list[Any]]:
    """Return the sections of a cell that has just been filled, by array.

    The list `all` holds them in the order of creation; a cell that hides it is asked for its arrays.

    Raises
    ------
    MorphologyError
        The cell hides both.
    """
    total = sum(counts.values())
    everything = list(cell.all) if hasattr(cell, "all") else []
    if len(everything) == total:
        arrays, start = {}, 0
        for name, count in counts.items():
            arrays[name] = everything[start : start + count]
            start += count
        return arrays
    try:
        return {name: [getattr(cell, name)[i] for i in range(count)] for name, count in counts.items()}
    except AttributeError as error:
        raise MorphologyError(f"the cell {cell} hides its sections: {error}") from error


def parse_commands(commands: Iterable[str]) -> MorphologyRecord | None:
    """Turn the texts of Import3d into a record; None if one of them is not understood."""
    setup: list[str] = []
    counts: dict[str, int] = {}
    sections: dict[Place, SectionRecord] = {}
    points: dict[Place, tuple[list[float], list[float], list[float], list[float]]] = {}
    for text in commands:
        if found := _POINT.match(text):
            place = _place(found[1], found[2])
            columns = points.setdefault(place, ([], [], [], []))
            for column, number in zip(columns, found.groups()[2:], strict=True):
                column.append(float(number))
            sections.setdefault(place, SectionRecord(place))
        elif found := _CONNECT.match(text):
            place = _place(found[3], found[4])
            sections[place] = SectionRecord(place, _place(found[1], found[2]), float(found[5]))
        elif found := _STYLE.match(text):
            place = _place(found[1], found[2])
            record = sections.setdefault(place, SectionRecord(place))
            record.style = (float(found[3]), float(found[4]), float(found[5]))
        elif found := _CREATE.match(text):
            counts[found[1]] = int(found[2])
            setup.append(text)
        elif _LISTING.match(text):
            setup.append(text)
        else:
            return None
    for place, columns in points.items():
        x, y, z, d = (h.Vector(column) for column in columns)
        sections[place].points = (x, y, z, d)
    n_points = sum(len(columns[0]) for columns in points.values())
    return MorphologyRecord(setup, counts, list(sections.values()), n_points)


def note_contours(record: MorphologyRecord, cell: Any) -> None:
    """Keep the soma contours that NEURON declared for `cell` (reaction-diffusion in 3-D asks for them)."""
    arrays = sections_by_array(cell, record.counts)
    known = _contours()
    for section in record.sections:
        name, index = section.place
        section.contour = known.get(arrays[name][index].hoc_internal_name())


def _contours() -> dict[str, Any]:
    found: dict[str, Any] = getattr(sys.modules["neuron"], "_sec_db", {})
    return found


def _place(array: str, index: str | None) -> Place:
    return array, int(index or 0)
