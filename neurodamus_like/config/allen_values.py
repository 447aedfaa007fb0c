"""Single values of a configuration of the Allen dialect: switches and names of files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from neurodamus_like.config.allen_document import AllenDocument

SIMULATORS = ("NEURON", "CORENEURON")


def read_switch(
    document: AllenDocument, block: Mapping[str, Any], key: str, default: bool, *where: str | int
) -> bool:
    """Return true or false of a block that stands at the place `where`.

    Raises
    ------
    ConfigurationError
        It is something else: ``"no"`` and 0 would count as true and false, or the other way round.
    """
    value = block.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise document.error(
            f"{key!r} is not true or false: {value!r}", *where, key, expected="true or false"
        )
    return value


def read_file_name(document: AllenDocument, key: str, folder: Path, default: str = "") -> str:
    """Return the path of a file of ``output``, counted from the folder of the results.

    As in BMTK an absolute path stays where it is, and one that begins with ``output_dir`` is not put into it twice.

    Parameters
    ----------
    document
        The configuration.
    key
        In ``output``.
    folder
        The folder of the results.
    default
        The path when there is none.

    Raises
    ------
    ConfigurationError
        It is no text, or the path of a folder.
    """
    block = document.block("output")
    value = block.get(key)
    if value is None or value is False:
        return default
    if not isinstance(value, str):
        raise document.error(f"{key!r} is not the name of a file: {value!r}", "output", key)
    if not (value or default):
        return ""
    path = PurePath(os.path.normpath(value or default))
    for start in (PurePath(os.path.normpath(block.get("output_dir") or ".")), folder):
        if path.is_relative_to(start):
            path = path.relative_to(start)
    if value.endswith("/") or not path.name or (folder / path).is_dir():
        expected = "the name of a file, counted from output_dir"
        raise document.error(f"{key!r} is a folder: {value!r}", "output", key, expected=expected)
    return str(path)


def read_simulator(document: AllenDocument) -> str:
    """Return the simulator of ``target_simulator``, NEURON by default.

    Raises
    ------
    ConfigurationError
        There is no such simulator.
    """
    value = document.sections.get("target_simulator") or SIMULATORS[0]
    if str(value).upper() not in SIMULATORS:
        raise document.error(
            f"unknown target_simulator {value!r}",
            "target_simulator",
            expected="one of " + ", ".join(SIMULATORS),
        )
    return str(value).upper()
