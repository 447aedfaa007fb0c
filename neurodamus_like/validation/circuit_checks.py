"""Checks of a circuit: its configuration, node files, cell templates, morphologies and edge files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.dialect import is_allen
from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Circuit, NodePopulation
from neurodamus_like.config.obi import load_circuit
from neurodamus_like.config.populations import (
    open_hdf5,
    population_group,
    read_edge_population_ends,
    read_node_population_size,
)
from neurodamus_like.exceptions import CircuitError, ConfigurationError, NeurodamusLikeError
from neurodamus_like.validation.allen_checks import validate_allen_circuit
from neurodamus_like.validation.cell_checks import check_cells
from neurodamus_like.validation.edge_checks import check_edges
from neurodamus_like.validation.file_checks import missing_path
from neurodamus_like.validation.problems import Problem, errors_of, unique_problems
from neurodamus_like.validation.schema_checks import check_schema


def validate_circuit(
    circuit: Circuit | str | Path,
    *,
    selection: Mapping[str, npt.NDArray[np.int64]] | None = None,
    dynamics: Mapping[str, set[str]] | None = None,
    template_dirs: Sequence[Path] = (),
) -> list[Problem]:
    """Return everything that is wrong with a circuit.

    Large files are sampled, so that the cost stays at seconds.

    Parameters
    ----------
    circuit
        The circuit, or the path of its configuration file.
    selection
        Node ids that will be simulated, per population: only their templates and morphologies are looked for.
        None: those of all nodes.
    dynamics
        Attributes of ``dynamics_params`` that stimuli need, per population.
    template_dirs
        Folders where cell templates are also looked for.
    """
    path = circuit.path if isinstance(circuit, Circuit) else Path(circuit)
    if is_allen(path):
        return validate_allen_circuit(path)
    try:
        document = Document(path)
    except ConfigurationError as error:
        return [Problem.from_error(error)]
    problems = check_schema(document.raw, "obi_circuit", document.file)
    problems += _check_layout(document)
    if not isinstance(circuit, Circuit):
        if errors_of(problems):
            return unique_problems(problems)
        try:
            circuit = load_circuit(path)
        except NeurodamusLikeError as error:
            return unique_problems([*problems, Problem.from_error(error)])
    for population in circuit.nodes.values():
        ids = None if selection is None else selection.get(population.name, np.empty(0, np.int64))
        problems += _check_nodes(population, ids, (dynamics or {}).get(population.name, set()), template_dirs)
    for edges in circuit.edges.values():
        problems += check_edges(edges, circuit)
    return unique_problems(problems)


def _check_layout(document: Document) -> list[Problem]:
    """Return the problems of the files and populations that the configuration lists."""
    problems: list[Problem] = []
    networks = document.raw.get("networks")
    for family in ("nodes", "edges"):
        groups = networks.get(family, []) if isinstance(networks, Mapping) else []
        seen: set[str] = set()
        for index, group in enumerate(groups if isinstance(groups, list) else []):
            if isinstance(group, Mapping):
                problems += _check_group(document, family, index, group, seen)
    return problems + _check_node_sets_file(document)


def _check_node_sets_file(document: Document) -> list[Problem]:
    try:
        path = document.path_at("node_sets_file")
    except ConfigurationError as error:
        return [Problem.from_error(error)]
    if path is None or path.is_file():
        return []
    return [missing_path(path, "node sets file", document.file, "/node_sets_file")]


def _check_group(
    document: Document, family: str, index: int, group: Mapping[str, Any], seen: set[str]
) -> Iterator[Problem]:
    tokens = ("networks", family, index, f"{family}_file")
    text, populations = group.get(f"{family}_file"), group.get("populations")
    if not isinstance(text, str) or not isinstance(populations, Mapping):
        return
    for name in populations:
        if name in seen:
            pointer = pointer_to(*tokens[:3], "populations", name)
            yield Problem("error", f"the population {name!r} is listed twice", document.file, pointer)
        seen.add(name)
    try:
        path = document.resolve(text, *tokens)
    except ConfigurationError as error:
        yield Problem.from_error(error)
        return
    if not path.is_file():
        yield missing_path(path, f"{family[:-1]} file", document.file, pointer_to(*tokens))
        return
    for name in populations:
        try:
            _ = (
                read_node_population_size(path, name)
                if family == "nodes"
                else read_edge_population_ends(path, name)
            )
        except CircuitError as error:
            yield Problem.from_error(error)


def _check_nodes(
    population: NodePopulation,
    ids: npt.NDArray[np.int64] | None,
    dynamics: set[str],
    template_dirs: Sequence[Path],
) -> list[Problem]:
    if population.is_virtual:
        return []
    try:
        with open_hdf5(population.file) as file:
            group = population_group(file, "nodes", population.name, population.file)
            return check_cells(population, group, ids, dynamics, template_dirs)
    except CircuitError as error:
        return [Problem.from_error(error)]
