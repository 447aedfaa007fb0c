"""Checkpoints on disk: a folder with one file that says what is there, and a file of tables per rank that wrote it.

The folder holds ``checkpoint.json`` and the folder it names. A new checkpoint is written beside the old one, and
becomes the checkpoint when ``checkpoint.json`` is replaced: whatever happens before, the old one is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CheckpointError
from neurodamus_like.io.patient_file import PatientFile
from neurodamus_like.io.ragged import Ragged, joined

FORMAT = 1
INDEX = "checkpoint.json"

_RUN_AGAIN = "restore from another checkpoint, or run the simulation from its beginning"


@dataclass(frozen=True)
class StateFile:
    """One file of tables: name, bytes, and the BLAKE2b hash of its contents."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True)
class ReportPosition:
    """How far a report was written.

    Attributes
    ----------
    path
        The file of the finished report.
    rows
        Frames in it.
    next_ms
        When the next frame is due; None: no more.
    identity
        Hash of what is recorded.
    """

    path: str
    rows: int
    next_ms: float | None
    identity: str


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint is a checkpoint of.

    Attributes
    ----------
    time_ms
        Time of the simulation.
    ranks
        Ranks that wrote it.
    versions
        Of this package and of NEURON.
    identity
        Part of the model -> hash.
    mechanisms
        Mechanism -> number it had in NEURON.
    n_cells
        Cells of all ranks.
    configuration
        The simulation configuration, for people to find it.
    reports
        Name -> how far it was written.
    folder, files
        Where the tables are, set by :func:`publish`.
    """

    time_ms: float
    ranks: int
    versions: Mapping[str, str]
    identity: Mapping[str, str]
    mechanisms: Mapping[str, int]
    n_cells: int
    configuration: str
    reports: Mapping[str, ReportPosition] = field(default_factory=dict)
    folder: str = ""
    files: tuple[StateFile, ...] = ()
    format: int = FORMAT


def write_tables(path: Path, gids: npt.NDArray[np.int64], tables: Mapping[str, Ragged]) -> StateFile:
    """Write tables of the cells of one rank.

    Parameters
    ----------
    path
        The file; its folder exists.
    gids
        The cells, ascending.
    tables
        Name -> table of these cells.

    Raises
    ------
    OSError
        The disk is full, or the like.
    """
    with PatientFile(path, "w+") as file:
        with h5py.File(file, "w") as h5:
            h5.create_dataset("gids", data=gids, track_times=False)
            for name, table in tables.items():
                group = h5.create_group(f"tables/{name}")
                group.create_dataset("counts", data=table.counts, track_times=False)
                group.create_dataset("values", data=table.values, track_times=False)
        if file.failure is not None:
            raise file.failure
    _sync(path)
    return StateFile(path.name, path.stat().st_size, _digest(path))


def publish(directory: Path, manifest: Manifest) -> None:
    """Make the tables of `manifest` the checkpoint of a folder, and remove the one before.

    Parameters
    ----------
    directory
        The folder of the checkpoint.
    manifest
        With `folder` and `files` set.
    """
    before = [p for p in directory.iterdir() if p.is_dir() and p.name != manifest.folder]
    _sync(directory / manifest.folder)
    temporary = directory / f".{INDEX}.part"
    temporary.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    _sync(temporary)
    temporary.replace(directory / INDEX)
    _sync(directory)
    for old in before:
        if _is_ours(old):
            shutil.rmtree(old, ignore_errors=True)


def new_folder(directory: Path, time_ms: float) -> Path:
    """Make the folder for the tables of a new checkpoint."""
    directory.mkdir(parents=True, exist_ok=True)
    number = 1
    while (folder := directory / f"state-{time_ms:.3f}ms-{number}").exists():
        number += 1
    folder.mkdir()
    return folder


def discard(folder: Path) -> None:
    """Remove the tables of a checkpoint that did not become whole."""
    shutil.rmtree(folder, ignore_errors=True)


def read_manifest(directory: Path) -> Manifest:
    """Read what a checkpoint is, and see that its files are there and have their size.

    Raises
    ------
    CheckpointError
        There is no whole checkpoint, or it has another format.
    """
    path = Path(directory) / INDEX
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            "there is no checkpoint", file=path, hint="name the folder that was given to --save"
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"the checkpoint cannot be read: {error}", file=path, hint=_RUN_AGAIN
        ) from error
    manifest = _manifest(content, path)
    for file in manifest.files:
        _check_size(path.parent / manifest.folder / file.name, file)
    return manifest


def read_tables(
    directory: Path, manifest: Manifest, gids: npt.NDArray[np.int64], names: Sequence[str] | None = None
) -> dict[str, Ragged]:
    """Read the tables of some cells, whatever ranks wrote them; only files with such cells are looked at.

    Parameters
    ----------
    directory, manifest
        The checkpoint.
    gids
        The cells, ascending.
    names
        Tables to read; all by default.

    Returns
    -------
    dict
        Name -> table of these cells, in the order of `gids`.

    Raises
    ------
    CheckpointError
        A file is damaged, or has no state of some of the cells.
    """
    found_gids: list[npt.NDArray[np.int64]] = []
    parts: list[dict[str, Ragged]] = []
    for file in manifest.files:
        path = Path(directory) / manifest.folder / file.name
        with _opened(path) as h5:
            rows = np.flatnonzero(np.isin(h5["gids"][()], gids))
            if rows.size or (not gids.size and not parts):
                _check_digest(path, file)
                found_gids.append(h5["gids"][()][rows])
                parts.append({name: _table(h5, name).take(rows) for name in _names(h5, names)})
    there = np.concatenate([np.empty(0, dtype=np.int64), *found_gids])
    order = np.argsort(there)
    if not np.array_equal(there[order], gids):
        missing = np.setdiff1d(gids, there)
        raise CheckpointError(
            f"the checkpoint has no state of {missing.size} cells",
            file=Path(directory) / INDEX,
            ids=missing.tolist(),
            hint="restore the node set that was simulated",
        )
    every = dict.fromkeys(name for part in parts for name in part)
    return {name: _join(parts, found_gids, name).take(order) for name in every}


def _join(parts: Sequence[dict[str, Ragged]], gids: Sequence[npt.NDArray[np.int64]], name: str) -> Ragged:
    like = next(part[name].values for part in parts if name in part)
    nothing = [Ragged(np.zeros(ids.size, dtype=np.int64), like[:0]) for ids in gids]
    return joined([part.get(name, empty) for part, empty in zip(parts, nothing, strict=True)])


def _names(h5: Any, names: Sequence[str] | None) -> list[str]:
    found: list[str] = []
    h5["tables"].visititems(
        lambda name, item: found.append(name) if isinstance(item, h5py.Group) and "counts" in item else None
    )
    return found if names is None else [name for name in names if name in found]


def _table(h5: Any, name: str) -> Ragged:
    group = h5["tables"][name]
    return Ragged(group["counts"][()], group["values"][()])


def _opened(path: Path) -> Any:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise CheckpointError("a file of the checkpoint is damaged", file=path, hint=_RUN_AGAIN) from error


def _check_size(path: Path, file: StateFile) -> None:
    size = path.stat().st_size if path.is_file() else None
    if size != file.size:
        what = "is missing" if size is None else f"has {size} bytes"
        raise CheckpointError(
            f"the checkpoint is incomplete: a file {what}",
            file=path,
            expected=f"{file.size} bytes",
            hint=_RUN_AGAIN,
        )


def _check_digest(path: Path, file: StateFile) -> None:
    if _digest(path) != file.digest:
        raise CheckpointError(
            "a file of the checkpoint has been changed or damaged", file=path, hint=_RUN_AGAIN
        )


def _manifest(content: Any, path: Path) -> Manifest:
    try:
        if content["format"] != FORMAT:
            raise CheckpointError(
                f"the checkpoint has format {content['format']}",
                file=path,
                expected=f"format {FORMAT}",
                hint="restore with the version that wrote it: " + str(content.get("versions", "")),
            )
        reports = {name: ReportPosition(**position) for name, position in content.pop("reports").items()}
        files = tuple(StateFile(**file) for file in content.pop("files"))
        return Manifest(**content, reports=reports, files=files)
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"the checkpoint cannot be read: {error!r}", file=path, hint=_RUN_AGAIN
        ) from error


def _is_ours(folder: Path) -> bool:
    return folder.name.startswith("state-") and "ms-" in folder.name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.blake2b(digest_size=20)
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
