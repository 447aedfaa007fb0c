"""Is the CoreNEURON model on disk the one we mean, and is it whole? CoreNEURON itself does not ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.core_data import (
    SHARED_NAMES,
    GroupList,
    group_files,
    group_version,
    read_group_gids,
    read_group_list,
)
from neurodamus_like.io.core_frames import columns_path
from neurodamus_like.io.core_manifest import MANIFEST_NAME, ModelManifest
from neurodamus_like.io.model_files import MODEL_PARTS
from neurodamus_like.validation.problems import Problem

BUILD_AGAIN = "build the model again (--build-model=1)"


def check_core_model(folder: Path, manifest: ModelManifest) -> list[Problem]:
    """Return what is wrong with the files of a model: missing, cut short, of another build, cells twice or lost.

    Parameters
    ----------
    folder
        The folder with the files.
    manifest
        What they should be.
    """
    missing = [folder / name for name in SHARED_NAMES if not (folder / name).is_file()]
    if missing:
        return [_problem(f"{path.name} of the model is missing", path) for path in missing]
    try:
        groups = read_group_list(folder)
        problems = [*_check_list(folder, groups, manifest), *_check_sizes(folder, groups, manifest)]
        return problems or _check_gids(folder, groups, manifest)
    except CircuitError as error:
        return [Problem.from_error(error)]


def compare_ingredients(
    manifest: ModelManifest, ingredients: Mapping[str, str], dt_ms: float, tstop_ms: float
) -> list[str]:
    """Return what differs between a model and what is to be simulated; nothing if the model can be used.

    Parameters
    ----------
    manifest
        The model.
    ingredients
        Hashes of the present configuration.
    dt_ms, tstop_ms
        Of the present configuration.
    """
    names = sorted({*ingredients, *manifest.ingredients})
    differing = [name for name in names if ingredients.get(name) != manifest.ingredients.get(name)]
    differing = [name if name in MODEL_PARTS else "/" + name for name in differing]
    if abs(dt_ms - manifest.dt_ms) > 1e-12 and "/run" not in differing:
        differing.append("/run/dt")
    if tstop_ms > manifest.tstop_ms + 0.5 * dt_ms:
        differing.append(f"/run/tstop (the model was prepared up to {manifest.tstop_ms:g} ms)")
    return differing


def _check_list(folder: Path, groups: GroupList, manifest: ModelManifest) -> list[Problem]:
    path = folder / "files.dat"
    if groups.groups != manifest.groups:
        return [_problem(f"files.dat does not list the groups that {MANIFEST_NAME} names", path)]
    if groups.has_gaps != manifest.has_gaps:
        said = "announces" if groups.has_gaps else "does not announce"
        return [_problem(f"files.dat {said} gap junctions, unlike {MANIFEST_NAME}", path)]
    return []


def _check_sizes(folder: Path, groups: GroupList, manifest: ModelManifest) -> list[Problem]:
    problems: list[Problem] = []
    recorded = [columns_path(folder, number) for number in manifest.recorders]
    problems += _check_size(recorded, manifest)
    for group in groups.groups:
        problems += _check_size(group_files(folder, group, has_gaps=groups.has_gaps), manifest)
        if not problems and group_version(folder, group) != groups.version:
            what = f"group {group} is in format {group_version(folder, group)}, not {groups.version}"
            problems.append(_problem(what, folder / f"{group}_1.dat"))
    return problems


def _check_size(paths: Sequence[Path], manifest: ModelManifest) -> Iterator[Problem]:
    for path in paths:
        if not path.is_file():
            yield _problem(f"{path.name} of the model is missing", path)
        elif path.stat().st_size != manifest.file_sizes.get(path.name):
            expected = manifest.file_sizes.get(path.name, 0)
            what = f"{path.name} has {path.stat().st_size} bytes, it was written with {expected}"
            yield _problem(what, path)


def _check_gids(folder: Path, groups: GroupList, manifest: ModelManifest) -> list[Problem]:
    gids = [read_group_gids(folder, group) for group in groups.groups]
    problems = [
        _problem(f"group {group} has no cell of that number", folder / f"{group}_1.dat")
        for group, found in zip(groups.groups, gids, strict=True)
        if group not in found
    ]
    everything = np.sort(np.concatenate([np.empty(0, np.int64), *gids]))
    twice = np.unique(everything[1:][everything[1:] == everything[:-1]])
    if twice.size:
        problems.append(_problem(f"{twice.size} cells are in two groups, such as gid {twice[0]}", folder))
    starts = sorted((p.offset, name) for name, p in manifest.populations.items())
    cells_only = everything[everything < manifest.first_placeholder]
    owner = np.searchsorted([offset for offset, _ in starts], cells_only, side="right") - 1
    for number, (_, name) in enumerate(starts):
        cells, found = manifest.populations[name].cells, int(np.count_nonzero(owner == number))
        if found != cells:
            problems.append(_problem(f"the groups hold {found} cells of {name!r}, not {cells}", folder))
    return problems


def _problem(message: str, path: Path) -> Problem:
    return Problem("error", message, file=path, hint=BUILD_AGAIN)
