"""Variables of the Allen dialect: ``$NAME`` or ``${NAME}``, from the manifest, the caller, and built in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.exceptions import ConfigurationError, did_you_mean

VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_MAX_EXPANSIONS = 10


def builtin_variables(file: Path) -> dict[str, Any]:
    """Return the variables that every configuration has: folder and name of the file, working folder, date and time."""
    now = datetime.now()
    return {
        "configdir": str(file.parent),
        "configfname": file.name,
        "workingdir": str(Path.cwd()),
        "time": now.strftime("%H-%M-%S"),
        "date": now.strftime("%Y-%m-%d"),
        "datetime": now.strftime("%Y-%m-%d_%H-%M-%S"),
    }


def manifest_variables(manifest: Any, file: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all variables by name (without ``$``), expanded; those `given` by the caller beat the manifest.

    Parameters
    ----------
    manifest
        The block as read, or None.
    file
        The configuration.
    given
        Variables of the caller.

    Raises
    ------
    ConfigurationError
        A value names a variable that there is not, or variables refer to each other in a circle.
    """
    if manifest is not None and not isinstance(manifest, Mapping):
        raise ConfigurationError("'manifest' is not an object", file=file, pointer=pointer_to("manifest"))
    written = {str(key).lstrip("$").strip("{}"): value for key, value in (manifest or {}).items()}
    variables = {**builtin_variables(file), **written, **given}
    for _ in range(_MAX_EXPANSIONS):
        expanded = {name: substitute(value, variables) for name, value in variables.items()}
        if expanded == variables:
            break
        variables = expanded
    for name, value in variables.items():
        for unknown in unresolved(value):
            circular = unknown in variables
            raise ConfigurationError(
                f"the variable {name!r} of 'manifest' needs {unknown!r}, which "
                + ("refers back to it" if circular else "is not defined"),
                file=file,
                pointer=pointer_to("manifest", name if name in (manifest or {}) else f"${name}"),
                hint=None
                if circular
                else did_you_mean(unknown, variables) or f"add \"${unknown}\" to 'manifest'",
            )
    return variables


def substitute(value: Any, variables: Mapping[str, Any]) -> Any:
    """Return `value` with all known variables replaced, in nested objects and lists too.

    A text that is nothing but one variable takes its value as it is (a number stays a number).
    """
    if isinstance(value, Mapping):
        return {key: substitute(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = VARIABLE.fullmatch(value)
    if whole and whole[1] in variables:
        return variables[whole[1]]
    return VARIABLE.sub(lambda m: str(variables[m[1]]) if m[1] in variables else m[0], value)


def unresolved(value: Any) -> list[str]:
    """Return the names of the variables that are left in a text (or in nested objects and lists)."""
    if isinstance(value, Mapping):
        return [name for item in value.values() for name in unresolved(item)]
    if isinstance(value, list):
        return [name for item in value for name in unresolved(item)]
    return [m[1] for m in VARIABLE.finditer(value)] if isinstance(value, str) else []
