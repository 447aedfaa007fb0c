"""Checks of circuits whose nodes and edges tell what they are: the files that their types name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.manifest import read_json
from neurodamus_like.config.models import Circuit, EdgePopulation, NodePopulation
from neurodamus_like.exceptions import NeurodamusLikeError, did_you_mean, did_you_mean_file
from neurodamus_like.io.edges import edge_attribute_names
from neurodamus_like.io.hdf5 import open_h5
from neurodamus_like.io.node_types import TypedTable, check_types, read_typed_nodes, read_types
from neurodamus_like.io.regions import parse_region
from neurodamus_like.validation.file_checks import missing_folder
from neurodamus_like.validation.problems import Problem

MODEL_TYPES = ("biophysical", "point_process", "point_neuron", "virtual")
_FROM_SWC = ("ctdb", "nml")
_NODE_PROPERTIES = ("model_type", "model_template", "morphology", "dynamics_params", "model_processing")


def check_typed_circuit(circuit: Circuit) -> list[Problem]:
    """Return what is wrong with the types of nodes and edges of a circuit, and with the files they name."""
    problems: list[Problem] = []
    for nodes in circuit.nodes.values():
        if not nodes.is_virtual:
            problems += _collected(_node_problems(nodes))
    for edges in circuit.edges.values():
        problems += _collected(_edge_problems(edges))
    return problems


def _collected(found: Iterator[Problem]) -> list[Problem]:
    problems: list[Problem] = []
    try:
        problems.extend(found)
    except NeurodamusLikeError as error:
        problems.append(Problem.from_error(error))
    return problems


def _node_problems(population: NodePopulation) -> Iterator[Problem]:
    _, table = read_typed_nodes(population, _NODE_PROPERTIES)
    kinds = zip(*(table.texts(name).tolist() for name in _NODE_PROPERTIES), strict=True)
    seen: dict[tuple[Any, ...], int] = {}
    for type_id, kind in zip(table.type_ids.tolist(), kinds, strict=True):
        seen.setdefault(kind, type_id)
    for kind, type_id in seen.items():
        for problem in _cell_problems(population, dict(zip(_NODE_PROPERTIES, kind, strict=True))):
            yield _in_type(problem, f"node types of {population.name!r}, type {type_id}", population)


def _in_type(problem: Problem, where: str, population: NodePopulation | EdgePopulation) -> Problem:
    """Return the problem with the type it was found in; a missing folder concerns all types."""
    if problem.pointer is None:
        return problem
    return replace(problem, message=f"{where}: {problem.message}", file=population.types_file)


def _cell_problems(population: NodePopulation, node: dict[str, str | None]) -> Iterator[Problem]:
    model, template = node["model_type"], node["model_template"]
    if model not in MODEL_TYPES:
        hint = did_you_mean(str(model), MODEL_TYPES) or "one of " + ", ".join(MODEL_TYPES)
        yield Problem("error", f"unknown model_type {model!r}", pointer="model_type", hint=hint)
        return
    if model == "virtual":
        return
    if template is None:
        yield Problem("error", "model_template is missing", pointer="model_template")
        return
    folders = population.components
    detailed = model == "biophysical"
    models = folders.biophysical_neuron_models_dir if detailed else folders.point_neuron_models_dir
    component = "biophysical_neuron_models_dir" if detailed else "point_neuron_models_dir"
    directive, _, name = template.partition(":")
    if detailed and directive in _FROM_SWC and node["morphology"] is None:
        yield Problem("error", f"model_template {template!r} needs a morphology", pointer="morphology")
    if node["morphology"] is not None and detailed:
        yield from _missing(folders.morphologies_swc, node["morphology"], "morphology", "morphologies_dir")
    if node["dynamics_params"] is not None:
        yield from _missing(models, node["dynamics_params"], "dynamics_params", component)
    if directive == "nml":
        yield from _missing(models, name, "model_template", component)


def _missing(folder: Path | None, name: str, pointer: str, component: str) -> Iterator[Problem]:
    if folder is None:
        yield Problem("error", f"{name!r} needs components.{component}", pointer=pointer)
        return
    if not folder.is_dir():
        yield missing_folder(f"components.{component}", folder)
        return
    if (folder / name).is_file() or (pointer == "morphology" and (folder / f"{name}.swc").is_file()):
        if pointer == "dynamics_params":
            yield from _damaged(folder / name)
        return
    hint = did_you_mean_file(folder / name) or f"it is looked for in components.{component}: {folder}"
    yield Problem("error", f"there is no file {name!r}", pointer=pointer, hint=hint)


def _damaged(file: Path) -> Iterator[Problem]:
    try:
        read_json(file)
    except NeurodamusLikeError as error:
        yield replace(Problem.from_error(error), pointer=None)


def _edge_problems(population: EdgePopulation) -> Iterator[Problem]:
    types = read_types(population, "edge_type_id")
    with open_h5(population.file) as h5:
        group = h5["edges"][population.name]
        ids = (
            np.unique(group["edge_type_id"][()]).astype(np.int64) if "edge_type_id" in group else np.empty(0)
        )
    own = set(edge_attribute_names(population.file, population.name))
    table = TypedTable(population, ids.astype(np.int64), {}, types)
    check_types(population, table.type_ids, types)
    for row, type_id in enumerate(table.type_ids.tolist()):
        for problem in _type_problems(population, table, row, own):
            yield _in_type(problem, f"edge types of {population.name!r}, type {type_id}", population)


def _type_problems(
    population: EdgePopulation, table: TypedTable, row: int, own: set[str]
) -> Iterator[Problem]:
    def has(name: str) -> bool:
        return name in own or table.value(name, row) is not None

    junction = str(table.value("is_gap_junction", row)).lower() in ("true", "1", "1.0")
    if not has("delay") and not junction:
        yield Problem("error", "'delay' is missing", pointer="delay", hint="the delay in ms")
    if not has("syn_weight") and not has("weight_function"):
        yield Problem("error", "'syn_weight' is missing", pointer="syn_weight")
    for name in ("delay", "syn_weight", "nsyns"):
        value = table.value(name, row)
        if value is not None and not _is_number(value):
            yield Problem("error", f"{name!r} is not a number: {value!r}", pointer=name)
    parameters = table.value("dynamics_params", row)
    if parameters is not None:
        folder = population.components.synaptic_models_dir
        yield from _missing(folder, str(parameters), "dynamics_params", "synaptic_models_dir")
    sections, distance = table.texts("target_sections")[row], table.texts("distance_range")[row]
    try:
        parse_region(sections, distance, population.types_file or population.file)
    except NeurodamusLikeError as error:
        yield replace(Problem.from_error(error), pointer=error.pointer or "target_sections")


def _is_number(value: Any) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False
