"""A problem found in the input, and what is done with a list of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neurodamus_like.exceptions import NeurodamusLikeError, ProblemsError

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """Something wrong in the input.

    Parameters
    ----------
    level
        "error": a run cannot go on; "warning": it can, but perhaps not as intended.
    message
        What is wrong, in one sentence.
    file
        The file at fault.
    pointer
        Where in the file: a JSON pointer (``/run/tstop``) or an HDF5 path.
    hint
        What to do about it.
    """

    level: Level
    message: str
    file: Path | None = None
    pointer: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = ", ".join(str(part) for part in (self.file, self.pointer) if part)
        text = self.message + (f" ({where})" if where else "")
        return text + (f"\n    hint: {self.hint}" if self.hint else "")

    @classmethod
    def from_error(cls, error: NeurodamusLikeError, level: Level = "error") -> Problem:
        """Return the problem that a typed error reports."""
        advice = [f"expected {error.expected}" if error.expected else "", error.hint or ""]
        return cls(level, error.message, error.file, error.pointer, "; ".join(a for a in advice if a) or None)

    def as_dict(self) -> dict[str, str | None]:
        """Return the problem as strings, for JSON."""
        return {
            "level": self.level,
            "message": self.message,
            "file": None if self.file is None else str(self.file),
            "pointer": self.pointer,
            "hint": self.hint,
        }


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems of level "error"."""
    return [p for p in problems if p.level == "error"]


def warnings_of(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems of level "warning"."""
    return [p for p in problems if p.level == "warning"]


def format_problems(problems: Sequence[Problem]) -> str:
    """Return a text for people: errors first, then warnings, then a line with both numbers."""
    errors, warnings = errors_of(problems), warnings_of(problems)
    lines = [f"{p.level}: {p}" for p in (*errors, *warnings)]
    return "\n".join([*lines, f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"])


def raise_if_errors(problems: Sequence[Problem], file: str | Path | None = None) -> None:
    """Raise one :class:`ProblemsError` with all problems of level "error", if there are any."""
    errors = errors_of(problems)
    if errors:
        raise ProblemsError(errors, file=file)


def unique_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems in their order, each once."""
    return list(dict.fromkeys(problems))


def with_news(problems: Sequence[Problem], others: Iterable[Problem]) -> list[Problem]:
    """Return the problems, and those of `others` that are at another place."""
    places = {problem.pointer for problem in problems}
    return [*problems, *(other for other in others if other.pointer not in places)]


def _count(items: Sequence[Problem], noun: str) -> str:
    return f"{len(items)} {noun}" + ("" if len(items) == 1 else "s")
