"""Tables with a header: columns of numbers or texts, separated by blanks, commas or what the caller says."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, did_you_mean

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """A table as it was written.

    Attributes
    ----------
    file
        Where it comes from.
    names
        Header.
    rows
        One list of texts per row, as long as the header.
    """

    file: Path
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, name: str) -> list[str]:
        """Return a column as it was written.

        Raises
        ------
        CircuitError
            There is no such column.
        """
        if name not in self.names:
            raise CircuitError(
                f"the table has no column {name!r}",
                file=self.file,
                expected="a header with " + name + "; it has " + ", ".join(self.names),
                hint=did_you_mean(name, self.names) or None,
            )
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def numbers(self, name: str) -> FloatArray:
        """Return a column of finite numbers, float64[rows].

        Raises
        ------
        CircuitError
            There is no such column, or a value is no number.
        """
        found = np.empty(len(self))
        for row, text in enumerate(self.texts(name)):
            try:
                found[row] = float(text)
            except ValueError:
                found[row] = np.nan
            if not np.isfinite(found[row]):
                raise CircuitError(
                    f"row {row + 1} of the column {name!r} is no number: {text!r}", file=self.file
                )
        return found


def read_table(file: Path, separator: str = " ") -> Table:
    """Read a table; several blanks count as one.

    Parameters
    ----------
    file
        Text, UTF-8.
    separator
        Between values: one character.

    Raises
    ------
    CircuitError
        It cannot be read, is empty, or a row is longer or shorter than the header.
    """
    try:
        with Path(file).open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text, delimiter=separator, skipinitialspace=True)
            rows = [_trimmed(row) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CircuitError(f"cannot read the table: {error}", file=file) from error
    if len(rows) < 2:
        raise CircuitError("the table is empty", file=file, expected="a header and at least one row")
    _check_lengths(file, rows, separator)
    return Table(Path(file), rows[0], tuple(rows[1:]))


def check_ascending(table: Table, name: str) -> FloatArray:
    """Return a column of times, which must ascend.

    Raises
    ------
    CircuitError
        They do not.
    """
    times = table.numbers(name)
    wrong = np.flatnonzero(np.diff(times) <= 0)
    if wrong.size:
        k = int(wrong[0])
        raise CircuitError(
            f"the times do not ascend: {times[k + 1]:g} comes after {times[k]:g} (row {k + 2} of {name!r})",
            file=table.file,
            expected="every time later than the one before",
        )
    return times


def _trimmed(row: Sequence[str]) -> tuple[str, ...]:
    values = [value.strip() for value in row]
    while values and not values[-1]:
        values.pop()
    return tuple(values)


def _check_lengths(file: Path, rows: Sequence[tuple[str, ...]], separator: str) -> None:
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(rows[0]):
            raise CircuitError(
                f"row {number} of the table has {len(row)} values, its header {len(rows[0])}",
                file=file,
                expected=f"columns separated by {separator!r}",
            )
