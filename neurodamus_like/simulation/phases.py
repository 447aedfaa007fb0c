"""The phases that build a model on this rank: from the configuration to cells, synapses, inputs and reports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from neurodamus_like import logs
from neurodamus_like.circuit.manager import CircuitManager
from neurodamus_like.circuit.modifications import apply_modifications, warn_of_unused
from neurodamus_like.config.models import EdgePopulation, Input, Simulation
from neurodamus_like.connectivity.gap_junctions import pair_junctions
from neurodamus_like.connectivity.neuromodulation import in_creation_order
from neurodamus_like.connectivity.override_log import warn_of_unmatched
from neurodamus_like.connectivity.overrides import OverrideRules
from neurodamus_like.distribution.assignment import Assignment
from neurodamus_like.distribution.load_balance import LoadBalance
from neurodamus_like.engine import multisplit, nrn
from neurodamus_like.exceptions import MechanismError, SimulationError
from neurodamus_like.parallel.errors import collectively, install_excepthook
from neurodamus_like.parallel.mpi import Communicator, check_launch, world
from neurodamus_like.progress import Progress, configure_progress
from neurodamus_like.reports.manager import ReportManager, ReportOptions
from neurodamus_like.reports.spikes import SpikeRecorder
from neurodamus_like.simulation import preparation
from neurodamus_like.simulation.balancing import load_cells, log_predicted, make_load_balance
from neurodamus_like.simulation.interruption import REQUEST
from neurodamus_like.simulation.memory_check import warn_of_memory
from neurodamus_like.simulation.module_view import SimulationView
from neurodamus_like.simulation.modules import SimulationModules
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.output_folder import OutputFolder
from neurodamus_like.simulation.run_loop import engine_for
from neurodamus_like.simulation.save_restore import Checkpoints
from neurodamus_like.simulation.spike_drive import drive_synapses, drives_synapses
from neurodamus_like.simulation.user_script import run_user_script
from neurodamus_like.stimuli.manager import StimulusManager
from neurodamus_like.targets.manager import NodesetTarget, TargetManager
from neurodamus_like.targets.offsets import GidOffsets
from neurodamus_like.timing import PhaseTimer

logger = logging.getLogger(__name__)

T = TypeVar("T")


class BuildPhases:
    """What a simulation owns on this rank, and the phases that build it; parameters as of :class:`~.node.Node`."""

    def __init__(
        self, config_file: str | Path | Simulation, options: RunOptions | None = None, **overrides: Any
    ) -> None:
        check_launch()
        install_excepthook()
        self.comm: Communicator = world()
        self.options = replace(options or RunOptions(), **overrides)
        configure_progress(rank=self.comm.rank, enabled=self.options.progress)
        self.timer = PhaseTimer()
        run_user_script(self.options.script, self.comm)
        with self._phase("configuration"):
            source = config_file if isinstance(config_file, Simulation) else Path(config_file)
            self.simulation: Simulation = preparation.load_configuration(source, self.options, self.comm)
        with self._phase("mechanisms"):
            self._load_mechanisms()
            nrn.apply_run_settings(self.simulation.run, self.simulation.conditions)
        self.engine = engine_for(self.simulation.simulator, self.options)
        self.circuits = CircuitManager(self.simulation)
        self._target_manager: TargetManager | None = None
        self._stim_manager: StimulusManager | None = None
        self._reports: ReportManager | None = None
        self.make_reports: Callable[..., ReportManager] = ReportManager
        self._spikes: SpikeRecorder | None = None
        self._target: NodesetTarget | None = None
        self._assignment: Assignment | None = None
        self._checkpoints = Checkpoints(self.simulation, self.options, self.comm)
        keep = self.simulation.output.keep_results and self.options.restore is None
        self._output = OutputFolder(
            self.output_dir, self.simulation.path, self.comm, keep, self._spike_files()
        )
        self._synapses_made = False
        self._output_ready = False
        self.compute_s: float | None = 0.0
        self.modules = SimulationModules(self.comm, SimulationView(self))

    def _spike_files(self) -> list[Path]:
        """Return the files of spikes, which may lie outside of the folder of the results."""
        output = self.simulation.output
        names = (output.spikes_file, output.spikes_file_csv, output.spikes_file_nwb)
        return [self.output_dir / name for name in names if name]

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        """Measure a phase, and do not begin it if a signal has asked the run to stop; collective."""
        with REQUEST.listening():
            REQUEST.end_before(name, self.comm)
            with self.timer.phase(name):
                yield

    def _load_mechanisms(self) -> None:
        try:
            preparation.load_mechanisms(self.simulation, self.options, self.comm)
        except MechanismError:
            REQUEST.end_before("mechanisms", self.comm)  # Slurm ends a compiler with the signal that we note
            raise

    @property
    def target_manager(self) -> TargetManager:
        """Node sets and compartment sets (after `load_targets`)."""
        return _ready(self._target_manager, "load_targets")

    @property
    def stim_manager(self) -> StimulusManager:
        """Stimuli (after `enable_stimulus`)."""
        return _ready(self._stim_manager, "enable_stimulus")

    @property
    def reports(self) -> ReportManager:
        """Reports (after `enable_reports`)."""
        return _ready(self._reports, "enable_reports")

    @property
    def spikes(self) -> SpikeRecorder:
        """Spikes so far (after `sim_init`)."""
        return _ready(self._spikes, "sim_init")

    @property
    def output_dir(self) -> Path:
        """Folder of the results."""
        return self.simulation.output.directory

    def load_targets(self) -> NodesetTarget:
        """Resolve node sets, number the cells, and check that the templates' mechanisms are there."""
        with self._phase("targets"), collectively(self.comm):
            self._target_manager = TargetManager(self.simulation)
            self._target_manager.load_targets()
            self._target = self._target_manager.get_target(self.simulation.node_set)
            populations = preparation.simulated_populations(self.simulation, self._target)
            offsets = GidOffsets.of_populations(populations)
            self._target_manager.set_offsets(offsets)
            self._target = self._target_manager.get_target(self.simulation.node_set)
            for population, _ in populations:
                self.circuits.new_node_manager(population, offsets)
            if self.comm.rank == 0:
                preparation.check_mechanisms(self.simulation, self._target, self.options)
        return self._target

    def prepare_output(self) -> None:
        """Create the folder of the results and the log file in it; `enable_reports` does it at the latest."""
        if self._output_ready:
            return
        self._output_ready = True
        self._output.open()
        output = self.simulation.output
        name = output.log_file or logs.default_log_name()
        level = logs.level_of(output.log_level) if output.log_level else None
        logs.add_log_file(self.output_dir / name, rank=self.comm.rank, level=level)

    def compute_load_balance(self) -> LoadBalance:
        """Decide which cells live on this rank."""
        target = _ready(self._target, "load_targets")
        with self._phase("load balance"):
            balance = make_load_balance(self.simulation, self.options, self.comm, target, self.target_manager)
            assignment = balance.distribute(target)
            self._assignment = assignment
            load_cells(self.circuits, target, assignment, self.comm.rank)
            self.target_manager.register_local_nodes(self.circuits.local_gids())
        log_predicted(balance, assignment)
        if not self.options.dry_run:
            warn_of_memory(self, self.options.modelbuilding_steps)
        return balance

    def create_cells(self) -> None:
        """Instantiate the cells of this rank and register their gids."""
        with self._phase("cells"), collectively(self.comm):
            for manager in self.circuits.all_node_managers():
                manager.create_cells()
            for manager in self.circuits.all_node_managers():
                manager.finalize()
        if self._assignment is not None and self._assignment.split_count:
            multisplit.finish_splitting()

    def create_synapses(self) -> None:
        """Read the edges onto the cells of this rank: inner connectivity first, then projections."""
        self._connect(
            lambda: preparation.edge_populations(self.simulation, self.circuits, self.target_manager)
        )

    def _connect(self, find_populations: Callable[[], Iterable[EdgePopulation]]) -> None:
        with self._phase("edges"), collectively(self.comm):
            managers = [
                self.circuits.get_create_edge_manager(population) for population in find_populations()
            ]
            rules = OverrideRules(self.simulation.connection_overrides, self.target_manager)
            for manager in managers:
                manager.attach(self.target_manager, rules)
                manager.create_connections()
        warn_of_unmatched(rules, managers, self.comm)
        pair_junctions(managers, self.comm)

    def enable_replay(self) -> None:
        """Plan which synapses are driven by recorded spikes."""
        blocks = [block for block in self.simulation.inputs if drives_synapses(block)]
        if not blocks:
            return
        if self._synapses_made:
            raise SimulationError(
                "replay was enabled after the synapses were made",
                hint="call enable_replay() before enable_modifications(), enable_reports() and sim_init()",
            )
        with self._phase("replay"), collectively(self.comm):
            managers = list(self.circuits.all_synapse_managers())
            for block in blocks:
                drive_synapses(block, self.simulation, self.target_manager, managers)

    def add_spike_input(self, block: Input, targets: TargetManager) -> None:
        """Let a further input drive synapses, which are made for it if no other input needed them; collective.

        Parameters
        ----------
        block
            The input.
        targets
            Finds its node set.

        Raises
        ------
        SimulationError
            The synapses have been made already.
        """
        if self._synapses_made:
            raise SimulationError(
                f"the input {block.name!r} comes too late: the synapses have been made",
                hint="add it before the simulation is initialised, or to 'inputs' of the configuration",
            )
        self.simulation = replace(self.simulation, inputs=(*self.simulation.inputs, block))
        present = {manager.population.name for manager in self.circuits.all_synapse_managers()}
        alone = replace(self.simulation, inputs=(block,))
        self._connect(
            lambda: [
                population
                for population in preparation.edge_populations(alone, self.circuits, targets, warn=False)
                if population.name not in present
            ]
        )
        with self._phase("replay"), collectively(self.comm):
            drive_synapses(block, self.simulation, targets, list(self.circuits.all_synapse_managers()))

    def finalize_synapses(self) -> None:
        """Create synapses and NetCons in the simulator; the phases that need them call this themselves."""
        if self._synapses_made:
            return
        self._synapses_made = True
        managers = in_creation_order(self.circuits.all_synapse_managers())
        with self._phase("synapses"), collectively(self.comm):
            total = sum(manager.synapse_count for manager in managers)
            with Progress("synapses", total) as progress:
                for manager in managers:
                    manager.finalize()
                    progress.update(manager.synapse_count)

    def enable_stimulus(self) -> None:
        """Apply the inputs, in file order."""
        with self._phase("stimuli"), collectively(self.comm):
            self._stim_manager = StimulusManager(
                self.target_manager, self.simulation, list(self.circuits.all_node_managers())
            )
            for block in self.simulation.inputs:
                if not drives_synapses(block):
                    self._stim_manager.interpret(block)

    def enable_modifications(self) -> None:
        """Apply ``conditions.modifications``, in file order."""
        self.finalize_synapses()
        blocks = self.simulation.conditions.modifications
        if not blocks:
            return
        with self._phase("modifications"), collectively(self.comm):
            changed = apply_modifications(blocks, self.target_manager, self.circuits.all_node_managers())
        warn_of_unused(changed, self.comm)

    def enable_reports(self) -> None:
        """Set up the reports and write ``populations_offset.dat``."""
        self.finalize_synapses()
        self.prepare_output()
        with self._phase("reports"):
            self._reports = self.make_reports(
                self.simulation,
                self.target_manager,
                list(self.circuits.all_node_managers()),
                self.comm,
                self.output_dir,
                ReportOptions(
                    self.options.buffer_mb(self.simulation.simulator),
                    self.options.max_report_size_mb,
                    self.options.compress_reports,
                ),
                list(self.circuits.all_synapse_managers()),
                self._stim_manager.stimuli if self._stim_manager is not None else (),
            )
            self._reports.enable(self._checkpoints.positions)
            if self.comm.rank == 0:
                self.circuits.offsets.write(
                    self.output_dir / "populations_offset.dat",
                    virtual=list(self.circuits.virtual_node_managers),
                )


def _ready(value: T | None, phase: str) -> T:
    if value is None:
        raise SimulationError(f"call {phase}() first")
    return value
