"""Sorted units of extracellular recordings, from NWB 2 files (HDF5): which there are, and when they fire.

Times in these files are in seconds. A unit has the columns of ``/units``, and those of its electrode: the one whose
``id`` is the unit's ``peak_channel_id`` (or ``channel_id``), or the first of its ``electrodes``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.io.hdf5 import IntArray, open_h5

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

ELECTRODES = "general/extracellular_ephys/electrodes"

OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        **{"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le},
        **{">": operator.gt, ">=": operator.ge},
    }
)
"""Comparisons that a filter ``{"column": ..., "operation": ..., "value": ...}`` may have."""


@dataclass(frozen=True)
class Units:
    """Units of one file.

    Attributes
    ----------
    file
        The file.
    ids
        int64[n], the column ``id``.
    rows
        int64[n], where they are in the table.
    """

    file: Path
    ids: IntArray
    rows: IntArray

    def read_spike_times(self, which: IntArray) -> list[FloatArray]:
        """Return the times (s) of some units, given by their places in `ids`.

        Raises
        ------
        CircuitError
            The file is damaged.
        """
        with open_h5(self.file) as h5:
            units = h5["units"]
            ends = np.asarray(units["spike_times_index"][()], dtype=np.int64)
            begins = np.concatenate([[0], ends[:-1]])
            times = units["spike_times"]
            return [
                np.asarray(times[begins[row] : ends[row]], dtype=np.float64)
                for row in self.rows[which].tolist()
            ]


def find_units(file: Path, filters: Mapping[str, Any] | None = None) -> Units:
    """Return the units for which all filters hold, in the order of the file.

    Parameters
    ----------
    file
        The file.
    filters
        Column -> a value that it must have, a list of such values, or ``{"operation": "<", "value": 0.5}`` with one of
        :data:`OPERATIONS` (and perhaps another ``column``).

    Raises
    ------
    CircuitError
        The file cannot be read, has no units, or no such column; or the filter makes no sense.
    """
    with open_h5(Path(file)) as h5:
        units = h5.get("units")
        if units is None or not {"id", "spike_times", "spike_times_index"} <= set(units):
            raise CircuitError(
                "the file has no units with spikes",
                file=file,
                pointer="/units",
                expected="an NWB 2 file with /units/id, /units/spike_times and /units/spike_times_index",
            )
        ids = np.asarray(units["id"][()], dtype=np.int64)
        chosen = np.ones(ids.size, dtype=bool)
        for name, wanted in (filters or {}).items():
            column = str(wanted.get("column", name)) if isinstance(wanted, Mapping) else name
            chosen &= _matches(_unit_column(h5, column, Path(file)), wanted, Path(file), name)
    rows = np.flatnonzero(chosen)
    return Units(Path(file), ids[rows], rows)


def find_interval(file: Path, description: Mapping[str, Any]) -> tuple[float, float]:
    """Return begin and end (s) of a stimulus in the tables of ``/intervals``.

    Parameters
    ----------
    file
        The file.
    description
        ``interval_name`` (the table, also without ``_presentations``), perhaps ``interval_index`` (one of the rows that
        are left; by default all together), and filters of columns as for :func:`find_units`.

    Raises
    ------
    CircuitError
        There is no such table, column or row.
    """
    filters = dict(description)
    name, index = filters.pop("interval_name", None), filters.pop("interval_index", "all")
    with open_h5(Path(file)) as h5:
        tables = h5.get("intervals", {})
        found = next((n for n in (str(name), f"{name}_presentations") if n in tables), None)
        if found is None:
            raise CircuitError(
                f"the file has no intervals {name!r}",
                file=file,
                pointer="/intervals",
                expected="interval_name: one of " + (", ".join(tables) or "(the file has none)"),
                hint=did_you_mean(str(name), tables) or None,
            )
        table = tables[found]
        chosen = np.ones(len(table["start_time"]), dtype=bool)
        for key, wanted in filters.items():
            column = str(wanted.get("column", key)) if isinstance(wanted, Mapping) else key
            chosen &= _matches(_own_column(table, column, Path(file)), wanted, Path(file), key)
        begins, ends = (
            np.asarray(table[n][()], dtype=np.float64)[chosen] for n in ("start_time", "stop_time")
        )
    if index == "all" and begins.size:
        return float(begins.min()), float(ends.max())
    if not isinstance(index, int) or not -begins.size <= index < begins.size:
        raise CircuitError(
            f"{begins.size} of the intervals {found!r} have these properties: {dict(description)!r}",
            file=file,
            pointer=f"/intervals/{found}",
            expected="at least one" if index == "all" else f"interval_index below {begins.size}",
        )
    return float(begins[index]), float(ends[index])


def _unit_column(h5: Any, name: str, file: Path) -> npt.NDArray[Any]:
    """Return a column of the units, or of their electrodes."""
    units, electrodes = h5["units"], h5.get(ELECTRODES)
    if name in units or electrodes is None or name not in electrodes:
        known = [*_column_names(units), *(_column_names(electrodes) if electrodes is not None else [])]
        return _own_column(units, name, file, known)
    of_electrodes = _own_column(electrodes, name, file)
    places = _electrode_places(units, electrodes)
    filler = "" if of_electrodes.dtype == object else np.nan
    padded = np.concatenate([of_electrodes.astype(object), [filler]])
    return padded[places]


def _electrode_places(units: Any, electrodes: Any) -> IntArray:
    """Return the row of each unit's electrode; -1 for none."""
    key = next((name for name in ("peak_channel_id", "channel_id") if name in units), None)
    if key is not None:
        ids = np.asarray(electrodes["id"][()], dtype=np.int64)
        place = {number: row for row, number in enumerate(ids.tolist())}
        return np.array([place.get(int(number), -1) for number in units[key][()]], dtype=np.int64)
    if "electrodes" in units and "electrodes_index" in units:
        ends = np.asarray(units["electrodes_index"][()], dtype=np.int64)
        begins = np.concatenate([[0], ends[:-1]])
        rows = np.asarray(units["electrodes"][()], dtype=np.int64)
        return np.array([rows[b] if b < e else -1 for b, e in zip(begins, ends, strict=True)], dtype=np.int64)
    return np.full(len(units["id"]), -1, dtype=np.int64)


