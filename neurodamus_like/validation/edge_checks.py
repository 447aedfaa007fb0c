"""Checks of one edge population: ends, columns, ids and indices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from neurodamus_like.config.models import Circuit, EdgePopulation
from neurodamus_like.config.populations import open_hdf5, population_group
from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.validation.problems import Problem

_PLACE = ("afferent_section_id",)
REQUIRED_ATTRIBUTES = {
    "chemical": (
        *_PLACE,
        "delay",
        "conductance",
        "u_syn",
        "depression_time",
        "facilitation_time",
        "decay_time",
        "syn_type_id",
        "n_rrp_vesicles",
    ),
    "electrical": (*_PLACE, "conductance", "efferent_junction_id", "afferent_junction_id"),
    "neuromodulatory": (*_PLACE, "delay", "neuromod_strength", "neuromod_dtc"),
    "Exp2Syn_synapse": (*_PLACE, "delay", "conductance", "tau1", "tau2", "erev"),
    "point_process": ("delay", "conductance"),
}
"""Columns that the edges of each kind need to become synapses."""

_LEGACY_NAMES = {"afferent_section_id": "morpho_section_id_post"}
_POSITIONS = (
    "afferent_section_pos",
    "afferent_section_fraction",
    "afferent_segment_id",
    "morpho_section_fraction_post",
)
_CHUNK = 250_000
_MAX_CHUNKS = 24


def check_edges(population: EdgePopulation, circuit: Circuit) -> list[Problem]:
    """Return the problems of an edge population.

    Node and section ids of populations of more than 6 million edges are checked in evenly spaced blocks.
    """
    try:
        with open_hdf5(population.file) as file:
            group = population_group(file, "edges", population.name, population.file)
            problems = list(_check_ends(population, circuit))
            problems += _check_lengths(population, group)
            problems += _check_columns(population, group)
            problems += _check_ids(population, group, circuit)
            problems += _check_indices(population, group)
            return problems
    except CircuitError as error:
        return [Problem.from_error(error)]


def _at(population: EdgePopulation, *names: str) -> str:
    return "/".join(["/edges", population.name, *names])


def _check_ends(population: EdgePopulation, circuit: Circuit) -> Iterator[Problem]:
    for end in ("source", "target"):
        name = getattr(population, end)
        if name not in circuit.nodes:
            yield Problem(
                "warning",
                f"the {end} population {name!r} of the edges {population.name!r} is not in the circuit",
                population.file,
                _at(population, f"{end}_node_id"),
                did_you_mean(name, circuit.nodes) or None,
            )


def _check_lengths(population: EdgePopulation, group: h5py.Group) -> Iterator[Problem]:
    columns = {"source_node_id": group["source_node_id"]}
    if "1" not in group:  # with several groups, each holds a part of the edges
        columns |= {f"0/{n}": c for n, c in group.get("0", {}).items() if isinstance(c, h5py.Dataset)}
    for name, column in columns.items():
        length = column.shape[0] if column.shape else 0
        if length != population.size:
            yield Problem(
                "error",
                f"the column {name!r} has {length} values for {population.size} edges",
                population.file,
                _at(population, name),
                "the file is incomplete: write it again",
            )


def _check_columns(population: EdgePopulation, group: h5py.Group) -> Iterator[Problem]:
    present = set(group.get("0", {}))
    needed = REQUIRED_ATTRIBUTES.get(population.kind, ())
    missing = [n for n in needed if n not in present and _LEGACY_NAMES.get(n) not in present]
    if "afferent_section_id" in needed and not present.intersection(_POSITIONS):
        missing.append(_POSITIONS[0])
    if missing and population.size:
        yield Problem(
            "error",
            f"the edge population {population.name!r} ({population.kind}) lacks the attributes: "
            + ", ".join(missing),
            population.file,
            _at(population, "0"),
            did_you_mean(missing[0], present) or None,
        )


def _check_ids(population: EdgePopulation, group: h5py.Group, circuit: Circuit) -> Iterator[Problem]:
    for end in ("source", "target"):
        node = circuit.nodes.get(getattr(population, end))
        name = f"{end}_node_id"
        low, high = _extremes(group[name])
        if node is not None and high >= node.size:
            yield Problem(
                "error",
                f"an edge of {population.name!r} names the {end} node {high}, "
                f"but {node.name!r} has {node.size} nodes",
                population.file,
                _at(population, name),
                "node ids count from 0",
            )
        if low < 0:
            yield Problem("error", f"negative node ids in {name!r}", population.file, _at(population, name))
    sections = group.get("0/afferent_section_id")
    if sections is not None and _extremes(sections)[0] < 0:
        yield Problem(
            "error",
            f"negative section ids in the edges {population.name!r}",
            population.file,
            _at(population, "0", "afferent_section_id"),
            "section ids count from 0, the soma",
        )


def _extremes(column: Any) -> tuple[int, int]:
    """Return the smallest and greatest value of an integer column; of evenly spaced blocks if it is long."""
    size = column.shape[0]
    if not size:
        return 0, -1
    if size <= _CHUNK * _MAX_CHUNKS:
        starts = np.arange(0, size, _CHUNK)
    else:
        starts = np.linspace(0, size - _CHUNK, _MAX_CHUNKS).astype(np.int64)
    blocks = [column[int(s) : int(s) + _CHUNK] for s in starts]
    return min(int(b.min()) for b in blocks), max(int(b.max()) for b in blocks)


def _check_indices(population: EdgePopulation, group: h5py.Group) -> Iterator[Problem]:
    pointer = _at(population, "indices", "target_to_source")
    index = group.get("indices/target_to_source")
    if index is None:
        yield Problem(
            "warning",
            f"the edges {population.name!r} have no index by target: reading them is slower",
            population.file,
            pointer,
        )
        return
    for name in ("node_id_to_ranges", "range_to_edge_id"):
        if name not in index:
            yield Problem("error", f"the index by target lacks {name!r}", population.file, pointer)
            return
    ranges = index["range_to_edge_id"]
    last = int(np.max(ranges[()])) if ranges.shape[0] else 0
    if last > population.size:
        yield Problem(
            "error",
            f"the index by target ends at edge {last}, but there are {population.size} edges",
            population.file,
            pointer,
            "write the index again",
        )
