"""Which rows of an SWC file make up which section, and places that are given by the id of a row."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import MorphologyError
from neurodamus_like.io.morphology import read_morphology

_SOMA, _AXON = 1, 2


@lru_cache(maxsize=256)
def read_section_swc_ids(path: Path, axon_stub: bool) -> list[list[int]]:
    """Return the SWC ids of each section in NEURON's order, found by their coordinates.

    Parameters
    ----------
    path
        The SWC file.
    axon_stub
        The axon is replaced by two pieces, which come last and have no ids.
    """
    table = np.loadtxt(path, comments="#", ndmin=2)
    by_point: dict[tuple[float, ...], int] = {}
    for row in table:
        by_point.setdefault(tuple(row[2:5].astype(np.float32).tolist()), int(row[0]))
    morphology = read_morphology(path, nrn_order=True)
    sections = [[int(row[0]) for row in table if row[1] == _SOMA]]
    for section in range(morphology.n_sections):
        if axon_stub and morphology.section_types[section] == _AXON:
            continue
        # the first point of a section repeats the last one of its parent, unless that is the soma
        points = morphology.section_points(section)[int(morphology.parents[section] >= 0) :]
        ids = [by_point.get(tuple(p.tolist()), -1) for p in points]
        sections.append([i for i in ids if i >= 0])
    return [*sections, [], []] if axon_stub else sections


def find_swc_places(
    path: Path, n_sections: int, swc_ids: npt.NDArray[np.float64], beyond: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return section and position along it of places given by rows of an SWC file.

    The inverse of the builder's ``get_swc_id``: a place lies `beyond` rows before the row `swc_ids`; rows divide their
    section into equal parts, and in a section of one row `beyond` is the position itself.

    Parameters
    ----------
    path
        The SWC file.
    n_sections
        Sections of the finished cell; tells whether its axon was replaced.
    swc_ids, beyond
        Shape (n,).

    Raises
    ------
    MorphologyError
        An id is in no section of the cell.
    """
    sections = _ids_of_sections(path, n_sections)
    found = {i: (number, ids.index(i), len(ids)) for number, ids in enumerate(sections) for i in ids}
    unknown = [i for i in np.unique(swc_ids).astype(np.int64).tolist() if i not in found]
    if unknown or len(sections) != n_sections:
        raise MorphologyError(
            f"afferent_swc_id {unknown[:5]} are in no section of the cell"
            if unknown
            else "the sections of the cell are not those of its SWC file",
            file=path,
            hint="use afferent_section_id and afferent_section_pos",
        )
    rows = np.array([found[i] for i in swc_ids.astype(np.int64).tolist()], dtype=np.int64).reshape(-1, 3)
    section, index, count = rows.T
    x = np.where(count > 1, (index - beyond + 1.0) / np.maximum(count, 1), beyond)
    return section, np.clip(x, 0.0, 1.0)


def find_swc_ids(
    path: Path, n_sections: int, section: npt.NDArray[np.int64], x: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return the row of an SWC file at places in a cell, or -1 where the section was not read from the file.

    As in BMTK's reports: the rows of a section divide it into equal parts, and the row at the end of a part counts.

    Parameters
    ----------
    path
        The SWC file.
    n_sections
        Sections of the finished cell; tells whether its axon was replaced.
    section, x
        Shape (n,), places: section and position along it.
    """
    sections = _ids_of_sections(path, n_sections)
    if len(sections) != n_sections:
        return np.full(len(section), -1, dtype=np.int64)
    counts = np.array([len(ids) for ids in sections], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    ids = np.concatenate([*(np.asarray(ids, dtype=np.int64) for ids in sections), [-1]])
    place = np.ceil(np.maximum(0.0, x * counts[section] - 1.0)).astype(np.int64)
    found: npt.NDArray[np.int64] = ids[np.where(counts[section] > 0, starts[section] + place, -1)]
    return found


def _ids_of_sections(path: Path, n_sections: int) -> list[list[int]]:
    stub = len(read_section_swc_ids(path, False)) != n_sections
    return read_section_swc_ids(path, stub)
