"""Synapse types that a user wrote in HOC: ``modoverride`` X means the template ``XHelper`` in ``XHelper.hoc``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.connectivity.synapse_registry import (
    KINETICS,
    SYNAPSE_TYPES,
    SynapseType,
    find_helper,
    unknown_type,
)
from neurodamus_like.connectivity.synapse_table import IntColumn, SynapseTable
from neurodamus_like.connectivity.synapse_types import legacy_target
from neurodamus_like.engine import hoc_synapses
from neurodamus_like.engine.object_columns import ObjectColumn
from neurodamus_like.io.hoc_template import read_hoc_template

_HILL = re.compile(r"\w+_UHillScaleVariables\s*=\s*\"([^\"]*)\"")

_FIELDS = {
    "weight": "conductance",
    "U": "u_syn",
    "D": "depression_time",
    "F": "facilitation_time",
    "DTC": "decay_time",
    "synType": "syn_type_id",
    "nrrp": "n_rrp_vesicles",
}
_OPTIONAL_FIELDS = {
    "u_hill_coefficient": ("u_hill_coefficient", 0.0),
    "conductance_ratio": ("conductance_scale_factor", -1.0),
    "offset": ("afferent_section_pos", 0.0),
}


@dataclass(frozen=True)
class HelperType:
    """A synapse type defined by a HOC template.

    Attributes
    ----------
    name
        What ``modoverride`` says.
    path
        File of the template ``<name>Helper``.
    attributes
        Edge attributes it needs, besides section, position, delay and conductance.
    hill_scaled
        Those of them that extracellular calcium scales, besides ``u_syn``.
    extra
        Those that its text declares (``<name>Helper_NeededAttributes``).
    """

    name: str
    path: Path
    attributes: tuple[str, ...]
    hill_scaled: tuple[str, ...]
    extra: tuple[str, ...]

    def create(
        self,
        table: SynapseTable,
        simulation: Simulation,
        pathway: tuple[int, int],
        sections: list[Any],
        section_index: IntColumn,
        x: NDArray[np.float64],
    ) -> tuple[ObjectColumn, list[Any]]:
        """Create the synapses of a table; return them, and what must live as long."""
        run = simulation.run
        settings: dict[str, Any] = {
            "globalSeed": run.random_seed,
            "ionchannelSeed": run.ionchannel_seed,
            "stimulusSeed": run.stimulus_seed,
            "minisSeed": run.minis_seed,
            "synapseSeed": run.synapse_seed,
            "randomize_Gaba_risetime": "True" if simulation.conditions.randomize_gaba_rise_time else "False",
        }
        constructor = hoc_synapses.load_synapse_helper(f"{self.name}Helper", self.path, settings)
        return hoc_synapses.create_with_helper(
            constructor,
            sections,
            section_index,
            x,
            self._fields(table),
            legacy_target(table),
            table.synapse_id,
            (run.random_seed, *pathway),
        )

    def _fields(self, table: SynapseTable) -> dict[str, NDArray[Any]]:
        n = len(table)
        fields: dict[str, NDArray[Any]] = {
            "sgid": table.source_gid,
            "delay": table.delay_ms,
            "isec": table.section_id,
            "ipt": np.full(n, -1),
            "maskValue": np.full(n, -1.0),
            "location": np.full(n, 0.5),
        }
        fields |= {name: table.get(column, np.nan) for name, column in _FIELDS.items()}
        fields |= {name: table.get(*source) for name, source in _OPTIONAL_FIELDS.items()}
        return fields | {name: table[name] for name in self.extra}


def resolve_synapse_type(name: str, population: EdgePopulation) -> SynapseType | HelperType:
    """Return what a ``modoverride`` means; see :func:`~neurodamus_like.connectivity.synapse_registry.find_helper`.

    Raises
    ------
    ConfigurationError
        Nothing has this name.
    """
    helper = find_helper(name, population)
    if helper is not None:
        return _read_helper(name, helper)
    if name in SYNAPSE_TYPES:
        return SYNAPSE_TYPES[name]
    raise unknown_type(name, population.name)


def _read_helper(name: str, path: Path) -> HelperType:
    extra = read_hoc_template(path).needed_attributes
    scaled = [v for found in _HILL.findall(path.read_text(errors="replace")) for v in found.split(";") if v]
    return HelperType(name, path, (*KINETICS, *extra), tuple(scaled), extra)
