"""Made-up but plausible neuron shapes: deterministic pyramidal cells and interneurons, written as ASC or SWC.

The numbering is the one that SONATA edges use: section 0 is the soma, then the axon, the basal and the apical
dendrites, each tree depth first. Files written here are read with that same numbering by NEURON's importers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.exceptions import MorphologyError

FloatArray = NDArray[np.float64]
CellClass = Literal["pyramidal", "interneuron"]
_STEP_UM = 12.0


class SectionType(IntEnum):
    """Type codes of SWC (and of ``afferent_section_type`` plus one)."""

    SOMA = 1
    AXON = 2
    BASAL = 3
    APICAL = 4


_ASC_LABEL = {SectionType.AXON: "Axon", SectionType.BASAL: "Dendrite", SectionType.APICAL: "Apical"}


@dataclass(frozen=True)
class Section:
    """An unbranched piece of neurite.

    Attributes
    ----------
    section_type
        What it belongs to.
    parent
        Section id of the parent; 0 is the soma.
    points
        Shape (n, 4): x, y, z and diameter in µm; the first point is the parent's last one, except at a root.
    """

    section_type: SectionType
    parent: int
    points: FloatArray

    @property
    def length_um(self) -> float:
        """Length along the points."""
        return float(np.linalg.norm(np.diff(self.points[:, :3], axis=0), axis=1).sum())


@dataclass(frozen=True)
class Morphology:
    """A neuron shape. `sections[i]` has section id ``i + 1``; the soma (id 0) is a contour in the xy plane.

    Attributes
    ----------
    name
        File name without extension.
    contour
        Shape (n, 4): the outline of the soma, µm, with a nominal diameter.
    sections
        Neurites, parents before children, each tree depth first.
    """

    name: str
    contour: FloatArray
    sections: tuple[Section, ...]

    @property
    def section_types(self) -> NDArray[np.int64]:
        """Type of each section id, soma included; shape (n_sections,)."""
        return np.array([SectionType.SOMA, *(s.section_type for s in self.sections)], dtype=np.int64)

    @property
    def lengths_um(self) -> FloatArray:
        """Length of each section id; the soma counts with its largest extent."""
        extent = float(np.ptp(self.contour[:, :2], axis=0).max())
        return np.array([extent, *(s.length_um for s in self.sections)])

    @property
    def path_distances_um(self) -> FloatArray:
        """Distance along the neurites from the soma to the start of each section id."""
        lengths = self.lengths_um
        distances = np.zeros(len(lengths))
        for index, section in enumerate(self.sections, start=1):
            if section.parent:
                distances[index] = distances[section.parent] + lengths[section.parent]
        return distances


@dataclass(frozen=True)
class _TreeRule:
    """How a binary tree grows: one entry of `lengths_um` per branch order."""

    section_type: SectionType
    lengths_um: tuple[float, ...]
    diameter_um: float
    taper: float = 0.62
    spread: float = 0.55
    wiggle: float = 0.12
    pull: tuple[float, float, float] = (0.0, 0.0, 0.0)


_AXON = _TreeRule(SectionType.AXON, (70.0, 90.0, 110.0), 1.3, taper=0.7, pull=(0.0, -0.12, 0.0))
_BASAL = _TreeRule(SectionType.BASAL, (45.0, 105.0), 2.4)
_OBLIQUE = _TreeRule(SectionType.APICAL, (110.0,), 1.1, wiggle=0.15)
_TUFT = _TreeRule(SectionType.APICAL, (70.0, 95.0), 1.3, spread=0.5, pull=(0.0, 0.06, 0.0))
_MULTIPOLAR = _TreeRule(SectionType.BASAL, (55.0, 95.0), 1.7, spread=0.6, wiggle=0.18)


def _unit(vector: FloatArray) -> FloatArray:
    return vector / float(np.linalg.norm(vector))


class _Grower:
    """Appends sections to a list, drawing all randomness from one generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.sections: list[Section] = []

    def section(
        self,
        rule: _TreeRule,
        parent: int,
        start: FloatArray,
        direction: FloatArray,
        length: float,
        diameters: FloatArray,
    ) -> tuple[int, FloatArray, FloatArray]:
        """Grow one section; return its id, its end point and its final direction."""
        n_steps = max(2, round(length / _STEP_UM))
        points = np.empty((n_steps + 1, 4))
        points[0, :3] = start
        points[:, 3] = np.linspace(diameters[0], diameters[1], n_steps + 1)
        for step in range(n_steps):
            direction = _unit(direction + rule.wiggle * self.rng.standard_normal(3) + np.array(rule.pull))
            points[step + 1, :3] = points[step, :3] + direction * (length / n_steps)
        self.sections.append(Section(rule.section_type, parent, points.round(3)))
        return len(self.sections), points[-1, :3], direction

    def tree(
        self, rule: _TreeRule, parent: int, start: FloatArray, direction: FloatArray, order: int = 0
    ) -> None:
        """Grow a binary tree depth first, branch orders `order` and above of `rule`."""
        length = rule.lengths_um[order] * self.rng.uniform(0.8, 1.2)
        thick = rule.diameter_um * rule.taper**order
        ends = np.array([thick, max(0.4, thick * 0.8)])
        index, end, heading = self.section(rule, parent, start, direction, length, ends)
        if order + 1 < len(rule.lengths_um):
            side = self._sideways(heading)
            for sign in (1.0, -1.0):
                self.tree(rule, index, end, _unit(heading + sign * rule.spread * side), order + 1)

    def apical(self, start: FloatArray, trunk_um: float, n_pieces: int) -> None:
        """Grow an apical trunk with one oblique at each branch point and a tuft of two trees at its end."""
        rule = _TreeRule(SectionType.APICAL, (trunk_um / n_pieces,), 4.0, wiggle=0.05, pull=(0.0, 0.05, 0.0))
        parent, heading = 0, np.array([0.0, 1.0, 0.0])
        thick = np.linspace(3.8, 1.8, n_pieces + 1)
        for piece in range(n_pieces):
            length = rule.lengths_um[0] * self.rng.uniform(0.9, 1.1)
            ends = thick[piece : piece + 2]
            parent, start, heading = self.section(rule, parent, start, heading, length, ends)
            side = self._sideways(heading)
            if piece + 1 < n_pieces:
                self.tree(_OBLIQUE, parent, start, _unit(side + 0.3 * heading))
            else:
                self.tree(_TUFT, parent, start, _unit(heading + 0.5 * side))
                self.tree(_TUFT, parent, start, _unit(heading - 0.5 * side))

    def _sideways(self, heading: FloatArray) -> FloatArray:
        random = self.rng.standard_normal(3)
        sideways: FloatArray = np.cross(heading, random)
        return _unit(sideways)


