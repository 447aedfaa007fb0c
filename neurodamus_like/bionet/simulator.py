"""``BioSimulator``: runs a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from neurodamus_like.bionet.config import Config
from neurodamus_like.bionet.modules.ecephys_module import BioECEphysUnitsModule
from neurodamus_like.bionet.network import BioNetwork
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.summary import RunSummary, format_summary


class BioSimulator:
    """The run of a network.

    Parameters
    ----------
    network
        The network.

    Attributes
    ----------
    net
        The network.
    """

    def __init__(self, network: BioNetwork) -> None:
        self.net = network
        self._initialized = False

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

    @property
    def tstep(self) -> int:
        """Number of time steps done so far."""
        return round(nrn.now_ms() / self.dt)

    @property
    def dt(self) -> float:
        """Time step in ms."""
        return self.net.node.simulation.run.dt_ms

    @property
    def tstop(self) -> float:
        """Duration in ms."""
        return self.net.node.simulation.run.tstop_ms

    @property
    def celsius(self) -> float:
        """Temperature in °C."""
        return self.net.node.simulation.conditions.celsius

    @property
    def v_init(self) -> float:
        """Initial voltage in mV."""
        return self.net.node.simulation.conditions.v_init_mV

    @property
    def n_steps(self) -> int:
        """Number of time steps."""
        return round(self.tstop / self.dt)

    @property
    def nsteps_block(self) -> int:
        """Time steps in a block."""
        return int(self.net.node.simulation.run.block_steps or self.n_steps)

    @property
    def h(self) -> Any:
        """The HOC interpreter."""
        return nrn.h

    @property
    def local_gids(self) -> list[int]:
        """Global ids on this rank."""
        return self.net.local_gids

    @property
    def biophysical_gids(self) -> list[int]:
        """Global ids of the detailed cells on this rank."""
        return list(self.net.cell_type_maps("biophysical"))

    def simulation_time(self, units: str = "ms") -> float:
        """Return the duration in ms or s."""
        return self.tstop / 1000.0 if units.startswith("s") else self.tstop

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
