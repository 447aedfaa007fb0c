"""May the model on disk be simulated as it is, instead of building one?"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from neurodamus_like.config.models import Simulation
from neurodamus_like.engine import coreneuron
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.io.core_manifest import ModelManifest, read_manifest
from neurodamus_like.io.model_files import hash_contents
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.validation.core_model_checks import check_core_model, compare_ingredients
from neurodamus_like.validation.problems import Problem, raise_if_errors

logger = logging.getLogger(__name__)


def library_name(options: RunOptions) -> str:
    """Return what a model says of its compiled mechanisms.

    The path of one that was compiled for the run names its sources; a library of the user may be another one tomorrow.
    """
    library = coreneuron.library()
    return str(library) if options.nrnmech is None else f"{library} {hash_contents(library)}"


def read_usable_model(
    data: Path, simulation: Simulation, ingredients: Mapping[str, str], mechanisms: str, *, must: bool
) -> ModelManifest | None:
    """Return the description of a model on disk if it is whole and the one that `simulation` means.

    Parameters
    ----------
    data
        Folder with its files.
    simulation
        What is to be simulated.
    ingredients
        Hashes of its parts.
    mechanisms
        What it says of its compiled mechanisms.
    must
        A model that cannot be used is an error; otherwise the reason is logged, and None returned.

    Raises
    ------
    ConfigurationError
        There is no complete model, or it is another one.
    ProblemsError
        Files are missing or damaged.
    """
    try:
        manifest = read_manifest(data)
        differing = [] if manifest is None else _differences(manifest, simulation, ingredients, mechanisms)
        problems = [] if manifest is None or differing else check_core_model(data, manifest)
    except CircuitError as error:
        manifest, differing, problems = None, [], [Problem.from_error(error)]
    if manifest is not None and not differing and not problems:
        return manifest
    if must:
        raise_if_errors(problems)
        raise _unusable(data, differing)
    if differing or problems:
        reason = f"it differs in {', '.join(differing)}" if differing else str(problems[0].message)
        logger.info("the model in %s is built again: %s", data, reason)
    return None


def _differences(
    manifest: ModelManifest, simulation: Simulation, ingredients: Mapping[str, str], mechanisms: str
) -> list[str]:
    run = simulation.run
    found = compare_ingredients(manifest, ingredients, run.dt_ms, run.tstop_ms)
    if manifest.mechanisms != mechanisms:
        found.append("the compiled mechanisms")
    return found


def _unusable(data: Path, differing: list[str]) -> ConfigurationError:
    if differing:
        what = f"--build-model=0: the model on disk differs in {', '.join(differing)}"
    else:
        what = "--build-model=0: there is no complete model on disk"
    return ConfigurationError(
        what, file=data, hint="build it first: --build-model=1 with --simulate-model=0 or --keep-build"
    )
