"""Everything that is wrong with a configuration of the Allen dialect, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neurodamus_like.config.allen import read_allen
from neurodamus_like.config.allen_circuit import read_circuit
from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.models import Notice
from neurodamus_like.exceptions import NeurodamusLikeError, ProblemsError
from neurodamus_like.validation.problems import Problem, unique_problems
from neurodamus_like.validation.typed_checks import check_typed_circuit


def validate_allen(path: str | Path) -> list[Problem]:
    """Return everything that is wrong with a BMTK configuration and the files it names; nothing is raised."""
    reading = read_allen(path)
    problems = [problem for error in reading.errors for problem in _problems_of(error)]
    if reading.document is not None:
        problems += [_problem_of_notice(notice) for notice in reading.document.notices]
    if reading.simulation is not None:
        problems += check_typed_circuit(reading.simulation.circuit)
    return unique_problems(problems)


def validate_allen_circuit(path: str | Path) -> list[Problem]:
    """Return everything that is wrong with a circuit configuration of BMTK; nothing is raised."""
    try:
        document = AllenDocument(path)
        circuit = read_circuit(document)
    except NeurodamusLikeError as error:
        return list(_problems_of(error))
    problems = [problem for error in document.errors for problem in _problems_of(error)]
    problems += [_problem_of_notice(notice) for notice in document.notices]
    return unique_problems([*problems, *check_typed_circuit(circuit)])


def _problems_of(error: NeurodamusLikeError) -> Iterator[Problem]:
    if not isinstance(error, ProblemsError):
        yield Problem.from_error(error)
        return
    for part in error.problems:
        if isinstance(part, Problem):
            yield part
        elif isinstance(part, NeurodamusLikeError):
            yield from _problems_of(part)


def _problem_of_notice(notice: Notice) -> Problem:
    return Problem("warning", notice.message, notice.file, notice.pointer, notice.hint)
