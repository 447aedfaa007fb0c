"""Builds the model of a node into files, cycle by cycle, and describes it there."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from neurodamus_like import memory
from neurodamus_like.config.models import CELL_ORDERS
from neurodamus_like.distribution.modes import LoadBalanceMode
from neurodamus_like.engine import core_files
from neurodamus_like.io.core_data import (
    GroupList,
    format_ini,
    group_files,
    group_version,
    write_group_list,
)
from neurodamus_like.io.core_manifest import (
    ModelManifest,
    ModelPopulation,
    write_manifest,
)
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.reports.manager import ReportManager
from neurodamus_like.reports.model_recorders import ModelRecorders
from neurodamus_like.simulation.cycles import build_in_cycles, first_placeholder, plan_cycles
from neurodamus_like.simulation.model_folder import SETTINGS_NAME, ModelFolder
from neurodamus_like.simulation.shared_memory import machines_without_room, measure, size_factor
from neurodamus_like.validation.core_model_checks import check_core_model
from neurodamus_like.validation.problems import raise_if_errors

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Written:
    """What one rank wrote in one cycle."""

    group: int
    sizes: dict[str, int]
    recorders: tuple[int, ...]
    has_gaps: bool
    membrane_currents: bool


class ModelBuilder:
    """Builds a model into a folder; all methods are collective.

    Parameters
    ----------
    node
        The simulation, after ``load_targets``; its phases are called for each cycle.
    folder
        Where to.
    ingredients, mechanisms
        What it is made of, for its description.
    """

    def __init__(
        self, node: Any, folder: ModelFolder, ingredients: Mapping[str, str], mechanisms: str
    ) -> None:
        self.node = node
        self.folder = folder
        self._ingredients, self._mechanisms = ingredients, mechanisms
        self.n_cycles: int = node.options.modelbuilding_steps
        self._written: list[_Written] = []
        self._synapses: dict[str, int] = {}
        self._rss_before = 0

    def build(self, *, keep: bool) -> ModelManifest:
        """Build the model, and check its files.

        Parameters
        ----------
        keep
            The files are to be kept, so that they must be on disk.
        """
        node = self.node
        self.folder.empty()
        balance = node.compute_load_balance()
        allocation = balance.allocation if balance.mode is LoadBalanceMode.Memory else None
        cycles = plan_cycles(node, self.n_cycles, allocation)
        populations = {
            m.population_name: ModelPopulation(int(m.offset), int(m.total_cells))
            for m in node.circuits.all_node_managers()
        }
        placeholder = first_placeholder(node)
        self._rss_before = memory.rss_bytes()
        node.make_reports = partial(ModelRecorders, self._number_of_recorder)
        build_in_cycles(node, cycles, partial(self._write_cycle, keep=keep))
        node.make_reports = ReportManager
        manifest = self._describe(self._with_synapses(populations), placeholder)
        with node.timer.phase("check model"), collectively(node.comm):
            if node.comm.rank == 0 and self.folder.sees_all:
                raise_if_errors(check_core_model(self.folder.data, manifest))
        return manifest

    def _number_of_recorder(self, position: int) -> int:
        """Return the number that the recorder of a report has on this rank in this cycle; none has it twice."""
        cycle, comm = len(self._written), self.node.comm
        return int((position * self.n_cycles + cycle) * comm.size + comm.rank)

    def _write_cycle(self, number: int, *, keep: bool) -> None:
        node = self.node
        if number == 0 and node.options.enable_shm:
            self._try_memory(keep)
        for manager in node.circuits.all_synapse_managers():
            name = manager.population.target
            self._synapses[name] = self._synapses.get(name, 0) + manager.synapse_count
        with node.timer.phase("write model"), collectively(node.comm):
            data = self.folder.data
            group = core_files.write_group(data)
            files = group_files(data, group, has_gaps=True)
            recorded, membrane_currents = node.reports.write(data)
            self.folder.check_room()
            self._written.append(
                _Written(
                    group,
                    {path.name: path.stat().st_size for path in (*files, *recorded.values())},
                    tuple(recorded),
                    len(files) > 2,
                    membrane_currents,
                )
            )

    def _try_memory(self, keep: bool) -> None:
        """Put the files into the memory of the machines, if they are not to be kept and fit there."""
        node = self.node
        if keep:
            logger.warning("--enable-shm: the files are to be kept, and go to disk")
            return
        with collectively(node.comm):
            factor = size_factor()
            mine = measure(memory.rss_bytes() - self._rss_before)
        full = machines_without_room(node.comm.allgather(mine), self.n_cycles, factor)
        if full:
            logger.warning("--enable-shm: not enough memory on %s; the files go to disk", ", ".join(full))
            return
        self.folder.move_to_memory()
        logger.info("the files of the model are in %s", self.folder.data)

    def _with_synapses(self, populations: dict[str, ModelPopulation]) -> dict[str, ModelPopulation]:
        mine = np.array([self._synapses.get(name, 0) for name in populations], dtype=np.int64)
        counts = self.node.comm.allreduce_sum(mine).tolist()
        return {
            name: dataclasses.replace(population, synapses=count)
            for (name, population), count in zip(populations.items(), counts, strict=True)
        }

    def _describe(self, populations: dict[str, ModelPopulation], placeholder: int) -> ModelManifest:
        """Write what holds for the whole model: the list of groups, the manifest, the settings."""
        node = self.node
        everywhere = node.comm.allgather(self._written)
        written = [part[cycle] for cycle in range(self.n_cycles) for part in everywhere]
        manifest = ModelManifest(
            ingredients=self._ingredients,
            mechanisms=self._mechanisms,
            tstop_ms=node.simulation.run.tstop_ms,
            dt_ms=node.simulation.run.dt_ms,
            ranks=node.comm.size,
            cycles=self.n_cycles,
            groups=tuple(part.group for part in written),
            file_sizes={name: size for part in written for name, size in part.sizes.items()},
            populations=populations,
            first_placeholder=placeholder,
            recorders=tuple(sorted(number for part in written for number in part.recorders)),
            has_gaps=any(part.has_gaps for part in written),
            membrane_currents=any(part.membrane_currents for part in written),
        )
        with collectively(node.comm):
            if node.comm.rank == 0:
                data = self.folder.data
                version = group_version(data, manifest.groups[0])
                write_group_list(data, GroupList(version, manifest.groups, manifest.has_gaps))
                self._write_settings()
                write_manifest(data, manifest)
        return manifest

    def _write_settings(self) -> None:
        """Write ``sim.conf``, with which other programs that embed CoreNEURON can run the model."""
        run, conditions = self.node.simulation.run, self.node.simulation.conditions
        values = [
            ("outpath", self.node.output_dir),
            ("datpath", self.folder.data),
            ("tstop", run.tstop_ms),
            ("dt", run.dt_ms),
            ("prcellgid", -1),
            ("celsius", conditions.celsius),
            ("voltage", conditions.v_init_mV),
            ("cell-permute", CELL_ORDERS.index(self.node.options.cell_permute)),
            ("seed", run.random_seed),
            ("mpi", self.node.comm.size > 1),
        ]
        (self.folder.directory / SETTINGS_NAME).write_text(format_ini(values), encoding="utf-8")
