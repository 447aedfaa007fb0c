"""Reading of JSON configuration files: strict parsing, ``manifest`` variables and relative paths.

The rules are those of the SONATA specification: a variable is ``$`` followed by letters, digits or
underscores, its value may name other variables, and a relative path counts from the folder of its file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import ConfigurationError, did_you_mean, did_you_mean_file

_VARIABLE_NAME = re.compile(r"\$[A-Za-z0-9_]+")
_MAX_EXPANSIONS = 10
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_json(path: str | Path) -> dict[str, Any]:
    """Return the object of a JSON file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    ConfigurationError
        The file is missing or unreadable, is not JSON (with line and column), contains the same key twice
        in one object, or its top level is not an object.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration file: {error.strerror or error}",
            file=path,
            hint=did_you_mean_file(path) or "check the path and the access rights",
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            "the configuration file is not a text file in UTF-8",
            file=path,
            expected="a JSON file",
            hint=_hint_for_binary(path),
        ) from None
    return parse_json(text, path)


def parse_json(text: str, path: str | Path) -> dict[str, Any]:
    """Return the object written in `text`; `path` is named in errors. Raises as :func:`read_json`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, value in pairs:
            if key in table:
                raise ConfigurationError(
                    f"the key {key!r} occurs twice in the same object",
                    file=path,
                    expected="every key once",
                    hint=_duplicate_lines(text, key),
                )
            table[key] = value
        return table

    try:
        document = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}",
            file=path,
            hint="look for a missing or superfluous comma, quote or bracket at this place or just before it",
        ) from None
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"the top level of the file is a {type(document).__name__}",
            file=path,
            expected="a JSON object {...}",
        )
    return document


def resolve_manifest(manifest: Mapping[str, Any] | None, file: str | Path | None = None) -> dict[str, str]:
    """Return the variables of a ``manifest`` block with all variables inside their values expanded.

    Parameters
    ----------
    manifest
        The block as read, keys with their ``$``; None counts as empty.
    file
        Named in errors.

    Raises
    ------
    ConfigurationError
        A key is not ``$NAME``, a value is not a string, or variables refer to each other in a circle.
    """
    if manifest is None:
        return {}
    if not isinstance(manifest, Mapping):
        raise ConfigurationError("'manifest' is not an object", file=file, pointer="/manifest")
    for key, value in manifest.items():
        if not _VARIABLE_NAME.fullmatch(key):
            raise ConfigurationError(
                f"invalid variable name {key!r}",
                file=file,
                pointer=f"/manifest/{escape_pointer(key)}",
                expected="'$' followed by letters, digits or underscores only",
            )
        if not isinstance(value, str):
            raise ConfigurationError(
                f"the value of {key} is not a string", file=file, pointer=f"/manifest/{escape_pointer(key)}"
            )
    variables = dict(manifest)
    for _ in range(_MAX_EXPANSIONS):
        expanded = {key: expand_variables(value, variables) for key, value in variables.items()}
        if expanded == variables:
            break
        variables = expanded
    else:
        circular = [key for key, value in variables.items() if expand_variables(value, variables) != value]
        raise ConfigurationError(
            "the variables of 'manifest' refer to each other in a circle: " + ", ".join(circular),
            file=file,
            pointer="/manifest",
            expected=f"values that are free of variables after at most {_MAX_EXPANSIONS} expansions",
        )
    selfish = [key for key, value in variables.items() if _known_prefix(value, variables)]
    if selfish:
        raise ConfigurationError(
            "a variable of 'manifest' refers to itself: " + ", ".join(selfish), file=file, pointer="/manifest"
        )
    return variables


def expand_variables(text: str, variables: Mapping[str, str]) -> str:
    """Return `text` with every known variable replaced once; the longest matching name wins."""

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        name = _longest_prefix(token, variables)
        return token if name is None else variables[name] + token[len(name) :]

    return _VARIABLE_NAME.sub(replace, text)


def resolve_path(text: str, variables: Mapping[str, str], base: Path, **context: Any) -> Path:
    """Return the absolute, normalised path that `text` stands for.

    Parameters
    ----------
    text
        A path as written in a configuration file.
    variables
        Result of :func:`resolve_manifest`.
    base
        Folder of the configuration file: what relative paths count from.
    context
        `file` and `pointer` for the error.

    Raises
    ------
    ConfigurationError
        `text` is not a string, or names a variable that the manifest does not define.
    """
    if not isinstance(text, str):
        raise ConfigurationError(f"a path must be a string, found {text!r}", **context)
    expanded = expand_variables(text, variables)
    left = _VARIABLE_NAME.search(expanded)
    if left and (left.start() == 0 or expanded[left.start() - 1] == os.sep):
        raise ConfigurationError(
            f"the path {text!r} uses the unknown variable {left.group()!r}",
            expected="a variable of 'manifest'" + (": " + ", ".join(variables) if variables else ""),
            hint=did_you_mean(left.group(), variables) or f"add {left.group()!r} to 'manifest'",
            **context,
        )
    return Path(os.path.normpath(os.path.join(os.path.abspath(base), expanded)))


def escape_pointer(token: str) -> str:
    """Return `token` as a part of a JSON pointer (RFC 6901)."""
    return str(token).replace("~", "~0").replace("/", "~1")


def pointer_to(*tokens: str | int) -> str:
    """Return the JSON pointer made of `tokens`: ``pointer_to("run", "dt")`` is ``/run/dt``."""
    return "".join("/" + escape_pointer(str(token)) for token in tokens)


def _longest_prefix(token: str, variables: Mapping[str, str]) -> str | None:
    found = [name for name in variables if token.startswith(name)]
    return max(found, key=len) if found else None


def _known_prefix(text: str, variables: Mapping[str, str]) -> bool:
    return any(_longest_prefix(m.group(), variables) for m in _VARIABLE_NAME.finditer(text))


def _duplicate_lines(text: str, key: str) -> str:
    quoted = json.dumps(key)
    lines = [str(n) for n, line in enumerate(text.splitlines(), 1) if quoted in line]
    return f"{quoted} stands on the lines " + ", ".join(lines) if lines else "remove one of them"


def _hint_for_binary(path: Path) -> str | None:
    with path.open("rb") as file:
        if file.read(len(_HDF5_SIGNATURE)) != _HDF5_SIGNATURE:
            return None
    return (
        "this is an HDF5 file; give the configuration that names it, or look inside with "
        f"`neurodamus-like info {path.name}`"
    )
