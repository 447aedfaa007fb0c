"""Points of cells: where inputs act and what reports record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import TargetError, did_you_mean
from neurodamus_like.io.compartment_sets import CompartmentSet

SECTION_KINDS = ("soma", "axon", "dend", "apic", "all")
COMPARTMENT_KINDS = ("center", "all")


class CellLike(Protocol):
    """What a cell offers to make points of it."""

    @property
    def gid(self) -> int:
        """Global id."""

    def sections_of(self, kind: str) -> list[tuple[int, Any]]:
        """Return (report section id, section) of a kind: soma, axon, dend, apic, all."""

    def section_by_report_id(self, section_id: int) -> Any:
        """Return the section with an id of the report numbering."""


class CellManagerLike(Protocol):
    """What a holder of the cells of one population offers."""

    @property
    def population_name(self) -> str:
        """The population."""

    @property
    def local_gids(self) -> npt.NDArray[np.int64]:
        """Global ids of the cells on this rank."""

    def get_cell(self, gid: int) -> CellLike:
        """Return a cell of this rank."""


class TargetPointList:
    """Points of one cell, as parallel lists.

    Parameters
    ----------
    gid
        Global id of the cell.

    Attributes
    ----------
    sclst_ids
        Section id of each point.
    sclst
        Section of each point.
    x
        Position of each point along its section, 0 to 1.
    """

    def __init__(self, gid: int) -> None:
        self.gid = gid
        self.sclst_ids: list[int] = []
        self.sclst: list[Any] = []
        self.x: list[float] = []

    def __len__(self) -> int:
        return len(self.x)

    def __iter__(self) -> Iterator[tuple[int, Any, float]]:
        """Iterate over (section id, section, x)."""
        self.validate()
        return iter(zip(self.sclst_ids, self.sclst, self.x, strict=True))

    def append(self, section_id: int, section: Any, point: float) -> None:
        """Add a point."""
        self.sclst_ids.append(section_id)
        self.sclst.append(section)
        self.x.append(point)

    def extend(self, other: TargetPointList) -> None:
        """Add the points of another list of the same cell.

        Raises
        ------
        TargetError
            It belongs to another cell.
        """
        if other.gid != self.gid:
            raise TargetError("points of two cells cannot be in one list", ids=[self.gid, other.gid])
        self.sclst_ids.extend(other.sclst_ids)
        self.sclst.extend(other.sclst)
        self.x.extend(other.x)

    def validate(self) -> None:
        """Check that the lists are of equal length.

        Raises
        ------
        TargetError
            They are not.
        """
        lengths = len(self.sclst_ids), len(self.sclst), len(self.x)
        if len(set(lengths)) > 1:
            raise TargetError(
                "the lists of points have {} section ids, {} sections, {} positions".format(*lengths),
                ids=[self.gid],
                expected="equal lengths",
            )


def check_point_kinds(sections: str, compartments: str) -> None:
    """Check the words that say which points are meant.

    Raises
    ------
    TargetError
        `sections` is not one of soma, axon, dend, apic, all, or `compartments` not one of center, all.
    """
    for what, given, known in (
        ("sections", sections, SECTION_KINDS),
        ("compartments", compartments, COMPARTMENT_KINDS),
    ):
        if given not in known:
            raise TargetError(
                f"unknown kind of {what} {given!r}",
                expected="one of " + ", ".join(known),
                hint=did_you_mean(given, known) or None,
            )


def points_of_cell(cell: CellLike, sections: str, compartments: str) -> TargetPointList:
    """Return the points of a cell: per section its centre, or the centre of each of its segments."""
    points = TargetPointList(cell.gid)
    for section_id, section in cell.sections_of(sections):
        n_segments = 1 if compartments == "center" else int(section.nseg)
        points.sclst_ids += [section_id] * n_segments
        points.sclst += [section] * n_segments
        points.x += [(k + 0.5) / n_segments for k in range(n_segments)]
    return points


def points_of_compartment_set(
    compartment_set: CompartmentSet, cell_manager: CellManagerLike, offset: int, gids: npt.NDArray[np.int64]
) -> list[TargetPointList]:
    """Return the points of a compartment set on the cells `gids` of this rank, one list per cell.

    Parameters
    ----------
    compartment_set
        The points.
    cell_manager
        Holder of the cells.
    offset
        Gid offset of the population.
    gids
        int64[n], cells that count; those that are not on this rank do not.
    """
    set_gids = compartment_set.node_id + offset
    wanted = np.isin(set_gids, gids) & np.isin(set_gids, np.asarray(cell_manager.local_gids, dtype=np.int64))
    lists: dict[int, TargetPointList] = {}
    for row in np.flatnonzero(wanted).tolist():
        gid, section_id = int(set_gids[row]), int(compartment_set.section_id[row])
        section = cell_manager.get_cell(gid).section_by_report_id(section_id)
        points = lists.setdefault(gid, TargetPointList(gid))
        points.append(section_id, section, float(compartment_set.offset[row]))
    return list(lists.values())
