"""Tables of node and edge types of the Allen dialect: values separated by single blanks, a row for each type."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import CircuitError

_MISSING = (
    """#N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None NONE n/a nan null"""
)
MISSING = frozenset(("", "#N/A N/A", *_MISSING.split()))
"""Texts that mean: no value."""


@dataclass(frozen=True)
class TypeTable:
    """Types and their properties.

    Attributes
    ----------
    file
        Where they come from.
    ids
        Number of each type.
    columns
        Property -> value of each type: a number, True or False, a text, or None.
    """

    file: Path
    ids: tuple[int, ...]
    columns: Mapping[str, tuple[Any, ...]]

    def row_of(self, number: int) -> int:
        """Return the row of a type."""
        return self.ids.index(number)

    def values(self, name: str) -> tuple[Any, ...]:
        """Return a property of all types; None for all when the table lacks it."""
        return self.columns.get(name, (None,) * len(self.ids))


def read_type_table(file: Path, id_name: str) -> TypeTable:
    """Read a table of types.

    Parameters
    ----------
    file
        The table.
    id_name
        Column with the numbers of the types: ``node_type_id`` or ``edge_type_id``.

    Raises
    ------
    CircuitError
        It cannot be read, lacks the column, or a row does not fit the head of the table.
    """
    try:
        with Path(file).open(newline="", encoding="utf-8-sig") as text:
            rows = [row for row in csv.reader(text, delimiter=" ", skipinitialspace=True) if any(row)]
    except (OSError, UnicodeDecodeError) as error:
        raise CircuitError(f"cannot read the table of types: {error}", file=file) from error
    head = rows[0] if rows else []
    if id_name not in head:
        raise CircuitError(
            f"the table of types has no column {id_name!r}",
            file=file,
            expected="columns separated by single blanks, texts with blanks in double quotes",
        )
    names = [name for name in head if name]
    for number, row in enumerate(rows[1:], 2):
        if len([*row]) < len(names) or any(row[len(names) :]):
            raise CircuitError(
                f"line {number} of the table of types has {len(row)} values",
                file=file,
                expected=f"{len(names)}, as in its head",
                hint="texts with blanks need double quotes",
            )
    columns = {name: _typed([row[i] for row in rows[1:]]) for i, name in enumerate(names)}
    try:
        ids = tuple(int(value) for value in columns.pop(id_name))
    except (TypeError, ValueError) as error:
        raise CircuitError(f"{id_name} is not a whole number in every line", file=file) from error
    if len(set(ids)) < len(ids):
        twice = sorted({number for number in ids if ids.count(number) > 1})
        raise CircuitError(
            f"the table has more than one row of a type: {id_name} {twice}", file=file, ids=twice
        )
    return TypeTable(Path(file), ids, columns)


def _typed(texts: Sequence[str]) -> tuple[Any, ...]:
    """Return numbers if all texts that mean something are numbers, booleans if all are, else the texts."""
    known = [text for text in texts if text not in MISSING]
    for kind in (_boolean, int, float):
        try:
            converted = {text: kind(text) for text in known}
        except ValueError:
            continue
        return tuple(converted.get(text) for text in texts)
    return tuple(None if text in MISSING else text for text in texts)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"
