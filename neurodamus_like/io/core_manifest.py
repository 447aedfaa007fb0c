"""What a CoreNEURON model on disk was made of, so that it is never simulated as another one.

CoreNEURON reads whatever files it finds: those of another circuit, of an interrupted build, of a mixture of two. The
manifest beside them says what they should be; :mod:`neurodamus_like.validation.core_model_checks` compares.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import IntArray
from neurodamus_like.io.model_files import hash_model_files

MANIFEST_NAME = "model.json"
FORMAT = 1


@dataclass(frozen=True)
class ModelPopulation:
    """Cells of one population in the model.

    Attributes
    ----------
    offset
        What was added to node ids to get gids.
    cells, synapses
        How many there are, on all ranks.
    """

    offset: int
    cells: int
    synapses: int = 0


@dataclass(frozen=True)
class ModelManifest:
    """A model on disk.

    Attributes
    ----------
    ingredients
        Part of the configuration (``run``, ``inputs``, ``circuit``, ...) -> hash of it and of the files it names; and
        what cells are made of (``morphologies``, ...) -> hash of the contents of the files.
    mechanisms
        The compiled library it was built with.
    tstop_ms, dt_ms
        Up to which time stimuli were prepared; time step.
    ranks, cycles
        How it was built.
    groups
        Its groups, in the order of ``files.dat``.
    file_sizes
        Name -> bytes of all files of groups.
    populations
        Populations with cells.
    first_placeholder
        Gids from here on are no cells: they stand in for cells on ranks that have none.
    recorders
        Numbers of the recorders of reports.
    has_gaps
        Some cells are joined by gap junctions.
    membrane_currents
        Total membrane currents are recorded, and have to be computed.
    """

    ingredients: Mapping[str, str]
    mechanisms: str
    tstop_ms: float
    dt_ms: float
    ranks: int
    cycles: int
    groups: tuple[int, ...]
    file_sizes: Mapping[str, int]
    populations: Mapping[str, ModelPopulation] = field(default_factory=dict)
    first_placeholder: int = 2**31 - 1
    recorders: tuple[int, ...] = ()
    has_gaps: bool = False
    membrane_currents: bool = False
    format: int = FORMAT


def write_manifest(folder: Path, manifest: ModelManifest) -> None:
    """Write the manifest into the folder of the model; it appears whole or not at all."""
    part = folder / f".{MANIFEST_NAME}.part"
    part.write_text(json.dumps(dataclasses.asdict(manifest), indent=1), encoding="utf-8")
    part.replace(folder / MANIFEST_NAME)


def read_manifest(folder: Path) -> ModelManifest | None:
    """Read the manifest of a model; None if there is none, which means that no build was completed here.

    Raises
    ------
    CircuitError
        It cannot be understood.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        values["groups"] = tuple(values["groups"])
        values["recorders"] = tuple(values["recorders"])
        values["populations"] = {n: ModelPopulation(**p) for n, p in values["populations"].items()}
        manifest = ModelManifest(**values)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CircuitError(
            "the description of the model cannot be read",
            file=path,
            hint="it was written by another version, or damaged: build the model again",
        ) from None
    return manifest


def hash_ingredients(simulation: Simulation, cells: Mapping[str, IntArray]) -> dict[str, str]:
    """Return a hash of each part of a configuration that shapes the model, with the files it names.

    Where results go does not count, nor does the end of the run: a model may be simulated for a shorter time.

    Parameters
    ----------
    simulation
        The configuration.
    cells
        Population -> ids of the simulated nodes, int64[n]: the templates, morphologies and parameters that these use
        count by contents.

    Raises
    ------
    CircuitError
        The nodes cannot be read.
    """
    run = dataclasses.replace(simulation.run, tstop_ms=0.0)
    parts = {
        field_.name: getattr(simulation, field_.name)
        for field_ in dataclasses.fields(simulation)
        if field_.name not in ("path", "output", "metadata", "simulator")
    }
    hashes = {name: _hash(part) for name, part in {**parts, "run": run}.items()}
    return {**hashes, **hash_model_files(simulation.circuit, cells)}


def _hash(part: Any) -> str:
    digest = hashlib.sha256()
    for text in _texts(part):
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()[:16]


def _texts(part: Any) -> Iterator[str]:
    """Yield everything inside a part as text; for files, their size and time as well."""
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        part = {field_.name: getattr(part, field_.name) for field_ in dataclasses.fields(part)}
    if isinstance(part, Mapping):
        for key, value in part.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(part, (tuple, list)):
        for value in part:
            yield from _texts(value)
    else:
        yield repr(part)
        if isinstance(part, (str, Path)):
            yield _state_of(str(part))


def _state_of(path: str) -> str:
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"
