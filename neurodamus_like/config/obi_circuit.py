"""Reader of a SONATA circuit configuration of the BlueBrain/OBI dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import libsonata

from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to, read_json
from neurodamus_like.config.models import Circuit, Components, EdgePopulation, NodePopulation
from neurodamus_like.config.populations import read_edge_population_ends, read_node_population_size
from neurodamus_like.exceptions import ConfigurationError

_EXTRA_COMPONENTS = (
    "vasculature_file",
    "vasculature_mesh",
    "endfeet_meshes_file",
    "microdomains_file",
    "spine_morphologies_dir",
    "spatial_synapse_index_dir",
    "spatial_segment_index_dir",
)


def is_circuit_config(path: str | Path) -> bool:
    """Say whether a JSON file is a circuit configuration (and not that of a simulation); False if unreadable."""
    try:
        document = read_json(path)
    except ConfigurationError:
        return False
    return "networks" in document and "run" not in document


def load_circuit(path: str | Path) -> Circuit:
    """Return the circuit described by a SONATA circuit configuration file.

    Populations keep the order of the file. Sizes and the ends of edge populations are read from the HDF5
    files; nothing else of them is.

    Raises
    ------
    ConfigurationError
        The file is missing or breaks the rules of the format.
    CircuitError
        An HDF5 file is missing, damaged, or lacks a population.
    """
    document = Document(path)
    sonata = document.parse(libsonata.CircuitConfig)
    nodes = {
        name: _node_population(document, sonata, name, block)
        for name, block in _populations(document, "nodes")
    }
    edges = {
        name: _edge_population(document, sonata, name, block)
        for name, block in _populations(document, "edges")
    }
    return Circuit(
        path=document.file,
        nodes=MappingProxyType(nodes),
        edges=MappingProxyType(edges),
        node_sets_file=document.path_at("node_sets_file"),
    )


def _populations(document: Document, family: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, group in enumerate(document.raw["networks"].get(family, [])):
        for name, block in (group.get("populations") or {}).items():
            if not isinstance(block, Mapping):
                raise ConfigurationError(
                    f"the population {name!r} is not described by an object",
                    file=document.file,
                    pointer=pointer_to("networks", family, index, "populations", name),
                    expected='an object such as {"type": "biophysical"}',
                )
            yield name, block


def _node_population(document: Document, sonata: Any, name: str, block: Mapping[str, Any]) -> NodePopulation:
    found = sonata.node_population_properties(name)
    file = Path(found.elements_path)
    return NodePopulation(
        name=name,
        file=file,
        kind=found.type,
        types_file=_optional(found.types_path),
        components=_components(document, found, block),
        size=read_node_population_size(file, name),
    )


def _edge_population(document: Document, sonata: Any, name: str, block: Mapping[str, Any]) -> EdgePopulation:
    found = sonata.edge_population_properties(name)
    file = Path(found.elements_path)
    source, target, size = read_edge_population_ends(file, name)
    return EdgePopulation(
        name=name,
        file=file,
        source=source,
        target=target,
        kind=found.type,
        types_file=_optional(found.types_path),
        components=_components(document, found, block),
        size=size,
    )


def _components(document: Document, found: Any, block: Mapping[str, Any]) -> Components:
    inherited = {**document.raw.get("components", {}), **block}
    alternates = {k: Path(v) for k, v in found.alternate_morphology_formats.items() if v}
    synaptic = inherited.get("synaptic_models_dir")
    extra = {k: Path(v) for k in _EXTRA_COMPONENTS if (v := getattr(found, k, None))}
    bioname = (inherited.get("provenance") or {}).get("bioname_dir")
    if bioname:
        extra["bioname_dir"] = document.resolve(bioname, "components", "provenance", "bioname_dir")
    return Components(
        morphologies_swc=_optional(found.morphologies_dir),
        morphologies_asc=alternates.get("neurolucida-asc"),
        morphologies_h5=alternates.get("h5v1"),
        biophysical_neuron_models_dir=_optional(found.biophysical_neuron_models_dir),
        point_neuron_models_dir=_optional(found.point_neuron_models_dir),
        synaptic_models_dir=(
            document.resolve(synaptic, "components", "synaptic_models_dir") if synaptic else None
        ),
        mechanisms_dir=_optional(found.mechanisms_dir),
        extra=MappingProxyType(extra),
    )


def _optional(text: str) -> Path | None:
    return Path(text) if text else None
