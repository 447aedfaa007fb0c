"""Node and Neurodamus: one simulation on this rank, phase by phase, or all at once."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurodamus_like import logs
from neurodamus_like.connectivity.gap_junctions import save_seclamps
from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import world
from neurodamus_like.reports.spikes import SpikeRecorder
from neurodamus_like.simulation.balancing import log_measured
from neurodamus_like.simulation.file_mode import FileMode
from neurodamus_like.simulation.file_options import uses_files
from neurodamus_like.simulation.interruption import REQUEST, RunInterrupted
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.phases import BuildPhases
from neurodamus_like.simulation.planning import perform_dry_run
from neurodamus_like.simulation.run_loop import advance_in_blocks
from neurodamus_like.simulation.run_state import RunParts
from neurodamus_like.simulation.summary import RunSummary, count_model, format_summary, summarize
from neurodamus_like.timing import format_table

logger = logging.getLogger(__name__)


class Node(BuildPhases):
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
        Seconds that this rank has computed, without waiting for other ranks; None where that is not known.
    modules
        Simulation modules of the user; ``modules.sim`` is what they get as `sim`.

    Raises
    ------
    ConfigurationError
        The configuration is wrong; raised on all ranks together, before any heavy work.
    """

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
        with self.timer.phase("solve"), REQUEST.listening(), self.measured():
            advance_in_blocks(
                tstop,
                blocks=self.engine.blocks,
                buffer_ms=math.inf if reports is None else reports.block_ms(),
                after_block=self._after_block,
                advance=self.modules.drive(self.engine.advance, self.simulation.run),
                stops=self._checkpoints.stops(nrn.now_ms(), tstop),
                slowest=self.comm.allreduce_max,
            )

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Add to `compute_s` what this rank computes inside the block."""
        before = self.engine.computing_s() or 0.0
        yield
        after = self.engine.computing_s()
        if after is None:
            self.compute_s = None
        elif self.compute_s is not None:
            self.compute_s += after - before

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
                nwb=self.output_dir / output.spikes_file_nwb if output.spikes_file_nwb else None,
            )
            with collectively(self.comm):
                save_seclamps(self.circuits.all_synapse_managers(), self.output_dir, self.comm.rank)

    def finish(self) -> None:
        """Mark the run as complete, and let other runs write into the folder of the results."""
        self._output.succeed()
        self._output.release()

    def summary(self) -> RunSummary:
        """Return the numbers of the run, over all ranks; collective."""
        cells, synapses = count_model(self.circuits, self.comm)
        reports = self._reports.files if self._reports is not None else []
        return summarize(
            cells,
            synapses,
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
        with self._leaving_when_interrupted():
            if self._files is not None:
                self._files.build()
            else:
                self.load_targets()
                self.prepare_output()
                self.compute_load_balance()
                self.create_cells()
                self.create_synapses()
                self.enable_replay()
                self.init()
        self._built = True

    @contextmanager
    def _leaving_when_interrupted(self) -> Iterator[None]:
        """Listen to signals, and leave the folder of the results to others when one ends the run."""
        with REQUEST.listening():
            try:
                yield
            except RunInterrupted:
                self._output.release()
                raise

    def run(self, cleanup: bool = True) -> RunSummary | None:
        """Run to the end, write all results, log the summary, and destroy the model (unless told not to).

        With the option `dry_run`, tell what the run needs and write an allocation of cells instead; None is returned.
        """
        if self.options.dry_run:
            perform_dry_run(self)
            return None
        with self._leaving_when_interrupted():
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
