"""Memory of a simulation before it is built: what single objects take times how many there are.

The bytes of one object are measured (:mod:`~neurodamus_like.distribution.memory_units`), the numbers of objects are
counted, and the two are multiplied. No factor is fitted to whole simulations, except for CoreNEURON's copy of the
model, whose cells and synapses have a factor each, and for what NEURON keeps of models built in cycles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from neurodamus_like.distribution.memory_units import MemoryUnits

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TABLE_BYTES_PER_EDGE = 70.0
"""Columns of the synapse table and addresses of the objects."""

READING_BYTES_PER_EDGE = 250.0
"""Columns as they are read from the file, gone again when the table is made."""

BUFFERED_MS = 25.0
"""Simulated time that reports are kept for before they are written."""

COLUMN_BYTES = 200.0
"""A reported value without its buffer: the reference to the variable, and its place in the file."""

BYTES_PER_VALUE_KEPT, BYTES_PER_VALUE_WRITTEN = 8, 4

MPI_BYTES = 24e6
"""What the MPI library takes in each of several ranks, with its buffers for spikes (mpich 4.3)."""

CORENEURON_CELL_SHARE, CORENEURON_SYNAPSE_SHARE = 0.30, 0.57
"""CoreNEURON's model in bytes per byte of NEURON's, with what copying it takes.

Variables are copied, sections, points of morphologies and objects of the interpreter are not: so cells shrink more than
what is on them. The first number is from 100 cells of five kinds without synapses, the second from the same cells with
200,000 synapses; circuits of other composition are within a tenth of what follows (``docs/benchmarks.md``).
"""

CYCLE_SHARE_KEPT = 0.7
"""What is left of a cycle's model in NEURON while CoreNEURON simulates the whole, as a share of the cycle's.

Pools of synapses are used again by the next cycle, but never given back to the system. Measured: 0.73 of the cycle
with 2 cycles, less with more, where the whole is off by less than a tenth (``docs/benchmarks.md``).
"""

MARGIN = 0.1
"""What is kept free on a node, beside the prediction's own error."""


@dataclass
class PopulationModel:
    """The cells of one population with all that belongs to them; arrays have one row per cell.

    Attributes
    ----------
    name
        Of the population.
    node_ids
        Ascending.
    kinds
        Names of kinds of cells (morphology and template).
    kind
        Row of `kinds` of each cell.
    types
        str[n]: m-type and e-type of each cell.
    synapses
        Mechanism -> point processes of each cell.
    rows, netcons, replayed, minis
        Edges, NetCons from cells, NetCons of replay, sources of spontaneous release.
    """

    name: str
    node_ids: IntArray
    kinds: list[str]
    kind: IntArray
    types: npt.NDArray[np.str_]
    synapses: dict[str, IntArray] = field(default_factory=dict)
    rows: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    netcons: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    replayed: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    minis: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        for name in ("rows", "netcons", "replayed", "minis"):
            if not getattr(self, name).size:
                setattr(self, name, np.zeros(self.node_ids.size, dtype=np.int64))

    @property
    def synapses_per_cell(self) -> IntArray:
        """Synapses of all mechanisms."""
        total = np.zeros(self.node_ids.size, dtype=np.int64)
        for of in self.synapses.values():
            total += of
        return total


@dataclass(frozen=True)
class ReportSize:
    """A report before it exists: its name, values per frame, frames, and the time between frames (ms)."""

    name: str
    columns: float
    frames: int
    dt_ms: float

    @property
    def file_bytes(self) -> float:
        """Bytes of its values in the file."""
        return self.columns * self.frames * BYTES_PER_VALUE_WRITTEN

    def kept_bytes(self, ranks: int, buffer_bytes: float) -> float:
        """Bytes in the memory of one of several ranks."""
        columns = self.columns / ranks
        frames = min(self.frames, math.ceil(BUFFERED_MS / self.dt_ms))
        return columns * COLUMN_BYTES + min(buffer_bytes, columns * frames * BYTES_PER_VALUE_KEPT)


@dataclass(frozen=True)
class _Total:
    """Sums over the cells of a population, without and with what is on them, and the bytes of its largest cell."""

    cells: float
    bytes: float
    largest: float
    netcons: float
    rows: float


