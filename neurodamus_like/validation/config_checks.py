"""Everything that files alone show to be wrong with a simulation, in one pass, without a simulator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from neurodamus_like.config.dialect import is_allen, load_simulation
from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Circuit, Simulation
from neurodamus_like.config.obi import DEFAULT_NETWORK, is_foreign_module, load_circuit
from neurodamus_like.exceptions import ConfigurationError, NeurodamusLikeError
from neurodamus_like.validation.allen_checks import validate_allen
from neurodamus_like.validation.circuit_checks import validate_circuit
from neurodamus_like.validation.file_checks import check_files, missing_path
from neurodamus_like.validation.problems import (
    Problem,
    errors_of,
    raise_if_errors,
    unique_problems,
    warnings_of,
    with_news,
)
from neurodamus_like.validation.reference_checks import References, check_references
from neurodamus_like.validation.schema_checks import check_schema
from neurodamus_like.validation.value_checks import check_values

_log = logging.getLogger(__name__)


def validate_simulation(
    path: str | Path,
    *,
    template_dirs: Sequence[Path] = (),
    extra_modules: Container[str] = (),
    simulator: str | None = None,
) -> list[Problem]:
    """Return everything that is wrong with a simulation configuration and the files it names.

    Parameters
    ----------
    path
        The simulation configuration.
    template_dirs
        Folders where cell templates are also looked for, beside those of the circuit.
    extra_modules
        Stimulus modules beside those of the specification; their parameters are not looked at.
    simulator
        Takes the place of ``target_simulator``.

    Returns
    -------
    list of Problem
        Empty when all is well. Nothing is raised for bad input.
    """
    if is_allen(path):
        return validate_allen(path)
    try:
        document = Document(path)
    except ConfigurationError as error:
        return [Problem.from_error(error)]
    specified = _without_modules(document.raw, extra_modules)
    if simulator is not None:
        specified = {**specified, "target_simulator": simulator}
    problems = check_schema(specified, "obi_simulation", document.file)
    problems += check_values(specified, document.file)
    problems += check_files(document)
    circuit, circuit_problems = _circuit_of(document)
    problems += circuit_problems
    references = References.read(document, circuit)
    problems += check_references(document, references)
    if circuit is not None and references.usable:
        problems += validate_circuit(
            circuit,
            selection=references.simulated_nodes(),
            dynamics=references.needed_dynamics(),
            template_dirs=template_dirs,
        )
    if not errors_of(problems):
        problems += _complaints_of_loading(document.file)
    return unique_problems(problems)


def check_before_run(
    path: str | Path,
    *,
    template_dirs: Sequence[Path] = (),
    ignore_reports: bool = False,
    extra_modules: Container[str] = (),
    simulator: str | None = None,
    further: Callable[[Simulation], Sequence[Problem]] = lambda simulation: (),
) -> Simulation:
    """Return the simulation, after everything that can be checked beforehand was found to be right.

    Warnings are logged.

    Parameters
    ----------
    path
        The simulation configuration.
    template_dirs
        Folders where cell templates are also looked for, beside those of the circuit.
    ignore_reports
        What is wrong with reports does not count: they are not wanted.
    extra_modules, simulator
        As in :func:`validate_simulation`.
    further
        Returns warnings of other rooms, which are logged unless the same place has been told of.

    Raises
    ------
    ProblemsError
        With all errors of :func:`validate_simulation`.
    """
    problems = validate_simulation(
        path, template_dirs=template_dirs, extra_modules=extra_modules, simulator=simulator
    )
    if ignore_reports:
        problems = [p for p in problems if not (p.pointer or "").startswith("/reports")]
    for problem in warnings_of(problems):
        _log.warning("%s", problem)
    raise_if_errors(problems)
    simulation = load_simulation(path)
    for problem in with_news(problems, further(simulation))[len(problems) :]:
        _log.warning("%s", problem)
    return simulation


def _without_modules(raw: Mapping[str, Any], modules: Container[str]) -> Mapping[str, Any]:
    """Return a configuration without the inputs whose module is in `modules` but not in the specification."""

    def is_extra(block: Any) -> bool:
        module = block.get("module") if isinstance(block, Mapping) else None
        return is_foreign_module(module) and module in modules

    inputs = raw.get("inputs")
    if not isinstance(inputs, Mapping) or not any(is_extra(block) for block in inputs.values()):
        return raw
    return {**raw, "inputs": {name: block for name, block in inputs.items() if not is_extra(block)}}


def _circuit_of(document: Document) -> tuple[Circuit | None, list[Problem]]:
    """Return the circuit, or None and the problems that keep it from being loaded."""
    try:
        path = document.path_at("network", default=DEFAULT_NETWORK)
    except ConfigurationError:
        return None, []
    if path is None or not path.is_file():
        pointer = pointer_to("network")
        return None, [missing_path(path or document.file, "circuit configuration", document.file, pointer)]
    try:
        return load_circuit(path), []
    except NeurodamusLikeError:
        return None, validate_circuit(path)


def _complaints_of_loading(path: Path) -> list[Problem]:
    try:
        load_simulation(path)
    except NeurodamusLikeError as error:
        return [Problem.from_error(error)]
    return []
