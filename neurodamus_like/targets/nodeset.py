"""NodesetTarget: nodes of one or more populations, and what of them is on this rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import TargetError
from neurodamus_like.io.compartment_sets import CompartmentSet
from neurodamus_like.targets.offsets import GidOffsets, IntArray
from neurodamus_like.targets.points import (
    CellManagerLike,
    TargetPointList,
    check_point_kinds,
    points_of_cell,
    points_of_compartment_set,
)

_NOTHING: IntArray = np.empty(0, dtype=np.int64)


class NodesetTarget:
    """A named selection of nodes.

    Parameters
    ----------
    name
        Of the node set.
    ids
        Population -> node ids inside it; made ascending and unique, populations without ids are left out.
    offsets
        Gid offsets of these populations.
    local_nodes
        Population -> global ids on this rank; None as long as cells are not distributed.
    """

    def __init__(
        self,
        name: str,
        ids: Mapping[str, npt.ArrayLike],
        offsets: GidOffsets,
        local_nodes: Mapping[str, IntArray] | None = None,
    ) -> None:
        self.name = name
        self.offsets = offsets
        self._ids = {p: np.unique(np.asarray(i, dtype=np.int64)) for p, i in ids.items() if np.size(i)}
        self._local_nodes = local_nodes

    def __repr__(self) -> str:
        counts = ", ".join(f"{p}: {ids.size}" for p, ids in self._ids.items())
        return f"NodesetTarget({self.name!r}, {{{counts}}})"

    @property
    def population_names(self) -> set[str]:
        """Populations that have nodes in the target."""
        return set(self._ids)

    @property
    def populations(self) -> dict[str, IntArray]:
        """Population -> node ids."""
        return dict(self._ids)

    def node_ids(self, population: str) -> IntArray:
        """Return the node ids in one population, ascending; empty when it has none."""
        return self._ids.get(population, _NOTHING)

    def gid_count(self) -> int:
        """Return the number of nodes."""
        return sum(ids.size for ids in self._ids.values())

    def is_void(self) -> bool:
        """Say whether there are no nodes."""
        return not self._ids

    def max_gid_count_per_population(self) -> int:
        """Return the number of nodes of the population that has most."""
        return max((ids.size for ids in self._ids.values()), default=0)

    def gids(self, raw_gids: bool = False) -> IntArray:
        """Return the global ids, population after population; with `raw_gids` those inside populations."""
        parts = [ids if raw_gids else self.offsets.to_gid(p, ids) for p, ids in self._ids.items()]
        return np.concatenate(parts) if parts else _NOTHING

    def contains(self, items: npt.ArrayLike, raw_gids: bool = False) -> Any:
        """Say which ids are in the target: bool for one id, bool[n] for an array.

        Parameters
        ----------
        items
            Global ids; with `raw_gids`, ids inside populations.
        raw_gids
            See `items`.
        """
        found = np.isin(np.asarray(items, dtype=np.int64), self.gids(raw_gids))
        return bool(found) if np.ndim(items) == 0 else found

    def intersects(self, other: NodesetTarget) -> bool:
        """Say whether any node is in both targets."""
        common = self._ids.keys() & other._ids.keys()
        return any(np.intersect1d(self._ids[p], other._ids[p], assume_unique=True).size for p in common)

    def append_nodeset(self, population: str, ids: npt.ArrayLike) -> None:
        """Add nodes of one population."""
        merged = np.union1d(self.node_ids(population), np.asarray(ids, dtype=np.int64))
        if merged.size:
            self._ids[population] = merged

    def make_subtarget(self, pop_name: str | None) -> NodesetTarget:
        """Return the part in one population; None returns the whole."""
        if pop_name is None:
            return self
        name = f"{pop_name}:{self.name}"
        return NodesetTarget(name, {pop_name: self.node_ids(pop_name)}, self.offsets, self._local_nodes)

    def generate_subtargets(self, n_parts: int) -> list[list[NodesetTarget]]:
        """Deal the nodes out to `n_parts` parts; each part is a list with one target per population.

        Raises
        ------
        TargetError
            `n_parts` is less than 1.
        """
        if n_parts < 1:
            raise TargetError(
                f"cannot make {n_parts} parts of the target {self.name!r}", expected="1 or more"
            )
        return [
            [
                NodesetTarget(
                    f"{population}__{part}", {population: ids[part::n_parts]}, self.offsets, self._local_nodes
                )
                for population, ids in self._ids.items()
            ]
            for part in range(n_parts)
        ]

    def update_local_nodes(self, local_nodes: Mapping[str, IntArray]) -> None:
        """Say which nodes are on this rank: population -> global ids."""
        self._local_nodes = local_nodes

    def get_local_gids(self, population: str | None = None, raw_gids: bool = False) -> IntArray:
        """Return the ids that are on this rank, ascending inside each population.

        Parameters
        ----------
        population
            Only this one; None means all.
        raw_gids
            Give ids inside populations instead of global ids.

        Raises
        ------
        TargetError
            The cells are not distributed yet.
        """
        if self._local_nodes is None:
            raise TargetError(
                f"the nodes of target {self.name!r} on this rank are not known yet",
                hint="distribute cells and call TargetManager.register_local_nodes first",
            )
        names = [population] if population is not None else list(self._ids)
        parts = [self._local(p, raw_gids) for p in names]
        return np.concatenate(parts) if parts else _NOTHING

    def get_point_list(
        self, cell_manager: CellManagerLike, sections: str = "soma", compartments: str = "center"
    ) -> list[TargetPointList]:
        """Return the points of the cells of `cell_manager` that are in the target, one list per cell.

        Parameters
        ----------
        cell_manager
            Holder of the cells of one population on this rank.
        sections
            soma, axon, dend, apic or all.
        compartments
            center: one point (0.5) per section; all: the centre of each segment.

        Raises
        ------
        TargetError
            Another word was given.
        """
        check_point_kinds(sections, compartments)
        gids = self._gids_of(cell_manager)
        return [points_of_cell(cell_manager.get_cell(gid), sections, compartments) for gid in gids.tolist()]

    def get_point_list_from_compartment_set(
        self, cell_manager: CellManagerLike, compartment_set: CompartmentSet
    ) -> list[TargetPointList]:
        """Return the points of a compartment set on those cells of `cell_manager` that are in the target.

        Raises
        ------
        SectionIdError
            A cell has no such section.
        """
        population = compartment_set.population
        if population != cell_manager.population_name or population not in self._ids:
            return []
        gids = self._gids_of(cell_manager)
        return points_of_compartment_set(compartment_set, cell_manager, self.offsets.offset(population), gids)

    def _gids_of(self, cell_manager: CellManagerLike) -> IntArray:
        population = cell_manager.population_name
        if population not in self._ids:
            return _NOTHING
        local = np.asarray(cell_manager.local_gids, dtype=np.int64)
        return np.intersect1d(self.offsets.to_gid(population, self._ids[population]), local)

    def _local(self, population: str, raw_gids: bool) -> IntArray:
        local = (self._local_nodes or {}).get(population)
        if local is None or population not in self._ids:
            return _NOTHING
        gids = np.intersect1d(self.offsets.to_gid(population, self._ids[population]), local)
        return gids - self.offsets.offset(population) if raw_gids else gids
