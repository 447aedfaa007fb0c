"""Reading the tables of types that the builder writes."""

from __future__ import annotations

import ast
import csv
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import CircuitError


def read_type_table(path: Path, key: str) -> dict[int, dict[str, Any]]:
    """Return the types of a table by id; NULL cells are left out, numbers are numbers, lists are lists.

    Raises
    ------
    CircuitError
        The file is missing, or has no column `key`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter=" "))
    except FileNotFoundError:
        raise CircuitError("file not found", file=path, hint="check the path of the table of types") from None
    if rows and key not in rows[0]:
        raise CircuitError(
            f"the table of types has no column {key!r}", file=path, expected="columns separated by blanks"
        )
    types = {}
    for row in rows:
        values = {name: _value(text) for name, text in row.items() if name and text not in ("NULL", None, "")}
        types[int(values[key])] = values
    return types


def _value(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, int | float | list | tuple | bool) else text
