"""Checks of one population of cells: columns, templates and morphologies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import NodePopulation
from neurodamus_like.exceptions import did_you_mean
from neurodamus_like.validation.file_checks import missing_folder
from neurodamus_like.validation.problems import Problem

_BIOPHYSICAL = ("morphology", "model_template", "x", "y", "z")
_MAX_LISTED = 5


def check_cells(
    population: NodePopulation,
    group: h5py.Group,
    ids: npt.NDArray[np.int64] | None,
    dynamics: set[str],
    template_dirs: Sequence[Path] = (),
) -> list[Problem]:
    """Return the problems of a population that is not virtual.

    Parameters
    ----------
    population
        The population.
    group
        Its HDF5 group ``/nodes/<population>``, open.
    ids
        int64[n], node ids whose template and morphology must exist; None: all.
    dynamics
        Attributes of ``dynamics_params`` that must be present.
    template_dirs
        Folders where templates are also looked for.
    """
    problems = list(_check_lengths(population, group))
    columns = group.get("0", {})
    needed = [name for name in _BIOPHYSICAL if population.kind == "biophysical"]
    needed += [f"dynamics_params/{name}" for name in sorted(dynamics)]
    for name in needed:
        if name not in columns:
            why = "needed by a stimulus relative to it" if "/" in name else "needed to build the cells"
            problems.append(_column_problem(population, name, why))
    if population.kind != "biophysical":
        return problems
    if "model_template" in columns:
        problems += _check_templates(population, _names(columns, "model_template", ids), template_dirs)
    if "morphology" in columns:
        problems += _check_morphologies(population, _names(columns, "morphology", ids))
    return problems


def _column_problem(population: NodePopulation, name: str, why: str) -> Problem:
    pointer = f"/nodes/{population.name}/0/{name}"
    return Problem(
        "error",
        f"the node population {population.name!r} lacks the attribute {name!r}, {why}",
        population.file,
        pointer,
    )


def _check_lengths(population: NodePopulation, group: h5py.Group) -> Iterator[Problem]:
    columns = group.get("0", {})
    tables = [(n, c) for n, c in columns.items() if isinstance(c, h5py.Dataset)]
    tables += [(f"dynamics_params/{n}", c) for n, c in columns.get("dynamics_params", {}).items()]
    if "1" in group:
        return  # several groups of nodes: each holds a part of them
    for name, column in tables:
        if not column.shape or column.shape[0] != population.size:
            length = column.shape[0] if column.shape else 0
            yield Problem(
                "error",
                f"the attribute {name!r} has {length} values for {population.size} nodes",
                population.file,
                f"/nodes/{population.name}/0/{name}",
                "the file is incomplete: write it again",
            )


def _names(columns: Any, name: str, ids: npt.NDArray[np.int64] | None) -> dict[str, int]:
    """Return the values of a text column with the number of cells that have each."""
    values = columns[name][()]
    if ids is not None:
        values = values[ids[ids < len(values)]]
    library = columns.get(f"@library/{name}")
    found, counts = np.unique(values, return_counts=True)
    if library is not None:
        texts = library[()]
        found = np.asarray([texts[i] for i in found], dtype=object)
    return {_text(value): int(count) for value, count in zip(found, counts, strict=True)}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_templates(
    population: NodePopulation, templates: dict[str, int], template_dirs: Sequence[Path]
) -> Iterator[Problem]:
    folder = population.components.biophysical_neuron_models_dir
    folders = [f for f in (folder, *template_dirs) if f is not None]
    present = {name for f in folders for name in _file_names(f)}
    pointer = f"/nodes/{population.name}/0/model_template"
    missing: list[str] = []
    for text, count in templates.items():
        language, _, name = text.rpartition(":")
        if language not in ("hoc", ""):
            yield Problem(
                "error", f"unknown kind of template {text!r}", population.file, pointer, "expected 'hoc:Name'"
            )
        elif f"{name}.hoc" not in present:
            missing.append(f"{name}.hoc ({_cells(count)})")
    if missing and folders and not any(f.is_dir() for f in folders):
        yield missing_folder("cell templates", folders[0])
    elif missing:
        looked = ", ".join(str(f) + ("" if f.is_dir() else " (no such folder)") for f in folders)
        yield Problem(
            "error",
            f"{_number(missing, 'cell template')} of the population {population.name!r} not found: "
            + ", ".join(missing),
            population.file,
            pointer,
            f"looked in {looked}"
            if folders
            else "give 'biophysical_neuron_models_dir' in the circuit configuration",
        )


def _check_morphologies(population: NodePopulation, names: dict[str, int]) -> Iterator[Problem]:
    source = population.components.morphology_source
    pointer = f"/nodes/{population.name}/0/morphology"
    if source is None:
        hint = "give 'morphologies_dir' or 'alternate_morphologies' in the circuit configuration"
        yield Problem(
            "error", f"no morphology folder for {population.name!r}", population.file, pointer, hint
        )
        return
    folder, extension = source
    if not names:
        return
    if not folder.exists():
        yield missing_folder("morphologies", folder)
        return
    if folder.is_file():
        present, ending = _container_names(folder), ""
    else:
        present, ending = _file_names(folder), f".{extension}"
    missing = [n for n in names if n + ending not in present and not _in_subfolder(folder, n + ending)]
    if missing:
        shown = [f"{n}{ending} ({_cells(names[n])})" for n in missing[:_MAX_LISTED]]
        more = f", and {len(missing) - _MAX_LISTED} more" if len(missing) > _MAX_LISTED else ""
        near = did_you_mean(missing[0] + ending, present)
        yield Problem(
            "error",
            f"{_number(missing, 'morphology', 'morphologies')} "
            f"of the population {population.name!r} not found: " + ", ".join(shown) + more,
            population.file,
            pointer,
            f"looked in {folder}" + (f"; {near}" if near else ""),
        )


def _in_subfolder(folder: Path, name: str) -> bool:
    return os.sep in name and (folder / name).is_file()


def _file_names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


def _container_names(path: Path) -> set[str]:
    try:
        with h5py.File(path, "r") as file:
            return set(file)
    except OSError:
        return set()


def _cells(count: int) -> str:
    return f"{count} cell" + ("" if count == 1 else "s")


def _number(items: Sequence[str], one: str, many: str | None = None) -> str:
    return f"1 {one}" if len(items) == 1 else f"{len(items)} {many or one + 's'}"
