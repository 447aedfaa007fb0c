"""Which cells MultiSplit must leave whole, because something needs all of their sections on one rank."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Input, Report, Simulation
from neurodamus_like.targets.manager import TargetManager
from neurodamus_like.targets.nodeset import NodesetTarget

logger = logging.getLogger(__name__)

IntArray = npt.NDArray[np.int64]

SPLITTABLE_VARIABLES = ("v",)
"""Variables that a report may have of the soma of a split cell; others are not known to be exact there."""

_EDGES = {"electrical": "gap junctions", "neuromodulatory": "neuromodulation"}


def whole_cells(simulation: Simulation, targets: TargetManager) -> dict[str, IntArray]:
    """Return population -> node ids that must stay whole, and log why.

    Synapses, inputs at the soma and reports of its voltage work with pieces. Cells of other inputs and reports, with
    gap junctions or neuromodulation, or with modifications, are not split.
    """
    found: dict[str, list[IntArray]] = {}
    for reason, target in _reasons(simulation, targets):
        for name, ids in target.populations.items():
            found.setdefault(name, []).append(ids)
        logger.info("load balance: cells of %s stay whole because of %s", target.name, reason)
    return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}


def _reasons(simulation: Simulation, targets: TargetManager) -> Iterator[tuple[str, NodesetTarget]]:
    for report in simulation.reports:
        if report.enabled and not _is_of_the_soma(report):
            yield f"report {report.name!r}", targets.get_target(report.cells)
    for block in simulation.inputs:
        if not _acts_on_the_soma(block):
            target = targets.get_target(block.node_set)
            yield f"input {block.name!r}", target
    for modification in simulation.conditions.modifications:
        yield f"modification {modification.name!r}", targets.get_target(modification.node_set)
    for edges in simulation.circuit.edges.values():
        if edges.kind in _EDGES and simulation.circuit.nodes[edges.target].size:
            ids = np.arange(simulation.circuit.nodes[edges.target].size)
            yield (
                f"{_EDGES[edges.kind]} {edges.name!r}",
                NodesetTarget(edges.target, {edges.target: ids}, targets.offsets),
            )


def _is_of_the_soma(report: Report) -> bool:
    simple = report.kind == "compartment" and report.sections == "soma"
    return simple and report.variables in tuple((name,) for name in SPLITTABLE_VARIABLES)


def _acts_on_the_soma(block: Input) -> bool:
    if block.input_type == "spikes":
        return True
    return block.compartment_set is None and block.input_type != "extracellular_stimulation"
