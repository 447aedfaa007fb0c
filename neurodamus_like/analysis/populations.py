"""What network files contain: populations, counts, attributes, types, sizes, state of the indices."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodamus_like.config.manifest import read_json
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import open_h5, population_names, text_attribute

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_INDEX_GROUPS = ("indices", "indicies")
_NODE_TABLES = ("node_id_to_ranges", "node_id_to_range")


@dataclass(frozen=True)
class PopulationInfo:
    """One population of a file.

    Attributes
    ----------
    kind
        "nodes" or "edges".
    name, file
        Population and where it is.
    size
        Number of nodes or edges.
    n_types
        Number of node or edge types that occur.
    attributes
        Name to type of each attribute, over all groups.
    file_bytes, data_bytes
        Size of the file, and of the datasets of this population when read.
    source, target
        Node populations at both ends of edges.
    indices
        State of each index of edges: "complete", "missing", or what is wrong with it.
    is_sorted
        Whether edges are sorted by target, so that those of one target are read in one go.
    """

    kind: str
    name: str
    file: Path
    size: int
    n_types: int
    attributes: Mapping[str, str]
    file_bytes: int
    data_bytes: int
    source: str = ""
    target: str = ""
    indices: Mapping[str, str] = field(default_factory=dict)
    is_sorted: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            **vars(self),
            "file": str(self.file),
            "attributes": dict(self.attributes),
            "indices": dict(self.indices),
        }


def describe_file(path: Path) -> list[PopulationInfo]:
    """Return what a SONATA file contains.

    Raises
    ------
    CircuitError
        The file is missing or damaged, or has neither nodes nor edges.
    """
    with open_h5(path) as h5:
        found = [
            _describe(h5, kind, name, path)
            for kind in ("nodes", "edges")
            for name in population_names(h5, kind)
        ]
    if not found:
        raise CircuitError(
            "the file has neither nodes nor edges", file=path, expected="groups /nodes or /edges"
        )
    return found


def _describe(h5: Any, kind: str, name: str, path: Path) -> PopulationInfo:
    group = h5[kind][name]
    attributes: dict[str, str] = {}
    sizes: list[int] = []

    def visit(where: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            sizes.append(int(item.size) * int(item.dtype.itemsize))
            number, _, attribute = where.partition("/")
            if number.isdecimal() and not attribute.startswith("@library"):
                attributes[attribute] = _type_name(item)

    group.visititems(visit)
    types = group.get(f"{kind[:-1]}_type_id")
    facts: dict[str, Any] = {}
    if kind == "edges":
        target = group["target_node_id"]
        facts = {
            "source": text_attribute(group["source_node_id"], "node_population"),
            "target": text_attribute(target, "node_population"),
            "indices": {n: _index_state(group, n) for n in ("target_to_source", "source_to_target")},
            "is_sorted": all(
                bool(np.all(np.diff(b.astype(np.int64)) >= 0)) for b in _overlapping_blocks(target)
            ),
        }
    return PopulationInfo(
        kind,
        name,
        path,
        _size(group, kind),
        len(_unique(types)) if types is not None else 0,
        dict(sorted(attributes.items())),
        path.stat().st_size,
        sum(sizes),
        **facts,
    )


def _type_name(dataset: Any) -> str:
    if h5py.check_string_dtype(dataset.dtype) is not None or dataset.dtype.kind == "S":
        return "text"
    width = f"[{dataset.shape[1]}]" if dataset.ndim > 1 else ""
    return f"{dataset.dtype}{width}"


def _size(group: Any, kind: str) -> int:
    names = ("node_type_id", "node_id") if kind == "nodes" else ("target_node_id",)
    return next((int(group[name].shape[0]) for name in names if name in group), 0)


def _blocks(dataset: Any, rows: int = 1 << 22, overlap: int = 0) -> Iterator[Any]:
    for begin in range(0, int(dataset.shape[0]), rows):
        yield dataset[max(begin - overlap, 0) : begin + rows]


def _overlapping_blocks(dataset: Any) -> Iterator[Any]:
    return _blocks(dataset, overlap=1)


def _unique(dataset: Any) -> set[int]:
    found: set[int] = set()
    for block in _blocks(dataset):
        found.update(np.unique(block).tolist())
    return found


def _index_state(group: Any, name: str) -> str:
    """Compare the number of edges that an index covers with that of the population."""
    for outer in _INDEX_GROUPS:
        index = group.get(f"{outer}/{name}")
        if index is None:
            continue
        nodes = next((index[n] for n in _NODE_TABLES if n in index), None)
        if nodes is None or "range_to_edge_id" not in index:
            return "incomplete: a table is missing"
        covered = sum(int((b[:, 1] - b[:, 0]).sum()) for b in _blocks(index["range_to_edge_id"]))
        edges = int(group["target_node_id"].shape[0])
        return "complete" if covered == edges else f"stale: it covers {covered} of {edges} edges"
    return "missing"


def network_files(config: Path) -> list[tuple[str, Path]]:
    """Return ("nodes" or "edges", file) of all network files that a configuration of either dialect names.

    A simulation configuration leads to its circuit.

    Raises
    ------
    ConfigurationError
        A configuration is missing or no JSON.
    """
    document = read_json(config)
    expand = _expander(document.get("manifest", {}), config.parent)
    files: list[tuple[str, Path]] = []
    network = document.get("network")
    if isinstance(network, str):
        files += network_files(expand(network))
    for kind in ("nodes", "edges"):
        for entry in (document.get("networks") or {}).get(kind, []):
            path = expand(entry[f"{kind}_file"])
            if (kind, path) not in files:
                files.append((kind, path))
    return files


def _expander(manifest: Mapping[str, Any], folder: Path) -> Any:
    variables = {str(k).lstrip("$"): str(v) for k, v in manifest.items()}
    variables.setdefault("configdir", str(folder))
    variables.setdefault("workingdir", os.getcwd())

    def expand(text: str) -> Path:
        for _ in range(10):
            replaced = _VARIABLE.sub(lambda m: variables.get(m.group(1), m.group(0)), text)
            if replaced == text:
                break
            text = replaced
        path = Path(text)
        near = folder / path
        return path if path.is_absolute() else near if near.exists() or not path.exists() else path

    return expand
