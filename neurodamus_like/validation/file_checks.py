"""Files and folders that a simulation configuration names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.exceptions import ConfigurationError, did_you_mean_file
from neurodamus_like.validation.problems import Problem


def check_files(document: Document) -> list[Problem]:
    """Return the problems of the files named in a simulation configuration, except those of the circuit."""
    problems: list[Problem] = []
    for text, what, tokens in _named_files(document.raw):
        try:
            path = document.resolve(text, *tokens)
        except ConfigurationError as error:
            problems.append(Problem.from_error(error))
            continue
        if not path.is_file():
            problems.append(missing_path(path, what, document.file, pointer_to(*tokens)))
    return problems + _check_output(document)


def missing_path(path: Path, what: str, file: Path, pointer: str) -> Problem:
    """Return the problem that `path` (a `what`), named in `file` at `pointer`, is not there."""
    return Problem("error", f"the {what} {path} does not exist", file, pointer, nearest_path(path))


def missing_folder(what: str, folder: Path) -> Problem:
    """Return the one problem that stands for all files (`what`) of a folder that is not there."""
    return Problem("error", f"the folder of {what} does not exist: {folder}", hint=nearest_path(folder))


def nearest_path(path: Path) -> str:
    """Return a hint: the first folder of `path` that is missing, or names like the missing one."""
    parent = path.parent
    while not parent.is_dir() and parent != parent.parent:
        path, parent = parent, parent.parent
    return did_you_mean_file(path) or f"{parent} holds nothing named {path.name!r}"


def _named_files(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for key, what in (
        ("node_sets_file", "node sets file"),
        ("compartment_sets_file", "compartment sets file"),
    ):
        if isinstance(raw.get(key), str) and raw[key]:
            yield raw[key], what, (key,)
    for family, key, what in (
        ("inputs", "spike_file", "spike file"),
        ("inputs", "path", "report file"),
        ("reports", "electrodes_file", "electrodes file"),
    ):
        for name, block in blocks_of(raw, family):
            if isinstance(block.get(key), str):
                yield block[key], what, (family, name, key)


def blocks_of(raw: Mapping[str, Any], family: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the (name, block) pairs of "inputs" or "reports"; what is not an object is left out."""
    found = raw.get(family)
    if not isinstance(found, Mapping):
        return []
    return [(name, block) for name, block in found.items() if isinstance(block, Mapping)]


def list_of(raw: Mapping[str, Any], key: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the (index, block) pairs of a list of objects; what is not an object is left out."""
    found = raw.get(key)
    if not isinstance(found, list):
        return []
    return [(i, block) for i, block in enumerate(found) if isinstance(block, Mapping)]


def _check_output(document: Document) -> list[Problem]:
    block = document.raw.get("output")
    text = block.get("output_dir", "output") if isinstance(block, Mapping) else "output"
    if not isinstance(text, str):
        return []
    try:
        folder = document.resolve(text, "output", "output_dir")
    except ConfigurationError as error:
        return [Problem.from_error(error)]
    pointer = pointer_to("output", "output_dir")
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        return [Problem("error", f"the output folder {folder}: {existing} is a file", document.file, pointer)]
    if not os.access(existing, os.W_OK):
        return [
            Problem(
                "warning",
                f"the output folder {folder} cannot be written",
                document.file,
                pointer,
                "give another one with --output-path",
            )
        ]
    return []
