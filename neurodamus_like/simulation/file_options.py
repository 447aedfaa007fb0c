"""Options for building a model into files and simulating it from them: what they mean, what excludes what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.core_data import largest_time_ms
from neurodamus_like.validation.problems import Problem

_SWITCH = {
    "on": True,
    "1": True,
    "true": True,
    "yes": True,
    "off": False,
    "0": False,
    "false": False,
    "no": False,
}


class FileOptions(Protocol):
    """The options of a run that concern the model on disk; see :class:`~.options.RunOptions`."""

    @property
    def coreneuron_direct_mode(self) -> bool:
        """Insist on a model in memory."""

    @property
    def build_model(self) -> bool | None:
        """Build the model, use the one on disk, or (None) build it unless it is there."""

    @property
    def simulate_model(self) -> bool:
        """Simulate the model after it was built."""

    @property
    def keep_build(self) -> bool:
        """Leave the model on disk."""

    @property
    def enable_shm(self) -> bool:
        """Put it into shared memory if it fits."""

    @property
    def modelbuilding_steps(self) -> int:
        """In how many cycles it is built."""


def parse_switch(option: str, text: str, *, auto: bool = False) -> bool | None:
    """Return what a switch says: True (1, on, ...), False (0, off, ...), or (where `auto` is allowed) None.

    Raises
    ------
    ConfigurationError
        It says something else.
    """
    if text.lower() in _SWITCH:
        return _SWITCH[text.lower()]
    if auto and text.lower() == "auto":
        return None
    expected = "auto, 1 (on) or 0 (off)" if auto else "1 (on) or 0 (off)"
    raise ConfigurationError(f"{option}={text} is not valid", expected=expected)


def check_build_options(options: FileOptions) -> None:
    """Refuse options that contradict each other.

    Raises
    ------
    ConfigurationError
        Naming both.
    """
    if options.modelbuilding_steps < 1:
        raise ConfigurationError(
            f"--modelbuilding-steps={options.modelbuilding_steps} is not valid", expected="1 or more"
        )
    used = file_options_in_use(options)
    if options.coreneuron_direct_mode and used:
        raise ConfigurationError(
            f"--coreneuron-direct-mode and {', '.join(used)} exclude each other",
            hint="direct mode writes no files: leave one of them out",
        )
    if options.build_model is False and not options.simulate_model:
        raise ConfigurationError(
            "--build-model=0 and --simulate-model=0 together leave nothing to do",
            hint="leave one of them out",
        )
    if options.build_model is False and options.modelbuilding_steps > 1:
        raise ConfigurationError(
            "--modelbuilding-steps has no meaning with --build-model=0: nothing is built",
            hint="leave one of them out",
        )


def file_options_in_use(options: FileOptions) -> list[str]:
    """Return the options given that only a model in files can follow."""
    used = {
        "--modelbuilding-steps": options.modelbuilding_steps > 1,
        "--build-model": options.build_model is not None,
        "--simulate-model=0": not options.simulate_model,
        "--keep-build": options.keep_build,
        "--enable-shm": options.enable_shm,
    }
    return [name for name, given in used.items() if given]


def uses_files(simulation: Simulation, options: FileOptions) -> bool:
    """Say whether a run goes through files: CoreNEURON, and something was asked for that needs them."""
    return simulation.simulator == "CORENEURON" and bool(file_options_in_use(options))


def check_file_options(simulation: Simulation, options: FileOptions) -> list[Problem]:
    """Return what stands against building this model into files."""
    used = ", ".join(file_options_in_use(options))
    if not used:
        return []
    if simulation.simulator != "CORENEURON":
        what = f"{used}: only CoreNEURON simulates models from files, this run uses {simulation.simulator}"
        hint = "add --simulator=CORENEURON, or leave the option out"
        return [Problem("error", what, simulation.path, "/target_simulator", hint)]
    return list(_beyond_files(simulation, used))


def _beyond_files(simulation: Simulation, used: str) -> Iterator[Problem]:
    path = simulation.path
    longest = largest_time_ms(simulation.run.dt_ms)
    if simulation.run.tstop_ms > longest:
        what = f"{used}: CoreNEURON writes spike times with 8 digits, too few for a run this long"
        hint = f"simulate at most {longest:g} ms from files, or leave the option out"
        yield Problem("error", what, path, "/run/tstop", hint)
    if "vc_amp" in simulation.beta_features:
        what = f"{used}: the currents of voltage clamps (vc_amp) cannot be brought back from a model in files"
        yield Problem("error", what, path, "/beta_features/vc_amp", "leave the option out, or vc_amp")
