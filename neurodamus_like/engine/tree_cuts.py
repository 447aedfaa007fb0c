"""Where the tree of a cell is cut so that NEURON can solve its pieces. Pure functions of numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from neurodamus_like.exceptions import SimulationError

MAX_CUTS_PER_PIECE = 2
"""NEURON computes pieces with more split points wrongly, without a word."""

Point = tuple[int, float]
"""Section (by its number) and position where others are cut off."""


def branch_owners(above: Sequence[int], owners: Mapping[int, int], home: int) -> list[int]:
    """Return the rank of each section.

    Parameters
    ----------
    above
        Number of the parent of each section, -1 for the root.
    owners
        First section of a branch -> rank of the branch, up to where another begins.
    home
        Rank of what is on no branch.

    Raises
    ------
    SimulationError
        A branch begins with the root.
    """
    if any(above[number] < 0 for number in owners):
        raise SimulationError("a cell cannot be cut at its root", hint="delete the load balance files")
    begins = [_beginning(number, above, owners) for number in range(len(above))]
    return [owners.get(begin, home) for begin in begins]


def find_cuts(above: Sequence[int], x: Sequence[float], owner: Sequence[int]) -> list[int]:
    """Return the sections to be cut off from their parents, ascending.

    Parameters
    ----------
    above
        Number of the parent of each section, -1 for the root; parents need not come first.
    x
        Position on the parent.
    owner
        Rank of each section.

    Raises
    ------
    SimulationError
        A piece would have more than two split points.
    """
    cuts = {n for n, parent in enumerate(above) if parent >= 0 and owner[n] != owner[parent]}
    children: dict[int, list[int]] = {}
    for number, parent in enumerate(above):
        children.setdefault(parent, []).append(number)
    leads: set[int] = set()
    for number in reversed(_downwards(children)):
        below = children.get(number, [])
        further = [n for n in below if n in leads]
        if len(further) > 1 or (further and any(n in cuts for n in below)):
            cuts.update(further)
        if further or any(n in cuts for n in below):
            leads.add(number)
    _check_pieces(above, x, cuts)
    return sorted(cuts)


def _downwards(children: Mapping[int, Sequence[int]]) -> list[int]:
    """Return all sections, parents before children."""
    order = list(children.get(-1, ()))
    for number in order:
        order += children.get(number, ())
    return order


def _check_pieces(above: Sequence[int], x: Sequence[float], cuts: set[int]) -> None:
    points: dict[int, set[Point]] = {}
    for number in cuts:
        point = (above[number], x[number])
        points.setdefault(_beginning(above[number], above, cuts), set()).add(point)
        points.setdefault(number, set()).add(point)
    if max((len(found) for found in points.values()), default=0) > MAX_CUTS_PER_PIECE:
        raise SimulationError(
            "a piece of a cell would be cut at more than two points, which NEURON cannot solve",
            expected="branches that begin at one point of the soma",
            hint="use --lb-mode=WholeCell",
        )


def _beginning(number: int, above: Sequence[int], stops: Collection[int]) -> int:
    """Return the first section of `stops` on the way to the root, or the root."""
    while number not in stops and above[number] >= 0:
        number = above[number]
    return number
