"""The key under which the sizes of sampled cells are kept: everything that they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from neurodamus_like import __version__
from neurodamus_like.config.models import Components, Simulation
from neurodamus_like.distribution.mechanism_costs import library_key
from neurodamus_like.engine import nrn

_EXTENSIONS = ("", ".hoc", ".asc", ".swc", ".h5", ".json", ".nml")


def sample_key(
    simulation: Simulation, cells: Mapping[str, Sequence[tuple[int, str]]], mechanisms: Sequence[str]
) -> str:
    """Return a hash of everything that the sizes of the sampled cells depend on."""
    libraries = [library_key(path) for path in nrn.loaded_libraries()]
    parts = [
        f"{__version__} {nrn.version()} {' '.join(libraries)}",
        json.dumps({name: sorted(of) for name, of in cells.items()}),
        " ".join(sorted(mechanisms)),
        repr([(i.module, i.node_set, i.parameters, i.duration_ms) for i in simulation.inputs]),
        repr([(r.name, r.kind, r.cells, r.sections, r.compartments) for r in simulation.reports]),
        repr((simulation.run.dt_ms, simulation.run.tstop_ms)),
    ]
    for name, of in cells.items():
        parts += _file_hashes(simulation.circuit.nodes[name].components, {kind for _, kind in of})
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _file_hashes(components: Components, kinds: set[str]) -> list[str]:
    values = [getattr(components, f.name) for f in fields(components)]
    folders = [v for v in values if isinstance(v, Path)]
    words = sorted({word.removeprefix("hoc:") for kind in kinds for word in kind.split("|")})
    files = [folder / f"{word}{end}" for folder in folders for word in words for end in _EXTENSIONS]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]
