"""NWB 2 files of results: spikes as a table of units, potentials as an electrical series; written with h5py alone.

The layout is that of the schema (https://nwb-schema.readthedocs.io); times are in seconds and potentials in mV with the
factor to volts, as it asks for. What else is in an existing file is kept, so that spikes and potentials may share one.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import ReportError
from neurodamus_like.io.electrodes import Probe
from neurodamus_like.io.hdf5 import replace_when_whole

NWB_VERSION = "2.6.0"
SERIES = "ElectricalSeries"
"""Name of the potentials in ``/acquisition`` and in ``/processing/ecephys/LFP``."""

_GROUPS = (
    *("acquisition", "analysis", "processing", "stimulus/presentation", "stimulus/templates"),
    *("general/devices", "general/extracellular_ephys"),
)
_COPIED_VALUES = 4_000_000
"""Values that are copied at once."""
_TEXT = h5py.string_dtype()

Spikes = tuple[npt.ArrayLike, npt.ArrayLike]


def write_spikes_nwb(path: Path, spikes: Mapping[str, Spikes]) -> None:
    """Write spikes as the table ``/units``, in place of the one that the file may have.

    Parameters
    ----------
    path
        The file.
    spikes
        Population -> (times in ms, node ids). Each node with spikes becomes a unit with the columns ``population`` and
        ``node_id``; its times are in ascending order. Units have the numbers of nodes if there is one population.

    Raises
    ------
    ReportError
        There is a file at `path` that is no NWB 2 file.
    """
    trains = [
        (name, node, times)
        for name, (t, ids) in spikes.items()
        for node, times in _by_node(np.asarray(t), ids)
    ]
    names, nodes = [name for name, _, _ in trains], np.array([n for _, n, _ in trains], dtype=np.int64)
    ids = nodes if len(set(names)) <= 1 else np.arange(nodes.size)
    times_s = np.concatenate([np.empty(0), *(times for _, _, times in trains)]) / 1000.0
    with _open_nwb(Path(path)) as h5:
        h5.pop("units", None)
        if not trains:
            return
        columns = ["population", "node_id", "spike_times"]
        table = _table(h5, "units", "Units", "spikes of simulated cells", columns, ids)
        _column(table, "population", np.array(names, dtype=object), "population of nodes", _TEXT)
        _column(table, "node_id", nodes, "number of the node in its population")
        _column(table, "spike_times", times_s, "times of spikes in seconds")
        ends = np.cumsum([times.size for _, _, times in trains]).astype(np.uint64)
        index = _column(table, "spike_times_index", ends, "end of the times of each unit", kind="VectorIndex")
        index.attrs["target"] = table["spike_times"].ref


def write_potentials_nwb(
    path: Path, data: Any, probe: Probe, interval_ms: float, first_ms: float, channel_ids: Sequence[int]
) -> None:
    """Write potentials as an electrical series, with the table of electrodes, in place of those of the file.

    Parameters
    ----------
    path
        The file.
    data
        Dataset or array of mV, shape (frames, contacts).
    probe
        Where the contacts are.
    interval_ms
        Between frames.
    first_ms
        Time of the first frame.
    channel_ids
        Number of each contact.

    Raises
    ------
    ReportError
        There is a file at `path` that is no NWB 2 file.
    """
    with _open_nwb(Path(path)) as h5:
        for name in (
            f"acquisition/{SERIES}",
            "processing/ecephys/LFP",
            "general/extracellular_ephys/electrodes",
        ):
            h5.pop(name, None)
        _write_electrodes(h5, probe, channel_ids)
        series = _typed(h5, f"acquisition/{SERIES}", SERIES)
        series.attrs.update(description="extracellular potential of simulated cells", comments="no comments")
        rows = max(1, _COPIED_VALUES // max(1, data.shape[1]))
        values = series.create_dataset("data", data.shape, dtype=np.float64)
        for begin in range(0, data.shape[0], rows):
            values[begin : begin + rows] = data[begin : begin + rows]
        values.attrs.update(unit="volts", conversion=1e-3, offset=0.0, resolution=-1.0)
        start = series.create_dataset("starting_time", data=first_ms / 1000.0)
        start.attrs.update(rate=1000.0 / interval_ms, unit="seconds")
        electrodes = series.create_dataset("electrodes", data=np.arange(len(probe)))
        _mark(electrodes, "DynamicTableRegion", "hdmf-common")
        electrodes.attrs["description"] = "all contacts"
        electrodes.attrs["table"] = h5["general/extracellular_ephys/electrodes"].ref
        if "processing/ecephys" not in h5:
            module = _typed(h5, "processing/ecephys", "ProcessingModule")
            module.attrs["description"] = "extracellular electrophysiology"
        _typed(h5, "processing/ecephys/LFP", "LFP")[SERIES] = h5py.SoftLink(f"/acquisition/{SERIES}")


@contextmanager
def _open_nwb(path: Path) -> Iterator[Any]:
    """Open a file for writing, an existing one with all it has; it changes only when the block ends well."""
    with replace_when_whole(path) as temporary:
        if path.exists():
            _check_nwb(path)
            shutil.copyfile(path, temporary)
        with h5py.File(temporary, "a") as h5:
            if "nwb_version" not in h5.attrs:
                _write_root(h5)
            yield h5


def _check_nwb(path: Path) -> None:
    try:
        with h5py.File(path, "r") as h5:
            is_nwb = "nwb_version" in h5.attrs
    except OSError:
        is_nwb = False
    if not is_nwb:
        raise ReportError(
            "results cannot be added to this file: it is no NWB 2 file",
            file=path,
            hint="move it, or give another name",
        )


def _write_root(h5: Any) -> None:
    _mark(h5, "NWBFile", "core")
    h5.attrs["nwb_version"] = NWB_VERSION
    now = datetime.now(timezone.utc).isoformat()
    texts = {
        "identifier": str(uuid.uuid4()),
        "session_description": "simulation by neurodamus_like",
        "session_start_time": now,
        "timestamps_reference_time": now,
    }
    for name, text in texts.items():
        h5.create_dataset(name, data=text, dtype=_TEXT)
    h5.create_dataset("file_create_date", data=np.array([now], dtype=object), dtype=_TEXT)
    for name in _GROUPS:
        h5.require_group(name)


def _write_electrodes(h5: Any, probe: Probe, channel_ids: Sequence[int]) -> None:
    for name, kind in (("devices/electrodes", "Device"), ("extracellular_ephys/contacts", "ElectrodeGroup")):
        if f"general/{name}" not in h5:
            _typed(h5, f"general/{name}", kind)
    group = h5["general/extracellular_ephys/contacts"]
    if "device" not in group:
        group.attrs.update(description="contacts of the simulated electrodes", location="unknown")
        group["device"] = h5py.SoftLink("/general/devices/electrodes")
    n = len(probe)
    names = ["x", "y", "z", "location", "group", "group_name", "channel_id", "label"]
    place = "general/extracellular_ephys/electrodes"
    table = _table(h5, place, "DynamicTable", "metadata about extracellular electrodes", names, np.arange(n))
    for axis, values in zip("xyz", probe.positions_um.T, strict=True):
        _column(table, axis, values, f"{axis} coordinate in um")
    _column(table, "location", np.full(n, "unknown", dtype=object), "region", _TEXT)
    _column(table, "group", np.full(n, group.ref, dtype=object), "group of the contact", h5py.ref_dtype)
    _column(table, "group_name", np.full(n, "contacts", dtype=object), "name of the group", _TEXT)
    _column(table, "channel_id", np.asarray(channel_ids, dtype=np.int64), "column of the report")
    _column(table, "label", np.array(probe.names, dtype=object), "name in the table of positions", _TEXT)


def _table(h5: Any, name: str, kind: str, description: str, columns: list[str], ids: Any) -> Any:
    table = _typed(h5, name, kind, "core" if kind == "Units" else "hdmf-common")
    table.attrs["description"] = description
    table.attrs.create("colnames", np.array(columns, dtype=object), dtype=_TEXT)
    _mark(table.create_dataset("id", data=ids, dtype=np.int64), "ElementIdentifiers", "hdmf-common")
    return table


def _column(
    table: Any, name: str, values: Any, description: str, dtype: Any = None, kind: str = "VectorData"
) -> Any:
    column = table.create_dataset(name, data=values, dtype=dtype)
    _mark(column, kind, "hdmf-common")
    column.attrs["description"] = description
    return column


def _typed(h5: Any, name: str, kind: str, namespace: str = "core") -> Any:
    group = h5.create_group(name)
    _mark(group, kind, namespace)
    return group


def _mark(item: Any, kind: str, namespace: str) -> None:
    item.attrs.update(namespace=namespace, neurodata_type=kind, object_id=str(uuid.uuid4()))


def _by_node(
    times_ms: npt.NDArray[Any], node_ids: npt.ArrayLike
) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    ids = np.asarray(node_ids, dtype=np.int64)
    order = np.lexsort((times_ms, ids))
    nodes, first = np.unique(ids[order], return_index=True)
    trains = np.split(times_ms[order].astype(np.float64), first[1:])
    yield from zip(nodes.tolist(), trains if nodes.size else [], strict=True)
