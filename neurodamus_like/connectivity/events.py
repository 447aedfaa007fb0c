"""Synapses that take events: NetCons from cells, weights that change, minis, replay, HOC statements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.connectivity import minis
from neurodamus_like.connectivity.compact import Column, compact_integers, in_blocks
from neurodamus_like.connectivity.manager import ConnectionManagerBase
from neurodamus_like.connectivity.replay import ReplayBlock, ReplayMode, SpikeManager, plan_replay
from neurodamus_like.connectivity.stims import ArtificialStim, NetConType, ReplayStim, SpontMinis
from neurodamus_like.connectivity.synapse_table import BoolColumn, FloatColumn, IntColumn
from neurodamus_like.connectivity.synapse_types import SynapseContext, pathway_id
from neurodamus_like.engine import artificial, hoc_synapses, synapse_factory
from neurodamus_like.engine.object_columns import ObjectColumn, no_objects
from neurodamus_like.exceptions import ConfigurationError


class EventDrivenManager(ConnectionManagerBase):
    """Connections whose synapses take spikes, replayed spikes and spontaneous events.

    Subclasses create the synapses; everything that drives them is here.
    """

    needs_simulated_sources: ClassVar[bool] = False

    def __init__(
        self,
        population: EdgePopulation,
        source: CellManagerBase,
        target: CellManagerBase,
        simulation: Simulation,
    ) -> None:
        super().__init__(population, source, target, simulation)
        self.context = SynapseContext(
            synapse_seed=simulation.run.synapse_seed,
            pathway_id=pathway_id(population.source, population.target),
            randomize_gaba_rise_time=simulation.conditions.randomize_gaba_rise_time,
            base_seed=simulation.run.random_seed,
        )
        self._sections: list[Any] = []
        self._in_order: IntColumn = np.empty(0, dtype=np.int64)
        self._nc_type_index: Column = np.empty(0, dtype=np.int8)
        self._kept: list[Any] = []
        self._replay_blocks: list[ReplayBlock] = []
        self._finalized = False
        self._silent = False

    @property
    def replay_netcons(self) -> ObjectColumn:
        """NetCons of replayed spikes."""
        return self.replay_stim.netcons

    def replay(
        self,
        spike_manager: SpikeManager | ReplayBlock,
        src_target_name: str | None = None,
        dst_target_name: str | None = None,
        start_delay: float = 0.0,
    ) -> None:
        """Let recorded spikes drive synapses (before `finalize`).

        Parameters
        ----------
        spike_manager
            The spikes, or a block made of them.
        src_target_name, dst_target_name
            Node sets of the sources and targets; None means all.
        start_delay
            Earlier spikes are dropped (ms).

        Raises
        ------
        MissingSpikesPopulationError
            There are no spikes of the source population.
        """
        if isinstance(spike_manager, ReplayBlock):
            self._replay_blocks.append(spike_manager)
            return
        targets = self._node_ids(dst_target_name, "target")
        local = (
            self.target.synapse_node_ids
            if targets is None
            else np.intersect1d(self.target.synapse_node_ids, targets)
        )
        self._replay_blocks.append(
            spike_manager.block(
                self.population.source,
                self.source.offset,
                local + self.target.offset,
                start_ms=start_delay,
                stop_ms=self.simulation.run.tstop_ms,
                source_id=self._node_ids(src_target_name, "source"),
            )
        )

    @property
    def replay_blocks(self) -> list[ReplayBlock]:
        """What :meth:`replay` was called with."""
        return self._replay_blocks

    def simulated_sources(self) -> BoolColumn:
        """Say for each row whether its source has a cell, and so gets a NetCon."""
        if self.source.is_virtual:
            return np.zeros(len(self.table), dtype=bool)
        return np.isin(self.table.source_gid - self.source.offset, self.source.all_node_ids)

    def mini_rates(self) -> FloatColumn:
        """Return the rate of spontaneous release of each row, in Hz."""
        return minis.mini_rates(self.table, self._cell_rates())

    def silence_sources(self) -> None:
        """Let no cell drive the synapses (before `finalize`); replayed spikes do."""
        self._silent = True

    def replay_connection(self, sgid: int, tgid: int, times_ms: npt.ArrayLike) -> None:
        """Let spikes at given times drive the synapses from one cell to another, also after `finalize`."""
        times = np.sort(np.asarray(times_ms, dtype=np.float64))
        block = ReplayBlock(
            np.full(times.size, sgid, dtype=np.int64), times, np.array([tgid], dtype=np.int64)
        )
        if self._finalized:
            self._create_replay([block], ReplayMode.AS_REQUIRED)
        else:
            self._replay_blocks.append(block)

    def finalize(
        self, base_seed: int | None = None, *, replay_mode: ReplayMode = ReplayMode.AS_REQUIRED
    ) -> None:
        """Create point processes in section order, NetCons, minis and replay; run ``synapse_configure``.

        Parameters
        ----------
        base_seed
            Not used: seeds come from the configuration. Kept for scripts that give it.
        replay_mode
            Which synapses get a source of replayed spikes.

        Raises
        ------
        ConfigurationError
            A ``synapse_configure`` failed, or a synapse type is unknown.
        """
        self.replay_stim, self.minis_stim = ReplayStim(), SpontMinis()
        self.synapses = no_objects(len(self.table))
        self.netcons = no_objects(len(self.table))
        self._nc_type_index = np.full(len(self.table), -1, dtype=np.int8)
        self._in_order = compact_integers(self._create_synapses())
        self._connect_sources()
        self._schedule_weights()
        self._configure_synapses()
        self._create_minis()
        self._create_replay(self._replay_blocks, replay_mode)
        self._finalized = True

    def clear(self) -> None:
        """Drop NetCons, then synapses, and forget the edges."""
        self.replay_stim, self.minis_stim = ReplayStim(), SpontMinis()
        self.netcons = no_objects(0)
        self.synapses = no_objects(0)
        self._kept.clear()
        self._sections.clear()
        self._replay_blocks.clear()
        self._finalized = self._silent = False
        super().clear()

    @abstractmethod
    def _create_synapses(self) -> IntColumn:
        """Fill `synapses`; return the rows that have one, in the order of the sections."""

    def _connect_sources(self) -> None:
        """Create the NetCons from source cells that are simulated."""
        if self.source.is_virtual or self.population.driven_by or self._silent:
            return
        for block in in_blocks(self._in_order):
            source_gid = self.table.take(block).source_gid
            simulated = np.isin(source_gid - self.source.offset, self.source.all_node_ids)
            rows = block[simulated]
            if rows.size:
                part = self.table.take(rows)
                self.netcons[rows] = synapse_factory.connect_gids(
                    source_gid[simulated], self.synapses[rows], part.netcon_weight, part.netcon_delay_ms
                )

    def _schedule_weights(self) -> None:
        settings = self.table.settings
        for code, rows in self._rows_by_code(settings.delayed):
            times, factors = zip(*settings.delayed_weights[code], strict=True)
            conductance = self.table["conductance"][rows]
            self._kept += hoc_synapses.schedule_weights(self.synapses[rows], conductance, times, factors)

    def _configure_synapses(self) -> None:
        settings = self.table.settings
        for code, rows in self._rows_by_code(settings.configuration):
            for statement in settings.configurations[code]:
                failed = hoc_synapses.run_statement(self.synapses[rows], statement)
                if failed:
                    raise ConfigurationError(
                        f"synapse_configure failed on {failed} of {rows.size} synapses: {statement!r}",
                        file=self.simulation.path,
                        pointer=self._pointer_of(statement),
                        population=self.population.name,
                        ids=self.table.target_gid[rows[:1]].tolist(),
                        expected="HOC statements separated by blanks, with %s for the synapse",
                        hint="NEURON's own message is above",
                    )

    def _pointer_of(self, statement: str) -> str:
        blocks = [r.block for r in self.pathway_rules() if r.block.synapse_configure == statement]
        return (blocks[0].pointer if blocks else "/connection_overrides") + "/synapse_configure"

    def _create_minis(self) -> None:
        cell_rates = self._cell_rates()
        for block in in_blocks(self._in_order):
            rates = minis.mini_rates(self.table.take(block), cell_rates)
            rows, rates = block[minis.with_minis(rates)], rates[minis.with_minis(rates)]
            if rows.size:
                self._create_minis_of(rows, rates)

    def _create_minis_of(self, rows: IntColumn, rates_Hz: FloatColumn) -> None:
        run = self.simulation.run
        streams = minis.mini_streams(self.table.take(rows), self.context.pathway_id, run.minis_seed)
        stims, kept = artificial.create_poisson_stims(rates_Hz, streams, run.tstop_ms)
        delays = np.full(rows.size, minis.MINI_DELAY_MS)
        self._connect_stims(
            self.minis_stim, rows, stims, np.arange(rows.size), delays, NetConType.NC_SPONTMINI, kept
        )

    def _create_replay(self, blocks: Sequence[ReplayBlock], mode: ReplayMode) -> None:
        if not blocks and mode is not ReplayMode.COMPLETE:
            return
        plan = plan_replay(blocks, self.table.source_gid, self.table.target_gid, mode)
        placed = np.zeros(len(self.table), dtype=bool)
        placed[self._in_order] = True
        alive = placed[plan.rows]
        rows, stim_index = plan.rows[alive], plan.stim_index[alive]
        stims, vectors = synapse_factory.create_vecstims(plan.times_ms)
        delays = self.table.take(rows).netcon_delay_ms
        self._connect_stims(self.replay_stim, rows, stims, stim_index, delays, NetConType.NC_REPLAY, vectors)

    def _connect_stims(
        self,
        stim: ArtificialStim,
        rows: IntColumn,
        sources: ObjectColumn,
        source_index: IntColumn,
        delays_ms: FloatColumn,
        kind: NetConType,
        kept: list[Any],
    ) -> None:
        weights = self.table.take(rows).netcon_weight
        netcons = synapse_factory.connect_stims(
            sources, source_index, self.synapses[rows], weights, delays_ms
        )
        index = self._nc_type_index[rows]
        for position in np.unique(index[index >= 0]).tolist():
            synapse_factory.set_netcon_type(netcons[index == position], position, kind)
        stim.extend(rows, sources, netcons, kept)

    def _rows_by_code(self, codes: IntColumn) -> list[tuple[int, IntColumn]]:
        """Return (code, rows with a synapse) of each code but 0, given one code per group of settings."""
        if not codes.any():
            return []
        of_row = codes[self.table.group[self._in_order]]
        return [(code, self._in_order[of_row == code]) for code in np.unique(of_row[of_row > 0]).tolist()]

    def _cell_rates(self) -> minis.CellRates:
        if not len(self.table):
            return minis.CellRates.none()
        return minis.read_cell_rates(self.target.population, self.target.synapse_node_ids, self.target.offset)
