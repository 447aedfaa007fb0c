"""Random connections between two populations: who connects by distance, where on the dendrites, how strong.

Everything is drawn for all pairs or all synapses of a pathway at once, from one generator, so that a pathway
is a pure function of its seed and of the positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.builder.morphologies import Morphology, SectionType

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SYNAPTIC_DELAY_MS = 0.6
CONDUCTION_UM_PER_MS = 300.0


class Zone(Enum):
    """Where on the target cell a pathway ends."""

    DENDRITES = "anywhere on the dendrites, by length"
    BASAL = "basal and oblique dendrites within 250 um of the soma"
    PERISOMATIC = "the soma and dendrites that begin within 60 um of it"


@dataclass(frozen=True)
class SynapseKind:
    """Distributions (mean, standard deviation) of the parameters of a kind of synapse.

    Attributes
    ----------
    type_id
        ``syn_type_id``: 100 and above is excitatory.
    conductance_nS
        Peak conductance; drawn from a gamma distribution.
    u_syn, depression_ms, facilitation_ms
        Tsodyks-Markram release probability and time constants.
    decay_ms
        Decay time of AMPA or GABA-A.
    slow_ratio
        ``conductance_scale_factor``: NMDA over AMPA, or GABA-B over GABA-A.
    mean_extra_vesicles
        Vesicles beyond the first one in the readily releasable pool, Poisson distributed.
    u_hill
        ``u_hill_coefficient`` in mM: how release depends on extracellular calcium.
    """

    type_id: int
    conductance_nS: tuple[float, float]
    u_syn: tuple[float, float]
    depression_ms: tuple[float, float]
    facilitation_ms: tuple[float, float]
    decay_ms: tuple[float, float]
    slow_ratio: float = 0.0
    mean_extra_vesicles: float = 1.0
    u_hill: float = 2.0


@dataclass(frozen=True)
class Pathway:
    """How one population connects to another.

    Attributes
    ----------
    source, target
        Names of the node populations.
    kind
        The synapses.
    probability
        Of a connection between two neighbours.
    decay_um
        The probability falls with horizontal distance d as exp(-d / decay_um).
    synapses_per_connection
        Mean number; at least one, the rest Poisson distributed.
    zone
        Where on the target cell.
    """

    source: str
    target: str
    kind: SynapseKind
    probability: float
    decay_um: float
    synapses_per_connection: float
    zone: Zone = Zone.DENDRITES

    @property
    def edge_population(self) -> str:
        """Name of the edge population."""
        return f"{self.source}__{self.target}__chemical"


@dataclass(frozen=True)
class Placed:
    """Positions in µm, shape (n, 3), and morphology of each cell of a population."""

    positions: FloatArray
    morphology_index: IntArray
    morphologies: Sequence[Morphology]


def draw_connections(rng: np.random.Generator, pathway: Pathway, source: Placed, target: Placed) -> IntArray:
    """Return the connected pairs (source id, target id), shape (n_connections, 2); no cell meets itself."""
    offsets = source.positions[:, None, :] - target.positions[None, :, :]
    horizontal = np.hypot(offsets[..., 0], offsets[..., 2])
    probability = pathway.probability * np.exp(-horizontal / pathway.decay_um)
    connected = rng.random(probability.shape) < probability
    if pathway.source == pathway.target:
        np.fill_diagonal(connected, False)
    return np.argwhere(connected).astype(np.int64)


def draw_synapses(
    rng: np.random.Generator, pathway: Pathway, source: Placed, target: Placed
) -> tuple[IntArray, IntArray, dict[str, NDArray[np.generic]]]:
    """Draw the synapses of a pathway.

    Returns
    -------
    source_ids, target_ids
        Node ids, shape (n_synapses,).
    columns
        SONATA edge attributes by name, each of shape (n_synapses,).
    """
    pairs = draw_connections(rng, pathway, source, target)
    counts = 1 + rng.poisson(pathway.synapses_per_connection - 1.0, len(pairs))
    source_ids, target_ids = np.repeat(pairs, counts, axis=0).T
    distance = np.linalg.norm(source.positions[source_ids] - target.positions[target_ids], axis=1)
    section_ids, section_pos = place_on_sections(rng, target, target_ids, pathway.zone)
    columns: dict[str, NDArray[np.generic]] = {
        "delay": (SYNAPTIC_DELAY_MS + distance / CONDUCTION_UM_PER_MS).astype(np.float32),
        "afferent_section_id": section_ids.astype(np.uint32),
        "afferent_section_pos": section_pos.astype(np.float32),
        **draw_parameters(rng, pathway.kind, len(source_ids)),
    }
    return source_ids, target_ids, columns


def place_on_sections(
    rng: np.random.Generator, target: Placed, target_ids: IntArray, zone: Zone
) -> tuple[IntArray, FloatArray]:
    """Return a section id and a position in (0, 1) for each synapse, uniform by length inside `zone`."""
    section_ids = np.zeros(len(target_ids), dtype=np.int64)
    morphology_of_synapse = target.morphology_index[target_ids]
    for index, morphology in enumerate(target.morphologies):
        here = np.flatnonzero(morphology_of_synapse == index)
        weights = _zone_weights(morphology, zone)
        section_ids[here] = rng.choice(len(weights), size=len(here), p=weights / weights.sum())
    return section_ids, rng.uniform(0.02, 0.98, len(target_ids))


def _zone_weights(morphology: Morphology, zone: Zone) -> FloatArray:
    types, lengths, path = morphology.section_types, morphology.lengths_um, morphology.path_distances_um
    dendrite = np.isin(types, (SectionType.BASAL, SectionType.APICAL))
    allowed = {
        Zone.DENDRITES: dendrite,
        Zone.BASAL: dendrite & (path < 250.0),
        Zone.PERISOMATIC: (types == SectionType.SOMA) | (dendrite & (path < 60.0)),
    }[zone]
    return np.where(allowed, lengths, 0.0)


def draw_parameters(
    rng: np.random.Generator, kind: SynapseKind, n_synapses: int
) -> dict[str, NDArray[np.generic]]:
    """Draw the parameters: gamma distributed conductances, the rest normal and cut to what is possible."""
    mean, deviation = kind.conductance_nS
    conductance = rng.gamma((mean / deviation) ** 2, deviation**2 / mean, n_synapses)

    def normal(values: tuple[float, float], low: float, high: float) -> NDArray[np.float32]:
        return np.clip(rng.normal(*values, n_synapses), low, high).astype(np.float32)

    return {
        "conductance": conductance.astype(np.float32),
        "u_syn": normal(kind.u_syn, 0.01, 1.0),
        "depression_time": normal(kind.depression_ms, 5.0, 2000.0),
        "facilitation_time": normal(kind.facilitation_ms, 1.0, 2000.0),
        "decay_time": normal(kind.decay_ms, 0.5, 50.0),
        "n_rrp_vesicles": (1 + rng.poisson(kind.mean_extra_vesicles, n_synapses)).astype(np.uint32),
        "syn_type_id": np.full(n_synapses, kind.type_id, dtype=np.uint16),
        "u_hill_coefficient": np.full(n_synapses, kind.u_hill, dtype=np.float32),
        "conductance_scale_factor": np.full(n_synapses, kind.slow_ratio, dtype=np.float32),
    }