def _own_column(table: Any, name: str, file: Path, known: list[str] | None = None) -> npt.NDArray[Any]:
    names = _column_names(table) if known is None else known
    if name not in table or f"{name}_index" in table or not isinstance(table[name], h5py.Dataset):
        raise CircuitError(
            f"the file has no column {name!r} with one value for each row",
            file=file,
            pointer=table.name,
            expected="one of " + ", ".join(names),
            hint=did_you_mean(name, names) or None,
        )
    values = np.asarray(table[name][()])
    if values.dtype.kind in "OS":
        return np.array([v.decode() if isinstance(v, bytes) else v for v in values], dtype=object)
    return values


def _column_names(table: Any) -> list[str]:
    return [n for n in table if isinstance(table[n], h5py.Dataset) and not n.endswith("_index")]


def _matches(values: npt.NDArray[Any], wanted: Any, file: Path, name: str) -> BoolArray:
    if isinstance(wanted, list | tuple):
        return np.array([value in wanted for value in values.tolist()], dtype=bool)
    if not isinstance(wanted, Mapping):
        return np.array([value == wanted for value in values.tolist()], dtype=bool)
    if wanted.get("operation") not in OPERATIONS or "value" not in wanted:
        raise CircuitError(
            f"the filter {name!r} has no operation: {dict(wanted)!r}",
            file=file,
            expected='{"operation": ..., "value": ...} with one of ' + ", ".join(OPERATIONS),
        )
    compare = OPERATIONS[str(wanted["operation"])]
    try:
        return np.array([bool(compare(value, wanted["value"])) for value in values.tolist()], dtype=bool)
    except TypeError:
        raise CircuitError(
            f"the filter {name!r} compares {values.dtype} with {wanted['value']!r}", file=file
        ) from None
