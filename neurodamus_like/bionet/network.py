"""``BioNetwork``: the cells and connections of a configuration."""

from __future__ import annotations

from typing import Any

from neurodamus_like.bionet.config import Config
from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.simulation.gid_pool import GidPool
from neurodamus_like.simulation.node import Node
from neurodamus_like.simulation.options import RunOptions

_alive: list[Node] = []


def reset() -> None:
    """Destroy the network of this process, and what belongs to it; :class:`BioNetwork` does so for the one before."""
    while _alive:
        _alive.pop().cleanup()


class BioNetwork:
    """The network of a simulation; one exists at a time, a new one takes the place of the old.

    Parameters
    ----------
    simulation
        What to simulate.
    options
        Options of the run.

    Attributes
    ----------
    node
        The engine's own view of the simulation.
    """

    def __init__(self, simulation: Simulation, options: RunOptions | None = None) -> None:
        reset()
        self.node = Node(simulation, options)
        _alive.append(self.node)
        self._cells_built = False
        self._edges_built = False

    @classmethod
    def from_config(cls, conf: Config | str | dict[str, Any], **properties: Any) -> BioNetwork:
        """Read the network of a configuration; cells are made by :meth:`build` or by the simulator.

        Raises
        ------
        ConfigurationError
            Something is wrong with it.
        """
        if isinstance(conf, str):
            conf = Config.from_json(conf, **properties)
        elif not isinstance(conf, Config):
            conf = Config.from_dict(conf, **properties)
        return cls(conf.simulation)

    def build(self) -> None:
        """Make cells and connections, unless that was done."""
        self.build_nodes()
        self.build_recurrent_edges()

    def build_nodes(self) -> None:
        """Make the cells of this rank."""
        if not self._cells_built:
            self._cells_built = True
            self.node.load_targets()
            self.node.compute_load_balance()
            self.node.create_cells()

    def build_recurrent_edges(self) -> None:
        """Read the connections onto the cells of this rank."""
        self.build_nodes()
        if not self._edges_built:
            self._edges_built = True
            self.node.create_synapses()

    @property
    def node_populations(self) -> list[str]:
        """Names of the node populations."""
        return list(self.node.simulation.circuit.nodes)

    def get_local_cells(self) -> dict[int, Any]:
        """Return gid -> cell of this rank."""
        managers = self.node.circuits.all_node_managers()
        return {gid: cell for manager in managers for gid, cell in manager.gid2cell.items()}

    @property
    def gid_pool(self) -> GidPool:
        """Translates between global ids and (node id, population)."""
        return GidPool(self.node.target_manager.offsets)

    @property
    def local_gids(self) -> list[int]:
        """Global ids on this rank."""
        return list(self.get_local_cells())

    def get_cell_gid(self, gid: int) -> Any:
        """Return a cell of this rank by its global id.

        Raises
        ------
        CircuitError
            It is not on this rank.
        """
        for manager in self.node.circuits.all_node_managers():
            if gid in manager.gid2cell:
                return manager.get_cell(gid)
        raise CircuitError(f"there is no cell {gid} on this rank", ids=[gid])

    def get_cell_node_id(self, population: str, node_id: int) -> Any | None:
        """Return a cell of this rank by its population and node id; None if it is on another one."""
        manager = self.node.circuits.get_node_manager(population)
        return manager.gid2cell.get(node_id + manager.offset)

    def cell_type_maps(self, model_type: str) -> dict[int, Any]:
        """Return gid -> cell of this rank for one model type (biophysical, point_process, ...)."""
        return {gid: c for gid, c in self.get_local_cells().items() if c.node.model_type == model_type}

    def get_node_set(self, node_set: Any) -> Any:
        """Return the nodes of a node set of the configuration: their `gids()` and `population_names`."""
        return self.node.target_manager.get_target(node_set)
