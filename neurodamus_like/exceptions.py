"""The one tree of errors: what happened, where, what was expected, what to do.

Every error carries its data as attributes, so that a program can act on them, and renders them as one
readable message for a person. Nothing in the package raises a bare :class:`Exception`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


def did_you_mean(name: str, known: Iterable[str], n: int = 3) -> str:
    """Return a sentence proposing the known names nearest to `name`, or an empty string.

    Parameters
    ----------
    name
        What the user wrote.
    known
        The names that would have been valid.
    n
        How many proposals at most.
    """
    candidates = [str(k) for k in known]
    folded = {c.lower(): c for c in candidates}
    close = difflib.get_close_matches(name.lower(), list(folded), n=n, cutoff=0.6)
    if not close:
        return ""
    return "did you mean " + " or ".join(repr(folded[c]) for c in close) + "?"


def did_you_mean_file(path: Path) -> str:
    """Return a sentence proposing the files or folders beside `path` nearest to its name, or an empty string.

    Hidden files are never proposed, and for a data file (``.json``, ``.h5``) only files of its kind.
    """
    if path.exists() or not path.parent.is_dir():
        return ""
    names = [other.name for other in path.parent.iterdir() if not other.name.startswith(".")]
    if path.suffix in (".json", ".h5"):
        names = [name for name in names if name.endswith(path.suffix)]
    return did_you_mean(path.name, names)


class NeurodamusLikeError(Exception):
    """Root of all errors of the package.

    Parameters
    ----------
    message
        What happened, in one sentence.
    file
        The file at fault, if any.
    pointer
        Where in the file: a JSON pointer (``/run/tstop``) or an HDF5 path.
    population
        Node or edge population concerned.
    ids
        Node, edge or section ids concerned.
    expected
        What would have been right.
    hint
        What to do about it.

    Attributes
    ----------
    collective
        True if all ranks raise this error together, so that each may end in good order; set in
        ``parallel.errors``.
    rank
        The rank it happened on, where that matters.
    traceback_text
        Where it was raised, if that was on another rank.
    """

    collective: bool = False
    rank: int | None = None
    traceback_text: str = ""

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        pointer: str | None = None,
        population: str | None = None,
        ids: Sequence[int] | None = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = None if file is None else Path(file)
        self.pointer = pointer
        self.population = population
        self.ids = None if ids is None else list(ids)
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message]
        where = [str(self.file)] if self.file else []
        if self.pointer:
            where.append(self.pointer)
        if self.population:
            where.append(f"population {self.population!r}")
        if self.ids:
            shown = ", ".join(str(i) for i in self.ids[:8]) + (", ..." if len(self.ids) > 8 else "")
            where.append(f"ids {shown}")
        if where:
            lines.append("  where: " + ", ".join(where))
        if self.expected:
            lines.append("  expected: " + self.expected)
        if self.hint:
            lines.append("  hint: " + self.hint)
        return "\n".join(lines)


class ConfigurationError(NeurodamusLikeError):
    """The simulation or circuit configuration is wrong."""


class CircuitError(NeurodamusLikeError):
    """The data of the circuit (HDF5, CSV) are wrong or incomplete."""


class TargetError(NeurodamusLikeError):
    """A node set or compartment set cannot be resolved."""


class SectionIdError(CircuitError):
    """A section id points outside the sections of a cell."""


class MorphologyError(NeurodamusLikeError):
    """A morphology is missing or cannot be read."""


class TemplateError(NeurodamusLikeError):
    """A cell template is missing or does not follow the calling convention."""


class MechanismError(NeurodamusLikeError):
    """A membrane mechanism or point process is missing, or could not be compiled."""


class StimulusError(ConfigurationError):
    """An input block is wrong."""


class ReportError(ConfigurationError):
    """A report block is wrong."""


class SimulationError(NeurodamusLikeError):
    """The simulator failed while building or running the model."""


class CheckpointError(SimulationError):
    """A checkpoint cannot be written, or does not fit."""


class ParallelError(NeurodamusLikeError):
    """The parallel environment is not usable as launched."""


class MissingDependencyError(NeurodamusLikeError):
    """An optional library is needed and not installed."""


class UnknownNameError(ConfigurationError):
    """A name was looked up that nobody registered."""


class ProblemsError(ConfigurationError):
    """Several problems found in one pass.

    Parameters
    ----------
    problems
        Ready-made texts, one per problem.
    """

    def __init__(self, problems: Sequence[object], *, file: str | Path | None = None) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head = "1 problem found:" if count == 1 else f"{count} problems found:"
        super().__init__("\n".join([head, *(f"- {p}" for p in self.problems)]), file=file)


def raise_errors(errors: Sequence[NeurodamusLikeError]) -> None:
    """Raise the only error as it is, several as one :class:`ProblemsError`, and none not at all."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ProblemsError(errors)
