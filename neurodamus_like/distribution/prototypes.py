"""How many sections and compartments a cell has: computed from its morphology and template, once for all copies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.cache import default_cache_dir
from neurodamus_like.io.hoc_membrane import SECTION_LISTS, TemplateMembrane, read_template_membrane
from neurodamus_like.io.morphology import MorphologyArrays, read_morphology
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

_VERSION = "1"
"""Part of every key: raise it when counting changes, so that what older versions kept is not used."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Geometry = Mapping[str, tuple[int, int]]
"""Section list -> (sections, segments)."""


@dataclass(frozen=True)
class Prototype:
    """A morphology and a template that make one kind of cell.

    Attributes
    ----------
    morphology
        File, folder or container.
    name
        Name of the morphology in a container; None for a file.
    template
        HOC file.
    """

    morphology: Path
    name: str | None
    template: Path

    def key(self) -> str:
        """Return a hash of what the cell is made from."""
        container = "" if self.name is None else self.name
        text = (_VERSION, _content_hash(self.morphology), container, _content_hash(self.template))
        return hashlib.sha256("\0".join(text).encode()).hexdigest()[:32]


def count_compartments(
    morphology: MorphologyArrays, membrane: TemplateMembrane
) -> dict[str, tuple[int, int]]:
    """Return sections and segments per section list of a cell.

    Sections are divided as ``nseg = 1 + 2 int(L / chunk)`` says, or as the template fixes it; an axon that the template
    replaces counts as its stub.
    """
    lengths, types = morphology.section_lengths(), morphology.section_types
    by_list = {name: lengths[types == number] for number, name in enumerate(SECTION_LISTS[1:4], start=2)}
    by_list["somatic"] = np.array([_soma_length(morphology)])
    counts = {
        name: (int(found.size), int(section_segments(found, name, membrane).sum()))
        for name, found in by_list.items()
        if found.size
    }
    if membrane.stub is not None:
        counts.pop("axonal", None)
        counts.update(membrane.stub)
    return counts


def load_geometries(
    prototypes: Iterable[Prototype], comm: Communicator, cache_dir: Path | None = None
) -> dict[Prototype, Geometry]:
    """Return the geometry of each prototype: from the cache, or computed, each by one of the ranks.

    Collective: all ranks name the same prototypes. What is new is added to the cache by rank 0.

    Raises
    ------
    MorphologyError, TemplateError
        A file is missing or unreadable.
    """
    ordered = sorted(set(prototypes), key=lambda p: (str(p.morphology), str(p.name), str(p.template)))
    store = PrototypeStore(cache_dir)
    known = store.read()
    with collectively(comm):
        mine = {p: p.key() for p in ordered[comm.rank :: comm.size]}
        fresh = {p: _compute(p) for p, key in mine.items() if key not in known}
    found = {p: fresh.get(p) or known[key] for p, key in mine.items()}
    parts = comm.allgather((found, {mine[p]: geometry for p, geometry in fresh.items()}))
    if comm.rank == 0:
        store.add({key: geometry for _, new in parts for key, geometry in new.items()})
    return {prototype: geometry for part, _ in parts for prototype, geometry in part.items()}


class PrototypeStore:
    """Geometries kept between runs: one JSON object per line, so that adding never rewrites.

    Parameters
    ----------
    cache_dir
        Folder of caches; the default one if None.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        self.file = (default_cache_dir() if cache_dir is None else Path(cache_dir)) / "prototypes.jsonl"

    def read(self) -> dict[str, Geometry]:
        """Return key -> geometry; lines that cannot be read are passed over."""
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        found: dict[str, Geometry] = {}
        for line in lines:
            try:
                found.update(
                    {k: {n: (c[0], c[1]) for n, c in g.items()} for k, g in json.loads(line).items()}
                )
            except (ValueError, AttributeError, LookupError, TypeError):
                continue
        return found

    def add(self, new: Mapping[str, Geometry]) -> None:
        """Add geometries; a folder that cannot be written to is no error."""
        if not new:
            return
        lines = "".join(json.dumps({key: geometry}) + "\n" for key, geometry in new.items())
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError:
            return


def _compute(prototype: Prototype) -> Geometry:
    morphology = read_morphology(prototype.morphology, prototype.name)
    return count_compartments(morphology, read_template_membrane(prototype.template))


def section_segments(lengths: FloatArray, section_list: str, membrane: TemplateMembrane) -> IntArray:
    """Return the number of segments of each section of a list, by its length in um."""
    fixed = membrane.fixed_nseg.get(section_list, membrane.fixed_nseg.get("all"))
    if fixed is not None or membrane.chunk_um is None:
        return np.full(lengths.size, 1 if fixed is None else fixed, dtype=np.int64)
    return 1 + 2 * (lengths / membrane.chunk_um).astype(np.int64)


def _soma_length(morphology: MorphologyArrays) -> float:
    points = morphology.soma_points.astype(np.float64)
    if len(points) < 2:
        return float(morphology.soma_diameters.max(initial=0.0))
    # NEURON lays the stack of discs along the longest axis of the contour
    centred = points - points.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    return float(np.ptp(centred @ axis))


@cache
def _content_hash(path: Path) -> str:
    if not path.is_file():
        return str(path)
    if path.suffix == ".h5" and path.stat().st_size > 2**24:
        # a container of many morphologies: too large to be read for its hash
        return f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unique_rows(columns: Sequence[Sequence[object]]) -> tuple[list[tuple[object, ...]], np.ndarray]:
    """Return the distinct rows of some columns, in the order they appear, and the number of each row's own."""
    numbers: dict[tuple[object, ...], int] = {}
    rows = [numbers.setdefault(row, len(numbers)) for row in zip(*columns, strict=True)]
    return list(numbers), np.array(rows, dtype=np.int64)
