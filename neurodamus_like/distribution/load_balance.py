"""Which cells live on which rank: modes, and the balance of all populations together."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurodamus_like.config.models import Simulation
from neurodamus_like.distribution import typed_costs as typed_costs  # registers itself
from neurodamus_like.distribution.allocation import Allocation, find_allocation
from neurodamus_like.distribution.assignment import Assignment, deal, population_cells, share
from neurodamus_like.distribution.balance_files import BalanceFiles, compute_fingerprint
from neurodamus_like.distribution.complexity import EdgeChoice, IntArray, PopulationCosts, compute_costs
from neurodamus_like.distribution.mechanism_costs import MechanismCosts, library_key, load_costs
from neurodamus_like.distribution.modes import LoadBalanceMode
from neurodamus_like.distribution.pieces import (
    SPLITTABLE_KIND,
    Placement,
    balance_items,
    in_units,
    numbered,
    section_trees,
    share_in_pieces,
)
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.cx_files import CellComplexities, Piece
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.targets.nodeset import NodesetTarget

logger = logging.getLogger(__name__)

MANY_CELLS, LONG_MS, MANY_RANKS = 1000, 1000.0, 200
"""Above all three, cells are balanced by cost unless the user says otherwise."""


class LoadBalance:
    """Shares the cells of all populations among ranks.

    Balances by cost are kept in files, for each population and node set, and used again as long as the circuit and
    its mechanisms stay what they were. Rank 0 decides; other ranks are told.

    Parameters
    ----------
    balance_mode
        How.
    simulation
        The configuration.
    comm
        The ranks that work on it.
    target_cpu_count
        Number of ranks to balance for; those of `comm` if None.
    library
        Compiled mechanisms, whose costs are measured once; None takes the reference costs.
    mechanisms
        Returns the mechanisms of the model, whose costs matter.
    directory
        Folder of the files instead of ``sim_conf`` in the working folder.
    choose
        What connection overrides say about edges.
    cycles
        Building cycles that an allocation of memory must be for.
    whole
        Population -> node ids that MultiSplit must not split.

    Attributes
    ----------
    allocation
        Cells of each rank and cycle, in mode Memory.
    """

    def __init__(
        self,
        balance_mode: LoadBalanceMode,
        simulation: Simulation,
        comm: Communicator,
        *,
        target_cpu_count: int | None = None,
        library: Path | None = None,
        mechanisms: Callable[[], Iterable[str]] = tuple,
        directory: Path | None = None,
        choose: EdgeChoice | None = None,
        cycles: int = 1,
        whole: Mapping[str, IntArray] | None = None,
    ) -> None:
        self.mode = balance_mode
        self.cycles = cycles
        self.allocation = Allocation(1, 1, {})
        self.simulation = simulation
        self.size = comm.size if target_cpu_count is None else target_cpu_count
        self._comm = comm
        self._library = library
        self._mechanisms = mechanisms
        self._directory = directory
        self._choose = choose
        self._whole = whole or {}
        self._cells: dict[str, dict[str, IntArray]] = {}
        self._prints: dict[str, dict[str, str]] = {}

    @staticmethod
    def select_lb_mode(
        requested: str | None, simulation: Simulation, target: NodesetTarget, ranks: int
    ) -> LoadBalanceMode:
        """Return the mode the user asked for, or the default.

        The default is RoundRobin; WholeCell for more than 1000 cells, 1000 ms and 200 ranks. One rank gets all cells
        whatever the mode. CoreNEURON computes split cells wrongly, without a word: with it, MultiSplit becomes
        WholeCell; also where no cell can be split.
        """
        if requested is not None:
            mode = LoadBalanceMode.parse(requested)
            return _splitting_mode(simulation, target) if mode is LoadBalanceMode.MultiSplit else mode
        many = target.gid_count() > MANY_CELLS and ranks > MANY_RANKS
        if many and simulation.run.tstop_ms > LONG_MS:
            return LoadBalanceMode.WholeCell
        return LoadBalanceMode.RoundRobin

    def distribute(self, target: NodesetTarget) -> Assignment:
        """Return where the cells of a target go; collective.

        Raises
        ------
        ConfigurationError
            A balance file cannot be read; on all ranks together.
        """
        cells = self.cells_of(target)
        if self.mode is LoadBalanceMode.Memory:
            return self._by_memory(cells)
        if self.mode is LoadBalanceMode.RoundRobin or self.size == 1:
            return deal(cells, self.size)
        if self.valid_load_distribution(target):
            return self.load_balance_info(target)
        return self.generate_load_balance(target)

    def _by_memory(self, cells: Mapping[str, IntArray]) -> Assignment:
        """Take the allocation of the working folder, which `--dry-run` has written."""
        with collectively(self._comm):
            if self._comm.rank == 0:
                self.allocation = find_allocation(Path.cwd(), self.size, self.cycles, cells)
        self.allocation = self._comm.bcast(self.allocation)
        owners = {name: self.allocation.owners(name, ids) for name, ids in cells.items()}
        return Assignment(self.size, dict(cells), owners)

    def valid_load_distribution(self, target: NodesetTarget) -> bool:
        """Say whether there are files for exactly these cells and this number of ranks that are not stale; collective.

        Where costs are known, for this target or a larger one, the balance is derived from them and written.
        """
        valid = False
        with collectively(self._comm):
            if self._comm.rank == 0:
                valid = self._have_balance(target) or self._derive(target)
        return self._comm.bcast(valid)

    def load_balance_info(self, target: NodesetTarget) -> Assignment:
        """Read the files of a target; collective.

        Raises
        ------
        ConfigurationError
            There are none that are valid, or one cannot be read.
        """
        result: Assignment | None = None
        with collectively(self._comm):
            if self._comm.rank == 0:
                result = self._read(target)
        shared = self._comm.bcast(result)
        assert shared is not None
        return shared

    def generate_load_balance(self, target: NodesetTarget) -> Assignment:
        """Compute what cells cost, balance them, and write the files; collective."""
        cells = self.cells_of(target)
        costs = self.mechanism_costs()
        computed = compute_costs(self.simulation, cells, costs, self._comm, self._choose)
        result: Assignment | None = None
        with collectively(self._comm):
            if self._comm.rank == 0:
                result = self._save(computed, costs, target)
        shared = self._comm.bcast(result)
        assert shared is not None
        return shared

    def mechanism_costs(self) -> MechanismCosts:
        """Return the costs of mechanisms; rank 0 measures them if it has to; collective."""
        costs: MechanismCosts | None = None
        with collectively(self._comm):
            if self._comm.rank == 0:
                costs = load_costs(self._mechanisms(), self._library)
        shared = self._comm.bcast(costs)
        assert shared is not None
        return shared

    def cells_of(self, target: NodesetTarget) -> dict[str, IntArray]:
        """Return population -> node ids of those nodes of a target that have cells."""
        if target.name not in self._cells:
            self._cells[target.name] = population_cells(self.simulation, target)
        return self._cells[target.name]

    def _save(
        self, computed: Sequence[PopulationCosts], costs: MechanismCosts, target: NodesetTarget
    ) -> Assignment:
        """Balance cells by what they cost, and write all files."""
        ns = {c.population: c.ns for c in computed}
        cells = {c.population: c.node_ids for c in computed}
        pieces: Mapping[str, Mapping[int, tuple[Piece, ...]]] = {}
        if self.mode is LoadBalanceMode.MultiSplit:
            trees = section_trees(self.simulation, cells, costs, self._choose, self._whole)
            result, pieces = share_in_pieces(ns, cells, self.size, trees)
        else:
            result = share(ns, cells, self.size)
        unit = float(costs.complexity(1.0))
        for name, files in self._files(target).items():
            files.save_complexities(
                CellComplexities(cells[name], ns[name] * unit, in_units(pieces.get(name, {}), unit))
            )
        self._save_balance(result, target)
        return replace(result, loads=None if result.loads is None else result.loads * unit)

    def _save_balance(self, result: Assignment, target: NodesetTarget) -> None:
        for name, files in self._files(target).items():
            files.save_balance(balance_items(result, name))

    def _have_balance(self, target: NodesetTarget) -> bool:
        cells = self.cells_of(target)
        files = self._files(target)
        return all(files[name].load_placement(ids, self.size) is not None for name, ids in cells.items())

    def _derive(self, target: NodesetTarget) -> bool:
        """Balance by costs that are known; how cells are best cut depends on the number of ranks and is not."""
        if self.mode is LoadBalanceMode.MultiSplit:
            return False
        cells = self.cells_of(target)
        files = self._files(target)
        known = {name: files[name].load_complexities(ids) for name, ids in cells.items()}
        complete = {name: found.complexity for name, found in known.items() if found is not None}
        if len(complete) < len(cells):
            return False
        self._save_balance(share(complete, cells, self.size), target)
        return True

    def _read(self, target: NodesetTarget) -> Assignment:
        cells = self.cells_of(target)
        found: dict[str, Placement] = {}
        for name, files in self._files(target).items():
            placement = files.load_placement(cells[name], self.size)
            if placement is None:
                raise ConfigurationError(
                    f"there is no valid load balance of {name} for {self.size} ranks",
                    file=files.balance(self.size),
                    hint="generate_load_balance() computes it",
                )
            found[name] = placement
        loads = np.sum([p.loads for p in found.values()], axis=0)
        return Assignment(
            self.size,
            cells,
            {name: p.owners for name, p in found.items()},
            None if np.isnan(loads).any() else loads,
            numbered({name: p.splits for name, p in found.items()}),
        )

    def _files(self, target: NodesetTarget) -> dict[str, BalanceFiles]:
        cells = self.cells_of(target)
        if target.name not in self._prints:
            key = "reference" if self._library is None else library_key(self._library)
            self._prints[target.name] = compute_fingerprint(self.simulation, cells, key)
        prints, nodes = self._prints[target.name], self.simulation.circuit.nodes
        split = self.mode is LoadBalanceMode.MultiSplit
        return {
            name: BalanceFiles.of(
                nodes[name],
                target.name,
                prints[name],
                self._directory,
                mode=f" split {_digest(self._whole.get(name))}" if split else "",
            )
            for name in cells
        }


def _splitting_mode(simulation: Simulation, target: NodesetTarget) -> LoadBalanceMode:
    """Return MultiSplit if it is possible; otherwise warn and return WholeCell."""
    if simulation.simulator == "CORENEURON":
        logger.warning(
            "CoreNEURON cannot simulate split cells: WholeCell is used instead of MultiSplit; "
            "use --simulator=NEURON to split cells"
        )
        return LoadBalanceMode.WholeCell
    kinds = {name: simulation.circuit.nodes[name].kind for name in target.population_names}
    if SPLITTABLE_KIND not in kinds.values():
        logger.warning(
            "MultiSplit cannot split the cells of any of these populations: %s; WholeCell is used instead of "
            "MultiSplit, ask for it with --lb-mode=WholeCell",
            ", ".join(f"{name} ({kind})" for name, kind in sorted(kinds.items())),
        )
        return LoadBalanceMode.WholeCell
    return LoadBalanceMode.MultiSplit


def _digest(ids: IntArray | None) -> str:
    content = b"" if ids is None else np.asarray(ids, dtype=np.int64).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]
