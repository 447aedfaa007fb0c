"""Where on the target's morphology synapses are: as an array property, reproducible by seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.builder.blocks import EdgeView
from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.builder.node_table import Array
from neurodamus_like.builder.properties import ArrayProperty
from neurodamus_like.builder.segments import Segments, find_morphology, load_segments, section_types
from neurodamus_like.exceptions import ConfigurationError

OUTPUTS = (
    "afferent_section_id",
    "afferent_section_pos",
    "afferent_distance",
    "afferent_center_x",
    "afferent_center_y",
    "afferent_center_z",
)
_PERISOMATIC = ("aibs_perisomatic", "aibs_perisomatic_directed", "aibs_allactive", "aibs_allactive_directed")


class SynapsePlacement(ArrayProperty):
    """Random places on the dendrites, uniform by length inside the allowed sections and distances.

    Parameters
    ----------
    sections
        Names of section types: soma, axon, dend / basal, apic / apical.
    distance_range
        Path distance from the soma's beginning, µm; one number d means (0, d).
    morphology_dir
        Folder of the morphologies.
    outputs
        Columns to return, of :data:`OUTPUTS`; to be given as `names` to ``add_properties`` in the same order.
    dL
        Segment length (µm) by which sections are cut; None: one segment each.
    continuous
        True puts a synapse anywhere in the allowed part of its segment, False at its centre.

    Examples
    --------
    >>> where = SynapsePlacement(["basal"], (30.0, 150.0), "components/morphologies")
    >>> cm.add_properties(["afferent_section_id", "afferent_section_pos"], rule=where)  # doctest: +SKIP
    """

    def __init__(
        self,
        sections: Sequence[str] = ("soma", "basal", "apical"),
        distance_range: float | Sequence[float] = (0.0, 1e20),
        morphology_dir: str | Path | None = None,
        outputs: Sequence[str] = OUTPUTS[:2],
        dL: float | None = 20.0,
        continuous: bool = True,
    ) -> None:
        self.types = section_types(sections)
        bounds = (0.0, distance_range) if np.ndim(distance_range) == 0 else tuple(distance_range)  # type: ignore[arg-type]
        self.range = (float(bounds[0]), float(bounds[1]))  # type: ignore[arg-type]
        if not self.range[0] <= self.range[1]:
            raise ConfigurationError(
                f"distance_range={distance_range!r} is not valid", expected="low <= high, in µm"
            )
        unknown = [name for name in outputs if name not in OUTPUTS]
        if unknown:
            raise ConfigurationError(f"unknown outputs {unknown}", expected="some of " + ", ".join(OUTPUTS))
        self.folder = None if morphology_dir is None else Path(morphology_dir)
        self.outputs, self.max_length, self.continuous = tuple(outputs), dL, continuous

    def prepare(self, sources: NodeColumns, targets: NodeColumns) -> None:
        names = targets["morphology"].astype(str)
        processing = targets.get("model_processing", "NULL").astype(str)
        stub = np.isin(processing, _PERISOMATIC)
        keys = np.asarray([f"{int(s)}{n}" for s, n in zip(stub, names, strict=True)])
        unique, self._kind = np.unique(keys, return_inverse=True)
        self._segments = [
            load_segments(find_morphology(key[1:], self.folder), key[0] == "1", self.max_length)
            for key in unique.tolist()
        ]
        self._weights = [segments.overlap(self.types, self.range) for segments in self._segments]
        for key, weights in zip(unique.tolist(), self._weights, strict=True):
            if not weights.any():
                raise ConfigurationError(
                    f"morphology {key[1:]!r} has no sections of the types {self.types.tolist()} between "
                    f"{self.range[0]:g} and {self.range[1]:g} µm",
                    population=targets.network,
                )

    def compute(self, edges: EdgeView) -> Any:
        kind = self._kind[edges.target_index]
        columns: list[Array] = [
            np.empty(len(edges), dtype=np.int64 if name == "afferent_section_id" else np.float64)
            for name in self.outputs
        ]
        for number in np.unique(kind).tolist():
            rows = np.flatnonzero(kind == number)
            for column, values in zip(columns, self._draw(number, rows.size, edges.rng), strict=True):
                column[rows] = values
        return tuple(columns) if len(columns) > 1 else columns[0]

    def _draw(self, number: int, size: int, rng: np.random.Generator) -> list[Array]:
        segments, weights = self._segments[number], self._weights[number]
        ends = np.cumsum(weights)
        at = rng.random(size) * ends[-1]
        chosen = np.minimum(np.searchsorted(ends, at, side="right"), weights.size - 1)
        x = segments.x[chosen]
        shift = np.zeros(size)
        if self.continuous:
            first = np.maximum(segments.distance - 0.5 * segments.length, self.range[0])[chosen]
            distance = first + np.clip(at - (ends[chosen] - weights[chosen]), 0.0, weights[chosen])
            shift = distance - segments.distance[chosen]
            x = np.clip(x + shift / _section_length(segments)[chosen], 0.0, 1.0)
        center = segments.centers[chosen]
        found = {
            "afferent_section_id": segments.section_id[chosen],
            "afferent_section_pos": x,
            "afferent_distance": segments.distance[chosen] + shift,
            **{f"afferent_center_{axis}": center[:, i] for i, axis in enumerate("xyz")},
        }
        return [found[name] for name in self.outputs]


def _section_length(segments: Segments) -> Array:
    total = np.bincount(segments.section_id, weights=segments.length)
    return np.maximum(total[segments.section_id], 1e-12)
