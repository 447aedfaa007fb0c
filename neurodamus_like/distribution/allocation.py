"""Which cells go to which rank in which cycle so that none needs much more memory than another, and its files.

``allocation_r<ranks>_c<cycles>.pkl.gz`` is a compressed pickle of {population: {(rank, cycle): node ids}}, as
neurodamus writes and reads it. Node ids count from 0 inside their population.
"""

from __future__ import annotations

import gzip
import heapq
import pickle
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.distribution.cell_memory import FILE_NAME, CellMemory
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.pickled_ids import load_pickled_ids

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Allocation:
    """Cells of every rank in every cycle.

    Attributes
    ----------
    ranks, cycles
        How many.
    node_ids
        Population -> {(rank, cycle): node ids, ascending}; parts without cells may be absent.
    """

    ranks: int
    cycles: int
    node_ids: Mapping[str, Mapping[tuple[int, int], IntArray]]

    def local_ids(self, population: str, rank: int, cycle: int | None = None) -> IntArray:
        """Return the node ids of a rank, ascending: those of one cycle, or of all."""
        parts = self.node_ids.get(population, {})
        cycles = range(self.cycles) if cycle is None else (cycle,)
        found = [parts[rank, c] for c in cycles if (rank, c) in parts]
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))

    def owners(self, population: str, node_ids: IntArray) -> IntArray:
        """Return the rank of each of some nodes."""
        owners = np.full(node_ids.size, -1, dtype=np.int64)
        for (rank, _), ids in self.node_ids.get(population, {}).items():
            owners[np.isin(node_ids, ids)] = rank
        return owners

    def loads(self, costs: Mapping[str, tuple[IntArray, FloatArray]]) -> FloatArray:
        """Return the sum of costs in each part, shape (ranks, cycles), given {population: (node ids, costs)}."""
        loads = np.zeros((self.ranks, self.cycles))
        for population, (ids, cost) in costs.items():
            order = np.argsort(ids)
            for part, members in self.node_ids.get(population, {}).items():
                loads[part] += cost[order[np.searchsorted(ids, members, sorter=order)]].sum()
        return loads


