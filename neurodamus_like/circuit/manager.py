"""CircuitManager: owns the cell managers of all node populations and the edge managers between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.circuit.engines import EDGE_ENGINES, NODE_ENGINES
from neurodamus_like.config.models import EdgePopulation, NodePopulation, Simulation
from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.targets.offsets import GidOffsets


class EdgeManager(Protocol):
    """What the circuit needs from a manager of connections."""

    population: EdgePopulation

    @property
    def connection_count(self) -> int:
        """Pairs of cells connected on this rank."""

    @property
    def synapse_count(self) -> int:
        """Synapses on this rank."""

    def attach(self, targets: Any, rules: Any = None) -> None:
        """Make node sets and connection overrides known."""

    def create_connections(self) -> None:
        """Read the edges of the local cells."""

    def finalize(self) -> None:
        """Create synapses and NetCons in the simulator."""

    def clear(self) -> None:
        """Drop them."""


class CircuitManager:
    """Node and edge managers of a simulation, by population.

    Parameters
    ----------
    simulation
        The configuration.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.node_managers: dict[str, CellManagerBase] = {}
        self.virtual_node_managers: dict[str, CellManagerBase] = {}
        self.edge_managers: dict[tuple[str, str], list[EdgeManager]] = {}
        self.offsets: GidOffsets = GidOffsets.compute({})

    def new_node_manager(self, population: NodePopulation, offsets: GidOffsets) -> CellManagerBase:
        """Make and register the cell manager that the kind of `population` asks for.

        Raises
        ------
        UnknownNameError
            No engine handles this kind.
        """
        manager: CellManagerBase = NODE_ENGINES[population.kind](
            population, self._simulation, offsets.offset(population.name)
        )
        self.offsets = offsets
        self.register_node_manager(manager)
        return manager

    def register_node_manager(self, manager: CellManagerBase) -> None:
        """Add a cell manager; populations are kept in the order they are built (precedence, then name)."""
        table = self.virtual_node_managers if manager.is_virtual else self.node_managers
        table[manager.population_name] = manager
        for name in sorted(table, key=lambda n: (table[n].Precedence, n)):
            table[name] = table.pop(name)

    def get_create_edge_manager(self, population: EdgePopulation) -> EdgeManager:
        """Return the manager of an edge population, making it at the first call."""
        managers = self.edge_managers.setdefault((population.source, population.target), [])
        for manager in managers:
            if manager.population.name == population.name:
                return manager
        source = self.get_node_manager(population.source)
        target = self.get_node_manager(population.target)
        created: EdgeManager = EDGE_ENGINES[population.kind](population, source, target, self._simulation)
        managers.append(created)
        return created

    def get_node_manager(self, name: str) -> CellManagerBase:
        """Return the cell manager of a population, virtual or not.

        Raises
        ------
        CircuitError
            The population is not part of the simulation.
        """
        for table in (self.node_managers, self.virtual_node_managers):
            if name in table:
                return table[name]
        known = [*self.node_managers, *self.virtual_node_managers]
        raise CircuitError(
            f"the node population {name!r} is not part of the simulation",
            hint=did_you_mean(name, known) or None,
        )

    def get_edge_managers(self, source: str, destination: str) -> list[EdgeManager]:
        """Return all managers of edges between two populations."""
        return self.edge_managers.get((source, destination), [])

    def get_edge_manager(
        self, source: str, destination: str, conn_type: type | None = None
    ) -> EdgeManager | None:
        """Return the first manager between two populations (of class `conn_type`, when given)."""
        for manager in self.get_edge_managers(source, destination):
            if conn_type is None or isinstance(manager, conn_type):
                return manager
        return None

    def all_node_managers(self) -> Iterator[CellManagerBase]:
        """Iterate over the managers of populations with cells, in the order of instantiation."""
        return iter(self.node_managers.values())

    def all_synapse_managers(self) -> Iterator[EdgeManager]:
        """Iterate over all edge managers."""
        return (manager for managers in self.edge_managers.values() for manager in managers)

    def has_population(self, name: str) -> bool:
        """Say whether a population is part of the simulation."""
        return name in self.node_managers or name in self.virtual_node_managers

    def initialized(self) -> bool:
        """Say whether any population was registered."""
        return bool(self.node_managers or self.virtual_node_managers)

    def get_population_offsets(self) -> dict[str, int]:
        """Population with cells -> gid offset."""
        return {name: manager.offset for name, manager in self.node_managers.items()}

    def get_virtual_population_offsets(self) -> dict[str, int]:
        """Virtual population -> gid offset."""
        return {name: manager.offset for name, manager in self.virtual_node_managers.items()}

    def unalias_pop_keys(self, source: str, destination: str) -> tuple[str, str]:
        """Return the names of two populations; here circuits have no other names than their populations."""
        return source, destination

    def write_population_offsets(self, path: Path) -> None:
        """Write ``populations_offset.dat``: populations with cells, then virtual ones."""
        self.offsets.write(path, virtual=list(self.virtual_node_managers))

    @staticmethod
    def read_population_offsets(path: Path) -> tuple[dict[str, int], dict[str, int]]:
        """Read ``populations_offset.dat``: population -> offset, of those with cells and of virtual ones.

        Raises
        ------
        CircuitError
            The file is missing or malformed.
        """
        offsets, virtual = GidOffsets.read(path)
        found = {name: offsets.offset(name) for name in offsets}
        return (
            {name: value for name, value in found.items() if name not in virtual},
            {name: value for name, value in found.items() if name in virtual},
        )

    def local_gids(self) -> Mapping[str, NDArray[np.int64]]:
        """Population -> global ids on this rank."""
        return {name: manager.local_gids for name, manager in self.node_managers.items()}

    def get_cell(self, gid: int) -> Any:
        """Return the cell with a global id, whatever its population.

        Raises
        ------
        CircuitError
            It is not on this rank.
        """
        for manager in self.all_node_managers():
            if int(gid) in manager.gid2cell:
                return manager.get_cell(gid)
        raise CircuitError(f"cell {gid} is not on this rank", ids=[int(gid)])

    def clear(self) -> None:
        """Drop edges first, then cells."""
        for edges in self.all_synapse_managers():
            edges.clear()
        for nodes in self.all_node_managers():
            nodes.clear()
        self.edge_managers.clear()
        self.node_managers.clear()
        self.virtual_node_managers.clear()
