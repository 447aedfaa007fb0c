"""Names for everything that has state in the simulator, which do not depend on ranks or on the order of construction.

A value belongs to a cell. Within it, an instance of a mechanism is the n-th of its mechanism, counted along the
sections of the cell; a NetCon is the n-th onto its target, replayed spikes counted apart from all others, so that a
replay may come or go. Spike sources that nothing can influence belong to no cell: they need no name, they are run
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neurodamus_like.engine.nrn import h
from neurodamus_like.engine.object_columns import HocColumn, ObjectColumn
from neurodamus_like.engine.state_library import (
    IntArray,
    MechanismType,
    Pointers,
    call,
    hoc_number,
    mechanism_types,
    points,
    section_nodes,
)
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.io.ragged import Ragged

NO_CELL = -1
RECORDER = "ReportRecorder"
OF_RANKS = frozenset({"ExtracellularDrive"})
"""Point processes that serve all cells of a rank, and whose state is the time alone."""
REPLAYED = 1 << 7
"""Bit of a NetCon's key that says that its source replays spikes."""

_TYPE_SHIFT = 40
_INSTANCE_SHIFT = 8


@dataclass(frozen=True)
class CellParts:
    """What a cell of this rank is made of in the simulator.

    Attributes
    ----------
    gid
        Global id.
    sections
        All its sections; none for a point cell.
    artificial
        The artificial cell of a point cell.
    """

    gid: int
    sections: Sequence[Any] = ()
    artificial: Any = None


@dataclass(frozen=True)
class Instances:
    """Instances of one mechanism on the cells of this rank.

    Attributes
    ----------
    kind
        The mechanism.
    rows
        NEURON's rows, cell by cell and along the sections.
    counts
        How many each cell has.
    """

    kind: MechanismType
    rows: IntArray
    counts: IntArray


@dataclass(frozen=True)
class NetCons:
    """All NetCons of this rank onto instances that belong to cells, cell by cell.

    Attributes
    ----------
    counts
        How many each cell receives.
    key
        Name within the cell, ascending: mechanism, instance, whether it replays, number.
    pointer
        Addresses.
    size, weights
        Length and address of the weight vectors.
    """

    counts: IntArray
    key: IntArray
    pointer: Pointers
    size: IntArray
    weights: Pointers

    @cached_property
    def cell(self) -> IntArray:
        """Cell of the target."""
        return np.repeat(np.arange(self.counts.size), self.counts)


