"""``BioNetwork``: the cells and connections of a configuration."""

from __future__ import annotations

from typing import Any

from neurodamus_like.bionet.config import Config
from neurodamus_like.config.models import Simulation
from neurodamus_like.simulation.module_view import NetworkView
from neurodamus_like.simulation.node import Node
from neurodamus_like.simulation.options import RunOptions

_alive: list[Node] = []


def reset() -> None:
    """Destroy the network of this process, and what belongs to it; :class:`BioNetwork` does so for the one before."""
    while _alive:
        _alive.pop().cleanup()


class BioNetwork(NetworkView):
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
        super().__init__(self.node)
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
