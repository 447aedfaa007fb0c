"""Spikes of all populations with cells: recorded, gathered, written in order of time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine import recorders
from neurodamus_like.io.nwb_files import write_spikes_nwb
from neurodamus_like.io.spikes import write_spikes, write_spikes_csv
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

Spikes = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]
"""Times (ms) and node ids."""


class SpikeRecorder:
    """Records the spikes of the local cells of each population.

    Parameters
    ----------
    cell_managers
        One per population, the same on all ranks; virtual ones are left out.
    """

    def __init__(self, cell_managers: Iterable[Any]) -> None:
        managers = [m for m in cell_managers if not getattr(m, "is_virtual", False)]
        self._recorders = {m.population_name: recorders.SpikeRecorder(list(m.local_gids)) for m in managers}
        self._node_ids = {m.population_name: _gids_and_node_ids(m) for m in managers}

    @property
    def population_names(self) -> list[str]:
        """The populations that are recorded."""
        return list(self._recorders)

    def local_spikes(self) -> dict[str, Spikes]:
        """Return population -> spikes of this rank so far, by time, at one time by node id."""
        return {name: self._spikes_of(name) for name in self._recorders}

    def gather(self, comm: Communicator) -> dict[str, Spikes] | None:
        """Return population -> spikes of all ranks on rank 0, None on the others; collective."""
        everywhere = comm.gather(self.local_spikes())
        if everywhere is None:
            return None
        return {
            name: _sorted(
                np.concatenate([part[name][0] for part in everywhere]),
                np.concatenate([part[name][1] for part in everywhere]),
            )
            for name in self._recorders
        }

    def counts(self, comm: Communicator) -> dict[str, int]:
        """Return population -> number of spikes of all ranks, on every rank; collective."""
        local = np.array([len(times) for times, _ in self.local_spikes().values()], dtype=np.int64)
        return dict(zip(self._recorders, comm.allreduce_sum(local).tolist(), strict=True))

    def write(
        self,
        path: Path,
        comm: Communicator,
        sort: str = "by_time",
        *,
        style: str = "number",
        table: Path | None = None,
        nwb: Path | None = None,
    ) -> None:
        """Write the spikes of all ranks to a SONATA file, and to a table or NWB file if there is a path; collective.

        `sort` and `style` are those that :func:`neurodamus_like.io.spikes.write_spikes` knows.
        """
        spikes = self.gather(comm)
        with collectively(comm):
            if spikes is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_spikes(path, spikes, sort, style)
                if table is not None:
                    write_spikes_csv(table, spikes, sort)
                if nwb is not None:
                    write_spikes_nwb(nwb, spikes)

    def all_spikes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return times (ms) and gids of all spikes of this rank so far."""
        parts = [recorder.spikes() for recorder in self._recorders.values()]
        times = np.concatenate([np.empty(0), *(times for times, _ in parts)])
        return times, np.concatenate([np.empty(0, dtype=np.int64), *(gids for _, gids in parts)])

    def restore(self, times_ms: npt.NDArray[np.float64], gids: npt.NDArray[np.int64]) -> None:
        """Put the spikes of an earlier part of the run in place of all so far."""
        for population, recorder in self._recorders.items():
            mine = np.isin(gids, self._node_ids[population][0])
            recorder.restore(times_ms[mine], gids[mine])

    def _spikes_of(self, population: str) -> Spikes:
        times, gids = self._recorders[population].spikes()
        known_gids, node_ids = self._node_ids[population]
        return _sorted(times, node_ids[np.searchsorted(known_gids, gids)])


def _gids_and_node_ids(manager: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    gids = np.sort(np.asarray(manager.local_gids, dtype=np.int64))
    return gids, np.array([manager.get_cell(gid).node_id for gid in gids], dtype=np.int64)


def _sorted(times: npt.NDArray[np.float64], node_ids: npt.NDArray[np.int64]) -> Spikes:
    order = np.lexsort((node_ids, times))
    return times[order], node_ids[order]
