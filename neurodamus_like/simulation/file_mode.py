"""A run of CoreNEURON through files: the model is built in cycles or found on disk, then simulated from there."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.engine import core_files
from neurodamus_like.engine.coreneuron import CoreSettings
from neurodamus_like.exceptions import ConfigurationError, NeurodamusLikeError
from neurodamus_like.io.core_data import SPIKES_NAME, read_core_spikes
from neurodamus_like.io.core_frames import FOLDER_VARIABLE
from neurodamus_like.io.core_manifest import ModelManifest, hash_ingredients
from neurodamus_like.io.spikes import write_spikes
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.reports.manager import ReportOptions
from neurodamus_like.reports.model_recorders import ModelReports
from neurodamus_like.simulation.file_options import file_options_in_use
from neurodamus_like.simulation.interruption import REQUEST, RunInterrupted
from neurodamus_like.simulation.model_builder import ModelBuilder
from neurodamus_like.simulation.model_folder import ModelFolder
from neurodamus_like.simulation.summary import RunSummary, summarize
from neurodamus_like.simulation.usable_model import library_name, read_usable_model

logger = logging.getLogger(__name__)

DEFAULT_FOLDER = "build"
FRAMES_NAME = ".frames"


class FileMode:
    """Builds the model of a node into files, and simulates it from them.

    Parameters
    ----------
    node
        The simulation; its phases are called.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        directory = node.options.build_path or node.simulation.path.parent / DEFAULT_FOLDER
        self.folder = ModelFolder(Path(directory).absolute(), node.comm)
        self.manifest: ModelManifest | None = None
        self._built_here = False
        self._spikes: dict[str, int] = {}
        self._files: list[Path] = []

    def build(self) -> None:
        """Build the model, unless a good one is there and may be used.

        Raises
        ------
        ConfigurationError
            The model is to be used as it is, and there is none, or another one.
        ProblemsError
            The files of the model are damaged.
        """
        node = self.node
        self._refuse_modules()
        node.load_targets()
        node.prepare_output()
        self.folder.open()
        ingredients, mechanisms = self._made_of()
        if node.options.build_model is not True:
            self.manifest = self._usable_model(ingredients, mechanisms)
        if self.manifest is None:
            self._built_here = True
            try:
                builder = ModelBuilder(node, self.folder, ingredients, mechanisms)
                self.manifest = builder.build(keep=self._keeps)
            except RunInterrupted:
                self.folder.release(keep=False)
                raise
        else:
            node.clear_model()

    def run(self) -> RunSummary:
        """Simulate the model (unless told not to), write the results, and remove the model unless it is kept."""
        self._refuse_modules()
        if self.manifest is None:
            self.build()
        assert self.manifest is not None
        try:
            if self.node.options.simulate_model:
                self._simulate(self.manifest)
        except NeurodamusLikeError as error:
            if error.collective:
                self.folder.release(keep=self._keeps)
            raise
        self.folder.release(keep=self._keeps)
        if self._keeps:
            logger.info("the model is in %s", self.folder.on_disk)
        return self._summary(self.manifest)

    def _refuse_modules(self) -> None:
        if len(self.node.modules):
            raise ConfigurationError(
                "simulation modules (add_mod) cannot take part in a run through files",
                hint="leave the options for models in files out: "
                + ", ".join(file_options_in_use(self.node.options)),
            )

    @property
    def _keeps(self) -> bool:
        options = self.node.options
        return options.keep_build or not options.simulate_model or not self._built_here

    def _made_of(self) -> tuple[dict[str, str], str]:
        """Return what the model is made of, as it is before anything of it is read; collective."""
        node, found = self.node, None
        with collectively(node.comm):
            if node.comm.rank == 0:
                cells = node.target_manager.get_target(node.simulation.node_set).populations
                found = hash_ingredients(node.simulation, cells), library_name(node.options)
        made_of: tuple[dict[str, str], str] = node.comm.bcast(found)
        return made_of

    def _usable_model(self, ingredients: Mapping[str, str], mechanisms: str) -> ModelManifest | None:
        """Return the model on disk if it is the one to simulate; collective."""
        node, found = self.node, None
        with collectively(node.comm):
            if node.comm.rank == 0:
                must = node.options.build_model is False
                found = read_usable_model(
                    self.folder.data, node.simulation, ingredients, mechanisms, must=must
                )
        usable: ModelManifest | None = node.comm.bcast(found)
        if usable is not None:
            logger.info("the model in %s is used as it is", self.folder.data)
        return usable

    def _simulate(self, manifest: ModelManifest) -> None:
        node, options = self.node, self.node.options
        REQUEST.end_before("solve", node.comm)
        frames = node.output_dir / FRAMES_NAME
        reports = self._reports(manifest, frames)
        logger.info("CoreNEURON runs in one piece: a signal ends it at once, and nothing is saved")
        with node.timer.phase("solve"), REQUEST.deaf(), node.measured():
            core_files.simulate_files(
                self.folder.data,
                node.output_dir,
                node.simulation.run.tstop_ms,
                CoreSettings(options.cell_permute, options.model_stats, 2 if options.debug else 0),
                membrane_currents=manifest.membrane_currents,
            )
        with node.timer.phase("output"):
            node.comm.barrier()
            reports.finish()
            self._write_spikes(manifest)
        self._files = [node.output_dir / node.simulation.output.spikes_file, *reports.files]
        if node.comm.rank == 0:
            shutil.rmtree(frames, ignore_errors=True)

    def _reports(self, manifest: ModelManifest, frames: Path) -> ModelReports:
        """Set up the reports, whose frames come into the folder `frames`; collective."""
        node, options = self.node, self.node.options
        with node.timer.phase("reports"):
            with collectively(node.comm):
                if node.comm.rank == 0:
                    shutil.rmtree(frames, ignore_errors=True)
                    frames.mkdir()
                reports = ModelReports(
                    self.folder.data,
                    frames,
                    manifest.recorders[node.comm.rank :: node.comm.size],
                    node.simulation,
                    None,
                    (),
                    node.comm,
                    node.output_dir,
                    ReportOptions(
                        options.buffer_mb(node.simulation.simulator),
                        options.max_report_size_mb,
                        options.compress_reports,
                    ),
                )
            os.environ[FOLDER_VARIABLE] = str(frames)
            reports.enable()
        return reports

    def _write_spikes(self, manifest: ModelManifest) -> None:
        node = self.node
        with collectively(node.comm):
            if node.comm.rank == 0:
                run, output = node.simulation.run, node.simulation.output
                times, gids = read_core_spikes(node.output_dir, run.dt_ms)
                spikes = _by_population(times, gids, manifest)
                self._spikes = {name: len(train[0]) for name, train in spikes.items()}
                write_spikes(node.output_dir / output.spikes_file, spikes, output.spikes_sort_order)
                os.unlink(node.output_dir / SPIKES_NAME)
        self._spikes = node.comm.bcast(self._spikes)

    def _summary(self, manifest: ModelManifest) -> RunSummary:
        node = self.node
        return summarize(
            {name: p.cells for name, p in manifest.populations.items()},
            {name: p.synapses for name, p in manifest.populations.items()},
            self._spikes,
            ranks=node.comm.size,
            tstop_ms=node.simulation.run.tstop_ms if node.options.simulate_model else 0.0,
            files=self._files or [self.folder.on_disk],
        )


def _by_population(times: Any, gids: Any, manifest: ModelManifest) -> dict[str, tuple[Any, Any]]:
    """Return population -> times and node ids of its spikes, in the order in which other runs write them."""
    starts = sorted((p.offset, name) for name, p in manifest.populations.items())
    owner = np.searchsorted([offset for offset, _ in starts], gids, side="right") - 1
    found = {}
    for number, (offset, name) in enumerate(starts):
        mine = owner == number
        node_ids = gids[mine] - offset
        order = np.lexsort((node_ids, times[mine]))
        found[name] = (times[mine][order], node_ids[order])
    return {name: found[name] for name in manifest.populations}
