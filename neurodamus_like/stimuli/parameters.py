"""Typed parameters of stimulus modules: declared as frozen dataclasses, checked before anything is built."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from neurodamus_like.config.models import Input
from neurodamus_like.exceptions import NeurodamusLikeError, ProblemsError, StimulusError, did_you_mean

P = TypeVar("P", bound="Parameters")


def number(
    unit: str,
    default: Any = dataclasses.MISSING,
    *,
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    nonzero: bool = False,
) -> Any:
    """Declare a number of a :class:`Parameters` class.

    Parameters
    ----------
    unit
        For messages.
    default
        Value when the key is absent; without one the key is mandatory. None makes it optional.
    minimum, above, below
        Smallest value allowed, included or excluded, and the end of the range, excluded.
    nonzero
        0 is not allowed.
    """

    def read(raw: Any) -> float:
        value = _finite(raw, unit)
        if minimum is not None and value < minimum:
            raise ValueError(f"{minimum} {unit} or more")
        if above is not None and value <= above:
            raise ValueError(f"more than {above} {unit}")
        if below is not None and value >= below:
            raise ValueError(f"less than {below} {unit}")
        if nonzero and value == 0:
            raise ValueError(f"a number in {unit} that is not 0")
        return value

    return declare(f"a number in {unit}", read, default)


def numbers(unit: str, *, minimum: float | None = None) -> Any:
    """Declare an optional list of numbers of a :class:`Parameters` class."""

    def read(raw: Any) -> tuple[float, ...]:
        if isinstance(raw, str) or not isinstance(raw, Sequence):
            raise ValueError(f"a list of numbers in {unit}")
        values = tuple(_finite(value, unit) for value in raw)
        if minimum is not None and any(value < minimum for value in values):
            raise ValueError(f"{minimum} {unit} or more")
        return values

    return declare(f"a list of numbers in {unit}", read, None)


def integer(default: Any = dataclasses.MISSING) -> Any:
    """Declare a whole number of a :class:`Parameters` class; a fraction is cut off, as in the reference."""
    return declare("a whole number", lambda raw: int(_finite(raw, "no unit")), default)


def flag(default: Any = dataclasses.MISSING) -> Any:
    """Declare a value that is true or false."""

    def read(raw: Any) -> bool:
        if not isinstance(raw, bool):
            raise ValueError("true or false")
        return raw

    return declare("true or false", read, default)


def read_path(raw: Any) -> Path:
    """Return the path that a value means (for :func:`declare`)."""
    if not isinstance(raw, (str, Path)):
        raise ValueError("the path of a file")
    return Path(raw)


def declare(what: str, read: Callable[[Any], Any], default: Any = dataclasses.MISSING) -> Any:
    """Declare a field of a :class:`Parameters` class.

    Parameters
    ----------
    what
        What is expected, for messages.
    read
        Returns the value that the configuration's means; raises ValueError with what was expected.
    default
        Value when the key is absent; without one the key is mandatory.
    """
    return dataclasses.field(default=default, metadata={"what": what, "read": read})


def _finite(raw: Any, unit: str) -> float:
    if isinstance(raw, (bool, str)) or not isinstance(raw, (int, float)) or not math.isfinite(raw):
        raise ValueError(f"a number in {unit}")
    return float(raw)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameters:
    """Parameters of a stimulus module: fields declared with :func:`number` and the like."""

    input_types: ClassVar[tuple[str, ...]] = ("current_clamp",)

    @classmethod
    def parse(cls: type[P], info: Input) -> P:
        """Return the parameters of an input block.

        Raises
        ------
        StimulusError, ProblemsError
            Something is missing, of the wrong type or out of range: one error, or all of them in one.
        """
        parameters, problems = cls._read(info)
        if parameters is None:
            raise problems[0] if len(problems) == 1 else ProblemsError(problems)
        return parameters

    @classmethod
    def problems_of(cls, info: Input) -> list[NeurodamusLikeError]:
        """Return everything that is wrong with an input block and its files; an empty list when it is fine."""
        parameters, problems = cls._read(info)
        return problems if parameters is None else list(parameters._file_problems(info))

    @classmethod
    def unknown_keys_of(cls, info: Input) -> list[StimulusError]:
        """Return, for each key of an input block that has no effect, that this is so."""
        known = [f.name for f in dataclasses.fields(cls)]
        found = []
        for key in info.parameters:
            if key not in known:
                error = _error(info, f"there is no {key!r}: it has no effect", key=key)
                error.hint = did_you_mean(key, [*known, "node_set", "enabled", "input_type"]) or None
                found.append(error)
        return found

    def check_files(self, info: Input) -> None:
        """Read the files that the parameters name (for subclasses), to find what is wrong with them.

        Raises
        ------
        NeurodamusLikeError, ValueError
            Something is.
        """

    def _file_problems(self, info: Input) -> Iterator[NeurodamusLikeError]:
        try:
            self.check_files(info)
        except NeurodamusLikeError as error:
            error.message = f"input {info.name!r} (module {info.module!r}): {error.message}"
            if error.file is None:
                error.pointer = info.pointer or f"/inputs/{info.name}"
            yield error
        except ValueError as error:
            yield _error(info, str(error))

    def conflicts(self, info: Input) -> list[str]:
        """Return what is wrong with the combination of values (for subclasses)."""
        return []

    def inactive(self, info: Input) -> bool:
        """Say whether the block does nothing at all (for subclasses)."""
        return False

    @classmethod
    def _read(cls: type[P], info: Input) -> tuple[P | None, list[NeurodamusLikeError]]:
        problems: list[NeurodamusLikeError] = list(cls._check_block(info))
        values: dict[str, Any] = {}
        known = {f.name: f for f in dataclasses.fields(cls)}
        unknown = [k for k in info.parameters if k not in known]
        for name, declared in known.items():
            raw = info.parameters.get(name)
            if raw is None:
                if declared.default is dataclasses.MISSING:
                    problems.append(_missing(info, name, declared.metadata["what"], unknown))
                continue
            try:
                values[name] = declared.metadata["read"](raw)
            except ValueError as error:
                problems.append(_error(info, f"{name} is {raw!r}", str(error), key=name))
        if problems:
            return None, problems
        parameters = cls(**values)
        conflicts: list[NeurodamusLikeError] = [_error(info, text) for text in parameters.conflicts(info)]
        return (None, conflicts) if conflicts else (parameters, [])

    @classmethod
    def _check_block(cls, info: Input) -> list[StimulusError]:
        problems = []
        if info.input_type not in cls.input_types:
            expected = " or ".join(repr(t) for t in cls.input_types)
            problems.append(_error(info, f"input_type is {info.input_type!r}", expected, key="input_type"))
        if not info.duration_ms >= 0:
            problems.append(_error(info, f"duration is {info.duration_ms}", "0 ms or more", key="duration"))
        if (info.node_set is None) == (info.compartment_set is None):
            problems.append(_error(info, "no or two targets", "either node_set or compartment_set"))
        return problems


def _error(info: Input, message: str, expected: str | None = None, *, key: str = "") -> StimulusError:
    pointer = info.pointer or f"/inputs/{info.name}"
    return StimulusError(
        f"input {info.name!r} (module {info.module!r}): {message}",
        pointer=f"{pointer}/{key}" if key else pointer,
        expected=expected,
    )


def _missing(info: Input, name: str, what: str, unknown: Sequence[str]) -> StimulusError:
    error = _error(info, f"{name} is missing", what)
    similar = difflib.get_close_matches(name, unknown, n=1)
    if similar:
        error.hint = f"rename {similar[0]!r} to {name!r}"
    return error
