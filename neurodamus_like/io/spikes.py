"""SONATA spike files: spike times and node ids of populations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, ConfigurationError, did_you_mean
from neurodamus_like.io.hdf5 import (
    IntArray,
    open_h5,
    population_group,
    population_names,
    replace_when_whole,
    write_header,
)

FloatArray = npt.NDArray[np.float64]

SORT_ORDERS = {"none": 0, "by_id": 1, "by_time": 2}
"""Names and stored values of the attribute ``sorting``."""


TEXT_STYLE = "text"


@dataclass(frozen=True)
class SpikeTrain:
    """Spikes of one population, in the order of the file.

    Attributes
    ----------
    timestamps
        float64[n], ms.
    node_ids
        int64[n], ids inside the population.
    """

    timestamps: FloatArray
    node_ids: IntArray

    def __len__(self) -> int:
        return int(self.timestamps.size)


@overload
def read_spikes(file: Path, population: None = None) -> dict[str, SpikeTrain]: ...
@overload
def read_spikes(file: Path, population: str) -> SpikeTrain: ...
def read_spikes(file: Path, population: str | None = None) -> dict[str, SpikeTrain] | SpikeTrain:
    """Read a SONATA spike file.

    Parameters
    ----------
    file
        The file.
    population
        The one to read; None reads all, as {population: spikes}. Old files know no populations: theirs is "".

    Raises
    ------
    CircuitError
        The file cannot be read, the population is missing, or times and ids differ in number.
    """
    with open_h5(Path(file)) as h5:
        if population is not None:
            return _read_train(population_group(h5, "spikes", population))
        if isinstance(h5.get("spikes/gids"), h5py.Dataset):
            return {"": _read_train(h5["spikes"], ids="gids")}
        return {name: _read_train(h5["spikes"][name]) for name in population_names(h5, "spikes")}


def write_spikes(
    path: Path,
    spikes: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    sort: str = "by_time",
    style: str = "number",
) -> None:
    """Write a SONATA spike file; it appears under its name only when it is whole.

    Parameters
    ----------
    path
        The file.
    spikes
        Population -> (timestamps in ms, node ids). Populations without spikes get a group, too.
    sort
        ``by_time`` (ties by node id), ``by_id`` (ties by time) or ``none``.
    style
        How the file says so: as a ``number`` with names, or as ``text``; the latter has the header of SONATA files,
        too, and leaves out populations without spikes.

    Raises
    ------
    ConfigurationError
        Unknown sort order.
    """
    if sort not in SORT_ORDERS:
        raise ConfigurationError(
            f"unknown sort order {sort!r} of spikes",
            expected="one of " + ", ".join(SORT_ORDERS),
            hint=did_you_mean(sort, SORT_ORDERS) or None,
        )
    with replace_when_whole(Path(path)) as temporary, h5py.File(temporary, "w") as h5:
        if style == TEXT_STYLE:
            write_header(h5)
        root = h5.create_group("spikes")
        for name, (times, ids) in spikes.items():
            if style == TEXT_STYLE and not np.size(times):
                continue
            _write_train(root.create_group(name), np.asarray(times, np.float64), np.asarray(ids), sort)
            if style == TEXT_STYLE:
                root[name].attrs["sorting"] = sort


def write_spikes_csv(
    path: Path, spikes: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], sort: str = "by_time"
) -> None:
    """Write a table of spikes: ``timestamps population node_ids``, separated by blanks.

    Parameters
    ----------
    path, spikes, sort
        As for :func:`write_spikes`; times and ids are ordered inside of each population.
    """
    with replace_when_whole(Path(path)) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("timestamps population node_ids\n")
        for name, (times, ids) in spikes.items():
            ordered = _ordered(np.asarray(times, np.float64), np.asarray(ids), sort)
            file.writelines(
                f"{t!r} {name} {i}\n" for t, i in zip(*(a.tolist() for a in ordered), strict=True)
            )


def _read_train(group: Any, ids: str = "node_ids") -> SpikeTrain:
    missing = [name for name in ("timestamps", ids) if name not in group]
    if missing:
        raise CircuitError(
            "the spikes lack the dataset " + " and ".join(missing),
            file=group.file.filename,
            pointer=group.name,
            expected=f"timestamps and {ids}",
        )
    times = np.asarray(group["timestamps"][()], dtype=np.float64)
    nodes = np.asarray(group[ids][()], dtype=np.int64)
    if times.shape != nodes.shape:
        raise CircuitError(
            f"{times.size} timestamps, but {nodes.size} node ids",
            file=group.file.filename,
            pointer=group.name,
            expected="one node id per timestamp",
        )
    return SpikeTrain(times, nodes)


def _write_train(group: Any, times: FloatArray, ids: npt.NDArray[Any], sort: str) -> None:
    if times.shape != ids.shape:
        raise ValueError(f"{times.size} timestamps, but {ids.size} node ids")
    times, ids = _ordered(times, ids, sort)
    kind = h5py.enum_dtype(SORT_ORDERS, basetype="u1")
    group.attrs.create("sorting", SORT_ORDERS[sort], dtype=kind)
    stamps = group.create_dataset("timestamps", data=times, dtype=np.float64, track_times=False)
    stamps.attrs["units"] = "ms"
    group.create_dataset("node_ids", data=ids, dtype=np.uint64, track_times=False)


def _ordered(times: FloatArray, ids: npt.NDArray[Any], sort: str) -> tuple[FloatArray, npt.NDArray[Any]]:
    if sort == "none":
        return times, ids
    order = np.lexsort((ids, times) if sort == "by_time" else (times, ids))
    return times[order], ids[order]
