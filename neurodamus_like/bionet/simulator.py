"""``BioSimulator``: runs a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from neurodamus_like.bionet.config import Config
from neurodamus_like.bionet.modules.ecephys_module import BioECEphysUnitsModule
from neurodamus_like.bionet.network import BioNetwork
from neurodamus_like.simulation.module_view import SimulationView
from neurodamus_like.simulation.summary import RunSummary, format_summary


class BioSimulator(SimulationView):
    """The run of a network, with the times and cells that simulation modules see.

    Parameters
    ----------
    network
        The network.
    """

    def __init__(self, network: BioNetwork) -> None:
        super().__init__(network.node)
        self._network = network
        self._initialized = False

    @property
    def net(self) -> BioNetwork:
        """The network."""
        return self._network

    @classmethod
    def from_config(
        cls, config: Config | None, network: BioNetwork, set_recordings: bool = True
    ) -> BioSimulator:
        """Make cells, connections and inputs of a network.

        Parameters
        ----------
        config
            The configuration that the network was made from.
        network
            The network.
        set_recordings
            Without, nothing but spikes is recorded.
        """
        node = network.node
        if not set_recordings:
            node.simulation = replace(node.simulation, reports=())
        network.build()
        node.enable_replay()
        node.enable_stimulus()
        return cls(network)

    def add_mod(self, module: Any) -> None:
        """Add a simulation module (:class:`~neurodamus_like.simulation.modules.SimulatorMod`) before the run.

        Raises
        ------
        SimulationError
            It is no module, or the run has begun.
        """
        self.net.node.add_mod(module)
        if isinstance(module, BioECEphysUnitsModule):
            module.connect(self.net.node)

    def initialize(self) -> None:
        """Set up reports and bring the model to its initial state; `run` does it, too."""
        if not self._initialized:
            self._initialized = True
            node = self.net.node
            node.enable_modifications()
            node.enable_reports()
            node.sim_init()

    def run(self) -> RunSummary:
        """Run to the end and write all results; the cells stay until another network is made."""
        self.initialize()
        self.net.node.run_all()
        summary = self.net.node.summary()
        if self.net.node.comm.rank == 0:
            print(format_summary(summary))
        self.net.node.finish()
        return summary