def _contour(width_um: float, height_um: float, n_points: int = 18) -> FloatArray:
    angle = np.linspace(0.0, 2.0 * np.pi, n_points, endpoint=False)
    outline = np.zeros((n_points, 4))
    outline[:, 0], outline[:, 1] = 0.5 * width_um * np.cos(angle), 0.5 * height_um * np.sin(angle)
    outline[:, 3] = 0.5
    rounded: FloatArray = outline.round(3)
    return rounded


def create_pyramidal(name: str, seed: int, *, trunk_um: float = 300.0) -> Morphology:
    """Return a pyramidal cell: axon, four basal trees, an apical trunk with obliques and a tuft.

    Parameters
    ----------
    name
        Name of the morphology.
    seed
        Of the generator; equal arguments give equal shapes.
    trunk_um
        Length of the apical trunk in µm.
    """
    rng = np.random.default_rng([seed, 1])
    contour = _contour(13.0 * rng.uniform(0.92, 1.08), 17.0 * rng.uniform(0.92, 1.08))
    radius = 0.5 * np.ptp(contour[:, :2], axis=0)
    grower = _Grower(rng)
    grower.tree(_AXON, 0, np.array([0.0, -radius[1], 0.0]), np.array([0.0, -1.0, 0.0]))
    for azimuth in np.arange(4) * np.pi / 2 + rng.uniform(-0.3, 0.3, 4):
        direction = _unit(np.array([np.cos(azimuth), -0.45, np.sin(azimuth)]))
        grower.tree(_BASAL, 0, direction * radius[0], direction)
    grower.apical(np.array([0.0, radius[1], 0.0]), trunk_um, max(2, round(trunk_um / 100.0)))
    return Morphology(name, contour, tuple(grower.sections))