class ModelMap:
    """Finds everything that has state in the model of this rank; the model must be initialised.

    Parameters
    ----------
    cells
        The cells of this rank.
    replaying
        NetCons of replayed spikes.

    Raises
    ------
    SimulationError
        Something has state that is not known how to save.
    """

    def __init__(self, cells: Sequence[CellParts], replaying: Sequence[ObjectColumn] = ()) -> None:
        ordered = sorted(cells, key=lambda cell: cell.gid)
        self.gids = np.array([cell.gid for cell in ordered], dtype=np.int64)
        self.nodes = self._find_nodes(ordered)
        self._position = np.full(call("ms_node_count"), NO_CELL, dtype=np.int64)
        self._position[self.nodes.values] = np.arange(self.nodes.values.size)
        self._cell_of_position = self.nodes.cells
        self._artificial = _by_kind(ordered)
        self.instances: dict[str, Instances] = {}
        self._autonomous: list[Pointers] = []
        self.recorders: dict[int, int] = {}
        self._points: list[tuple[Pointers, IntArray, IntArray]] = []
        for kind in mechanism_types():
            if kind.name not in OF_RANKS:
                self._add(kind)
        self.autonomous: Pointers = np.sort(np.concatenate([np.empty(0, np.uint64), *self._autonomous]))
        self.point_address, self.point_cell, self.point_key = self._known_points()
        self.netcons = self._find_netcons(replaying)

    @property
    def n_cells(self) -> int:
        """Cells of this rank."""
        return int(self.gids.size)

    def find_points(self, addresses: Pointers) -> tuple[IntArray, IntArray]:
        """Return cell and key of point processes; cell is :data:`NO_CELL` for those that belong to none."""
        return _find(addresses, self.point_address, self.point_cell, self.point_key)

    def address_of_points(self, cell: IntArray, key: IntArray) -> Pointers:
        """Return the addresses of named point processes; 0 where there is none."""
        return _look_up(cell, key, self.point_cell, self.point_key, self.point_address)

    def _find_nodes(self, cells: Sequence[CellParts]) -> Ragged:
        parts, others = [], _unlisted_sections(cells)
        for cell in cells:
            found = section_nodes([*cell.sections, *others.get(cell.gid, ())])
            both = np.concatenate([np.empty(0, dtype=np.int64), *found])
            _, first = np.unique(both, return_index=True)
            parts.append(both[np.sort(first)])
        counts = np.array([part.size for part in parts], dtype=np.int64)
        return Ragged(counts, np.concatenate([np.empty(0, dtype=np.int64), *parts]))

    def _add(self, kind: MechanismType) -> None:
        addresses, numbers = (
            points(kind) if kind.is_point or kind.is_artificial else (np.empty(0, np.uint64), None)
        )
        if kind.is_artificial:
            assert numbers is not None
            rows, cells = self._artificial_rows(kind, addresses, numbers)
        else:
            rows, cells = self._rows_on_cells(kind)
        if not rows.size:
            return
        counts = np.bincount(cells, minlength=self.n_cells).astype(np.int64)
        self.instances[kind.name] = Instances(kind, rows, counts)
        if addresses.size:
            before = np.cumsum(counts) - counts
            ordinal = np.arange(rows.size) - np.repeat(before, counts)
            key = (kind.number << _TYPE_SHIFT) | (ordinal << _INSTANCE_SHIFT)
            self._points.append((addresses[rows], cells, key))

    def _rows_on_cells(self, kind: MechanismType) -> tuple[IntArray, IntArray]:
        nodes = np.empty(kind.n, dtype=np.int64)
        call("ms_nodes", kind.number, nodes)
        position = self._position[nodes]
        if (position < 0).any():
            raise SimulationError(
                f"{int((position < 0).sum())} instances of {kind.name} are on sections that belong to no cell: "
                "their state cannot be saved"
            )
        rows = np.argsort(position, kind="stable")
        return rows, self._cell_of_position[position[rows]]

    def _artificial_rows(
        self, kind: MechanismType, addresses: Pointers, numbers: IntArray
    ) -> tuple[IntArray, IntArray]:
        if kind.name == RECORDER:
            self.recorders = dict(zip(numbers.tolist(), addresses.tolist(), strict=True))
            return numbers[:0], numbers[:0]
        cell_of_number = self._artificial.get(kind.name, {})
        cells = np.array([cell_of_number.get(number, NO_CELL) for number in numbers.tolist()], dtype=np.int64)
        self._autonomous.append(addresses[cells == NO_CELL])
        rows = np.flatnonzero(cells >= 0)
        rows = rows[np.argsort(cells[rows], kind="stable")]
        return rows, cells[rows]

    def _known_points(self) -> tuple[Pointers, IntArray, IntArray]:
        nothing = np.empty(0, dtype=np.int64)
        address = np.concatenate([np.empty(0, np.uint64), *(part[0] for part in self._points)])
        cell = np.concatenate([nothing, *(part[1] for part in self._points)])
        key = np.concatenate([nothing, *(part[2] for part in self._points)])
        order = np.argsort(address)
        return address[order], cell[order], key[order]

    def _find_netcons(self, replaying: Sequence[ObjectColumn]) -> NetCons:
        n = call("ms_netcon_count")
        pointer, object_, target, weights = (np.zeros(n, dtype=np.uint64) for _ in range(4))
        number, size = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        call("ms_netcons", n, pointer, number, object_, target, size, weights)
        cell, key = self.find_points(target)
        replays = np.zeros(n, dtype=bool)
        for column in replaying:
            replays |= _is_in(column, number, object_)
        key = key | np.where(replays, REPLAYED, 0)
        rows = np.flatnonzero(cell >= 0)
        rows = rows[np.lexsort((key[rows], cell[rows]))]
        key[rows] += _count_repeats(cell[rows], key[rows])
        counts = np.bincount(cell[rows], minlength=self.n_cells).astype(np.int64)
        return NetCons(counts, key[rows], pointer[rows], size[rows], weights[rows])

    def find_netcons(self, addresses: Pointers, *, by_weights: bool = False) -> tuple[IntArray, IntArray]:
        """Return cell and key of NetCons, given their addresses or those of their weights."""
        known = self.netcons.weights if by_weights else self.netcons.pointer
        order = np.argsort(known)
        return _find(addresses, known[order], self.netcons.cell[order], self.netcons.key[order])

    def rows_of_netcons(self, cell: IntArray, key: IntArray) -> IntArray:
        """Return the rows of named NetCons in :attr:`netcons`; -1 where there is none."""
        known = np.arange(1, self.netcons.key.size + 1).astype(np.uint64)
        found = _look_up(cell, key, self.netcons.cell, self.netcons.key, known)
        return found.astype(np.int64) - 1


