"""Cells of the OBI circuits, made one by one without the rest of the package; imported by processes of tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.engine import nrn
from neurodamus_like.engine.morphology_import import install_import3d_front

h = nrn.h

CASES = {
    "v5": ("v5_sonata/sub_mini5/default/nodes.h5", "default", "v5_sonata/sub_mini5/morphologies",
           "v5_sonata/sub_mini5/biophysical_model_templates"),
    "NodeA": ("usecase3/nodes_A.h5", "NodeA", "usecase3/CircuitA/morphologies/asc", "usecase3/CircuitA/hoc"),
    "NodeB": ("usecase3/nodes_B.h5", "NodeB", "usecase3/CircuitB/morphologies/asc", "usecase3/CircuitB/hoc"),
    "RingA": ("ringtest/nodes_A.h5", "RingA", "ringtest/morphologies/asc", "ringtest/hoc"),
    "RingB": ("ringtest/nodes_B.h5", "RingB", "ringtest/morphologies/asc", "ringtest/hoc"),
}  # fmt: skip
REPORT_ORDER = ("soma", "axon", "dend", "apic", "myelin")


def prepare(library: str | None, *, front: bool = True) -> None:
    """Load mechanisms, and the Import3d with a memory unless NEURON's own is wanted."""
    if library:
        nrn.load_mechanism_library(Path(library))
    if front:
        install_import3d_front()


class Nodes:
    """A node population of a circuit below the folder `obi`."""

    def __init__(self, obi: Path, case: str) -> None:
        file, population, morphologies, templates = CASES[case]
        self._morphologies, self._templates = Path(obi) / morphologies, Path(obi) / templates
        with h5py.File(Path(obi) / file) as nodes:
            group = nodes["nodes"][population]["0"]
            self.templates = [t.decode().removeprefix("hoc:") for t in group["model_template"][:]]
            self.morphologies = [m.decode() for m in group["morphology"][:]]
            self.dynamics = {k: v[:].tolist() for k, v in group.get("dynamics_params", {}).items()}

    def constructor(self, index: int) -> Callable[[], Any]:
        """Return a function that makes the cell of a node."""
        name = self.templates[index]
        template = nrn.load_template(name, self._templates / f"{name}.hoc")
        wanted = getattr(h, f"{name}_NeededAttributes", "")
        extra = [self.dynamics[a][index] for a in wanted.split(";") if a]
        arguments = (index, str(self._morphologies), f"{self.morphologies[index]}.asc", *extra)
        return lambda: template(*arguments)

    def create(self, index: int) -> Any:
        """Make the cell of a node."""
        return self.constructor(index)()


def named(section: Any) -> tuple[str, int]:
    """Return array and index of a section of a cell."""
    array, index = section.name().split(".")[1].rstrip("]").split("[")
    return array, int(index)


def report_columns(cell: Any) -> list[tuple[int, Any]]:
    """Return (report section id, segment) for every segment, in report order."""
    counts = dict(zip(REPORT_ORDER, (cell.nSecSoma, cell.nSecAxonalOrig, cell.nSecBasal, cell.nSecApical, 0),
                      strict=True))  # fmt: skip
    offsets, total = {}, 0
    for array, count in counts.items():
        offsets[array] = total
        total += int(count)
    pairs = sorted(((offsets[named(s)[0]] + named(s)[1], s) for s in cell.all), key=lambda pair: pair[0])
    return [(number, segment) for number, section in pairs for segment in section]


def digest(cell: Any) -> str:
    """Return a hash of all that defines a cell: points, shape, connections, lists, markers, every parameter."""
    parts: list[Any] = []
    for s in cell.all:
        parent = s.parentseg()
        parts += [
            named(s),
            (named(parent.sec), parent.x) if parent else None,
            s.orientation(),
            s.nseg,
            s.L,
            s.Ra,
        ]
        parts += [(s.x3d(i), s.y3d(i), s.z3d(i), s.diam3d(i), s.arc3d(i)) for i in range(s.n3d())]
        parts += [(g.x, g.diam, g.area(), g.ri(), g.cm, g.v) for g in s]
        parts.append(sorted((k, sorted(v.items())) for k, v in s.psection()["density_mechs"].items()))
        parts.append(sorted((k, sorted(v.items())) for k, v in s.psection()["ions"].items()))
    for name in ("all", "somatic", "axonal", "basal", "apical", "myelinated"):
        parts.append([named(s) for s in getattr(cell, name)])
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def simulate(
    cell: Any,
    segments: Sequence[Any],
    tstop: float,
    dt: float,
    v_init: float,
    current: tuple[Sequence[float], Sequence[float]] = ((0.0, 1.0), (0.0, 0.0)),
    celsius: float = 34.0,
) -> np.ndarray:
    """Return voltages, shape (steps + 1, segments), of a cell with a current (ms, nA) into its soma."""
    h.dt, h.steps_per_ms, h.celsius = dt, 1 / dt, celsius
    times, amplitudes = h.Vector(current[0]), h.Vector(current[1])
    clamp = h.IClamp(cell.soma[0](0.5))
    clamp.delay, clamp.dur = 0, times[-1]
    amplitudes.play(clamp._ref_amp, times, 1)
    recorded = [h.Vector().record(segment._ref_v) for segment in segments]
    h.finitialize(v_init)
    for _ in range(round(tstop / dt)):
        h.fadvance()
    return np.array([v.as_numpy() for v in recorded]).T
