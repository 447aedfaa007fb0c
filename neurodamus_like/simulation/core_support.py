"""What a run asks of CoreNEURON that it cannot do, found before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from neurodamus_like.config.models import Simulation
from neurodamus_like.engine.core_build import CORENRNMECH
from neurodamus_like.engine.mech_sources import collect_sources
from neurodamus_like.exceptions import MechanismError
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.validation.core_mechanism_checks import (
    ONLY_IN_NEURON,
    SIMULATE_WITH_NEURON,
    beyond_coreneuron,
)
from neurodamus_like.validation.problems import Problem


def check_simulator(simulation: Simulation, options: RunOptions) -> Iterator[Problem]:
    """Yield a problem for each option that does not go with the simulator of the run.

    Inputs and reports are checked in their own rooms, and mechanisms when it is known which ones the cells have.
    """
    if simulation.simulator == "CORENEURON":
        yield from _check_coreneuron(options)
        return
    given = {
        "--coreneuron-direct-mode": options.coreneuron_direct_mode,
        "--cell-permute": options.cell_permute != "unpermuted",
        "--model-stats": options.model_stats,
    }
    names = [name for name, is_given in given.items() if is_given]
    if names:
        yield Problem(
            "error",
            f"{', '.join(names)}: only for CoreNEURON, and this run is one of NEURON",
            hint="add --simulator=CORENEURON, or leave it out",
        )


def _check_coreneuron(options: RunOptions) -> Iterator[Problem]:
    if options.nrnmech is not None and not options.nrnmech.with_name(CORENRNMECH).is_file():
        yield Problem(
            "error",
            f"there is no {CORENRNMECH} beside the library of --nrnmech",
            file=options.nrnmech,
            hint="compile with `nrnivmodl -coreneuron`, or leave --nrnmech out",
        )


def require_core_mechanisms(needed: set[str], folders: Sequence[Path]) -> None:
    """Make sure that CoreNEURON can run the mechanisms of a model; where it could not, it would end the process.

    Parameters
    ----------
    needed
        Names of the mechanisms that the cells and synapses have.
    folders
        Where their MOD files are, besides the package's own.

    Raises
    ------
    MechanismError
        With all that it cannot run.
    """
    headers = [header for header in collect_sources(folders).headers if header.name in needed]
    absent = needed & ONLY_IN_NEURON - {header.name for header in headers}
    if absent:
        raise MechanismError(
            f"CoreNEURON does not have NEURON's {', '.join(sorted(absent))}",
            hint=SIMULATE_WITH_NEURON,
        )
    found = [(header, reason) for header in headers for reason in [beyond_coreneuron(header)] if reason]
    if found:
        raise MechanismError(
            "CoreNEURON cannot run mechanisms of this model: "
            + "; ".join(f"{header.name} {reason}" for header, reason in found),
            file=found[0][0].path,
            hint="add THREADSAFE to their NEURON blocks if they are; or " + SIMULATE_WITH_NEURON,
        )
