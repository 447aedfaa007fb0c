"""Columns of simulator objects.

Where the compiled factory makes the objects, a column holds plain addresses, 8 bytes each, and a Python object appears
only for the rows that somebody looks at. Without it, a column is a numpy array of Python objects. Both are indexed,
assigned and iterated in the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine import bulk_library

_CHUNK = 4096


class HocColumn:
    """Objects of NEURON by address; rows without an object are None.

    Parameters
    ----------
    pointers
        uint64[n]; 0 where there is no object. The column takes over one reference to each object and gives it back
        when it dies.
    """

    __slots__ = ("__weakref__", "pointers")

    def __init__(self, pointers: npt.NDArray[np.uint64]) -> None:
        self.pointers = pointers

    def __del__(self) -> None:
        if not sys.is_finalizing():
            bulk_library.release(self.pointers)

    def __len__(self) -> int:
        return int(self.pointers.size)

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.pointers.size)

    def __repr__(self) -> str:
        return f"HocColumn({self.size} rows, {int(np.count_nonzero(self.pointers))} objects)"

    def __getitem__(self, key: Any) -> Any:
        """Return one object (or None) for a number, a column for a slice, mask or array of rows."""
        found = self.pointers[key]
        if isinstance(found, np.ndarray):
            return HocColumn(bulk_library.shared(found))
        return bulk_library.wrapped(np.array([found], dtype=np.uint64))[0]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Put objects into rows (each of them at most once)."""
        old = np.array(self.pointers[key], dtype=np.uint64)
        self.pointers[key] = _pointers_of(value, old.size).reshape(old.shape)
        bulk_library.release(old.reshape(-1))

    def __iter__(self) -> Iterator[Any]:
        for begin in range(0, self.size, _CHUNK):
            yield from bulk_library.wrapped(self.pointers[begin : begin + _CHUNK])

    def tolist(self) -> list[Any]:
        """Return the objects."""
        return list(self)


ObjectColumn = npt.NDArray[np.object_] | HocColumn
"""Simulator objects, one per row."""


def no_objects(count: int) -> ObjectColumn:
    """Return a column of `count` times None."""
    if bulk_library.is_active():
        return HocColumn(np.zeros(count, dtype=np.uint64))
    return np.full(count, None, dtype=object)


def column_of(objects: Iterable[Any]) -> ObjectColumn:
    """Return a column of Python's view of simulator objects (or None)."""
    if isinstance(objects, HocColumn):
        return objects
    objects = list(objects)
    if bulk_library.is_active():
        return HocColumn(bulk_library.pointers_to(objects))
    # numpy.array() would ask every HOC object whether it is a sequence
    return np.fromiter(objects, dtype=object, count=len(objects))


def joined(parts: Sequence[ObjectColumn]) -> ObjectColumn:
    """Return one column of all rows of some."""
    if bulk_library.is_active():
        both = [part.pointers for part in map(column_of, parts) if isinstance(part, HocColumn)]
        return HocColumn(bulk_library.shared(np.concatenate(both)))
    whole: npt.NDArray[np.object_] = np.concatenate([np.asarray(part, dtype=object) for part in parts])
    return whole


def has_object(column: ObjectColumn) -> npt.NDArray[np.bool_]:
    """Say which rows hold an object."""
    if isinstance(column, HocColumn):
        return np.not_equal(column.pointers, 0)
    return np.fromiter((item is not None for item in column), dtype=bool, count=len(column))


def _pointers_of(value: Any, count: int) -> npt.NDArray[np.uint64]:
    """Return `count` addresses with a reference each."""
    if isinstance(value, HocColumn):
        return bulk_library.shared(value.pointers)
    if isinstance(value, np.ndarray | list | tuple):
        return bulk_library.pointers_to(list(value))
    return bulk_library.pointers_to([value] * count)
