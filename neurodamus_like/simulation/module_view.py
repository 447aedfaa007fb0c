"""What a simulation module sees of a simulation: times, cells and populations of this rank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import CircuitError, SimulationError
from neurodamus_like.simulation.gid_pool import GidPool
from neurodamus_like.simulation.modules import DEFAULT_BLOCK_STEPS

_MS_PER_UNIT = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1.0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1000.0),
}
_TYPE_ALIASES = {"point_neuron": "point_process"}


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
        return list(self.net.cell_type_maps("biophysical"))

    def simulation_time(self, units: str = "ms") -> float:
        """Return the duration of the run in `units` (ms or s)."""
        try:
            return self.tstop / _MS_PER_UNIT[units.lower()]
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

    def get_local_cells(self) -> dict[int, Any]:
        """Return global id -> cell."""
        return {gid: cell for manager in self._managers() for gid, cell in manager.gid2cell.items()}

    def get_cell_gid(self, gid: int) -> Any:
        """Return a cell of this rank.

        Raises
        ------
        CircuitError
            It lives on another rank, or there is none.
        """
        for manager in self._managers():
            if gid in manager.gid2cell:
                return manager.gid2cell[gid]
        raise CircuitError(f"there is no cell {gid} on this rank", ids=[gid], hint="see local_gids")

    @property
    def gid_pool(self) -> GidPool:
        """Translates between global ids and (node id, population)."""
        return GidPool(self._node.target_manager.offsets)

    def get_cell_node_id(self, population: str, node_id: int) -> Any | None:
        """Return a cell by its population and the id in it; None if it is not on this rank.

        Raises
        ------
        CircuitError
            The population is not part of the simulation.
        """
        manager = self._node.circuits.get_node_manager(population)
        return manager.gid2cell.get(node_id + manager.offset)

    def cell_type_maps(self, model_type: str) -> dict[int, Any]:
        """Return global id -> cell of one model type, ``biophysical`` or ``point_process`` (``point_neuron``)."""
        wanted = _TYPE_ALIASES.get(model_type, model_type)
        return {gid: cell for gid, cell in self.get_local_cells().items() if _model_type(cell) == wanted}

    def get_node_set(self, node_set: Any) -> Any:
        """Return a node set: its ``gids()``, on whatever rank, and ``population_names``."""
        return self._node.target_manager.get_target(node_set)

    def _managers(self) -> Iterator[Any]:
        yield from self._node.circuits.all_node_managers()


def _model_type(cell: Any) -> str:
    """Return the model type of a cell; where nodes have none, cells with sections are biophysical."""
    node = getattr(cell, "node", None)
    if node is None:
        return "biophysical" if cell.sections else "point_process"
    found = str(node.model_type)
    return _TYPE_ALIASES.get(found, found)
