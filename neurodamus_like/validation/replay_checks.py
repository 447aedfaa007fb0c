"""Spike files that a simulation configuration replays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.document import Document
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Circuit
from neurodamus_like.config.populations import open_hdf5
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.validation.file_checks import blocks_of
from neurodamus_like.validation.problems import Problem


def check_replays(document: Document, circuit: Circuit | None) -> Iterator[Problem]:
    """Yield the problems of the spike files of a simulation configuration; without a circuit, of the files alone."""
    for name, block in blocks_of(document.raw, "inputs"):
        text = block.get("spike_file")
        if block.get("module") != "synapse_replay" or not isinstance(text, str):
            continue
        pointer = pointer_to("inputs", name, "spike_file")
        try:
            path = document.resolve(text, "inputs", name, "spike_file")
        except ConfigurationError:
            continue
        if path.is_file():
            yield from _check_spike_file(path, circuit, document.file, pointer)


def _check_spike_file(path: Path, circuit: Circuit | None, file: Path, pointer: str) -> Iterator[Problem]:
    try:
        with open_hdf5(path) as spikes:
            populations = {} if "spikes" not in spikes else dict(spikes["spikes"].items())
            if not populations:
                yield Problem(
                    "error",
                    "the spike file holds no spikes",
                    path,
                    "/spikes",
                    "it must hold groups /spikes/<population> with 'timestamps' and 'node_ids'",
                )
                return
            for population, group in populations.items():
                yield from _check_spikes(path, population, group, circuit)
    except CircuitError as error:
        yield Problem.from_error(error)
        return
    if circuit is None:
        return
    sources = {edges.source for edges in circuit.edges.values()}
    if not sources & set(populations):
        yield Problem(
            "error",
            f"no population of the spike file ({', '.join(populations)}) is a source of edges",
            file,
            pointer,
            "populations with outgoing edges: " + (", ".join(sorted(sources)) or "none"),
        )


def _check_spikes(path: Path, population: str, group: Any, circuit: Circuit | None) -> Iterator[Problem]:
    if "timestamps" not in group or "node_ids" not in group:
        yield Problem(
            "error",
            f"the spikes of {population!r} lack 'timestamps' or 'node_ids'",
            path,
            f"/spikes/{population}",
        )
        return
    times, ids = group["timestamps"].shape[0], group["node_ids"].shape[0]
    if times != ids:
        yield Problem(
            "error",
            f"{times} timestamps but {ids} node ids for {population!r}",
            path,
            f"/spikes/{population}",
        )
    if circuit is not None and population in circuit.nodes and ids:
        size, highest = circuit.nodes[population].size, int(np.max(group["node_ids"][()]))
        if highest >= size:
            yield Problem(
                "warning",
                f"spikes of nodes up to {highest}, but {population!r} has {size} nodes: those beyond drive nothing",
                path,
                f"/spikes/{population}/node_ids",
                "node ids count from 0",
            )
