"""Node and Neurodamus: one simulation on this rank, phase by phase, or all at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neurodamus_like import logs, memory
from neurodamus_like.circuit.manager import CircuitManager
from neurodamus_like.circuit.modifications import apply_modifications
from neurodamus_like.config.models import Input, Simulation
from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.gap_junctions import pair_junctions, save_seclamps
from neurodamus_like.connectivity.neuromodulation import in_creation_order
from neurodamus_like.connectivity.override_log import warn_of_unmatched
from neurodamus_like.connectivity.overrides import OverrideRules
from neurodamus_like.connectivity.replay import SpikeManager
from neurodamus_like.connectivity.spike_inputs import SPIKE_INPUTS
from neurodamus_like.distribution.assignment import Assignment
from neurodamus_like.distribution.load_balance import LoadBalance
from neurodamus_like.engine import multisplit, nrn
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.parallel.errors import collectively, install_excepthook
from neurodamus_like.parallel.mpi import Communicator, check_launch, world
from neurodamus_like.progress import Progress, configure_progress
from neurodamus_like.reports.manager import ReportManager, ReportOptions
from neurodamus_like.reports.spikes import SpikeRecorder
from neurodamus_like.simulation import preparation
from neurodamus_like.simulation.balancing import log_measured, log_predicted, make_load_balance
from neurodamus_like.simulation.file_mode import FileMode
from neurodamus_like.simulation.file_options import uses_files
from neurodamus_like.simulation.memory_check import warn_of_memory
from neurodamus_like.simulation.module_view import SimulationView
from neurodamus_like.simulation.modules import SimulationModules
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.output_folder import OutputFolder
from neurodamus_like.simulation.planning import perform_dry_run
from neurodamus_like.simulation.run_loop import advance_in_blocks, engine_for
from neurodamus_like.simulation.run_state import RunParts
from neurodamus_like.simulation.save_restore import Checkpoints
from neurodamus_like.simulation.summary import RunSummary, format_summary, summarize
from neurodamus_like.simulation.user_script import run_user_script
from neurodamus_like.stimuli.manager import StimulusManager
from neurodamus_like.targets.manager import NodesetTarget, TargetManager
from neurodamus_like.targets.offsets import GidOffsets
from neurodamus_like.timing import PhaseTimer, format_table

logger = logging.getLogger(__name__)

T = TypeVar("T")

REPLAY_MODULE = "synapse_replay"


class Node:
    """One simulation, seen from this rank; the phases are methods, to be called in the order below.

    ``load_targets``, ``compute_load_balance``, ``create_cells``, ``create_synapses``, ``enable_stimulus``,
    ``enable_replay``, ``enable_modifications``, ``enable_reports``, ``sim_init``, ``run_all`` (or ``solve`` and
    ``write_results``), ``cleanup``. All ranks call the same methods.

    Parameters
    ----------
    config_file
        A simulation configuration, or what was read from one.
    options
        What the command line can say.
    **overrides
        Single fields of :class:`RunOptions`, by name.

    Attributes
    ----------
    simulation
        The configuration, with command line options applied.
    circuits
        Cell and edge managers.
    target_manager, stim_manager, reports
        Node sets, stimuli, recorders.
    timer
        Time and memory of each phase.
    compute_s
        Seconds that this rank has computed in `solve`, without waiting for other ranks.
    modules
        Simulation modules of the user; ``modules.sim`` is what they get as `sim`.

    Raises
    ------
    ConfigurationError
        The configuration is wrong; raised on all ranks together, before any heavy work.
    """

    def __init__(
        self, config_file: str | Path | Simulation, options: RunOptions | None = None, **overrides: Any
    ) -> None:
        check_launch()
        install_excepthook()
        memory.keep_heap_compact()
        self.comm: Communicator = world()
        self.options = replace(options or RunOptions(), **overrides)
        configure_progress(rank=self.comm.rank, enabled=self.options.progress)
        self.timer = PhaseTimer()
        run_user_script(self.options.script, self.comm)
        with self.timer.phase("configuration"):
            source = config_file if isinstance(config_file, Simulation) else Path(config_file)
            self.simulation: Simulation = preparation.load_configuration(source, self.options, self.comm)
        with self.timer.phase("mechanisms"):
            preparation.load_mechanisms(self.simulation, self.options, self.comm)
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
        self._output = OutputFolder(self.output_dir, self.simulation.path, self.comm, keep)
        self._synapses_made = False
        self._output_ready = False
        self.compute_s = 0.0
        self.modules = SimulationModules(self.comm, SimulationView(self))

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

    # --- building ---

    def load_targets(self) -> NodesetTarget:
        """Resolve node sets, number the cells, and check that the templates' mechanisms are there."""
        with self.timer.phase("targets"), collectively(self.comm):
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
        logs.add_log_file(self.output_dir / Path(name).name, rank=self.comm.rank, level=level)

    def compute_load_balance(self) -> LoadBalance:
        """Decide which cells live on this rank."""
        target = _ready(self._target, "load_targets")
        with self.timer.phase("load balance"):
            balance = make_load_balance(self.simulation, self.options, self.comm, target, self.target_manager)
            assignment = balance.distribute(target)
            self._assignment = assignment
            for manager in (
                *self.circuits.all_node_managers(),
                *self.circuits.virtual_node_managers.values(),
            ):
                if manager.is_virtual:
                    ids = np.arange(manager.population.size, dtype=np.int64)
                    manager.load_nodes(ids, ids[:0])
                else:
                    ids = target.node_ids(manager.population_name)
                    name = manager.population_name
                    local = assignment.local_ids(name, self.comm.rank)
                    manager.load_nodes(ids, local, assignment.splits_of(name))
            self.target_manager.register_local_nodes(self.circuits.local_gids())
        log_predicted(balance, assignment)
        if not self.options.dry_run:
            warn_of_memory(self, self.options.modelbuilding_steps)
        return balance

    def create_cells(self) -> None:
        """Instantiate the cells of this rank and register their gids."""
        with self.timer.phase("cells"), collectively(self.comm):
            for manager in self.circuits.all_node_managers():
                manager.create_cells()
            for manager in self.circuits.all_node_managers():
                manager.finalize()
        if self._assignment is not None and self._assignment.split_count:
            multisplit.finish_splitting()

    def create_synapses(self) -> None:
        """Read the edges onto the cells of this rank: inner connectivity first, then projections."""
        with self.timer.phase("edges"), collectively(self.comm):
            managers = [
                self.circuits.get_create_edge_manager(population)
                for population in preparation.edge_populations(
                    self.simulation, self.circuits, self.target_manager
                )
            ]
            rules = OverrideRules(self.simulation.connection_overrides, self.target_manager)
            for manager in managers:
                manager.attach(self.target_manager, rules)
                manager.create_connections()
        warn_of_unmatched(rules, managers, self.comm)
        pair_junctions(managers, self.comm)

    def enable_replay(self) -> None:
        """Plan which synapses are driven by recorded spikes."""
        blocks = [block for block in self.simulation.inputs if _drives_synapses(block)]
        if not blocks:
            return
        if self._synapses_made:
            raise SimulationError(
                "replay was enabled after the synapses were made",
                hint="call enable_replay() before enable_modifications(), enable_reports() and sim_init()",
            )
        with self.timer.phase("replay"), collectively(self.comm):
            for block in blocks:
                self._replay(block)

    def _replay(self, block: Input) -> None:
        if block.module in SPIKE_INPUTS:
            managers = list(self.circuits.all_synapse_managers())
            SPIKE_INPUTS[block.module](block, self.target_manager, managers)
            return
        spikes = SpikeManager(Path(block.parameters["spike_file"]))
        target = self.target_manager.get_target(block.node_set)
        covered = 0
        for manager in self.circuits.all_synapse_managers():
            source = manager.population.source
            if not isinstance(manager, EventDrivenManager) or source not in spikes.population_names:
                continue
            manager.replay(
                spikes.block(
                    source,
                    manager.source.offset,
                    np.intersect1d(
                        target.node_ids(manager.population.target), manager.target.synapse_node_ids
                    )
                    + manager.target.offset,
                    start_ms=block.delay_ms,
                    stop_ms=self.simulation.run.tstop_ms,
                )
            )
            covered += 1
        if not covered:
            logger.warning("input %s: no edges come from the populations of %s", block.name, spikes.file)

    def finalize_synapses(self) -> None:
        """Create synapses and NetCons in the simulator; the phases that need them call this themselves."""
        if self._synapses_made:
            return
        self._synapses_made = True
        managers = in_creation_order(self.circuits.all_synapse_managers())
        with self.timer.phase("synapses"), collectively(self.comm):
            total = sum(manager.synapse_count for manager in managers)
            with Progress("synapses", total) as progress:
                for manager in managers:
                    manager.finalize()
                    progress.update(manager.synapse_count)

    def enable_stimulus(self) -> None:
        """Apply the inputs, in file order."""
        with self.timer.phase("stimuli"), collectively(self.comm):
            self._stim_manager = StimulusManager(
                self.target_manager, self.simulation, list(self.circuits.all_node_managers())
            )
            for block in self.simulation.inputs:
                if not _drives_synapses(block):
                    self._stim_manager.interpret(block)

    def enable_modifications(self) -> None:
        """Apply ``conditions.modifications``, in file order."""
        self.finalize_synapses()
        blocks = self.simulation.conditions.modifications
        if not blocks:
            return
        with self.timer.phase("modifications"), collectively(self.comm):
            changed = apply_modifications(blocks, self.target_manager, self.circuits.all_node_managers())
        everywhere = self.comm.allreduce_sum(np.array(list(changed.values()), dtype=np.int64))
        for name, count in zip(changed, everywhere.tolist(), strict=True):
            if not count:
                logger.warning(
                    "modification %r changes nothing: no section has all attributes it names", name
                )

    def enable_reports(self) -> None:
        """Set up the reports and write ``populations_offset.dat``."""
        self.finalize_synapses()
        self.prepare_output()
        with self.timer.phase("reports"):
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

    def sim_init(self) -> None:
        """Record spikes and bring the model to its initial state."""
        self.finalize_synapses()
        self.modules.initialize()
        with self.timer.phase("initialise"):
            self._spikes = SpikeRecorder(list(self.circuits.all_node_managers()))
            self._initialize_state()
            if self._reports is not None:
                self._reports.check_reach()
            self._checkpoints.restore(self._parts())

    def _initialize_state(self) -> None:
        nrn.initialize(self.simulation.conditions.v_init_mV)

    def init(self) -> None:
        """Build everything that needs cells and synapses, and initialise."""
        self.enable_stimulus()
        self.enable_modifications()
        self.enable_reports()
        self.sim_init()

    # --- running ---

    def add_mod(self, module: Any) -> None:
        """Add a simulation module (:class:`~neurodamus_like.simulation.modules.SimulatorMod`) before the run begins."""
        self.modules.add(module)

    def solve(self, tstop_ms: float | None = None) -> None:
        """Integrate up to `tstop_ms` (the configured end by default); reports are written as it goes.

        Raises
        ------
        SimulationError
            `tstop_ms` lies behind the configured end, up to which stimuli, replay and reports were prepared.
        """
        end = self.simulation.run.tstop_ms
        tstop = end if tstop_ms is None else tstop_ms
        if tstop > end + 0.5 * self.simulation.run.dt_ms:
            raise SimulationError(
                f"cannot simulate up to {tstop:g} ms: the configuration ends at {end:g} ms",
                file=self.simulation.path,
                pointer="/run/tstop",
                hint="raise run.tstop and build the model again",
            )
        self.modules.check_engine(self.simulation.simulator)
        if self.modules.initialize() and nrn.now_ms() == 0:
            self._initialize_state()
        reports = self._reports
        block = self.engine.block_ms if reports is None else min(self.engine.block_ms, reports.block_ms())
        begin_s = nrn.compute_time_s()
        with self.timer.phase("solve"), self._checkpoints.listening():
            advance_in_blocks(
                tstop,
                block_ms=block,
                after_block=self._after_block,
                advance=self.modules.drive(self.engine.advance, self.simulation.run),
                stops=self._checkpoints.stops(nrn.now_ms(), tstop),
            )
        self.compute_s += nrn.compute_time_s() - begin_s

    def save(self) -> None:
        """Write a checkpoint of the present state (after `sim_init`); collective."""
        self._checkpoints.save(self._parts())

    def _after_block(self) -> None:
        if self._reports is not None:
            self._reports.flush()
        self._checkpoints.after_block(self._parts())

    def _parts(self) -> RunParts:
        cells, edges = self.circuits.all_node_managers(), self.circuits.all_synapse_managers()
        return RunParts(list(cells), list(edges), self.spikes, self._reports)

    def run_all(self) -> None:
        """Integrate to the end and write all results."""
        self.solve()
        self.write_results()

    def write_results(self) -> None:
        """Finish the reports and write the spikes; simulation modules end before."""
        self.modules.finalize()
        with self.timer.phase("output"):
            self._checkpoints.save_at_end(self._parts())
            if self._reports is not None:
                self._reports.finish()
            output = self.simulation.output
            self.spikes.write(
                self.output_dir / output.spikes_file,
                self.comm,
                output.spikes_sort_order,
                style=output.spikes_style,
                table=self.output_dir / output.spikes_file_csv if output.spikes_file_csv else None,
            )
            with collectively(self.comm):
                save_seclamps(self.circuits.all_synapse_managers(), self.output_dir, self.comm.rank)

    def finish(self) -> None:
        """Mark the run as complete, and let other runs write into the folder of the results."""
        self._output.succeed()
        self._output.release()

    def summary(self) -> RunSummary:
        """Return the numbers of the run, over all ranks; collective."""
        synapses: dict[str, int] = {}
        for manager in self.circuits.all_synapse_managers():
            name = manager.population.target
            synapses[name] = synapses.get(name, 0) + manager.synapse_count
        cells = {m.population_name: m.total_cells for m in self.circuits.all_node_managers()}
        everywhere = self.comm.allreduce_sum(
            np.array([synapses.get(name, 0) for name in cells], dtype=np.int64)
        )
        reports = self._reports.files if self._reports is not None else []
        return summarize(
            cells,
            dict(zip(cells, everywhere.tolist(), strict=True)),
            self.spikes.counts(self.comm),
            ranks=self.comm.size,
            tstop_ms=nrn.now_ms(),
            files=[self.output_dir / self.simulation.output.spikes_file, *reports],
        )

    def cleanup(self) -> None:
        """Destroy the model, so that another simulation can be built in this process."""
        self._output_ready = False
        self._output.release()
        self.clear_model()

    def clear_model(self) -> None:
        """Destroy cells, synapses and all that belongs to them, and give their memory back."""
        with self.timer.phase("clean-up"):
            self._stim_manager = None
            self._reports = None
            self._spikes = None
            self._target_manager = None
            self._synapses_made = False
            with nrn.clearing():
                self.circuits.clear()


