"""The helper process of memory estimates: makes a few cells and many synapses, and says what each takes.

Usage: python -m neurodamus_like.simulation.memory_probe REQUEST ANSWER

REQUEST is a JSON file with `config`, `nrnmech`, `script` and `disable_reports` (as for a run), `cells` (population ->
[node id, kind] of the cells to make) and `mechanisms` (point processes). ANSWER is written: the text of
:class:`~neurodamus_like.distribution.memory_units.MemoryUnits`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.distribution.memory_units import MemoryUnits, PopulationUnits
from neurodamus_like.engine import nrn, object_sizes
from neurodamus_like.engine.nrn import h
from neurodamus_like.reports.base import ReportModel, report_types
from neurodamus_like.simulation.node import Node

OBJECTS = 12_000
"""How many synapses of each kind are made."""

_FAR_GID = 1_000_000_000

Sample = Sequence[tuple[int, str]]


def measure(node: Node, cells: Mapping[str, Sample], mechanisms: Sequence[str]) -> MemoryUnits:
    """Return what objects of a model take.

    Parameters
    ----------
    node
        A node that has nothing yet.
    cells
        Population -> (node id, kind) of the cells to make.
    mechanisms
        Point processes to make.
    """
    node.load_targets()
    base = object_sizes.settled_bytes()
    made = {name: _Cells(node, name, sample) for name, sample in cells.items()}
    initial = object_sizes.grown_by(lambda: nrn.initialize(node.simulation.conditions.v_init_mV))
    node.target_manager.register_local_nodes(node.circuits.local_gids())
    stimuli = object_sizes.grown_by(node.enable_stimulus)
    columns = {name: of.report_columns() for name, of in made.items()}
    total_weight = sum(of.weight for of in made.values()) or 1.0
    n_cells = sum(of.count for of in made.values()) or 1
    populations = {
        name: of.units(initial / total_weight, stimuli / n_cells, columns[name]) for name, of in made.items()
    }
    gids = [gid for manager in node.circuits.all_node_managers() for gid in manager.local_gids.tolist()]
    return MemoryUnits(base, populations, **_objects(mechanisms, gids))


class _Cells:
    """The cells of one population that are made, those of new kinds first."""

    def __init__(self, node: Node, name: str, sample: Sample) -> None:
        self._node = node
        self._manager = node.circuits.get_node_manager(name)
        self._kinds = dict(sample)
        first: dict[str, int] = {}
        for node_id, kind in sample:
            first.setdefault(kind, node_id)
        self._n_kinds = len(first)
        self._first = self._make(list(first.values()))
        self._more = self._make([i for i in self._kinds if i not in set(first.values())])
        self._manager.load_nodes(self._all_ids(), np.array(sorted(self._kinds), dtype=np.int64))
        self._manager.finalize()

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self._kinds)

    @property
    def weight(self) -> float:
        """Weight of all of them."""
        return self._first[1] + self._more[1]

    def units(self, initial: float, stimulus: float, columns: Mapping[str, float]) -> PopulationUnits:
        """Return bytes per cell, given what one unit of weight takes in the initial state."""
        size, weight = self._more if self._more[1] >= 0.5 * self._first[1] else self._both()
        per_weight = size / weight if weight else 0.0
        kind = max(0.0, (self._first[0] - per_weight * self._first[1]) / max(self._n_kinds, 1))
        weights: dict[str, list[float]] = {}
        for node_id, name in self._kinds.items():
            weights.setdefault(name, []).append(self._weight_of([node_id]))
        cells = {name: float(np.mean(w)) * (per_weight + initial) for name, w in weights.items()}
        return PopulationUnits(cells, kind, stimulus, columns)

    def report_columns(self) -> dict[str, float]:
        """Return the values per frame of each report, per cell of the population that it is about."""
        model = ReportModel(self._node.target_manager, ())
        found = {}
        for report in self._node.simulation.reports:
            members = self._node.target_manager.get_target(report.cells).node_ids(
                self._manager.population_name
            )
            local = np.intersect1d(members, self._manager.local_node_ids).size
            if report.enabled and report.kind != "synapse" and local:
                kind = report_types[report.kind](report)
                kind.prepare()
                nodes = list(kind.elements(model, self._manager))
                found[report.name] = sum(len(n.element_ids) for n in nodes) / local
        return found

    def _both(self) -> tuple[float, float]:
        return self._first[0] + self._more[0], self.weight

    def _make(self, node_ids: Sequence[int]) -> tuple[int, float]:
        if not node_ids:
            return 0, 0.0
        ids = np.array(sorted(node_ids), dtype=np.int64)
        self._manager.load_nodes(self._all_ids(), ids)
        return object_sizes.grown_by(self._manager.create_cells), self._weight_of(node_ids)

    def _weight_of(self, node_ids: Sequence[int]) -> float:
        cells = [self._manager.get_cell(i + self._manager.offset) for i in node_ids]
        return sum(1.0 + object_sizes.membrane_weight(getattr(cell, "sections", [])) for cell in cells)

    def _all_ids(self) -> Any:
        target = self._node.target_manager.get_target(self._node.simulation.node_set)
        return target.node_ids(self._manager.population_name)


def _objects(mechanisms: Sequence[str], gids: Sequence[int]) -> dict[str, Any]:
    sections = list(h.allsec())
    found: dict[str, float] = {}
    targets: Any = None
    for name in mechanisms if sections else ():
        found[name], made = object_sizes.measure_point_process(name, sections, OBJECTS)
        targets = made if made is not None else targets
    sizes: dict[str, Any] = {"point_process": found}
    if targets is None:
        targets = object_sizes.artificial_targets(OBJECTS)
    sizes["netcon"] = object_sizes.measure_gid_netcon(gids[:1], targets)
    far = range(_FAR_GID, _FAR_GID + len(targets))
    sizes["remote_netcon"] = object_sizes.measure_gid_netcon(far, targets)
    sizes["train"], sizes["replayed"] = (
        object_sizes.measure_replay(targets) if hasattr(h, "VecStim") else (0, 0)
    )
    sizes["mini"] = object_sizes.measure_minis(targets) if sections else 0.0
    return sizes


def main(argv: Sequence[str]) -> None:
    """Answer a request."""
    request = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    options = {name: request[name] for name in ("nrnmech", "script", "disable_reports")}
    node = Node(request["config"], progress=False, quiet=True, **options)
    units = measure(node, request["cells"], request["mechanisms"])
    Path(argv[1]).write_text(units.to_json(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
