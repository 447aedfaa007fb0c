"""Spikes of one set of nodes in the formats that inputs may have: SONATA, a table, or an old NWB file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.io.hdf5 import open_h5, population_names
from neurodamus_like.io.spikes import SpikeTrain, read_spikes
from neurodamus_like.io.tables import read_table

logger = logging.getLogger(__name__)

_COLUMNS = ("timestamps", "node_ids")


def read_spike_train(
    file: Path,
    file_format: str = "sonata",
    *,
    population: str | None = None,
    source: str | None = None,
    trial: str | None = None,
) -> SpikeTrain:
    """Read the spikes of one set of nodes, sorted by node, then time.

    Parameters
    ----------
    file
        The file.
    file_format
        ``sonata``, ``csv`` or ``nwb``.
    population
        Of a SONATA file. Tables and NWB files tell nodes by their ids alone.
    source
        The population that is to have the spikes: without `population` its own are read, or those of the only one in
        the file. None reads the first one.
    trial
        Of an NWB file; may be left out if there is only one.

    Raises
    ------
    CircuitError
        The file cannot be read, has several populations without `source`, or a time is negative.
    """
    if population is None and source is not None and file_format == "sonata":
        population = find_population(Path(file), [source])
    train = _READERS[file_format](Path(file), population, trial)
    if train.timestamps.size and not train.timestamps.min() >= 0:
        bad = ~(train.timestamps >= 0)
        raise CircuitError(
            f"{int(bad.sum())} spikes have a negative time",
            file=file,
            ids=np.unique(train.node_ids[bad]).tolist(),
        )
    order = np.lexsort((train.timestamps, train.node_ids))
    return SpikeTrain(train.timestamps[order], train.node_ids[order])


def _read_sonata(file: Path, population: str | None, trial: str | None) -> SpikeTrain:
    if population is not None:
        _warn_of_seconds(file, population)
        return read_spikes(file, population)
    trains = read_spikes(file)
    if not trains:
        raise CircuitError("the file has no spikes", file=file, pointer="/spikes")
    name, train = next(iter(trains.items()))
    if name:
        _warn_of_seconds(file, name)
    return train


def find_population(file: Path, sources: Collection[str]) -> str | None:
    """Return the population of a SONATA file whose spikes are those of `sources`, or else the only one.

    BMTK takes the first one, whatever its name is.

    Parameters
    ----------
    file
        The file.
    sources
        Populations that may have the spikes.

    Returns
    -------
    str or None
        None: the file knows no populations.

    Raises
    ------
    CircuitError
        It has several, and none of them is one of `sources`.
    """
    with open_h5(file) as h5:
        names = population_names(h5, "spikes")
    found = [name for name in names if name in sources]
    if not found and len(names) > 1:
        raise CircuitError(
            f"the file has spikes of {', '.join(names)}, but not of {' or '.join(sources)}",
            file=file,
            pointer="/spikes",
            hint='say whose spikes are meant: "population" in the input',
        )
    return next(iter(found or names), None)


def _warn_of_seconds(file: Path, population: str) -> None:
    with open_h5(file) as h5:
        if f"spikes/{population}/timestamps" not in h5:
            return
        units = h5["spikes"][population]["timestamps"].attrs.get("units", "ms")
    text = units.decode() if isinstance(units, bytes) else str(units)
    if text not in ("ms", "milliseconds", "millisecond"):
        logger.warning("%s: timestamps are said to be in %r and are taken as ms, as BMTK does", file, text)


def _read_csv(file: Path, population: str | None, trial: str | None) -> SpikeTrain:
    table = read_table(file)
    times, ids = (table.numbers(name) for name in _COLUMNS)
    wrong = np.flatnonzero(ids != np.round(ids))
    if wrong.size:
        raise CircuitError(f"row {int(wrong[0]) + 1} of 'node_ids' is no whole number", file=file)
    return SpikeTrain(times, ids.astype(np.int64))


def _read_nwb(file: Path, population: str | None, trial: str | None) -> SpikeTrain:
    with open_h5(file) as h5:
        trials = h5.get("processing", {})
        name = trial if trial is not None else next(iter(trials), None)
        if name not in trials or (trial is None and len(trials) > 1) or "spike_train" not in trials[name]:
            raise CircuitError(
                f"the file has no spikes of the trial {trial!r}" if trial else "the file has no single trial",
                file=file,
                pointer="/processing",
                expected='the key "trial": one of '
                + (", ".join(trials) or "/processing/<trial>/spike_train"),
                hint=did_you_mean(str(trial), trials) or None,
            )
        group = trials[name]["spike_train"]
        parts = {int(node): np.asarray(group[node]["data"][()], dtype=np.float64) for node in group}
    times = np.concatenate([np.empty(0), *parts.values()])
    ids = np.repeat(np.array(list(parts), dtype=np.int64), [part.size for part in parts.values()])
    return SpikeTrain(times, ids)


_READERS: Mapping[str, Callable[[Path, str | None, str | None], SpikeTrain]] = MappingProxyType(
    {"sonata": _read_sonata, "csv": _read_csv, "nwb": _read_nwb}
)
