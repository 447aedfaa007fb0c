"""Choosing sections of SWC morphologies in Python rules, without a simulator.

Numbers are drawn from numpy's global generator, so that ``np.random.seed`` makes them reproducible.
"""

# ruff: noqa: NPY002
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.segments import Segments, find_morphology, load_segments, section_types
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.swc_ids import read_section_swc_ids

_AXES = ("xaxis", "yaxis", "zaxis")


class SWCReader:
    """Segments of one cell's morphology.

    Parameters
    ----------
    swc_path
        SWC file.
    axon_stub
        The axon is replaced by two pieces of 30 µm.
    dL
        Segment length, µm; None: one segment for each section.
    position
        Of the soma, µm.
    rotation
        Angles about x, y, z, radians.
    """

    def __init__(
        self,
        swc_path: str | Path,
        axon_stub: bool = False,
        dL: float | None = None,
        position: Sequence[float] = (0.0, 0.0, 0.0),
        rotation: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        self.path, self.axon_stub, self.dL = Path(swc_path), axon_stub, dL
        self.position, self.rotation = np.asarray(position, dtype=float), tuple(float(a) for a in rotation)

    @property
    def segments(self) -> Segments:
        """The segments, cut by `dL`."""
        return load_segments(self.path, self.axon_stub, self.dL)

    def set_segment_dl(self, dl: float) -> None:
        """Cut sections into segments of about this length, µm."""
        self.dL = dl

    def fix_axon(self) -> None:
        """Replace the axon by two pieces of 30 µm."""
        self.axon_stub = True

    def find_sections(
        self, section_names: Sequence[str], distance_range: Sequence[float]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the segments in the sections and distances (µm), and their probabilities by length."""
        low, high = (float(d) for d in distance_range)
        weights = self.segments.overlap(section_types(section_names), (low, high))
        found = np.flatnonzero(weights)
        if not found.size:
            raise ConfigurationError(
                f"no {', '.join(section_names)} between {low:g} and {high:g} µm",
                expected="at least one segment",
            )
        return found, weights[found] / weights[found].sum()

    def choose_sections(
        self, section_names: Sequence[str], distance_range: Sequence[float], n_sections: int = 1
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return section ids and places (0 to 1) of randomly chosen segments."""
        found, p = self.find_sections(section_names, distance_range)
        chosen = np.random.choice(found, n_sections, p=p)
        return self.segments.section_id[chosen], self.segments.x[chosen]

    def get_coords(self, sec_id: int, sec_x: float) -> npt.NDArray[np.float64]:
        """Return the position (µm) of the segment centre nearest to a place, float64[3]."""
        mine = np.flatnonzero(self.segments.section_id == sec_id)
        nearest = mine[np.argmin(np.abs(self.segments.x[mine] - sec_x))]
        return np.asarray(_rotation(self.rotation) @ self.segments.centers[nearest] + self.position)

    def get_swc_id(self, sec_id: int, sec_x: float) -> tuple[int, float]:
        """Return the id of the SWC row nearest to a place from above, and how far it lies beyond, in rows."""
        ids = read_section_swc_ids(self.path, self.axon_stub)[int(sec_id)]
        if len(ids) <= 1:
            return (ids[0] if ids else -1), float(sec_x)
        place = max(0.0, float(sec_x) * len(ids) - 1.0)
        index = int(np.ceil(place))
        return ids[index], index - place


def _rotation(angles: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return Rx Ry Rz, right-handed."""
    total = np.eye(3)
    for axis, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        one = np.eye(3)
        j, k = (axis + 1) % 3, (axis + 2) % 3
        one[j, j] = one[k, k] = c
        one[j, k], one[k, j] = -s, s
        total = total @ one
    return total


_cache: dict[tuple[Any, ...], SWCReader] = {}


def get_swc(
    cell: Mapping[str, Any],
    morphology_dir: str | Path | None = None,
    use_cache: bool = False,
    dL: float | None = None,
) -> SWCReader:
    """Return the morphology of a node, at its position and rotation.

    Parameters
    ----------
    cell
        A node with ``morphology``; ``model_processing`` of the perisomatic kind replaces the axon.
    morphology_dir
        Folder of the morphologies.
    use_cache
        Keep one object for each node.
    dL
        Segment length, µm.
    """
    path = find_morphology(str(cell["morphology"]), None if morphology_dir is None else Path(morphology_dir))
    key = (path, id(cell), dL)
    if use_cache and key in _cache:
        return _cache[key]
    reader = SWCReader(
        path,
        cell.get("model_processing") == "aibs_perisomatic",
        dL,
        [cell.get(axis, 0.0) for axis in "xyz"],
        [cell.get(f"rotation_angle_{axis}", 0.0) for axis in _AXES],
    )
    if use_cache:
        _cache[key] = reader
    return reader


def rand_syn_locations(
    src: Any,
    trg: Mapping[str, Any],
    sections: Sequence[str] = ("soma", "apical", "basal"),
    distance_range: Sequence[float] = (0.0, 1.0e20),
    morphology_dir: str | Path = "./components/morphologies",
    return_coords: bool = False,
    dL: float | None = None,
) -> list[Any]:
    """Return section id, place, SWC id and distance to it of a random synapse, and its coordinates if asked for."""
    reader = get_swc(trg, morphology_dir, use_cache=True, dL=dL)
    section_ids, places = reader.choose_sections(sections, distance_range)
    found: list[Any] = [section_ids[0], places[0], *reader.get_swc_id(section_ids[0], places[0])]
    return [*found, *reader.get_coords(section_ids[0], places[0])] if return_coords else found
