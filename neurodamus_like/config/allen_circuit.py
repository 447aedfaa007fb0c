"""Reader of the networks and components of the Allen dialect."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.allen_values import read_switch
from neurodamus_like.config.models import Circuit, Components, EdgePopulation, NodePopulation
from neurodamus_like.config.populations import (
    node_count,
    open_hdf5,
    population_group,
    read_edge_population_ends,
)
from neurodamus_like.config.types_csv import read_type_table
from neurodamus_like.exceptions import CircuitError, ConfigurationError

JUNCTIONS_ENDING = "_gap_juncs.h5"
_LIBRARY = "libnrnmech.so"
_MODEL_TYPE = "model_type"
_FOLDERS = {
    "morphologies_dir": "morphologies_swc",
    "biophysical_neuron_models_dir": "biophysical_neuron_models_dir",
    "point_neuron_models_dir": "point_neuron_models_dir",
    "synaptic_models_dir": "synaptic_models_dir",
}


def read_circuit(document: AllenDocument) -> Circuit:
    """Return the circuit of a configuration; populations keep the order of the file.

    What is wrong with one entry is collected in the document, and the others are read.

    Raises
    ------
    ConfigurationError
        There are no networks.
    """
    if not document.block("networks").get("nodes"):
        raise document.error(
            "the configuration names no nodes",
            "networks",
            expected='{"nodes": [{"nodes_file": ..., "node_types_file": ...}], "edges": [...]}',
        )
    components = read_components(document)
    nodes: dict[str, NodePopulation] = {}
    for where, entry in _entries(document, "nodes"):
        with document.collecting():
            for population in _node_populations(document, entry, where, components):
                _check_new(document, population.name, nodes, where)
                offset = sum(p.size for p in nodes.values())
                nodes[population.name] = replace(population, gid_offset=offset)
    return Circuit(document.file, MappingProxyType(nodes), _edges(document, nodes, components))


def read_components(document: AllenDocument) -> Components:
    """Return the folders of the parts of cells and synapses.

    Folders that do not exist are kept: only those that a cell needs are missed.
    """
    block = document.block("components")
    folders: dict[str, Any] = {
        field: document.resolve(block[key], "components", key)
        for key, field in _FOLDERS.items()
        if block.get(key)
    }
    paths = _paths(document, block, "mechanisms_dir")
    mechanisms = [folder for path in paths for folder in _mod_folder(path)]
    libraries = [library for path in paths if not _mod_folder(path) for library in _library(path)]
    for path in paths:
        if not _mod_folder(path) and not _library(path):
            document.notice(
                f"there are neither MOD files nor a compiled library in {path}"
                + ("" if path.is_dir() else ", which does not exist"),
                "components",
                "mechanisms_dir",
                hint="give the folder of the MOD files with --mechanisms DIR",
            )
    return Components(
        **folders,
        mechanisms_dir=mechanisms[0] if mechanisms else None,
        further_mechanisms_dirs=tuple(mechanisms[1:]),
        mechanism_libraries=tuple(libraries),
        template_paths=tuple(_paths(document, block, "templates_dir")),
    )


def _paths(document: AllenDocument, block: Mapping[str, Any], key: str) -> list[Path]:
    value = block.get(key) or []
    texts = value if isinstance(value, list) else [value]
    return [document.resolve(text, "components", key) for text in texts]


def _mod_folder(path: Path) -> list[Path]:
    """Return the folder with the MOD files: the one named, or its ``modfiles``."""
    return [folder for folder in (path, path / "modfiles") if any(folder.glob("*.mod"))][:1]


def _library(path: Path) -> list[Path]:
    """Return the library that nrnivmodl has left in a folder, in a folder named after the machine."""
    folder = path / platform.machine()
    return [file for file in (folder / _LIBRARY, folder / ".libs" / _LIBRARY) if file.is_file()][:1]


def _entries(
    document: AllenDocument, family: str
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    entries = document.block("networks").get(family) or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise document.error(f"'networks/{family}' is not a list of objects", "networks", family)
    for number, entry in enumerate(entries):
        if read_switch(document, entry, "enabled", True, "networks", family, number):
            yield ("networks", family, number), entry


def _file(document: AllenDocument, entry: Mapping[str, Any], key: str, where: tuple[str | int, ...]) -> Path:
    if not entry.get(key):
        raise document.error(f"{key!r} is missing", *where)
    return document.existing(entry[key], *where, key)


def _types_file(
    document: AllenDocument, entry: Mapping[str, Any], key: str, where: tuple[str | int, ...]
) -> Path | None:
    return _file(document, entry, key, where) if entry.get(key) else None


def _node_populations(
    document: AllenDocument,
    entry: Mapping[str, Any],
    where: tuple[str | int, ...],
    components: Components,
) -> Iterator[NodePopulation]:
    file = _file(document, entry, "nodes_file", where)
    types_file = _types_file(document, entry, "node_types_file", where)
    with open_hdf5(file) as h5:
        for name in h5.get("nodes", {}):
            group = population_group(h5, "nodes", name, file)
            yield NodePopulation(
                name=name,
                file=file,
                kind="virtual" if _all_virtual(group, types_file) else "node_types",
                types_file=types_file,
                components=components,
                size=_highest_node_id(group) + 1,
            )


def _highest_node_id(group: Any) -> int:
    if "node_id" in group and group["node_id"].shape[0]:
        return int(np.max(group["node_id"][()]))
    return node_count(group) - 1


def _all_virtual(group: Any, types_file: Path | None) -> bool:
    used = set(np.unique(group["node_type_id"][()]).tolist()) if "node_type_id" in group else None
    models: set[Any] = set()
    if types_file is not None:
        table = read_type_table(types_file, "node_type_id")
        values = zip(table.ids, table.values(_MODEL_TYPE), strict=True)
        models = {model for number, model in values if used is None or number in used}
    for number in group:
        if number.isdigit() and _MODEL_TYPE in group[number]:
            models = {*models, *(_text(v) for v in np.unique(group[number][_MODEL_TYPE][()]))} - {None}
    return models == {"virtual"}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _edges(
    document: AllenDocument, nodes: Mapping[str, NodePopulation], components: Components
) -> Mapping[str, EdgePopulation]:
    edges: dict[str, EdgePopulation] = {}
    for where, entry in _entries(document, "edges"):
        with document.collecting():
            for population in _edge_populations(document, entry, where, components):
                _check_new(document, population.name, edges, where)
                edges[population.name] = _with_nodes(document, population, nodes, where)
    junctions = _junction_files(document)
    return MappingProxyType(
        {
            name: replace(e, junctions_file=junctions.get(e.source)) if e.source == e.target else e
            for name, e in edges.items()
        }
    )


def _edge_populations(
    document: AllenDocument,
    entry: Mapping[str, Any],
    where: tuple[str | int, ...],
    components: Components,
) -> Iterator[EdgePopulation]:
    file = _file(document, entry, "edges_file", where)
    types_file = _types_file(document, entry, "edge_types_file", where)
    yield from edge_populations_of(file, types_file, components)


def edge_populations_of(
    file: Path, types_file: Path | None, components: Components
) -> Iterator[EdgePopulation]:
    """Yield the edge populations of a file."""
    with open_hdf5(file) as h5:
        names = list(h5.get("edges", {}))
    if not names:
        raise CircuitError("the file holds no edges", file=file, pointer="/edges")
    for name in names:
        source, target, size = read_edge_population_ends(file, name)
        yield EdgePopulation(name, file, source, target, "edge_types", types_file, components, size)


def _with_nodes(
    document: AllenDocument,
    population: EdgePopulation,
    nodes: Mapping[str, NodePopulation],
    where: tuple[str | int, ...],
) -> EdgePopulation:
    for name in (population.source, population.target):
        if name not in nodes:
            raise document.error(
                f"the edges {population.name!r} need the node population {name!r}",
                *where,
                expected="it in one of 'networks/nodes': " + ", ".join(nodes),
            )
    return replace(population, needs_input=nodes[population.source].is_virtual)


def _junction_files(document: AllenDocument) -> dict[str, Path]:
    found = {}
    for where, entry in _entries(document, "gap_juncs"):
        with document.collecting():
            path = _file(document, entry, "gap_juncs_file", where)
            if not path.name.endswith(JUNCTIONS_ENDING):
                raise document.error(
                    f"the name of the file does not say which population it is for: {path.name}",
                    *where,
                    "gap_juncs_file",
                    expected=f"<population>{JUNCTIONS_ENDING}",
                )
            found[path.name.removesuffix(JUNCTIONS_ENDING)] = path
    return found


def _check_new(
    document: AllenDocument, name: str, known: Mapping[str, Any], where: tuple[str | int, ...]
) -> None:
    if name in known:
        raise ConfigurationError(
            f"the population {name!r} is in two files: {known[name].file.name} and this one",
            file=document.file_of(where),
            pointer="/" + "/".join(map(str, where)),
        )
