"""Spikes of virtual nodes that were recorded in animals: each node gets a sorted unit of NWB files."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Input
from neurodamus_like.connectivity.synapse_table import IntColumn
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.nwb_units import Units, find_interval, find_units
from neurodamus_like.io.spikes import SpikeTrain
from neurodamus_like.io.tables import read_table

logger = logging.getLogger(__name__)

Window = tuple[float, float]
"""Begin and end in s."""


@dataclass(frozen=True, eq=False)
class UnitPool:
    """Units of several files, one behind the other.

    Attributes
    ----------
    units
        Of each file.
    windows
        What of each file counts (s); None: all.
    """

    units: Sequence[Units]
    windows: Sequence[Window | None]

    @property
    def ids(self) -> IntColumn:
        """Their numbers in the files, int64[n]."""
        return np.concatenate([np.empty(0, dtype=np.int64), *(units.ids for units in self.units)])

    def trains(
        self, places: IntColumn, own: Sequence[Window | None], offset_s: float
    ) -> Iterator[npt.NDArray[Any]]:
        """Yield the times (ms) of the units at some places of the pool.

        Parameters
        ----------
        places
            int64[n].
        own
            Of each place: its own window, instead of that of the file, or None.
        offset_s
            Where in the simulation a window begins.
        """
        begins = np.cumsum([0, *(units.ids.size for units in self.units)])
        of_file = np.searchsorted(begins, places, side="right") - 1
        for place, number, own_window in zip(places.tolist(), of_file.tolist(), own, strict=True):
            units = self.units[number]
            row = place - int(begins[number])
            (times,) = units.read_spike_times(np.array([row]))
            window = own_window or self.windows[number]
            if window is not None:
                times = times[(times >= window[0]) & (times <= window[1])] - window[0] + offset_s
            yield times * 1000.0


def load_pool(block: Input) -> UnitPool:
    """Return the units of the files of an input that its filters leave.

    Raises
    ------
    CircuitError
        A file cannot be read, or lacks what the input names.
    """
    p = block.parameters
    filters = p["units"] if isinstance(p.get("units"), Mapping) else None
    files: Sequence[Path] = p["spike_files"]
    intervals: Sequence[Any] = p["intervals"] or [None]
    if len(intervals) == 1:
        intervals = [intervals[0]] * len(files)
    windows = [_window(file, interval) for file, interval in zip(files, intervals, strict=True)]
    pool = UnitPool([find_units(file, filters) for file in files], windows)
    if not pool.ids.size:
        raise CircuitError(
            "no unit has these properties", file=files[0], pointer="/units", expected=f"{filters!r}"
        )
    return pool


def units_train(
    block: Input, population: str, node_ids: IntColumn, with_synapses: IntColumn, random_seed: int
) -> SpikeTrain:
    """Return the spikes of the units that stand for nodes of one population.

    Which unit a node gets is in a table, or drawn with (`random_seed`, `population`), the same on all ranks.

    Parameters
    ----------
    block
        The input.
    population, node_ids
        The nodes of its node set.
    with_synapses
        Those that drive synapses: they must have a unit.
    random_seed
        ``run.random_seed``.

    Raises
    ------
    CircuitError
        A node that drives synapses has no unit, unless ``missing_ids`` allows that; or a spike comes before 0 ms.
    """
    pool = load_pool(block)
    chosen, own = _MAPPINGS[block.parameters["mapping"]](block, pool, population, node_ids, random_seed)
    _check_missing(block, population, np.setdiff1d(with_synapses, list(chosen)))
    nodes = np.intersect1d(np.array(list(chosen), dtype=np.int64), with_synapses)
    places = np.array([chosen[node] for node in nodes.tolist()], dtype=np.int64)
    offset_s = float(block.parameters["interval_offset"]) / 1000.0
    trains = list(pool.trains(places, [own.get(node) for node in nodes.tolist()], offset_s))
    train = SpikeTrain(
        np.concatenate([np.empty(0), *(np.sort(times) for times in trains)]),
        np.repeat(nodes, [times.size for times in trains]),
    )
    early = train.timestamps < 0
    if early.any():
        raise CircuitError(
            f"input {block.name!r}: {int(early.sum())} spikes have a negative time",
            population=population,
            ids=np.unique(train.node_ids[early]).tolist(),
        )
    return train


def read_units_map(file: Path) -> tuple[dict[int, int], dict[int, Window]]:
    """Read a table ``node_ids unit_ids``, perhaps with ``start_times stop_times`` (ms).

    Returns
    -------
    tuple
        Node -> unit, and node -> window in s.

    Raises
    ------
    CircuitError
        It cannot be read, lacks a column, or a number is not whole.
    """
    table = read_table(file)
    nodes, units = (_whole_numbers(table.numbers(name), name, file) for name in ("node_ids", "unit_ids"))
    windows: dict[int, Window] = {}
    if "start_times" in table.names:
        begins, ends = (table.numbers(name) / 1000.0 for name in ("start_times", "stop_times"))
        windows = dict(zip(nodes, zip(begins.tolist(), ends.tolist(), strict=True), strict=True))
    return dict(zip(nodes, units, strict=True)), windows


Chosen = tuple[dict[int, int], Mapping[int, Window]]
"""Node -> place in the pool, and node -> a window of its own."""


def _from_table(block: Input, pool: UnitPool, population: str, node_ids: IntColumn, seed: int) -> Chosen:
    file = Path(block.parameters["units"])
    units, windows = read_units_map(file)
    here = set(node_ids.tolist())
    wanted = {node: unit for node, unit in units.items() if node in here}
    ids = pool.ids
    places = {int(unit): place for place, unit in enumerate(ids.tolist())}
    lost = sorted({unit for unit in wanted.values() if unit not in places})
    if lost:
        files = ", ".join(u.file.name for u in pool.units)
        raise CircuitError(
            f"there are no units {_few(lost)} in {files}", file=file, expected="numbers of units"
        )
    distinct, count = np.unique(ids, return_counts=True)
    double = sorted(set(distinct[count > 1].tolist()) & set(wanted.values()))
    if double:
        raise CircuitError(
            f"several of the files have the units {_few(double)}",
            file=file,
            hint="make an input for each file",
        )
    return {node: places[unit] for node, unit in wanted.items()}, windows


def _without_replacement(
    block: Input, pool: UnitPool, population: str, node_ids: IntColumn, seed: int
) -> Chosen:
    if node_ids.size > pool.ids.size and block.parameters["missing_ids"] == "fail":
        raise CircuitError(
            f"input {block.name!r}: {pool.ids.size} units are not enough for {node_ids.size} nodes",
            population=population,
            hint='use "mapping": "sample_with_replacement", more files, or "missing_ids": "warn"',
        )
    return _draw(pool, population, node_ids[: pool.ids.size], seed, replace=False)


def _with_replacement(
    block: Input, pool: UnitPool, population: str, node_ids: IntColumn, seed: int
) -> Chosen:
    return _draw(pool, population, node_ids, seed, replace=True)


def _draw(pool: UnitPool, population: str, node_ids: IntColumn, seed: int, *, replace: bool) -> Chosen:
    stream = np.random.RandomState([seed & 0xFFFFFFFF, zlib.crc32(population.encode())])
    drawn = stream.choice(pool.ids.size, size=node_ids.size, replace=replace)
    return dict(zip(node_ids.tolist(), drawn.tolist(), strict=True)), {}


_MAPPINGS = {
    "units_map": _from_table,
    "sample": _without_replacement,
    "sample_without_replacement": _without_replacement,
    "sample_with_replacement": _with_replacement,
}


def check_units_input(block: Input) -> None:
    """Read what an input names, except for the spikes.

    Raises
    ------
    CircuitError
        Something in its files is missing or wrong.
    """
    load_pool(block)
    if block.parameters["mapping"] == "units_map":
        read_units_map(Path(block.parameters["units"]))


def _window(file: Path, interval: Any) -> Window | None:
    if interval is None:
        return None
    if isinstance(interval, Mapping):
        return find_interval(file, interval)
    begin_ms, end_ms = interval
    return float(begin_ms) / 1000.0, float(end_ms) / 1000.0


def _check_missing(block: Input, population: str, lost: IntColumn) -> None:
    if not lost.size or block.parameters["missing_ids"] == "ignore":
        return
    message = f"input {block.name!r}: {lost.size} nodes that drive synapses have no unit"
    if block.parameters["missing_ids"] == "warn":
        logger.warning("%s: %s of %s", message, _few(lost.tolist()), population)
        return
    raise CircuitError(
        message,
        population=population,
        ids=lost.tolist(),
        hint='add them to the table, or set "missing_ids": "warn" to leave them silent',
    )


def _whole_numbers(values: npt.NDArray[np.float64], name: str, file: Path) -> list[int]:
    wrong = np.flatnonzero(values != np.round(values))
    if wrong.size:
        raise CircuitError(f"row {int(wrong[0]) + 1} of {name!r} is no whole number", file=file)
    return [int(value) for value in values]


def _few(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (" ..." if len(numbers) > 5 else "")
