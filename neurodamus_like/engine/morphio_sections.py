"""Morphologies that MorphIO reads (HDF5 files and containers), in the form in which cells are made.

Sections are numbered in the order NEURON expects; trees start at the middle of the soma; coordinates have the eight
significant digits they would have in a HOC text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import morphio
import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine.morphology_record import MorphologyRecord, SectionRecord
from neurodamus_like.engine.nrn import h
from neurodamus_like.engine.soma_contour import circle_contour, contour_to_discs
from neurodamus_like.exceptions import MorphologyError

_ARRAYS = {1: ("soma", "somatic"), 2: ("axon", "axonal"), 3: ("dend", "basal"), 4: ("apic", "apical")}


def container_of(path: str) -> Path:
    """Return the file that holds a morphology: the path itself, or the container that is its parent."""
    file = Path(path)
    return file if file.is_file() or not file.parent.is_file() else file.parent


def read_morphology(path: str) -> MorphologyRecord:
    """Read ``folder/name.ext`` or ``container.h5/name.ext``.

    Raises
    ------
    MorphologyError
        MorphIO cannot read it, or it has no soma.
    """
    file = Path(path)
    try:
        collection = morphio.Collection(str(file.parent), extensions=[file.suffix])
        with collection:
            morphology = collection.load(file.stem, options=morphio.Option.nrn_order)
    except (morphio.MorphioError, RuntimeError, OSError) as error:
        raise MorphologyError(f"MorphIO cannot read the morphology: {error}", file=file) from error
    return to_record(morphology, file)


def to_record(morphology: Any, file: Path) -> MorphologyRecord:
    """Return the sections of a MorphIO morphology as a record."""
    sections = [SectionRecord(("soma", 0), points=_vectors(*_soma(morphology, file)))]
    counts = {1: 1}
    places = {}
    for section in morphology.sections:
        kind = int(section.type)
        places[section.id] = place = (_names(kind)[0], counts.get(kind, 0))
        counts[kind] = counts.get(kind, 0) + 1
        points = _vectors(np.asarray(section.points), np.asarray(section.diameters))
        if section.is_root:
            sections.append(SectionRecord(place, ("soma", 0), 0.5, points=points))
        else:
            sections.append(SectionRecord(place, places[section.parent.id], 1.0, points=points))
    setup = []
    for kind in sorted(counts):
        array, section_list = _names(kind)
        setup += [f"~create {array}[{counts[kind]}]", f'forsec "{array}" {section_list}.append']
    setup.append("forall all.append")
    by_array = {_names(kind)[0]: counts[kind] for kind in sorted(counts)}
    return MorphologyRecord(setup, by_array, sections, sum(len(s.points[0]) for s in sections if s.points))


def _names(kind: int) -> tuple[str, str]:
    if kind in _ARRAYS:
        return _ARRAYS[kind]
    return (f"dend_{kind}", f"dendritic_{kind}") if kind > 0 else (f"minus_{-kind}", f"minus_{-kind}set")


def _soma(morphology: Any, file: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return points and diameters of the soma."""
    points = np.asarray(morphology.soma.points, dtype=np.float64)
    diameters = np.asarray(morphology.soma.diameters, dtype=np.float64)
    if len(points) == 0:
        raise MorphologyError("the morphology has no soma", file=file)
    if len(points) == 1:
        return contour_to_discs(circle_contour(points[0], diameters[0] / 2))
    if morphology.soma_type == morphio.SomaType.SOMA_SIMPLE_CONTOUR:
        return contour_to_discs(points)
    return points, diameters


def _vectors(points: NDArray[Any], diameters: NDArray[Any]) -> tuple[Any, Any, Any, Any]:
    x, y, z, d = (
        h.Vector([float(f"{value:.8g}") for value in column]) for column in (*np.asarray(points).T, diameters)
    )
    return x, y, z, d
