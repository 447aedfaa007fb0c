"""Comparison of a configuration with its JSON Schema, in words a person understands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.exceptions import did_you_mean
from neurodamus_like.validation.problems import Problem, unique_problems

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_SCHEMA_FOLDER = Path(__file__).resolve().parents[1] / "config" / "schema"
_MISSPELT_DISTANCE = 2
_RULE_TEXTS = {
    "exclusiveMinimum": "{name} must be greater than {limit}, found {value}",
    "minimum": "{name} must be at least {limit}, found {value}",
    "maximum": "{name} must be at most {limit}, found {value}",
    "const": "{name} must be {limit!r}, found {value!r}",
    "pattern": "{name} has the wrong form: {value!r}",
    "minItems": "{name} must not be empty",
}


@cache
def load_schema(name: str) -> Mapping[str, Any]:
    """Return the JSON Schema `name` ("obi_simulation", "obi_circuit")."""
    document: Mapping[str, Any] = json.loads((_SCHEMA_FOLDER / f"{name}.json").read_text("utf-8"))
    return document


def check_schema(document: Mapping[str, Any], schema: str, file: Path) -> list[Problem]:
    """Return what in `document` does not follow the JSON Schema `schema`.

    Parameters
    ----------
    document
        The configuration, as read.
    schema
        Name for :func:`load_schema`.
    file
        Named in the problems.
    """
    from jsonschema import Draft202012Validator  # slow to load, and only one rank checks

    found = Draft202012Validator(load_schema(schema)).iter_errors(document)
    ordered = sorted(found, key=lambda error: [str(token) for token in error.absolute_path])
    return unique_problems(problem for error in ordered for problem in _problems_of(error, file))


def edit_distance(left: str, right: str) -> int:
    """Return how many insertions, deletions, replacements or swaps of neighbours turn `left` into `right`.

    Damerau's distance in its restricted form (optimal string alignment).
    """
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]


def nearest_key(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that `key` is a misspelling of, or None: at most 2 edits, case apart."""
    limit = min(_MISSPELT_DISTANCE, max(1, len(key) // 2))
    distances = {name: edit_distance(key.lower(), name.lower()) for name in known}
    near = min(distances, key=lambda name: distances[name], default=None)
    return near if near is not None and distances[near] <= limit else None


def _problems_of(error: ValidationError, file: Path) -> Iterator[Problem]:
    path = list(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        yield from _unknown_keys(error, path, file)
    elif error.validator == "required":
        yield from _missing_keys(error, path, file)
    elif error.validator == "propertyNames" or "propertyNames" in error.absolute_schema_path:
        yield Problem(
            "error",
            f"invalid variable name {error.instance!r}",
            file,
            pointer_to(*path),
            "a variable is '$' followed by letters, digits or underscores",
        )
    else:
        message, hint = _describe(error, path)
        yield Problem("error", message, file, pointer_to(*path), hint)


def _unknown_keys(error: ValidationError, path: list[str | int], file: Path) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    block = _block_name(path)
    for key in error.instance:
        if key in known:
            continue
        near = nearest_key(key, known)
        if near is None:
            hint = "remove it, or check its spelling: " + ", ".join(sorted(known))
            yield Problem(
                "warning", f"unknown key {key!r} in {block} is ignored", file, pointer_to(*path, key), hint
            )
        else:
            yield Problem(
                "error",
                f"unknown key {key!r} in {block}",
                file,
                pointer_to(*path, key),
                f"did you mean {near!r}?",
            )


def _missing_keys(error: ValidationError, path: list[str | int], file: Path) -> Iterator[Problem]:
    for key in error.validator_value:
        if key in error.instance:
            continue
        schema = error.schema.get("properties", {}).get(key, {})
        meaning = schema.get("description", "") if isinstance(schema, Mapping) else ""
        yield Problem(
            "error",
            f"the key {key!r} is missing in {_block_name(path)}",
            file,
            pointer_to(*path) or "/",
            f"{key}: {meaning}" if meaning else None,
        )


def _describe(error: ValidationError, path: list[str | int]) -> tuple[str, str | None]:
    name = repr(str(path[-1])) if path else "the file"
    value, rule, limit = error.instance, error.validator, error.validator_value
    meaning = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if rule == "enum":
        options = [str(v) for v in limit]
        near = did_you_mean(str(value), options)
        return f"unknown value {value!r} of {name}", "; ".join(
            part for part in ("expected " + _either(options), near) if part
        )
    if error.schema is False:
        return f"the key {name} is not allowed in {_block_name(path[:-1])} with these other values", None
    if rule == "type":
        return f"{name} must be {_type_words(limit)}, found {_shorten(value)}", meaning
    template = _RULE_TEXTS.get(str(rule))
    return template.format(name=name, limit=limit, value=value) if template else error.message, meaning


def _type_words(types: str | list[str]) -> str:
    words = {
        "object": "an object {...}", "array": "a list [...]", "string": "a string", "number": "a number",
        "boolean": "true or false", "null": "null", "integer": "a whole number",
    }  # fmt: skip
    return _either([words[t] for t in ([types] if isinstance(types, str) else types)])


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _shorten(value: Any, width: int = 60) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= width else text[: width - 3] + "..."


def _block_name(path: list[str | int]) -> str:
    return repr("/".join(str(token) for token in path)) if path else "the top level"