@dataclass(frozen=True)
class MemoryModel:
    """Everything the memory of a simulation follows from.

    Attributes
    ----------
    units
        Bytes of single objects.
    populations
        Those with cells.
    trains
        Replayed spike trains.
    reports
        Sizes.
    rank_base
        Bytes of a process of several before the first cell, when they are known.
    buffer_bytes
        Largest buffer of one report on one rank.
    simulator
        ``NEURON``, or ``CORENEURON``, which makes its own copy of the model.
    """

    units: MemoryUnits
    populations: Sequence[PopulationModel]
    trains: int = 0
    reports: Sequence[ReportSize] = ()
    rank_base: float | None = None
    buffer_bytes: float = 8e6
    simulator: str = "NEURON"

    def base(self, ranks: int) -> float:
        """Return the bytes of a process before the first cell."""
        if ranks > 1:
            return self.units.base + MPI_BYTES if self.rank_base is None else self.rank_base
        return self.units.base

    def cell_bytes(self, population: PopulationModel) -> FloatArray:
        """Return the bytes of each cell without its synapses."""
        units = self.units.populations[population.name]
        of_kind: FloatArray = np.array([units.of_kind(name) for name in population.kinds])
        cells: FloatArray = of_kind[population.kind] + units.stimulus
        return cells

    def synapse_bytes(self, population: PopulationModel) -> FloatArray:
        """Return the bytes of the synapses of each cell, with their NetCons and sources."""
        u, p = self.units, population
        total: FloatArray = (p.rows * TABLE_BYTES_PER_EDGE).astype(np.float64)
        total += p.netcons * u.netcon + p.replayed * u.replayed + p.minis * u.mini
        for mechanism, of in p.synapses.items():
            total += of * u.of_mechanism(mechanism)
        return total

    def costs(self) -> dict[str, tuple[IntArray, FloatArray]]:
        """Return population -> (node ids, bytes of each cell with everything on it)."""
        return {p.name: (p.node_ids, self.cell_bytes(p) + self.synapse_bytes(p)) for p in self.populations}

    @cached_property
    def _totals(self) -> list[_Total]:
        cells = [self.cell_bytes(p) for p in self.populations]
        costs = [c + self.synapse_bytes(p) for c, p in zip(cells, self.populations, strict=True)]
        return [
            _Total(
                float(c.sum()),
                float(all_.sum()),
                float(all_.max(initial=0.0)),
                float(p.netcons.sum()),
                float(p.rows.sum()),
            )
            for c, all_, p in zip(cells, costs, self.populations, strict=True)
        ]

    def rank_bytes(self, cells: Mapping[str, IntArray], ranks: int) -> float:
        """Return the peak of one rank that builds its model at once.

        Parameters
        ----------
        cells
            Population -> node ids of this rank.
        ranks
            How many there are.
        """
        bare = model = shared = edges = 0.0
        for p in self.populations:
            mine = np.isin(p.node_ids, cells.get(p.name, np.empty(0, dtype=np.int64)))
            bare += float(self.cell_bytes(p)[mine].sum())
            model += float((self.cell_bytes(p) + self.synapse_bytes(p))[mine].sum())
            model += self._remote_bytes(p, float(p.netcons[mine].sum()), ranks)
            shared += self.units.populations[p.name].kind * np.unique(p.kind[mine]).size
            edges = max(edges, float(p.rows[mine].sum()))
        return self._peak(shared, model, self._copy(bare, model), edges, ranks, 1)

    def even_rank_bytes(self, ranks: int, cycles: int = 1) -> float:
        """Return the peak of a rank that has an even share of everything, but at least the largest cell."""
        bare = model = shared = edges = 0.0
        for p, total in zip(self.populations, self._totals, strict=True):
            bare += total.cells / ranks
            model += total.bytes / ranks + self._remote_bytes(p, total.netcons / ranks, ranks)
            kinds = min(len(p.kinds), math.ceil(p.node_ids.size / ranks))
            shared += self.units.populations[p.name].kind * kinds
            edges = max(edges, total.rows / ranks)
        largest = max((total.largest for total in self._totals), default=0.0)
        fullest = max(model, largest * cycles)
        copy = self._copy(bare, model) * (fullest / model if model else 1.0)
        return self._peak(shared, fullest, copy, edges, ranks, cycles)

    def _copy(self, bare: float, model: float) -> float:
        """Return CoreNEURON's bytes of a model, of which `bare` bytes are those of cells alone."""
        if self.simulator != "CORENEURON":
            return 0.0
        return CORENEURON_CELL_SHARE * bare + CORENEURON_SYNAPSE_SHARE * (model - bare)

    def _peak(self, shared: float, model: float, copy: float, edges: float, ranks: int, cycles: int) -> float:
        """Return the largest of: reading edges, building a cycle, and the whole in CoreNEURON."""
        base = self.base(ranks) + shared
        reports = sum(report.kept_bytes(ranks, self.buffer_bytes) for report in self.reports)
        part = model / cycles + self.trains * self.units.train
        built = base + part + reports
        simulated = base + copy + reports + part * (1.0 if cycles == 1 else CYCLE_SHARE_KEPT)
        return max(built, simulated, base + edges / cycles * READING_BYTES_PER_EDGE)

    def _remote_bytes(self, population: PopulationModel, netcons: float, ranks: int) -> float:
        """Return what sources on other ranks take: each that has a NetCon here has an entry of its own."""
        sources = population.node_ids.size * (ranks - 1) / ranks
        return min(netcons, sources) * max(0.0, self.units.remote_netcon - self.units.netcon)


@dataclass(frozen=True)
class Suggestion:
    """How to run a model on nodes of a given memory.

    Attributes
    ----------
    ranks, nodes
        Enough for the whole model at once; 0 when no number is.
    cycles
        With as many ranks as one node has, built in so many cycles; 0 when no number is enough.
    """

    ranks: int
    nodes: int
    cycles: int


def suggest(model: MemoryModel, node_bytes: float, ranks_per_node: int) -> Suggestion:
    """Return the smallest number of full nodes that hold the model, and of cycles on a single node.

    A node has `ranks_per_node` ranks, and keeps 10 % of its memory free. The model must have cells.
    """
    room = node_bytes * (1 - MARGIN) / ranks_per_node
    cells = sum(p.node_ids.size for p in model.populations)

    def fits(nodes: int, cycles: int = 1) -> bool:
        ranks = min(nodes * ranks_per_node, cells)
        return model.even_rank_bytes(ranks, cycles) * math.ceil(ranks / nodes) <= room * ranks_per_node

    nodes = _smallest(fits, math.ceil(cells / ranks_per_node))
    cycles = _smallest(lambda n: fits(1, n), math.ceil(cells / min(ranks_per_node, cells)))
    return Suggestion(min(nodes * ranks_per_node, cells), nodes, cycles)


def _smallest(fits: Callable[[int], bool], most: int) -> int:
    """Return the smallest number from 1 to `most` that fits, by halving; 0 when none does."""
    if not fits(most):
        return 0
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low
