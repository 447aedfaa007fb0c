"""Synapse types: how edge columns become parameters of a mechanism.

A third party adds a type by registering an instance of :class:`SynapseType` in :data:`SYNAPSE_TYPES`; a connection
override then asks for it with ``"modoverride": "<name>"``.
"""

from __future__ import annotations

import hashlib

import numpy as np

from neurodamus_like.connectivity.synapse_registry import KINETICS, SYNAPSE_TYPES, SynapseContext, SynapseType
from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn, SynapseTable
from neurodamus_like.engine import hoc_synapses, rng

__all__ = ["KINETICS", "SYNAPSE_TYPES", "SynapseContext", "SynapseType"]

FIRST_EXCITATORY_TYPE = 100
"""Edges with a smaller ``syn_type_id`` are inhibitory."""

EXCITATORY, INHIBITORY = "ProbAMPANMDA_EMS", "ProbGABAAB_EMS"
"""Types of chemical synapses that no override changes."""


def population_id(name: str) -> int:
    """Return the 12-bit number that stands for a population in random streams (from the MD5 of its name)."""
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return ((digest[1] & 0x0F) << 8) + digest[0]


def pathway_id(source: str, target: str) -> int:
    """Return the number that stands for a pair of populations in random streams."""
    return population_id(source) * 65536 + population_id(target)


def scale_release_probability(
    u: FloatColumn, hill_coefficient: FloatColumn, calcium_mM: float
) -> FloatColumn:
    """Scale release probability by extracellular calcium.

    Hill curve with exponent 4, normalised to 1 at 2 mM (Markram et al. 2015, Cell 163:456);
    a coefficient of 0 leaves the value as it is.

    Parameters
    ----------
    u
        Release probability at 2 mM, shape (n,).
    hill_coefficient
        Half-activation in mM, shape (n,).
    calcium_mM
        Extracellular calcium.
    """
    k4, ca4 = hill_coefficient**4, calcium_mM**4
    scaled: FloatColumn = u * (k4 + 16.0) / 16.0 * ca4 / (k4 + ca4)
    return scaled


def legacy_target(table: SynapseTable) -> IntColumn:
    """Return the target ids as random streams count them, from 1."""
    return table.target_gid + 1


def synapse_type_names(table: SynapseTable, default: str | None = None) -> dict[str, IntColumn]:
    """Return the rows of each synapse type.

    What an override asks for wins; otherwise `default`, or (when that is None) ``syn_type_id`` decides: below 100
    is inhibitory.
    """
    override = table.settings.modoverride[table.group]
    plain = override < 0
    groups: dict[str, IntColumn] = {}
    if default is not None:
        groups[default] = np.flatnonzero(plain)
    elif "syn_type_id" in table.columns:
        excitatory = table["syn_type_id"] >= FIRST_EXCITATORY_TYPE
        groups[EXCITATORY] = np.flatnonzero(plain & excitatory)
        groups[INHIBITORY] = np.flatnonzero(plain & ~excitatory)
    for code in np.unique(override[~plain]).tolist():
        name = table.settings.modoverride_names[code]
        rows = np.flatnonzero(override == code)
        groups[name] = np.union1d(groups[name], rows) if name in groups else rows
    return {name: rows for name, rows in groups.items() if rows.size}


def _release_streams(table: SynapseTable, context: SynapseContext) -> IntColumn:
    last = np.full(len(table), context.pathway_id + context.synapse_seed + 300)
    return np.stack([legacy_target(table) + 250, table.synapse_id + 100, last], axis=1)


def _dynamics(table: SynapseTable, decay: str) -> dict[str, FloatColumn]:
    return {
        decay: table["decay_time"],
        "Use": np.abs(table["u_syn"]),
        "Dep": np.abs(table["depression_time"]),
        "Fac": np.abs(table["facilitation_time"]),
    }


def _vesicles(table: SynapseTable) -> dict[str, FloatColumn]:
    vesicles = table.get("n_rrp_vesicles", -1.0)
    return {"Nrrp": np.where(vesicles >= 0, vesicles, 1.0)} if (vesicles >= 0).any() else {}


def _ratio(table: SynapseTable, name: str, default: float) -> dict[str, FloatColumn]:
    ratios = table.get("conductance_scale_factor", -1.0)
    return {name: np.where(ratios >= 0, ratios, default)} if (ratios >= 0).any() else {}


