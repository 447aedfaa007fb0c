"""Electrode factors of the cells of a simulation, built but not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurodamus_like.circuit.geometry import Compartments, FloatArray, iterate_compartments
from neurodamus_like.io.electrodes import ElectrodeFactors, Probe
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.simulation.node import Node

FactorMethod = Callable[[Compartments, FloatArray, float], FloatArray]


def compute_electrode_factors(
    node: Node, probe: Probe, method: FactorMethod, conductivity: float
) -> dict[str, ElectrodeFactors]:
    """Build the cells of a simulation and compute what they add at each contact; collective.

    Parameters
    ----------
    node
        A new simulation, of which nothing is built yet.
    probe
        The contacts.
    method
        One of :data:`neurodamus_like.reports.electrode_factors.FACTOR_METHODS`.
    conductivity
        Of the medium, S/m.

    Returns
    -------
    dict
        Population -> factors of its cells by ascending node id; empty on ranks other than 0.
    """
    node.load_targets()
    node.compute_load_balance()
    node.create_cells()
    result = {}
    for manager in node.circuits.all_node_managers():
        with collectively(node.comm):
            local = {
                cell.node_id: method(compartments, probe.positions_um, conductivity)
                for cell, compartments in iterate_compartments(manager, list(_with_sections(manager)))
            }
        gathered = node.comm.gather(local)
        if gathered is not None:
            factors = {node_id: table for part in gathered for node_id, table in part.items()}
            if factors:
                result[manager.population_name] = _join(factors)
    return result


def _with_sections(manager: Any) -> list[Any]:
    return [cell for cell in manager.cells if getattr(cell, "sections", None)]


def _join(factors: dict[int, FloatArray]) -> ElectrodeFactors:
    ids = sorted(factors)
    offsets = np.cumsum([0, *(len(factors[i]) for i in ids)])
    return ElectrodeFactors(
        np.array(ids, dtype=np.int64), offsets.astype(np.int64), np.concatenate([factors[i] for i in ids])
    )