def create_interneuron(name: str, seed: int) -> Morphology:
    """Return a multipolar interneuron: axon and five dendritic trees without a preferred direction.

    Parameters
    ----------
    name
        Name of the morphology.
    seed
        Of the generator; equal arguments give equal shapes.
    """
    rng = np.random.default_rng([seed, 2])
    contour = _contour(12.0 * rng.uniform(0.92, 1.08), 14.0 * rng.uniform(0.92, 1.08))
    radius = 0.5 * np.ptp(contour[:, :2], axis=0)
    grower = _Grower(rng)
    grower.tree(_AXON, 0, np.array([0.0, -radius[1], 0.0]), np.array([0.0, -1.0, 0.0]))
    for azimuth in np.arange(5) * 2 * np.pi / 5 + rng.uniform(-0.3, 0.3, 5):
        direction = _unit(np.array([np.cos(azimuth), np.sin(azimuth), rng.uniform(-0.7, 0.7)]))
        grower.tree(_MULTIPOLAR, 0, direction * radius[0], direction)
    return Morphology(name, contour, tuple(grower.sections))


def create_morphology(cell_class: CellClass, name: str, seed: int, **options: Any) -> Morphology:
    """Return a shape of `cell_class`: "pyramidal" or "interneuron"; `options` go to its own function."""
    makers = {"pyramidal": create_pyramidal, "interneuron": create_interneuron}
    if cell_class not in makers:
        raise MorphologyError(f"unknown cell class {cell_class!r}", expected="one of " + ", ".join(makers))
    return makers[cell_class](name, seed, **options)


def write_asc(path: Path, morphology: Morphology) -> None:
    """Write `morphology` as Neurolucida ASC with a contour soma."""
    lines = ['("CellBody"', "  (Color Red)", "  (CellBody)"]
    lines += ["  " + _asc_point(p) for p in morphology.contour] + [")", ""]
    children = _children(morphology.sections)
    for root in children[0]:
        label = _ASC_LABEL[morphology.sections[root - 1].section_type]
        lines += ["(", "  (Color Blue)", f"  ({label})"]
        lines += [*_asc_branch(morphology.sections, children, root, "  "), ")", ""]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _asc_point(point: FloatArray) -> str:
    return "(" + " ".join(f"{value:.3f}" for value in point) + ")"


def _asc_branch(
    sections: Sequence[Section], children: Sequence[Sequence[int]], index: int, indent: str
) -> list[str]:
    section = sections[index - 1]
    points = section.points if section.parent == 0 else section.points[1:]
    lines = [indent + _asc_point(p) for p in points]
    for number, child in enumerate(children[index]):
        lines.append(indent + ("(" if number == 0 else "|"))
        lines += _asc_branch(sections, children, child, indent + "  ")
    return lines + ([indent + ")"] if children[index] else [])


def _children(sections: Sequence[Section]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in range(len(sections) + 1)]
    for index, section in enumerate(sections, start=1):
        children[section.parent].append(index)
    return children


def write_swc(path: Path, morphology: Morphology) -> None:
    """Write `morphology` as SWC with a three-point soma of the contour's mean radius."""
    radius = float(np.linalg.norm(morphology.contour[:, :2], axis=1).mean())
    soma = ((1, 0.0, -1), (2, -radius, 1), (3, radius, 1))
    rows = [(sample, 1, 0.0, y, 0.0, radius, parent) for sample, y, parent in soma]
    last_sample = {0: 1}
    for index, section in enumerate(morphology.sections, start=1):
        points = section.points if section.parent == 0 else section.points[1:]
        parent = last_sample[section.parent]
        for x, y, z, diameter in points:
            sample = len(rows) + 1
            rows.append((sample, int(section.section_type), x, y, z, 0.5 * diameter, parent))
            parent = sample
        last_sample[index] = parent
    lines = [f"{n} {t} {x:.4f} {y:.4f} {z:.4f} {r:.4f} {p}" for n, t, x, y, z, r, p in rows]
    path.write_text("# n type x y z radius parent\n" + "\n".join(lines) + "\n", encoding="ascii")
