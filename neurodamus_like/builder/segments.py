"""Segments of a morphology with the section numbers that the simulator will use.

Sections are numbered as NEURON's import does: soma, axon, basal, apical. With ``model_processing`` of the
perisomatic kind the axon is replaced by two straight pieces of 30 µm, which come last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ConfigurationError, MorphologyError, did_you_mean
from neurodamus_like.io.morphology import MorphologyArrays, read_morphology

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SECTION_TYPES = {
    "soma": 1,
    "somatic": 1,
    "axon": 2,
    "axonal": 2,
    "dend": 3,
    "basal": 3,
    "apic": 4,
    "apical": 4,
}
_STUB_LENGTH = 30.0


@dataclass(frozen=True)
class Segments:
    """Segments of all sections, in the order of the sections.

    Attributes
    ----------
    section_id, section_type
        int64[n].
    x
        float64[n]: place of the centre along its section, 0 to 1.
    distance
        float64[n]: path length from the beginning of the soma to the centre, µm.
    length
        float64[n]: µm.
    centers
        float64[n, 3]: µm, relative to the middle of the soma.
    """

    section_id: IntArray
    section_type: IntArray
    x: FloatArray
    distance: FloatArray
    length: FloatArray
    centers: FloatArray

    def overlap(self, types: IntArray, distance_range: tuple[float, float]) -> FloatArray:
        """Return how much of each segment lies in the sections and distances, float64[n], µm."""
        low, high = distance_range
        begin = np.maximum(self.distance - 0.5 * self.length, low)
        end = np.minimum(self.distance + 0.5 * self.length, high)
        return np.where(np.isin(self.section_type, types), np.maximum(end - begin, 0.0), 0.0)


def section_types(names: Iterable[str]) -> IntArray:
    """Return the type numbers of section names such as "basal" and "dend".

    Raises
    ------
    ConfigurationError
        A name is not known.
    """
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in SECTION_TYPES:
            raise ConfigurationError(
                f"sections {name!r} are not known",
                expected="some of " + ", ".join(SECTION_TYPES),
                hint=did_you_mean(str(name), SECTION_TYPES) or None,
            )
    return np.unique([SECTION_TYPES[name] for name in names])


def find_morphology(name: str, folder: Path | None) -> Path:
    """Return the file of a morphology: as named, or with one of the usual endings.

    Raises
    ------
    MorphologyError
        There is none.
    """
    base = Path(name) if folder is None else folder / name
    for path in (base, *(base.with_name(base.name + end) for end in (".swc", ".asc", ".h5"))):
        if path.is_file():
            return path
    raise MorphologyError(
        "morphology not found", file=base, hint="set morphology_dir to the folder that has it"
    )


@lru_cache(maxsize=256)
def load_segments(path: Path, axon_stub: bool, max_length: float | None) -> Segments:
    """Read a morphology and cut it into segments.

    Parameters
    ----------
    path
        Morphology file.
    axon_stub
        Replace the axon by two pieces of 30 µm at the end.
    max_length
        Sections are cut into 1 + 2 int(L / (2 max_length)) segments; None leaves one for each section.
    """
    morphology = read_morphology(path, nrn_order=True)
    builder = _SectionList(morphology)
    builder.add_soma()
    kept = np.flatnonzero(morphology.section_types != 2) if axon_stub else np.arange(morphology.n_sections)
    for section in kept.tolist():
        builder.add(section)
    if axon_stub:
        builder.add_stub()
    return builder.segments(max_length)


class _SectionList:
    def __init__(self, morphology: MorphologyArrays) -> None:
        self.morphology = morphology
        soma = morphology.soma_points.astype(float)
        self.center = soma.mean(axis=0) if len(soma) else np.zeros(3)
        self.soma_length = _soma_length(morphology)
        self.types: list[int] = []
        self.starts: list[float] = []
        self.points: list[FloatArray] = []
        self._ends: dict[int, float] = {}

    def add_soma(self) -> None:
        half = np.array([0.0, 0.5 * self.soma_length, 0.0])
        self._append(1, 0.0, np.array([self.center - half, self.center + half]))

    def add(self, section: int) -> None:
        parent = int(self.morphology.parents[section])
        start = self._ends.get(parent, 0.5 * self.soma_length)
        points = self.morphology.section_points(section).astype(float)
        self._append(int(self.morphology.section_types[section]), start, points)
        self._ends[section] = start + float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())

    def add_stub(self) -> None:
        for piece in range(2):
            begin = self.center + np.array([0.0, -_STUB_LENGTH * piece, 0.0])
            end = begin - np.array([0.0, _STUB_LENGTH, 0.0])
            self._append(2, 0.5 * self.soma_length + piece * _STUB_LENGTH, np.array([begin, end]))

    def _append(self, kind: int, start: float, points: FloatArray) -> None:
        self.types.append(kind)
        self.starts.append(start)
        self.points.append(points)

    def segments(self, max_length: float | None) -> Segments:
        parts = [self._cut(i, max_length) for i in range(len(self.types))]
        columns = [np.concatenate([p[k] for p in parts]) for k in range(6)]
        columns[5] = columns[5] - self.center
        return Segments(columns[0].astype(np.int64), columns[1].astype(np.int64), *columns[2:])

    def _cut(self, number: int, max_length: float | None) -> tuple[FloatArray, ...]:
        points = self.points[number]
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        length = float(along[-1])
        count = 1 if max_length is None else 1 + 2 * int(length / (2 * max_length))
        x = (np.arange(count) + 0.5) / count
        centers = np.column_stack([np.interp(x * length, along, points[:, axis]) for axis in range(3)])
        full = np.ones(count)
        start = self.starts[number]
        return number * full, self.types[number] * full, x, start + x * length, length / count * full, centers


def _soma_length(morphology: MorphologyArrays) -> float:
    """Return the length of the soma section: along its points, or the diameter of a single point."""
    points, diameters = morphology.soma_points.astype(float), morphology.soma_diameters
    if len(points) == 0:
        return 0.0
    if len(points) == 1 or morphology.soma_kind == "neuromorpho_three_point_cylinders":
        return float(diameters[0])
    if morphology.soma_kind == "simple_contour":
        spread = points - points.mean(axis=0)
        axis = np.linalg.svd(spread, full_matrices=False)[2][0]
        return float(np.ptp(spread @ axis))
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