def allocate(costs: Mapping[str, tuple[IntArray, FloatArray]], ranks: int, cycles: int = 1) -> Allocation:
    """Share cells so that the largest part is small: the costliest first, each to the part with least so far.

    All populations are shared together. With equal costs, cells go round the ranks before a second cycle of one begins.

    Parameters
    ----------
    costs
        Population -> (node ids, cost of each), in any unit.
    ranks, cycles
        Into how many parts.

    Raises
    ------
    ConfigurationError
        There are fewer cells than parts.
    """
    names = sorted(costs)
    sizes = [costs[name][0].size for name in names]
    parts = ranks * cycles
    if sum(sizes) < parts:
        raise ConfigurationError(
            f"{sum(sizes)} cells cannot be shared among {ranks} ranks and {cycles} cycles",
            expected=f"at most {sum(sizes)} ranks times cycles",
            hint="give fewer with --num-target-ranks or --modelbuilding-steps",
        )
    cost = np.concatenate([costs[name][1] for name in names])
    owner = _least_loaded(cost, parts)
    result: dict[str, dict[tuple[int, int], IntArray]] = {}
    begin = 0
    for name, size in zip(names, sizes, strict=True):
        ids, of = costs[name][0], owner[begin : begin + size]
        begin += size
        result[name] = {(p % ranks, p // ranks): np.sort(ids[of == p]) for p in np.unique(of).tolist()}
    return Allocation(ranks, cycles, result)


def allocation_path(directory: Path, ranks: int, cycles: int) -> Path:
    """Return the file of an allocation."""
    return directory / f"allocation_r{ranks}_c{cycles}.pkl.gz"


def write_allocation(allocation: Allocation, directory: Path) -> Path:
    """Write an allocation; return its file."""
    path = allocation_path(directory, allocation.ranks, allocation.cycles)
    plain = {
        name: {part: array("q", ids.tolist()) for part, ids in parts.items()}
        for name, parts in allocation.node_ids.items()
    }
    path.write_bytes(gzip.compress(pickle.dumps(plain, protocol=4)))
    return path


def read_allocation(
    directory: Path, ranks: int, cycles: int, cells: Mapping[str, IntArray]
) -> Allocation | None:
    """Read the allocation for a number of ranks and cycles.

    Parameters
    ----------
    directory
        Where the files are.
    ranks, cycles
        Of the run.
    cells
        Population -> node ids of the run: the allocation must have exactly these.

    Returns
    -------
    Allocation or None
        None when there is no allocation at all.

    Raises
    ------
    ConfigurationError
        There are only allocations for other ranks or cycles, the file is damaged, or it is for other cells.
    """
    path = allocation_path(directory, ranks, cycles)
    if not path.is_file():
        others = sorted(file.name for file in directory.glob("allocation_r*_c*.pkl.gz"))
        if not others:
            return None
        raise ConfigurationError(
            f"there is no allocation for {_words(ranks, cycles)}, only {', '.join(others)}",
            file=path,
            hint=f"{_how_to_make(ranks, cycles)}, or run on as many ranks as one of those is for",
        )
    allocation = Allocation(ranks, cycles, _node_ids(load_pickled_ids(path), path))
    _check_cells(allocation, cells, path)
    return allocation


def find_allocation(directory: Path, ranks: int, cycles: int, cells: Mapping[str, IntArray]) -> Allocation:
    """Return the allocation of a folder, or one from what it says about the memory of cells.

    Parameters
    ----------
    directory, ranks, cycles, cells
        As in :func:`read_allocation`.

    Raises
    ------
    ConfigurationError
        There is neither, or what there is does not fit.
    """
    found = read_allocation(directory, ranks, cycles, cells)
    if found is not None:
        return found
    memory = CellMemory.read(directory)
    if memory is None:
        raise ConfigurationError(
            f"--lb-mode=Memory needs an allocation for {_words(ranks, cycles)}",
            expected=f"{allocation_path(directory, ranks, cycles).name} or {FILE_NAME} in {directory}",
            hint=_how_to_make(ranks, cycles),
        )
    allocation = allocate(memory.costs(), ranks, cycles)
    _check_cells(allocation, cells, directory / FILE_NAME)
    return allocation


def _how_to_make(ranks: int, cycles: int) -> str:
    steps = f" --modelbuilding-steps={cycles}" if cycles > 1 else ""
    return f"make one: neurodamus-like run CONFIG --dry-run --num-target-ranks={ranks}{steps}"


def _least_loaded(cost: FloatArray, parts: int) -> IntArray:
    heap = [(0.0, part) for part in range(parts)]
    owner = np.empty(cost.size, dtype=np.int64)
    for item in np.argsort(-cost, kind="stable").tolist():
        load, part = heap[0]
        owner[item] = part
        heapq.heapreplace(heap, (load + float(cost[item]), part))
    return owner


def _words(ranks: int, cycles: int) -> str:
    text = f"{ranks} rank{'' if ranks == 1 else 's'}"
    return text if cycles == 1 else f"{text} and {cycles} cycles"


def _node_ids(raw: Any, path: Path) -> dict[str, dict[tuple[int, int], IntArray]]:
    try:
        return {
            str(population): {
                (int(rank), int(cycle)): np.sort(np.array(ids, dtype=np.int64))
                for (rank, cycle), ids in parts.items()
            }
            for population, parts in raw.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the allocation is not what it should be: {error}",
            file=path,
            expected="{population: {(rank, cycle): node ids}}",
            hint="make it again with --dry-run",
        ) from error


def _check_cells(allocation: Allocation, cells: Mapping[str, IntArray], path: Path) -> None:
    for population, wanted in cells.items():
        parts = allocation.node_ids.get(population, {})
        beyond = [p for p in parts if not (0 <= p[0] < allocation.ranks and 0 <= p[1] < allocation.cycles)]
        there = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts.values()]))
        if beyond or not np.array_equal(there, np.sort(wanted)):
            missing = np.setdiff1d(wanted, there)
            raise ConfigurationError(
                f"the allocation is for other cells: {missing.size} of this run are missing in it, "
                f"{np.setdiff1d(there, wanted).size} of it are not simulated",
                file=path,
                population=population,
                ids=missing.tolist(),
                expected="each node of the node set once, with ids that count from 0",
                hint="make it again with --dry-run and the same node set",
            )
