"""Files that the cells and synapses of a run are made of, as hashes of their contents.

What was saved of a model (a checkpoint, a model of CoreNEURON) fits only as long as these are the same. Names of
folders do not count: a copy of a circuit has the same hashes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from neurodamus_like.config.models import Circuit, Components, EdgePopulation, NodePopulation
from neurodamus_like.io.hdf5 import IntArray
from neurodamus_like.io.node_types import read_typed_nodes, read_types

MODEL_PARTS = ("cell models", "morphologies", "synapse models")
"""Keys of :func:`hash_model_files`."""

WHOLE_BYTES = 2**26
"""Larger files (edges, containers of morphologies) are known by their size and by blocks all over them."""

_BLOCKS, _BLOCK_BYTES = 1024, 2**16
_LOADED = re.compile(r"\b(?:load_file|xopen)\s*\(\s*\"([^\"]+)\"")
_COLUMNS = ("morphology", "model_template", "dynamics_params")


def hash_model_files(circuit: Circuit, cells: Mapping[str, IntArray]) -> dict[str, str]:
    """Return hashes of the contents of all files that cells and their synapses are made of, besides HDF5 tables.

    Parameters
    ----------
    circuit
        The circuit.
    cells
        Population -> ids of the simulated nodes, int64[n].

    Returns
    -------
    dict
        ``cell models`` (HOC templates, what they load, NeuroML, fitted parameters), ``morphologies`` and ``synapse
        models`` (parameters of edge types, HOC helpers) -> hash.

    Raises
    ------
    CircuitError
        Nodes or types cannot be read.
    OSError
        A file cannot be read.
    """
    models: set[Path] = set()
    morphologies: set[Path] = set()
    for name, ids in cells.items():
        population = circuit.nodes[name]
        words = {} if population.is_virtual else _distinct_texts(population, ids)
        models.update(_cell_model_files(population.components, words))
        morphologies.update(_morphology_files(population.components, words))
    onto_cells = [population for population in circuit.edges.values() if population.target in cells]
    synapses = {file for population in onto_cells for file in _synapse_model_files(population)}
    return {
        part: _hash_all(files)
        for part, files in zip(MODEL_PARTS, (models, morphologies, synapses), strict=True)
    }


def hash_contents(path: Path) -> str:
    """Return a hash of a file: of all its bytes up to 64 MiB, otherwise of its size and of 1024 blocks of 64 KiB.

    Raises
    ------
    OSError
        It cannot be read.
    """
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        if size <= WHOLE_BYTES:
            digest.update(file.read())
        else:
            for number in range(_BLOCKS):
                file.seek((size - _BLOCK_BYTES) * number // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()


def _distinct_texts(population: NodePopulation, ids: IntArray) -> dict[str, set[str]]:
    """Return what nodes are made of: column -> its distinct values."""
    _, table = read_typed_nodes(population, _COLUMNS, ids)
    found = {name: {text for (text,) in table.distinct(name)[0] if text} for name in _COLUMNS}
    return found if len(table) else {}


def _cell_model_files(components: Components, words: Mapping[str, set[str]]) -> Iterator[Path]:
    templates = [text.rpartition(":")[2] for text in words.get("model_template", ())]
    names = [
        *templates,
        *(f"{template}.hoc" for template in templates),
        *words.get("dynamics_params", ()),
    ]
    folders = (components.biophysical_neuron_models_dir, components.point_neuron_models_dir)
    found = [folder / name for folder in folders if folder is not None for name in names]
    for path in components.template_paths:
        found += sorted(path.glob("*.hoc")) if path.is_dir() else [path]
    return _with_loaded([file for file in found if file.is_file()])


def _with_loaded(files: list[Path]) -> Iterator[Path]:
    """Yield files, and those beside them that HOC code in them loads."""
    waiting, seen = list(files), set(files)
    while waiting:
        file = waiting.pop()
        yield file
        if file.suffix != ".hoc":
            continue
        for name in _LOADED.findall(file.read_text(errors="replace")):
            loaded = file.parent / name
            if loaded not in seen and loaded.is_file():
                seen.add(loaded)
                waiting.append(loaded)


def _morphology_files(components: Components, words: Mapping[str, set[str]]) -> Iterator[Path]:
    folder, extension = components.morphology_source or (Path(), "swc")
    names = words.get("morphology", set())
    if folder.is_file():
        yield from [folder] if names else []
        return
    for name in names:
        candidates = (folder / name, folder / f"{name}.{extension}")
        yield from (file for file in candidates if file.is_file())


def _synapse_model_files(population: EdgePopulation) -> Iterator[Path]:
    types = read_types(population, "edge_type_id")
    names = () if types is None else types.values("dynamics_params")
    own = population.components.synaptic_models_dir
    if own is not None:
        yield from (own / str(name) for name in {*names} - {None} if (own / str(name)).is_file())
    for folder in {own, population.components.mechanisms_dir} - {None}:
        yield from folder.glob("*Helper.hoc") if folder is not None else ()


def _hash_all(files: Iterable[Path]) -> str:
    lines = sorted(f"{file.name} {hash_contents(file)}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
