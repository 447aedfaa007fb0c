"""TargetManager: names of node sets and compartment sets -> nodes and points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import TargetError, did_you_mean
from neurodamus_like.io.compartment_sets import CompartmentSet, read_compartment_sets
from neurodamus_like.io.typed_node_sets import TypedNodeSets
from neurodamus_like.targets.nodeset import NodesetTarget
from neurodamus_like.targets.nodeset_reader import NodeSetReader
from neurodamus_like.targets.offsets import GidOffsets, IntArray
from neurodamus_like.targets.points import CellManagerLike, TargetPointList, points_of_compartment_set
from neurodamus_like.targets.spec import TargetSpec

__all__ = ["NodesetTarget", "TargetManager", "TargetSpec"]

TargetLike = TargetSpec | str | None


class _Pathway(Protocol):
    """What has two ends that are node sets (a connection override)."""

    @property
    def source(self) -> str:
        """Node set, or ``population:nodeset``."""

    @property
    def target(self) -> str:
        """Node set, or ``population:nodeset``."""


class TargetManager:
    """Finds and keeps the targets of a simulation.

    Parameters
    ----------
    simulation
        The configuration.
    offsets
        Gid offsets; None means offsets of all populations of the circuit at their full size, until
        :meth:`set_offsets`.
    """

    def __init__(self, simulation: Simulation, offsets: GidOffsets | None = None) -> None:
        self.simulation = simulation
        self._nodes = simulation.circuit.nodes
        self._restricted = offsets is not None
        self._offsets = offsets or GidOffsets.of_populations(
            [(p, p.size - 1) for p in self._nodes.values() if p.size]
        )
        self._reader: NodeSetReader | None = None
        self._compartment_sets: dict[str, CompartmentSet] | None = None
        self._targets: dict[TargetSpec, NodesetTarget] = {}
        self._local_nodes: dict[str, IntArray] | None = None

    @property
    def offsets(self) -> GidOffsets:
        """Gid offsets of the populations."""
        return self._offsets

    @property
    def reader(self) -> NodeSetReader:
        """The node sets; read at the first use."""
        if self._reader is None:
            circuit_file, simulation_file = (
                self.simulation.circuit.node_sets_file,
                self.simulation.node_sets_file,
            )
            files = {p.name: p.file for p in self._nodes.values()}
            rules = self.simulation.node_set_rules
            sets = None if rules is None else TypedNodeSets(rules, self._nodes, self.simulation.path)
            self._reader = NodeSetReader(circuit_file, simulation_file, files, sets)
        return self._reader

    def load_targets(self) -> None:
        """Read the files of node sets and compartment sets, so that what is wrong with them shows now.

        Raises
        ------
        ConfigurationError, TargetError
            A file is missing or malformed.
        """
        self._reader = None
        self._compartment_sets = None
        self._targets.clear()
        _ = self.reader, self.compartment_sets

    def set_offsets(self, offsets: GidOffsets) -> None:
        """Fix the gid offsets; from now on targets have nodes of these populations only."""
        self._offsets = offsets
        self._restricted = True
        self._targets.clear()

    def register_local_nodes(self, local_nodes: Mapping[str, IntArray]) -> None:
        """Say which nodes are on this rank.

        Parameters
        ----------
        local_nodes
            Population -> global ids.
        """
        self._local_nodes = {p: np.asarray(gids, dtype=np.int64) for p, gids in local_nodes.items()}
        for target in self._targets.values():
            target.update_local_nodes(self._local_nodes)

    def register_target(self, target: NodesetTarget) -> None:
        """Make a target known under its name."""
        if self._local_nodes is not None:
            target.update_local_nodes(self._local_nodes)
        self._targets[TargetSpec(target.name)] = target

    def clear_simulation_data(self) -> None:
        """Forget which nodes are on this rank, and the targets that were found."""
        self._local_nodes = None
        self._targets.clear()

    def parse(self, target_spec: TargetLike) -> TargetSpec:
        """Return the specification of a text; node sets whose names contain a colon are known as such."""
        if isinstance(target_spec, TargetSpec):
            return target_spec
        registered = {spec.target_name for spec in self._targets if spec.target_name}
        return TargetSpec.parse(target_spec, {*self.reader.names, *registered})

    def get_target(self, target_spec: TargetLike, target_pop: str | None = None) -> NodesetTarget:
        """Return the nodes that a specification means.

        Parameters
        ----------
        target_spec
            Node set, ``population:nodeset``, or None: all nodes of all populations that are not virtual.
        target_pop
            Only nodes in this population; as in the specification.

        Raises
        ------
        TargetError
            There is no such node set or population.
        """
        spec = self.parse(target_spec)
        if target_pop is not None:
            spec = TargetSpec(spec.target_name, target_pop)
        if spec not in self._targets:
            self._targets[spec] = self._find(spec)
        return self._targets[spec]

    @property
    def compartment_sets(self) -> dict[str, CompartmentSet]:
        """All compartment sets, by name."""
        if self._compartment_sets is None:
            file = self.simulation.compartment_sets_file
            self._compartment_sets = {} if file is None else read_compartment_sets(file)
        return self._compartment_sets

    def get_compartment_set(self, name: str) -> CompartmentSet:
        """Return a compartment set.

        Raises
        ------
        TargetError
            There is none of this name.
        """
        known = self.compartment_sets
        if name not in known:
            raise TargetError(
                f"unknown compartment set {name!r}",
                file=self.simulation.compartment_sets_file or self.simulation.path,
                expected="one of " + ", ".join(known)
                if known
                else "a compartment_sets_file in the configuration",
                hint=did_you_mean(name, known) or None,
            )
        return known[name]

    def get_point_list_from_compartment_set(
        self, cell_manager: CellManagerLike, name: str
    ) -> list[TargetPointList]:
        """Return the points of a compartment set on the cells of `cell_manager`, one list per cell."""
        compartment_set = self.get_compartment_set(name)
        population = compartment_set.population
        if population != cell_manager.population_name:
            return []
        gids = np.asarray(cell_manager.local_gids, dtype=np.int64)
        return points_of_compartment_set(
            compartment_set, cell_manager, self._offsets.offset(population), gids
        )

    def intersecting(self, target1_spec: TargetLike, target2_spec: TargetLike) -> bool:
        """Say whether two targets have nodes in common."""
        one, two = self.parse(target1_spec), self.parse(target2_spec)
        if one.disjoint_populations(two):
            return False
        return self.get_target(one).intersects(self.get_target(two))

    def pathways_overlap(self, conn1: _Pathway, conn2: _Pathway, equal_only: bool = False) -> bool:
        """Say whether two connection blocks have pairs of cells in common.

        Parameters
        ----------
        conn1, conn2
            Blocks with `source` and `target`.
        equal_only
            Ask instead whether both ends are the same.
        """
        ends = [
            (self.parse(conn1.source), self.parse(conn2.source)),
            (self.parse(conn1.target), self.parse(conn2.target)),
        ]
        if equal_only:
            return all(one == two for one, two in ends)
        return all(self.intersecting(one, two) for one, two in ends)

    def _find(self, spec: TargetSpec) -> NodesetTarget:
        registered = self._targets.get(TargetSpec(spec.target_name))
        if registered is not None and spec.target_name not in self.reader and spec.target_name is not None:
            return registered.make_subtarget(spec.population_name)
        if spec.target_name is not None:
            ids = self.reader.read_nodeset(spec.target_name, spec.population_name)
        elif spec.population_name is not None:
            ids = {spec.population_name: self.reader.read_all(spec.population_name)}
        else:
            names = [p.name for p in self._nodes.values() if not p.is_virtual]
            ids = {name: self.reader.read_all(name) for name in names}
        if self._restricted:
            ids = {name: found for name, found in ids.items() if name in self._offsets}
        return NodesetTarget(str(spec), ids, self._offsets, self._local_nodes)
