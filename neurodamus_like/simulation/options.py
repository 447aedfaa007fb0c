"""What a user can choose for one run besides the configuration file, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.config.models import CELL_ORDERS, SIMULATORS
from neurodamus_like.distribution.modes import LoadBalanceMode
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.simulation.file_options import check_build_options, file_options_in_use

DEFAULT_REPORT_BUFFER_MB = {"NEURON": 8.0, "CORENEURON": 64.0}
"""A full buffer ends a block of the run, and each block costs a copy of the model into CoreNEURON and back."""


@dataclass(frozen=True)
class RunOptions:
    """Options of one run; the command line and Python use the same ones.

    Attributes
    ----------
    verbose, debug, quiet
        How much is said: more, everything (with tracebacks), or warnings only.
    progress
        Show a progress bar (on a terminal) or progress lines (in a log).
    use_color
        Colours in console messages; None: if it is a terminal.
    disable_reports
        Write spikes only, no reports.
    output_path
        Folder for results instead of ``output.output_dir`` of the configuration.
    random_seed
        Seed instead of ``run.random_seed`` of the configuration.
    lb_mode
        How cells are dealt out to ranks: "RoundRobin" (alias "rr"), "WholeCell", "MultiSplit" or "Memory"; None: as
        :meth:`LoadBalance.select_lb_mode` decides.
    report_buffer_size_mb
        Memory for buffering one report on one rank, in 10^6 bytes; None: 8, with CoreNEURON 64.
    max_report_size_mb
        Largest allowed size of a report, in 10^6 bytes; None: no limit.
    compress_reports
        Compress finished reports with gzip, from 1 (fast) to 9 (small); None: leave them as they were written.
    dry_run
        Count cells and synapses and estimate memory instead of simulating.
    num_target_ranks
        Ranks that a dry run allocates cells to; None: as many as it suggests.
    mechanisms_dir
        Folder of MOD files to compile instead of the circuit's ``mechanisms_dir``.
    nrnmech
        A mechanism library that is compiled already; nothing is compiled then. CoreNEURON needs its
        ``libcorenrnmech.so`` beside it.
    simulator
        "NEURON" or "CORENEURON" (in any case) instead of the configuration's ``target_simulator``.
    coreneuron_direct_mode
        Insist on what is the default: CoreNEURON takes the model from memory, no files are written.
    cell_permute
        How CoreNEURON orders compartments: "unpermuted" or "node-adjacency".
    model_stats
        Have CoreNEURON print its number of instances and memory per mechanism.
    save
        Folder for checkpoints: one is written at the end of the run, and those in between go there too.
    restore
        Folder of the checkpoint to go on from.
    checkpoint_every_ms
        Write a checkpoint at all multiples of this time; None: no.
    modelbuilding_steps
        In how many cycles CoreNEURON's model is built, each written to files and freed before the next.
    build_model
        True: build CoreNEURON's model into files; False: use the one that is there; None ("auto"): whichever it needs,
        if another option asks for files at all.
    simulate_model
        Simulate the model, and not only build it.
    keep_build
        Leave the files of the model when the run is done.
    build_path
        Folder for them instead of ``build`` beside the configuration.
    enable_shm
        Put them into the memory of the machine if they fit there and are not kept.

    Raises
    ------
    ConfigurationError
        A value is out of range, a path does not exist, or two options exclude each other.
    """

    verbose: bool = False
    debug: bool = False
    quiet: bool = False
    progress: bool = True
    use_color: bool | None = None
    disable_reports: bool = False
    output_path: Path | None = None
    random_seed: int | None = None
    lb_mode: str | None = None
    report_buffer_size_mb: float | None = None
    max_report_size_mb: float | None = None
    compress_reports: int | None = None
    dry_run: bool = False
    num_target_ranks: int | None = None
    mechanisms_dir: Path | None = None
    nrnmech: Path | None = None
    script: Path | None = None
    simulator: str | None = None
    coreneuron_direct_mode: bool = False
    cell_permute: str = "unpermuted"
    model_stats: bool = False
    save: Path | None = None
    restore: Path | None = None
    checkpoint_every_ms: float | None = None
    modelbuilding_steps: int = 1
    build_model: bool | None = None
    simulate_model: bool = True
    keep_build: bool = False
    build_path: Path | None = None
    enable_shm: bool = False

    def __post_init__(self) -> None:
        if self.lb_mode is not None:
            object.__setattr__(self, "lb_mode", LoadBalanceMode.parse(self.lb_mode).value)
        names = ("output_path", "mechanisms_dir", "nrnmech", "script", "build_path", "save", "restore")
        for name in names:
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else Path(value))
        self._check_dry_run()
        self._check_simulator()
        check_build_options(self)
        self._check_verbosity()
        self._check_seed()
        self._check_buffer()
        self._check_checkpoints()
        self._check_paths()

    def buffer_mb(self, simulator: str) -> float:
        """Return the size of a report buffer in 10^6 bytes, in a run with a simulator."""
        chosen = self.report_buffer_size_mb
        return DEFAULT_REPORT_BUFFER_MB[simulator] if chosen is None else chosen

    def _check_dry_run(self) -> None:
        ranks = self.num_target_ranks
        if ranks is None:
            return
        if ranks < 1:
            raise ConfigurationError(f"--num-target-ranks={ranks} is not valid", expected="1 or more")
        if not self.dry_run:
            raise ConfigurationError(
                "--num-target-ranks belongs to --dry-run",
                hint="a run has as many ranks as mpiexec or srun starts",
            )

    def _check_simulator(self) -> None:
        if self.simulator is not None:
            object.__setattr__(self, "simulator", self.simulator.upper())
        for option, value, known in (
            ("--simulator", self.simulator, SIMULATORS),
            ("--cell-permute", self.cell_permute, CELL_ORDERS),
        ):
            if value is not None and value not in known:
                raise ConfigurationError(
                    f"{option}={value} is not valid",
                    expected=" or ".join(known),
                    hint=did_you_mean(value, known) or None,
                )

    def _check_verbosity(self) -> None:
        if self.quiet and (self.verbose or self.debug):
            raise ConfigurationError(
                "--quiet and --verbose or --debug exclude each other", hint="leave one of them out"
            )

    def _check_seed(self) -> None:
        if self.random_seed is not None and not 0 <= self.random_seed < 2**32:
            raise ConfigurationError(
                f"--seed={self.random_seed} is not valid", expected="a whole number from 0 to 4294967295"
            )

    def _check_buffer(self) -> None:
        size = self.report_buffer_size_mb
        if size is not None and not 0 < size < float("inf"):
            raise ConfigurationError(
                f"--report-buffer-size={size:g} is not valid", expected="a number of megabytes greater than 0"
            )
        largest = self.max_report_size_mb
        if largest is not None and not largest > 0:
            raise ConfigurationError(
                f"--max-report-size={largest:g} is not valid", expected="a number of megabytes greater than 0"
            )
        if self.compress_reports is not None and self.compress_reports not in range(1, 10):
            raise ConfigurationError(
                f"--compress-reports={self.compress_reports} is not valid", expected="1 (fast) to 9 (small)"
            )

    @property
    def without_checkpoints(self) -> list[str]:
        """The options given with which a run has no checkpoints."""
        split = self.lb_mode == LoadBalanceMode.MultiSplit.value
        return [*file_options_in_use(self), *(["--lb-mode=MultiSplit"] if split else [])]

    def _check_checkpoints(self) -> None:
        every = self.checkpoint_every_ms
        if every is not None and not 0 < every < float("inf"):
            raise ConfigurationError(
                f"--checkpoint-every={every:g} is not valid", expected="a time in ms greater than 0"
            )
        asked = [name for name in ("save", "restore") if getattr(self, name) is not None]
        asked += ["checkpoint-every"] if every is not None else []
        others = self.without_checkpoints
        if asked and others:
            raise ConfigurationError(
                f"--{asked[0]} and {others[0]} exclude each other",
                hint="checkpoints are of whole cells in memory: leave one of them out",
            )

    def _check_paths(self) -> None:
        if self.mechanisms_dir is not None and self.nrnmech is not None:
            raise ConfigurationError(
                "--mechanisms and --nrnmech exclude each other",
                hint="--mechanisms compiles MOD files, --nrnmech loads a library that is compiled already",
            )
        if self.mechanisms_dir is not None and not self.mechanisms_dir.is_dir():
            raise ConfigurationError(
                "the folder of --mechanisms does not exist",
                file=self.mechanisms_dir,
                expected="a folder with MOD files",
            )
        if self.nrnmech is not None and not self.nrnmech.is_file():
            raise ConfigurationError(
                "the library of --nrnmech does not exist",
                file=self.nrnmech,
                expected="a library like x86_64/libnrnmech.so, made by nrnivmodl",
            )
        if self.script is not None and not self.script.is_file():
            raise ConfigurationError(
                "the file of --script does not exist", file=self.script, expected="a Python file"
            )
        if self.output_path is not None and self.output_path.exists() and not self.output_path.is_dir():
            raise ConfigurationError(
                "--output-path is a file", file=self.output_path, expected="a folder, or a path not in use"
            )
