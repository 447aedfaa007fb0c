"""Cells in pieces on several ranks: NEURON solves each as one tree (``ParallelContext.multisplit``).

A piece is cut off where a section is connected to its parent. The node there then exists on both sides, and the two are
one in the equations: results differ from those of the whole cell by rounding only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurodamus_like.engine.nrn import h, pc
from neurodamus_like.engine.tree_cuts import Point, branch_owners, find_cuts

EXACT = 2
"""Backbone style: pieces with two cuts are solved exactly (Hines, Markram and Schuermann 2008)."""


def split_cell(
    sections: Sequence[Any], owners: Mapping[int, int], home: int, rank: int, first_id: int
) -> list[Any]:
    """Cut a cell, declare the cuts, and delete what belongs to other ranks.

    All ranks that have a piece build the whole cell and call this with the same numbers. Where a piece would have
    more than two split points it is cut once more, at its branch points; both sides may then be on one rank.

    Parameters
    ----------
    sections
        All sections of the cell.
    owners
        Number of a section in `sections` -> rank of the branch that begins with it, up to the next such section.
    home
        Rank of what is on no such branch: the soma.
    rank
        This rank.
    first_id
        Split points get this number and the following ones, at most ``len(sections)``.

    Returns
    -------
    list
        `sections`, with None for those of other ranks.

    Raises
    ------
    SimulationError
        A branch begins with the root of the cell, or a piece would have too many split points.
    """
    above, x = _tree(sections)
    owner = branch_owners(above, owners, home)
    cuts = find_cuts(above, x, owner)
    ids: dict[Point, int] = {}
    for number in cuts:
        ids.setdefault((above[number], x[number]), first_id + len(ids))
    for number in cuts:
        h.disconnect(sec=sections[number])
        if owner[number] == rank:
            pc.multisplit(0.0, ids[above[number], x[number]], EXACT, sec=sections[number])
    for (number, position), split_id in ids.items():
        if owner[number] == rank:
            pc.multisplit(position, split_id, EXACT, sec=sections[number])
    kept = [section if owner[number] == rank else None for number, section in enumerate(sections)]
    for section, own in zip(sections, kept, strict=True):
        if own is None:
            h.delete_section(sec=section)
    return kept


def finish_splitting() -> None:
    """Tell NEURON that all cuts are declared; all ranks must call it, with or without pieces."""
    pc.multisplit()


def _tree(sections: Sequence[Any]) -> tuple[list[int], list[float]]:
    place = {section: number for number, section in enumerate(sections)}
    parents = [section.parentseg() for section in sections]
    above = [-1 if segment is None else place[segment.sec] for segment in parents]
    return above, [0.0 if segment is None else float(segment.x) for segment in parents]
