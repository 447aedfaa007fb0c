"""Morphologies as arrays, through MorphIO: files (asc, swc, h5) and containers (one h5 with many)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import morphio
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import MorphologyError
from neurodamus_like.io.hdf5 import IntArray

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MorphologyArrays:
    """Sections of a morphology without its soma, which is apart.

    Attributes
    ----------
    points
        float32[points, 3], µm; those of section s are ``section_starts[s]:section_starts[s + 1]``. The first
        point of a section repeats the last one of its parent.
    diameters
        float32[points], µm.
    section_starts
        int64[sections + 1].
    section_types
        int64[sections]: 2 axon, 3 basal dendrite, 4 apical dendrite, 5 and more: others.
    parents
        int64[sections]: section it grows from, -1 for those that grow from the soma.
    soma_points, soma_diameters
        float32[n, 3] and float32[n]: contour, cylinders or single point, as the file has it.
    soma_kind
        What the soma points are: undefined, single_point, cylinders, simple_contour, ...
    """

    points: FloatArray
    diameters: FloatArray
    section_starts: IntArray
    section_types: IntArray
    parents: IntArray
    soma_points: FloatArray
    soma_diameters: FloatArray
    soma_kind: str

    @property
    def n_sections(self) -> int:
        """Number of sections, the soma not counted."""
        return int(self.section_types.size)

    def section_points(self, section: int) -> FloatArray:
        """Return the points of one section, float32[n, 3]."""
        return self.points[self.section_starts[section] : self.section_starts[section + 1]]

    def section_lengths(self) -> npt.NDArray[np.float64]:
        """Return the path length of each section, float64[sections], µm."""
        steps = np.linalg.norm(np.diff(self.points.astype(np.float64), axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        ends = np.maximum(self.section_starts[1:] - 1, self.section_starts[:-1])
        lengths: npt.NDArray[np.float64] = along[ends] - along[self.section_starts[:-1]]
        return lengths


def read_morphology(path: Path, name: str | None = None, nrn_order: bool = False) -> MorphologyArrays:
    """Read a morphology.

    Parameters
    ----------
    path
        A file; or a folder or container, together with `name`. ``container.h5/name`` is understood, too.
    name
        Morphology in the container or folder.
    nrn_order
        Order the sections as NEURON's import does (axon, basal, apical), instead of as in the file.

    Raises
    ------
    MorphologyError
        It is missing, or MorphIO cannot read it.
    """

    path = Path(path)
    if name is None and not path.exists() and path.parent.is_file():
        path, name = path.parent, path.stem if path.suffix == ".h5" else path.name
    if not path.exists():
        raise MorphologyError(
            "morphology not found", file=path, hint="check the path in the circuit configuration"
        )
    option = int(morphio.Option.nrn_order if nrn_order else morphio.Option.no_modifier)
    collector = morphio.WarningHandlerCollector()
    try:
        morphology = _load(path, name, option, collector)
    except (morphio.MorphioError, RuntimeError) as error:
        what = "morphology" if name is None else f"morphology {name!r} of the container"
        raise MorphologyError(f"cannot read the {what}: {_one_line(error)}", file=path) from error
    found = collector.get_all()
    if found:
        label = path if name is None else path / name
        logger.debug("%s: %d warnings, first: %s", label, len(found), _one_line(found[0].warning.msg()))
    return _arrays(morphology)


def _load(path: Path, name: str | None, option: int, collector: Any) -> Any:
    if name is None:
        return morphio.Morphology(str(path), option, collector)
    with morphio.Collection(str(path)) as collection:
        return collection.load(name, option, warning_handler=collector)


def _arrays(morphology: Any) -> MorphologyArrays:
    types = np.asarray(morphology.section_types, dtype=np.int64)
    parents = np.full(types.size, -1, dtype=np.int64)
    for parent, children in morphology.connectivity.items():
        parents[children] = parent
    points = np.array(morphology.points, dtype=np.float32).reshape(-1, 3)
    offsets = np.asarray(morphology.section_offsets, dtype=np.int64)
    starts = offsets if offsets.size == types.size + 1 else np.append(offsets, len(points))
    return MorphologyArrays(
        points,
        np.array(morphology.diameters, dtype=np.float32),
        starts,
        types,
        parents,
        np.array(morphology.soma.points, dtype=np.float32).reshape(-1, 3),
        np.array(morphology.soma.diameters, dtype=np.float32),
        morphology.soma.type.name.removeprefix("SOMA_").lower(),
    )


def _one_line(message: object) -> str:
    """Take colours and line breaks out of what MorphIO says."""
    text = str(message).replace("\x1b[0m", "").replace("\x1b[1;31m", "").replace("\x1b[1;33m", "")
    return " ".join(text.split())
