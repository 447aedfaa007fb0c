"""Report files whose values are still to be written: made whole at once, filled at byte offsets by many processes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.io.hdf5 import IntArray, write_header
from neurodamus_like.registry import Registry

_NOTHING: Mapping[str, npt.NDArray[Any]] = MappingProxyType({})


@dataclass(frozen=True)
class ElementLayout:
    """What the columns of a report are.

    Attributes
    ----------
    node_ids
        Shape (n,), ids inside the population.
    index_pointers
        Shape (n + 1,): columns ``index_pointers[i]:index_pointers[i + 1]`` belong to ``node_ids[i]``.
    element_ids
        Shape (columns,): section id, or synapse id.
    attributes
        Name -> what else is known of each column, shape (columns,).
    """

    node_ids: IntArray
    index_pointers: IntArray
    element_ids: IntArray
    attributes: Mapping[str, npt.NDArray[Any]] = field(default_factory=lambda: _NOTHING)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(np.asarray(self.element_ids).size)


@dataclass(frozen=True)
class FileStyle:
    """In what the element reports of the simulators of the field differ.

    Attributes
    ----------
    pointers
        Name of the dataset of index pointers.
    element_type
        Of the element ids.
    has_header
        The root has the attributes ``magic`` and ``version``.
    """

    pointers: str
    element_type: str
    has_header: bool


FILE_STYLES: Registry[FileStyle] = Registry("style of report files", "neurodamus_like.report_styles")
"""Styles by name: ``sonata`` is that of the specification, ``positions`` that of reports with positions on sections."""
FILE_STYLES.add("sonata", FileStyle("index_pointers", "<u4", has_header=False))
FILE_STYLES.add("positions", FileStyle("index_pointer", "<u8", has_header=True))


@dataclass(frozen=True)
class ReportFile:
    """A report whose values are being written.

    Attributes
    ----------
    path
        The file.
    data_offsets
        Population -> byte offset of its first value (0 where there are no values).
    time_offsets
        Population -> byte offset of (start, end, interval).
    """

    path: Path
    data_offsets: dict[str, int]
    time_offsets: dict[str, int]

    def set_end(self, end_ms: float) -> None:
        """Have the file say that it holds frames up to, but without, `end_ms`."""
        handle = os.open(self.path, os.O_WRONLY)
        try:
            for offset in self.time_offsets.values():
                os.pwrite(handle, np.float64(end_ms).astype("<f8").tobytes(), offset + 8)
        finally:
            os.close(handle)


def create_report_file(
    path: Path,
    populations: Mapping[str, ElementLayout],
    n_frames: int,
    start: float,
    end: float,
    dt: float,
    unit: str,
    *,
    dtype: npt.DTypeLike = "<f4",
    style: str = "sonata",
    variable: str = "",
) -> ReportFile:
    """Create a report of elements whose values are still to be written, as rows of little-endian floats.

    The values of a population lie in one piece of the file, so that many processes can write them at byte
    offsets, without HDF5. Frames that were not written read as zero.

    Parameters
    ----------
    path
        The file.
    populations
        Population -> its columns.
    n_frames
        Number of rows.
    start, end, dt
        What the file says about time, ms.
    unit
        Unit of the values, copied into the file.
    dtype
        Of the values.
    style
        One of :data:`FILE_STYLES`.
    variable
        Name of the variable, copied into the file unless it is empty.

    Returns
    -------
    ReportFile
        Where in the file its parts are.
    """
    data_offsets, time_offsets = {}, {}
    chosen = FILE_STYLES[style]
    attributes = {"units": unit, **({"variable": variable} if variable else {})}
    with h5py.File(path, "w") as h5:
        if chosen.has_header:
            write_header(h5)
        root = h5.create_group("report")
        for name, layout in populations.items():
            group = root.create_group(name)
            mapping = group.create_group("mapping")
            _write_mapping(mapping, layout, chosen)
            time_offsets[name] = _write_times(mapping, (start, end, dt))
            data_offsets[name] = _create_data(group, (n_frames, layout.n_columns), dtype, attributes)
    return ReportFile(Path(path), data_offsets, time_offsets)


def create_table_file(
    path: Path,
    group: str,
    shape: tuple[int, int],
    time: tuple[float, float, float],
    attributes: Mapping[str, str],
    columns: Mapping[str, npt.ArrayLike],
) -> ReportFile:
    """Create a report of one table of float64: ``<group>/data``, with ``<group>/time`` beside it.

    Parameters
    ----------
    path
        The file.
    group
        ``ecp`` for extracellular potentials; "" for the root of the file.
    shape
        Frames and columns.
    time
        (start, end, interval) in ms.
    attributes
        Of the values, such as their units.
    columns
        Name -> what each column is; datasets beside the values.

    Returns
    -------
    ReportFile
        Its one part is called as the group.
    """
    with h5py.File(path, "w") as h5:
        write_header(h5)
        root = h5.create_group(group) if group else h5["/"]
        for name, values in columns.items():
            root.create_dataset(name, data=values, track_times=False)
        time_offset = _write_times(root, time)
        data_offset = _create_data(root, shape, "<f8", attributes)
    return ReportFile(Path(path), {group: data_offset}, {group: time_offset})


def find_tables(h5: Any) -> list[tuple[str, str]]:
    """Return the paths of values and times of all tables of a report file, of whatever kind it is."""
    groups = [f"report/{name}" for name in h5["report"]] if "report" in h5 else []
    pairs = [(f"{group}/data", f"{group}/mapping/time") for group in groups]
    pairs += [("ecp/data", "ecp/time"), ("data", "time")]
    return [(data, time) for data, time in pairs if data in h5 and time in h5]


def _write_mapping(group: Any, layout: ElementLayout, style: FileStyle) -> None:
    for name, values, kind in (
        ("node_ids", layout.node_ids, "<u8"),
        (style.pointers, layout.index_pointers, "<u8"),
        ("element_ids", layout.element_ids, style.element_type),
    ):
        group.create_dataset(name, data=np.asarray(values, dtype=kind), track_times=False)
    for name, values in layout.attributes.items():
        group.create_dataset(name, data=values, track_times=False)


def _write_times(group: Any, time: Sequence[float]) -> int:
    """Write (start, end, interval); return the byte offset of them."""
    times = group.create_dataset("time", data=np.asarray(time, dtype="<f8"), track_times=False)
    times.attrs["units"] = "ms"
    return int(times.id.get_offset())


def _create_data(
    group: Any, shape: tuple[int, int], dtype: npt.DTypeLike, attributes: Mapping[str, str]
) -> int:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.CONTIGUOUS)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    creation.set_obj_track_times(False)  # or two runs would differ by their date
    space = h5py.h5s.create_simple(shape)
    data = h5py.h5d.create(group.id, b"data", h5py.h5t.py_create(np.dtype(dtype)), space, creation)
    h5py.Dataset(data).attrs.update(attributes)
    return int(data.get_offset() or 0)
