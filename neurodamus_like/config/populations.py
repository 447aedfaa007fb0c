"""What the configuration needs from the HDF5 files of populations: their sizes and the ends of edges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from neurodamus_like.exceptions import CircuitError, did_you_mean, did_you_mean_file


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises
    ------
    CircuitError
        The file is missing, is not HDF5, or is truncated; the message says which and what to do.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise CircuitError(
            f"the circuit file {what}",
            file=path,
            hint=did_you_mean_file(path) or "check the path in the circuit configuration",
        )
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise CircuitError(
            _why_not_hdf5(path, error), file=path, hint="copy or create the file again"
        ) from error
    try:
        yield file
    except OSError as error:
        raise CircuitError(
            f"the HDF5 file is damaged: {error}", file=path, hint="copy or create the file again"
        ) from error
    finally:
        file.close()


def read_node_population_size(path: Path, population: str) -> int:
    """Return the number of nodes of `population`; :class:`CircuitError` when the file does not hold it."""
    with open_hdf5(path) as file:
        return node_count(population_group(file, "nodes", population, path))


def read_edge_population_ends(path: Path, population: str) -> tuple[str, str, int]:
    """Return (source node population, target node population, number of edges) of `population`.

    Raises
    ------
    CircuitError
        The file does not hold the population, or its id columns or their attribute ``node_population``
        are missing.
    """
    with open_hdf5(path) as file:
        group = population_group(file, "edges", population, path)
        ends = []
        for column in ("source_node_id", "target_node_id"):
            if column not in group or "node_population" not in group[column].attrs:
                raise CircuitError(
                    f"the edge population lacks {column!r} or its attribute 'node_population'",
                    file=path,
                    pointer=f"{group.name}/{column}",
                    population=population,
                    expected="an integer column with the name of the node population as attribute",
                )
            ends.append(_text(group[column].attrs["node_population"]))
        return ends[0], ends[1], int(group["target_node_id"].shape[0])


def population_group(file: h5py.File, family: str, population: str, path: Path) -> h5py.Group:
    """Return the group of `population` in ``/nodes`` or ``/edges`` (`family`), or raise CircuitError."""
    names = list(file[family]) if family in file else []
    if population not in names:
        raise CircuitError(
            f"the file holds no {family[:-1]} population {population!r}",
            file=path,
            pointer=f"/{family}",
            population=population,
            expected=("one of " + ", ".join(names)) if names else f"a group /{family} with populations",
            hint=did_you_mean(population, names) or None,
        )
    return file[family][population]


def node_count(group: h5py.Group) -> int:
    """Return the number of nodes of a node population group: the length of its first per-node column."""
    for column in ("node_type_id", "node_group_id", "node_id"):
        if column in group:
            return int(group[column].shape[0])
    for item in group.get("0", {}).values():
        if isinstance(item, h5py.Dataset) and item.ndim:
            return int(item.shape[0])
    return 0


def _text(value: Any) -> str:
    if hasattr(value, "ravel"):
        value = value.ravel()[0]
    return value.decode() if isinstance(value, bytes) else str(value)


def _why_not_hdf5(path: Path, error: OSError) -> str:
    size = path.stat().st_size
    if isinstance(error, PermissionError):
        return "the circuit file may not be read: check the access rights"
    if "truncated" in str(error):
        return f"the HDF5 file is truncated: it has only {size} bytes"
    if size == 0:
        return "the circuit file is empty (0 bytes)"
    with path.open("rb") as raw:
        if raw.read(8) != b"\x89HDF\r\n\x1a\n":
            return "the circuit file is not an HDF5 file"
    return f"the HDF5 file cannot be opened: {error}"
