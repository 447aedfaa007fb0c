"""The registry of synapse types, and what can be asked of it without a simulator: is there a type of this name?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.config.models import EdgePopulation, Simulation
from neurodamus_like.connectivity.synapse_table import FloatColumn, IntColumn, SynapseTable
from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.registry import Registry

KINETICS = ("u_syn", "depression_time", "facilitation_time", "decay_time", "n_rrp_vesicles")
"""Edge attributes of synapses with short-term dynamics."""

BUILT_IN_TYPES = (
    "ProbAMPANMDA_EMS",
    "ProbGABAAB_EMS",
    "AMPANMDA",
    "GABAAB",
    "DetAMPANMDA",
    "DetGABAAB",
    "GluSynapse",
    "Exp2Syn",
)
"""What :mod:`~neurodamus_like.connectivity.synapse_types` registers."""

EDGE_KINDS_WITH_TYPES = ("chemical", "Exp2Syn_synapse")
"""Edge populations whose synapses an override can make of another type."""


@dataclass(frozen=True)
class SynapseContext:
    """What parameters of synapses depend on besides their edge.

    Attributes
    ----------
    synapse_seed
        ``run.synapse_seed``.
    pathway_id
        Hash of source and target population, see :func:`pathway_id`.
    randomize_gaba_rise_time
        Draw the GABA-A rise time from a lognormal distribution.
    base_seed
        ``run.random_seed``.
    """

    synapse_seed: int
    pathway_id: int
    randomize_gaba_rise_time: bool = False
    base_seed: int = 0


Parameters = Callable[[SynapseTable, SynapseContext], dict[str, FloatColumn]]
Streams = Callable[[SynapseTable, SynapseContext], IntColumn]


@dataclass(frozen=True)
class SynapseType:
    """A point process and how to fill it.

    Attributes
    ----------
    mechanism
        Name of the POINT_PROCESS.
    parameters
        (table, context) -> {RANGE variable: values}.
    rng_ids
        (table, context) -> ids of Random123 streams, shape (n, 3); None for deterministic synapses.
    attributes
        Edge attributes it needs, besides section, position, delay and conductance.
    hill_scaled
        Those of them that extracellular calcium scales, besides ``u_syn``.
    """

    mechanism: str
    parameters: Parameters
    rng_ids: Streams | None = None
    attributes: tuple[str, ...] = KINETICS
    hill_scaled: tuple[str, ...] = ()


SYNAPSE_TYPES: Registry[SynapseType] = Registry("synapse type", "neurodamus_like.synapse_types")


def find_helper(name: str, population: EdgePopulation) -> Path | None:
    """Return the HOC template that a ``modoverride`` means, or None when it is a registered type or nothing.

    A template in the population's ``synaptic_models_dir`` comes first, then the registered types, then templates in
    ``mechanisms_dir`` and in the folders of ``HOC_LIBRARY_PATH``.
    """
    own = population.components.synaptic_models_dir
    if own is not None and (own / f"{name}Helper.hoc").is_file():
        return own / f"{name}Helper.hoc"
    if is_registered(name):
        return None
    files = (folder / f"{name}Helper.hoc" for folder in _library_folders(population))
    return next((file for file in files if file.is_file()), None)


def is_registered(name: str) -> bool:
    """Say whether a synapse type of this name comes with the package, or was registered."""
    return name.lower() in {known.lower() for known in BUILT_IN_TYPES} or name in SYNAPSE_TYPES


def check_modoverrides(simulation: Simulation) -> list[ConfigurationError]:
    """Return an error for each ``modoverride`` that no edge population of the circuit can resolve."""
    edges = [e for e in simulation.circuit.edges.values() if e.kind in EDGE_KINDS_WITH_TYPES]
    errors = []
    for block in simulation.connection_overrides:
        name = block.modoverride
        if name is None or is_registered(name) or not edges:
            continue
        if all(find_helper(name, population) is None for population in edges):
            error = unknown_type(name)
            error.file, error.pointer = simulation.path, f"{block.pointer}/modoverride"
            errors.append(error)
    return errors


def unknown_type(name: str, population: str | None = None) -> ConfigurationError:
    """Return the error for a ``modoverride`` that means nothing."""
    known = sorted({*BUILT_IN_TYPES, *SYNAPSE_TYPES.names()})
    return ConfigurationError(
        f"unknown modoverride {name!r}",
        pointer="/connection_overrides",
        population=population,
        expected=f"a file {name}Helper.hoc in synaptic_models_dir, mechanisms_dir or HOC_LIBRARY_PATH, or one of "
        + ", ".join(known),
        hint=did_you_mean(name, known) or None,
    )


def _library_folders(population: EdgePopulation) -> Iterator[Path]:
    if population.components.mechanisms_dir is not None:
        yield population.components.mechanisms_dir
    yield from (Path(p) for p in os.environ.get("HOC_LIBRARY_PATH", "").split(":") if p)
