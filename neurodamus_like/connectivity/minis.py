"""Spontaneous miniature release: a Poisson spike source of its own for each synapse that has a rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurodamus_like.config.models import NodePopulation
from neurodamus_like.connectivity.synapse_table import BoolColumn, FloatColumn, IntColumn, SynapseTable
from neurodamus_like.connectivity.synapse_types import FIRST_EXCITATORY_TYPE, legacy_target
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.nodes import read_nodes

MINI_DELAY_MS = 0.1
"""Delay of the NetCons from these sources."""

_SPELLINGS = ("{}_mini_frequency", "{}-mini_frequency", "dynamics_params/{}_mini_frequency")


@dataclass(frozen=True)
class CellRates:
    """Rates of the target cells, in Hz per synapse, aligned with `gid` (ascending); 0 where a cell has none."""

    gid: IntColumn
    excitatory_Hz: FloatColumn
    inhibitory_Hz: FloatColumn

    @classmethod
    def none(cls) -> CellRates:
        """Return rates of no cells."""
        nothing = np.empty(0)
        return cls(np.empty(0, dtype=np.int64), nothing, nothing)


def read_cell_rates(nodes: NodePopulation, node_ids: IntColumn, offset: int) -> CellRates:
    """Read the rates of cells; both kinds must be in the nodes file, otherwise there are none.

    Parameters
    ----------
    nodes
        Population of the cells.
    node_ids
        Their ids, ascending.
    offset
        Gid offset of the population.

    Raises
    ------
    CircuitError
        A rate is negative.
    """
    wanted = [spelling.format(kind) for kind in ("exc", "inh") for spelling in _SPELLINGS]
    columns = read_nodes(nodes.file, nodes.name, [], node_ids, optional=wanted).columns
    rates = []
    for kind in ("exc", "inh"):
        found = [columns[name] for name in wanted if name in columns and kind in name]
        if not found:
            return CellRates.none()
        rates.append(np.asarray(found[0], dtype=np.float64))
        if (rates[-1] < 0).any():
            raise CircuitError(
                "the rate of spontaneous minis is negative",
                file=nodes.file,
                population=nodes.name,
                ids=node_ids[rates[-1] < 0].tolist(),
                expected="exc_mini_frequency and inh_mini_frequency from 0 Hz",
            )
    return CellRates(node_ids + offset, rates[0], rates[1])


def mini_rates(table: SynapseTable, cells: CellRates) -> FloatColumn:
    """Return the rate of each synapse: that of an override, else that of the target cell for its kind.

    Parameters
    ----------
    table
        Synapses.
    cells
        Rates of target cells.
    """
    override = table.settings.minis_rate_Hz[table.group]
    rates = np.where(np.isnan(override), 0.0, override)
    if not cells.gid.size or "syn_type_id" not in table.columns:
        return rates
    at = np.minimum(np.searchsorted(cells.gid, table.target_gid), cells.gid.size - 1)
    known = cells.gid[at] == table.target_gid
    excitatory = table["syn_type_id"] >= FIRST_EXCITATORY_TYPE
    of_cell = np.where(excitatory, cells.excitatory_Hz[at], cells.inhibitory_Hz[at])
    return np.where(np.isnan(override) & known, of_cell, rates)


def mini_streams(table: SynapseTable, pathway_id: int, minis_seed: int) -> IntColumn:
    """Return the ids of both Random123 streams of each source, shape (n, 6)."""
    synapse, target = table.synapse_id + 200, legacy_target(table) + 250
    first = np.full(len(table), pathway_id + minis_seed + 300)
    return np.stack([synapse, target, first, synapse, target, first + 50], axis=1)


def with_minis(rates_Hz: FloatColumn) -> BoolColumn:
    """Say which synapses need a source."""
    return rates_Hz > 0
