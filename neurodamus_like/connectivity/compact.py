"""Columns in the smallest numeric type that holds every value exactly: less memory, the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]

_INTEGERS = (np.int8, np.int16, np.int32)
_SAMPLE = 1024

ROWS_AT_ONCE = 100_000
"""Wide columns (weights, delays, random streams) exist for so many synapses at a time."""


def compact(values: Column) -> Column:
    """Return integers or floats in the smallest type that gives them back unchanged.

    Floats become ``float32`` only where each of them, as it is, fits (files often hold float32 to begin with). Columns
    with one value in all rows take the room of that value; they cannot be written to (see :func:`writable`).

    Parameters
    ----------
    values
        Numbers, shape (n,).

    Returns
    -------
    Column
        The same values, shape (n,); a column that is small already is not copied.
    """
    if values.size and _all_equal(values):
        return np.broadcast_to(values[:1].copy(), values.shape)
    return compact_integers(values) if values.dtype.kind in "iu" else _compact_floats(values)


def compact_integers(values: Column) -> Column:
    """Return integers in the smallest signed type, one element per row."""
    if values.size == 0:
        return values.astype(np.int8)
    low, high = int(values.min()), int(values.max())
    for kind in _INTEGERS:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind, copy=False)
    return values.astype(np.int64, copy=False)


def writable(values: Column) -> Column:
    """Return a column of float64 that can be written to."""
    return np.array(values, dtype=np.float64)


def in_blocks(rows: Column, size: int = ROWS_AT_ONCE) -> Iterator[Column]:
    """Yield the rows in blocks, so that what is computed from them stays small beside the model."""
    for begin in range(0, rows.size, size):
        yield rows[begin : begin + size]


def _all_equal(values: Column) -> bool:
    """Say whether all values are the same, bit by bit; most columns show that they are not on a few rows."""
    bits = _bits(values)
    return bool((bits[:_SAMPLE] == bits[0]).all()) and bool((bits == bits[0]).all())


def _compact_floats(values: Column) -> Column:
    if values.dtype == np.float64 and _fits(values[:_SAMPLE]) and _fits(values):
        return values.astype(np.float32)
    return values


def _fits(values: Column) -> bool:
    with np.errstate(over="ignore", under="ignore"):
        return bool((_bits(values.astype(np.float32).astype(np.float64)) == _bits(values)).all())


def _bits(values: Column) -> Column:
    """Return floats as their bit patterns: 0 and -0 differ, NaN is equal to itself."""
    return (
        np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}") if values.dtype.kind == "f" else values
    )
