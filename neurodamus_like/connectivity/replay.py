"""Spike replay: recorded or synthetic spike trains that drive synapses in place of their sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn
from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.io.spikes import SpikeTrain, read_spikes

_NO_SPIKES: FloatColumn = np.empty(0)


class ReplayMode(IntEnum):
    """Which synapses get a source of replayed spikes."""

    NONE = 0
    """None at all."""
    AS_REQUIRED = 1
    """Those that some spike train drives."""
    COMPLETE = 2
    """All, so that other spikes may be added when the run is restored."""


class MissingSpikesPopulationError(CircuitError):
    """A spike file has no spikes of the population."""


@dataclass(frozen=True)
class ReplayBlock:
    """Spikes of one source population, for the synapses onto some cells.

    Attributes
    ----------
    source_gid, time_ms
        Spikes sorted by gid, then time; shape (n,).
    target_gid
        Cells of this rank whose synapses are driven.
    replayed_gid
        Sources that this block may drive; None means all.
    """

    source_gid: IntColumn
    time_ms: FloatColumn
    target_gid: IntColumn
    replayed_gid: IntColumn | None = None

    def drives(self, source_gid: IntColumn, target_gid: IntColumn) -> npt.NDArray[np.bool_]:
        """Say for each synapse whether this block has spikes for it."""
        sources = np.unique(self.source_gid)
        if self.replayed_gid is not None:
            sources = np.intersect1d(sources, self.replayed_gid)
        return np.isin(source_gid, sources) & np.isin(target_gid, self.target_gid)

    def times_of(self, gid: int) -> FloatColumn:
        """Return the spike times of one source."""
        begin, end = np.searchsorted(self.source_gid, [gid, gid + 1])
        return self.time_ms[begin:end]


@dataclass(frozen=True)
class ReplayPlan:
    """Which synapse is driven by which spike train.

    Attributes
    ----------
    rows
        Synapse rows that are driven.
    stim_index
        Spike train of each row.
    times_ms
        The spike trains, each sorted.
    """

    rows: IntColumn
    stim_index: IntColumn
    times_ms: list[FloatColumn]


class SpikeManager:
    """Spikes of a SONATA file: those of one population by gid, or blocks of any population for replay.

    Parameters
    ----------
    spike_filename
        SONATA spikes (HDF5).
    delay
        Earlier spikes are dropped (ms); times are not shifted.
    population
        The population that :meth:`get_map` and :meth:`filter_map` speak of; None means all of them together.

    Raises
    ------
    MissingSpikesPopulationError
        The file has no spikes of `population`.
    """

    def __init__(self, spike_filename: str | Path, delay: float = 0.0, population: str | None = None) -> None:
        self.open_spike_file(spike_filename, delay, population)

    def open_spike_file(
        self, filename: str | Path, delay: float = 0.0, population: str | None = None
    ) -> None:
        """Read a file, in place of the one read before."""
        self.file = Path(filename)
        self.delay_ms = float(delay)
        self._trains: dict[str, SpikeTrain] = read_spikes(self.file)
        if population is not None:
            self._trains = {population: self._train(population)}

    @property
    def population_names(self) -> list[str]:
        """Populations with spikes, sorted."""
        return sorted(self._trains)

    def get_map(self) -> dict[int, FloatColumn]:
        """Return source node id -> spike times, ascending."""
        block = self._sorted(list(self._trains.values()))
        ids, first = np.unique(block[0], return_index=True)
        return dict(zip(ids.tolist(), np.split(block[1], first[1:]), strict=True)) if ids.size else {}

    def filter_map(self, pre_gids: npt.ArrayLike) -> dict[int, FloatColumn]:
        """Return the same for some sources; those without spikes are left out."""
        found = self.get_map()
        wanted = np.unique(np.asarray(pre_gids, dtype=np.int64)).tolist()
        return {gid: found[gid] for gid in wanted if gid in found}

    def block(
        self,
        population: str,
        offset: int,
        target_gid: IntColumn,
        *,
        start_ms: float,
        stop_ms: float = np.inf,
        source_id: IntColumn | None = None,
    ) -> ReplayBlock:
        """Return the spikes of a population between two times, ready to drive synapses.

        Parameters
        ----------
        population
            Source population.
        offset
            Its gid offset.
        target_gid
            Cells whose synapses are driven.
        start_ms
            Earlier spikes are dropped (times are not shifted).
        stop_ms
            Later ones can have no effect and are dropped too.
        source_id
            Only the spikes of these nodes count; None means all.
        """
        ids, times = self._sorted([self._train(population)], max(start_ms, self.delay_ms), stop_ms)
        only = None if source_id is None else np.asarray(source_id, dtype=np.int64) + offset
        return ReplayBlock(ids + offset, times, np.sort(target_gid), only)

    def _train(self, population: str) -> SpikeTrain:
        if population not in self._trains:
            raise MissingSpikesPopulationError(
                f"the spike file has no spikes of {population!r}",
                file=self.file,
                pointer="/spikes",
                expected="one of " + ", ".join(self._trains),
                hint=did_you_mean(population, self._trains) or None,
            )
        return self._trains[population]

    def _sorted(
        self, trains: Sequence[SpikeTrain], start_ms: float | None = None, stop_ms: float = np.inf
    ) -> tuple[IntColumn, FloatColumn]:
        start = self.delay_ms if start_ms is None else start_ms
        ids = np.concatenate([np.empty(0, dtype=np.int64), *(train.node_ids for train in trains)])
        times = np.concatenate([_NO_SPIKES, *(train.timestamps for train in trains)])
        wanted = (times >= start) & (times <= stop_ms)
        order = np.lexsort((times[wanted], ids[wanted]))
        return ids[wanted][order], times[wanted][order]


def plan_replay(
    blocks: Sequence[ReplayBlock],
    source_gid: IntColumn,
    target_gid: IntColumn,
    mode: ReplayMode = ReplayMode.AS_REQUIRED,
) -> ReplayPlan:
    """Merge all blocks into one spike train per source (and set of blocks that drive the synapse).

    Synapses with the same source and the same blocks share one train, whatever their number. With
    ``ReplayMode.COMPLETE`` the others get trains without spikes, one per source.
    """
    if mode is ReplayMode.NONE:
        nothing = np.empty(0, dtype=np.int64)
        return ReplayPlan(nothing, nothing, [])
    combinations: list[tuple[int, ...]] = [()]
    code = np.zeros(source_gid.size, dtype=np.int64)
    for number, block in enumerate(blocks):
        hit = block.drives(source_gid, target_gid)
        old, renewed = np.unique(code[hit], return_inverse=True)
        code[hit] = len(combinations) + np.asarray(renewed).reshape(-1)
        combinations += [(*combinations[c], number) for c in old.tolist()]
    rows = np.arange(code.size) if mode is ReplayMode.COMPLETE else np.flatnonzero(code)
    key, stim_index = np.unique(source_gid[rows] * len(combinations) + code[rows], return_inverse=True)
    sources, codes = key // len(combinations), key % len(combinations)
    pairs = zip(sources.tolist(), codes.tolist(), strict=True)
    times = [_merged([blocks[b] for b in combinations[c]], gid) for gid, c in pairs]
    return ReplayPlan(rows, np.asarray(stim_index, dtype=np.int64).reshape(-1), times)


def _merged(blocks: Sequence[ReplayBlock], gid: int) -> FloatColumn:
    trains = [block.times_of(gid) for block in blocks]
    if not trains:
        return _NO_SPIKES
    return trains[0] if len(trains) == 1 else np.sort(np.concatenate(trains))