class Neurodamus(Node):
    """A whole simulation: built when made, run by :meth:`run`.

    Parameters
    ----------
    config_file
        A SONATA simulation configuration.
    options
        What the command line can say.
    auto_init
        Build the model at once (the default); otherwise call :meth:`build`.
    logging_level
        Level for the package's log on rank 0, as in :mod:`logging`; None leaves logging alone.
    **overrides
        Single fields of :class:`RunOptions`, by name.

    Examples
    --------
    >>> from neurodamus_like import Neurodamus
    >>> Neurodamus("simulation_config.json").run()  # doctest: +SKIP
    """

    def __init__(
        self,
        config_file: str | Path,
        options: RunOptions | None = None,
        auto_init: bool = True,
        logging_level: int | None = None,
        **overrides: Any,
    ) -> None:
        if logging_level is not None:
            logs.setup_logging(level=logging_level, rank=world().rank)
        super().__init__(config_file, options, **overrides)
        self._built = False
        dry = self.options.dry_run
        self._files = FileMode(self) if uses_files(self.simulation, self.options) and not dry else None
        if auto_init and not dry:
            self.build()

    def build(self) -> None:
        """Build the model up to its initial state (or, for a run through files, write it to them)."""
        if self._files is not None:
            self._files.build()
            self._built = True
            return
        self.load_targets()
        self.prepare_output()
        self.compute_load_balance()
        self.create_cells()
        self.create_synapses()
        self.enable_replay()
        self.init()
        self._built = True

    def run(self, cleanup: bool = True) -> RunSummary | None:
        """Run to the end, write all results, log the summary, and destroy the model (unless told not to).

        With the option `dry_run`, tell what the run needs and write an allocation of cells instead; None is returned.
        """
        if self.options.dry_run:
            perform_dry_run(self)
            return None
        if not self._built:
            self.build()
        if self._files is not None:
            summary = self._files.run()
        else:
            self.run_all()
            summary = self.summary()
        if cleanup:
            self.cleanup()
            self._built = False
        logger.info("%s", format_table(self.timer.summary(self.comm)))
        logger.info("%s", format_summary(summary))
        log_measured(self._assignment, self.compute_s, self.comm)
        self._output.succeed()
        return summary


def _drives_synapses(block: Input) -> bool:
    return block.module == REPLAY_MODULE or block.module in SPIKE_INPUTS


def _ready(value: T | None, phase: str) -> T:
    if value is None:
        raise SimulationError(f"call {phase}() first")
    return value