def instance_of(key: IntArray) -> IntArray:
    """Return the key of the target in the key of a NetCon."""
    return (key >> _INSTANCE_SHIFT) << _INSTANCE_SHIFT


def renumber(key: IntArray, numbers: dict[int, int]) -> IntArray:
    """Exchange the numbers of mechanisms in keys (negative keys stay)."""
    kinds, index = np.unique(key >> _TYPE_SHIFT, return_inverse=True)
    new = np.array([numbers.get(kind, kind) for kind in kinds.tolist()], dtype=np.int64)
    rest = key & ((1 << _TYPE_SHIFT) - 1)
    return np.where(key < 0, key, (new[np.asarray(index).reshape(-1)] << _TYPE_SHIFT) | rest)


def _unlisted_sections(cells: Sequence[CellParts]) -> dict[int, list[Any]]:
    """Return gid -> sections that a template made, but does not list."""
    everything = list(h.allsec())
    if len(everything) == sum(len(cell.sections) for cell in cells):
        return {}
    listed = {section.name() for cell in cells for section in cell.sections}
    gid_of = {_owner(cell.sections[0]): cell.gid for cell in cells if len(cell.sections)}
    found: dict[int, list[Any]] = {}
    for section in everything:
        gid = gid_of.get(_owner(section))
        if gid is not None and section.name() not in listed:
            found.setdefault(gid, []).append(section)
    return found


def _owner(section: Any) -> str:
    """Return the name of the object that a section belongs to."""
    return str(section.name()).rpartition(".")[0] or str(section.name())


def _by_kind(cells: Sequence[CellParts]) -> dict[str, dict[int, int]]:
    """Return mechanism -> number of the HOC object -> cell, of point cells."""
    found: dict[str, dict[int, int]] = {}
    for row, cell in enumerate(cells):
        if cell.artificial is not None:
            name, number = hoc_number(cell.artificial)
            found.setdefault(name, {})[number] = row
    return found


def _is_in(column: ObjectColumn, number: IntArray, object_: Pointers) -> Any:
    if isinstance(column, HocColumn):
        return np.isin(object_, column.pointers)
    return np.isin(number, [hoc_number(item)[1] for item in column if item is not None])


def _find(wanted: Pointers, known: Pointers, cell: IntArray, key: IntArray) -> tuple[IntArray, IntArray]:
    """Return cell and key of `wanted` in `known` (ascending); -1 and -1 for what is not there."""
    nothing = np.full(wanted.size, NO_CELL, dtype=np.int64)
    if not known.size:
        return nothing, nothing.copy()
    place = np.minimum(np.searchsorted(known, wanted), known.size - 1)
    there = known[place] == wanted
    return np.where(there, cell[place], NO_CELL), np.where(there, key[place], -1)


def _look_up(
    cell: IntArray, key: IntArray, known_cell: IntArray, known_key: IntArray, result: Pointers
) -> Pointers:
    """Return the results that belong to pairs of cell and key; 0 where there is none."""
    known = np.concatenate([known_cell, cell]), np.concatenate([known_key, key])
    index = np.unique(np.stack(known, axis=1), axis=0, return_inverse=True)[1] if known[0].size else known[0]
    index = np.asarray(index).reshape(-1)
    table = np.zeros(index.size + 1, dtype=np.uint64)
    table[index[: known_cell.size]] = result
    return table[index[known_cell.size :]]


def _count_repeats(cell: IntArray, key: IntArray) -> IntArray:
    """Number equal neighbours 0, 1, 2, ..."""
    if not key.size:
        return key
    new = np.concatenate([[True], (cell[1:] != cell[:-1]) | (key[1:] != key[:-1])])
    start = np.flatnonzero(new)
    return np.arange(key.size) - np.repeat(start, np.diff(np.append(start, key.size)))
