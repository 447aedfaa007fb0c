"""What a simulation module sees of a simulation: times, cells and populations of this rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.simulation.gid_pool import GidPool
from neurodamus_like.simulation.modules import DEFAULT_BLOCK_STEPS


class SimulationView:
    """A simulation, as simulation modules get it.

    Besides the attributes below, everything that the simulation itself has can be reached through it.

    Parameters
    ----------
    node
        The simulation.

    Attributes
    ----------
    tstart
        Begin of the run in ms, always 0.
    """

    tstart = 0.0

    def __init__(self, node: Any) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    @property
    def h(self) -> Any:
        """The HOC interpreter."""
        return nrn.h

    @property
    def dt(self) -> float:
        """Time step in ms."""
        return float(self._node.simulation.run.dt_ms)

    @property
    def tstop(self) -> float:
        """End of the run in ms."""
        return float(self._node.simulation.run.tstop_ms)

    @property
    def n_steps(self) -> int:
        """Number of time steps."""
        return round(self.tstop / self.dt)

    @property
    def nsteps_block(self) -> int:
        """Time steps in a block."""
        return min(self._node.simulation.run.block_steps or DEFAULT_BLOCK_STEPS, self.n_steps)

    @property
    def celsius(self) -> float:
        """Temperature in °C."""
        return float(self._node.simulation.conditions.celsius)

    @property
    def v_init(self) -> float:
        """Initial voltage in mV."""
        return float(self._node.simulation.conditions.v_init_mV)

    @property
    def tstep(self) -> int:
        """Number of steps done so far."""
        return round(nrn.now_ms() / self.dt)

    @property
    def net(self) -> NetworkView:
        """The cells of this rank."""
        return NetworkView(self._node)

    @property
    def local_gids(self) -> list[int]:
        """Global ids of the cells on this rank."""
        return self.net.local_gids

    @property
    def biophysical_gids(self) -> list[int]:
        """Global ids of those of them that have sections."""
        return [gid for gid, cell in self.net.get_local_cells().items() if cell.sections]

    def simulation_time(self, units: str = "ms") -> float:
        """Return the duration of the run in `units` (ms or s)."""
        try:
            return self.tstop / {"ms": 1.0, "s": 1000.0}[units.lower()]
        except KeyError:
            raise SimulationError(f"unknown unit of time {units!r}", expected="ms or s") from None


class NetworkView:
    """The cells of this rank, over all populations.

    Parameters
    ----------
    node
        The simulation.
    """

    def __init__(self, node: Any) -> None:
        self._node = node

    @property
    def local_gids(self) -> list[int]:
        """Global ids of the cells on this rank."""
        return list(self.get_local_cells())

    def get_local_cells(self) -> Mapping[int, Any]:
        """Return global id -> cell."""
        return {gid: cell for manager in self._managers() for gid, cell in manager.gid2cell.items()}

    def get_cell_gid(self, gid: int) -> Any:
        """Return a cell of this rank.

        Raises
        ------
        SimulationError
            It lives on another rank, or has no cell.
        """
        for manager in self._managers():
            if gid in manager.gid2cell:
                return manager.gid2cell[gid]
        raise SimulationError(f"there is no cell {gid} on this rank", hint="see sim.local_gids")

    @property
    def gid_pool(self) -> GidPool:
        """Translates between global ids and (node id, population)."""
        return GidPool(self._node.target_manager.offsets)

    def get_cell_node_id(self, population: str, node_id: int) -> Any | None:
        """Return a cell by its population and the id in it; None if it is not on this rank."""
        for manager in self._managers():
            if manager.population_name == population:
                return manager.gid2cell.get(node_id + manager.offset)
        return None

    def cell_type_maps(self, model_type: str) -> Mapping[int, Any]:
        """Return global id -> cell of those that are ``biophysical`` (have sections), or the others."""
        detailed = model_type == "biophysical"
        return {gid: cell for gid, cell in self.get_local_cells().items() if bool(cell.sections) is detailed}

    def get_node_set(self, node_set: str) -> Any:
        """Return a node set; its ``gids()`` are on whatever rank."""
        return self._node.target_manager.get_target(node_set)

    def _managers(self) -> Iterator[Any]:
        yield from self._node.circuits.all_node_managers()
