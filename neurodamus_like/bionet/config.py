"""``Config``: a configuration of the Allen dialect as a dictionary that scripts read and change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.config.allen import simulation_of
from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.models import Output, Run, Simulation
from neurodamus_like.logs import level_of, setup_logging
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import world
from neurodamus_like.simulation import preparation
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.output_folder import check_no_results

Sections = dict[str, Any]


class Config(Sections):
    """The sections of a configuration, with all variables replaced.

    What a script changes before the network is made counts.

    Attributes
    ----------
    file
        The configuration file.
    """

    def __init__(self, document: AllenDocument) -> None:
        super().__init__(document.sections)
        self.file = document.file
        self._base = document.base
        self._env_built = False

    @classmethod
    def from_json(
        cls, config_file: str | Path | Mapping[str, Any], validate: bool = False, **variables: Any
    ) -> Config:
        """Read a configuration.

        Parameters
        ----------
        config_file
            The file, or one that names those of network and simulation, or a dictionary (see :meth:`from_dict`).
        validate
            Check everything now instead of when the network is made.
        **variables
            Variables that beat those of the manifest.

        Raises
        ------
        ConfigurationError
            The file is missing or is no JSON, or (with `validate`) anything in it is wrong.
        """
        if isinstance(config_file, Mapping):
            config = cls.from_dict(config_file, **variables)
        else:
            config = cls(AllenDocument(config_file, variables))
        if validate:
            config.validate()
        return config

    load = from_json

    @classmethod
    def from_dict(cls, config_dict: Mapping[str, Any], **variables: Any) -> Config:
        """Make a configuration from a dictionary; relative paths count from the working folder."""
        return cls(AllenDocument.from_dict(config_dict, Path.cwd() / "config.json", variables))

    @property
    def simulation(self) -> Simulation:
        """The simulation as the sections describe it now.

        Raises
        ------
        ConfigurationError
            Something is wrong; all of it is shown together.
        """
        return simulation_of(AllenDocument.of_sections(self, self.file, self._base))

    def validate(self) -> bool:
        """Check everything; return True.

        Raises
        ------
        ConfigurationError
            Something is wrong; all of it is shown together.
        """
        _ = self.simulation
        return True

    @property
    def run(self) -> Sections:
        """The section ``run``."""
        found: Sections = self.setdefault("run", {})
        return found

    @property
    def output(self) -> Sections:
        """The section ``output``."""
        found: Sections = self.setdefault("output", {})
        return found

    @property
    def conditions(self) -> Sections:
        """The section ``conditions``."""
        found: Sections = self.setdefault("conditions", {})
        return found

    @property
    def inputs(self) -> Sections:
        """The section ``inputs``."""
        found: Sections = self.setdefault("inputs", {})
        return found

    @property
    def reports(self) -> Sections:
        """The section ``reports``."""
        found: Sections = self.setdefault("reports", {})
        return found

    @property
    def output_dir(self) -> str:
        """Folder of the results."""
        return str(self._output.directory)

    @property
    def spikes_file(self) -> str:
        """Path of the spikes."""
        return str(self._output.directory / self._output.spikes_file)

    @property
    def tstop(self) -> float:
        """Duration in ms."""
        return self._run.tstop_ms

    @property
    def dt(self) -> float:
        """Time step in ms."""
        return self._run.dt_ms

    @property
    def dL(self) -> float | None:
        """Length of segments in µm; None leaves sections as they are."""
        return self._run.segment_length_um

    @property
    def spike_threshold(self) -> float:
        """Voltage in mV whose upward crossing is a spike."""
        return self._run.spike_threshold_mV

    @property
    def block_step(self) -> int:
        """Time steps in a block."""
        return int(self._run.block_steps or 1)

    @property
    def celsius(self) -> float:
        """Temperature in °C."""
        return self.simulation.conditions.celsius

    @property
    def v_init(self) -> float:
        """Initial voltage in mV."""
        return self.simulation.conditions.v_init_mV

    def build_env(self, force: bool = False) -> None:
        """Make the folder of the results, begin to log, and load the mechanisms; nothing is deleted.

        A copy of the configuration, with variables replaced, goes into the folder under its own name.

        Raises
        ------
        ConfigurationError
            The folder holds results which ``overwrite_output_dir: false`` protects.
        """
        if self._env_built and not force:
            return
        comm = world()
        simulation = self.simulation
        setup_logging(level_of(simulation.output.log_level), rank=comm.rank)
        with collectively(comm):
            if comm.rank == 0:
                folder = simulation.output.directory
                if simulation.output.keep_results:
                    check_no_results(folder)
                folder.mkdir(parents=True, exist_ok=True)
                if folder != self.file.parent:
                    text = json.dumps(
                        {k: v for k, v in self.items() if k != "manifest"}, indent=2, default=str
                    )
                    (folder / self.file.name).write_text(text, encoding="utf-8")
        preparation.load_mechanisms(simulation, RunOptions(), comm)
        self._env_built = True

    @property
    def _run(self) -> Run:
        return self.simulation.run

    @property
    def _output(self) -> Output:
        return self.simulation.output