def _excitatory(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    return {**_excitatory_by_name(table, context), **_ratio(table, "NMDA_ratio", 0.71)}


def _excitatory_by_name(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    return {**_dynamics(table, "tau_d_AMPA"), **_vesicles(table)}


def _inhibitory(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    return {**_inhibitory_by_name(table, context), **_ratio(table, "GABAB_ratio", 0.0)}


def _inhibitory_by_name(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    parameters = {**_dynamics(table, "tau_d_GABAA"), **_vesicles(table)}
    if context.randomize_gaba_rise_time:
        last = np.full(len(table), context.pathway_id + context.synapse_seed + 450)
        streams = np.stack([legacy_target(table) + 250, table.synapse_id + 100, last], axis=1)
        parameters["tau_r_GABAA"] = rng.lognormal_second_draw(streams, mean=0.2, variance=0.1)
    return parameters


def _deterministic_excitatory(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    return _dynamics(table, "tau_d_AMPA")


def _deterministic_inhibitory(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    parameters = _dynamics(table, "tau_d_GABAA")
    if context.randomize_gaba_rise_time:
        low = legacy_target(table) + 250 + context.base_seed
        streams = np.stack([table.synapse_id * 100_000 + 100, low], axis=1)
        parameters["tau_r_GABAA"] = hoc_synapses.mcell_lognormal(streams, mean=0.2, variance=0.1)
    return parameters


def _plastic(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    """Calcium-based plasticity (Chindemi et al. 2022): synapses start potentiated or depressed, by ``rho0_GB``."""
    potentiated = table["rho0_GB"] > hoc_synapses.get_global("rho_star_GB_GluSynapse")
    gmax0 = np.where(potentiated, table["gmax_p_AMPA"], table["gmax_d_AMPA"])
    parameters = {
        "volume_CR": table["volume_CR"],
        "rho0_GB": table["rho0_GB"],
        "Use_d": table["Use_d_TM"],
        "Use_p": table["Use_p_TM"],
        "gmax_d_AMPA": table["gmax_d_AMPA"],
        "gmax_p_AMPA": table["gmax_p_AMPA"],
        "theta_d_GB": table["theta_d"],
        "theta_p_GB": table["theta_p"],
        "gmax0_AMPA": gmax0,
        "tau_d_AMPA": table["decay_time"],
        "Use": np.where(potentiated, table["Use_p_TM"], table["Use_d_TM"]),
        "Dep": np.abs(table["depression_time"]),
        "Fac": np.abs(table["facilitation_time"]),
        **_vesicles(table),
    }
    ratios = table.get("conductance_scale_factor", -1.0)
    if (ratios >= 0).any():
        parameters["gmax_NMDA"] = gmax0 * np.where(ratios >= 0, ratios, 0.55)
    return parameters


def _plastic_streams(table: SynapseTable, context: SynapseContext) -> IntColumn:
    last = np.full(len(table), context.synapse_seed + 200)
    return np.stack([legacy_target(table), table.synapse_id + 100_000, last], axis=1)


def _two_exponentials(table: SynapseTable, context: SynapseContext) -> dict[str, FloatColumn]:
    return {"tau1": table["tau1"], "tau2": table["tau2"], "e": table["erev"]}


PLASTICITY = (
    "volume_CR",
    "rho0_GB",
    "Use_d_TM",
    "Use_p_TM",
    "gmax_d_AMPA",
    "gmax_p_AMPA",
    "theta_d",
    "theta_p",
)
"""Edge attributes of plastic synapses."""

SYNAPSE_TYPES.add(EXCITATORY, SynapseType("ProbAMPANMDA_EMS", _excitatory, _release_streams))
SYNAPSE_TYPES.add(INHIBITORY, SynapseType("ProbGABAAB_EMS", _inhibitory, _release_streams))
SYNAPSE_TYPES.add("AMPANMDA", SynapseType("ProbAMPANMDA_EMS", _excitatory_by_name, _release_streams))
SYNAPSE_TYPES.add("GABAAB", SynapseType("ProbGABAAB_EMS", _inhibitory_by_name, _release_streams))
SYNAPSE_TYPES.add("DetAMPANMDA", SynapseType("DetAMPANMDA", _deterministic_excitatory))
SYNAPSE_TYPES.add("DetGABAAB", SynapseType("DetGABAAB", _deterministic_inhibitory))
SYNAPSE_TYPES.add(
    "GluSynapse",
    SynapseType("GluSynapse", _plastic, _plastic_streams, (*KINETICS, *PLASTICITY), ("Use_d_TM", "Use_p_TM")),
)
SYNAPSE_TYPES.add("Exp2Syn", SynapseType("Exp2Syn", _two_exponentials, attributes=("tau1", "tau2", "erev")))
