"""Sparse random choices: the cost grows with what is chosen, not with what could have been."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.node_table import IntArray

_DENSE_ABOVE = 0.3
"""From this probability on, one uniform number for each candidate is cheaper than jumps."""


def bernoulli_positions(rng: np.random.Generator, size: int, p: float) -> IntArray:
    """Return the positions in ``0..size - 1`` that succeed independently with probability `p`, ascending.

    The gaps between successes of a Bernoulli process are geometric (Devroye 1986, "Non-uniform random
    variate generation", X.2), so that only successes are drawn.
    """
    if size <= 0 or p <= 0.0:
        return np.empty(0, dtype=np.int64)
    if p >= 1.0:
        return np.arange(size, dtype=np.int64)
    if p > _DENSE_ABOVE:
        return np.flatnonzero(rng.random(size, dtype=np.float64) < p)
    parts, last = [], -1
    while last < size - 1:
        expected = (size - 1 - last) * p
        gaps = rng.geometric(p, int(expected + 5.0 * np.sqrt(expected) + 8.0))
        gaps[0] += last
        found = np.cumsum(gaps, out=gaps)
        parts.append(found)
        # a gap too long for int64 wraps round: what follows it is beyond the end in any case
        last = int(found[-1]) if found[-1] >= 0 else size
    positions = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if np.any(positions < 0):
        positions = positions[: int(np.argmax(positions < 0))]
    return positions[: int(np.searchsorted(positions, size))]


def distinct_per_row(rng: np.random.Generator, rows: int, size: int, count: int) -> IntArray:
    """Return `count` distinct numbers below `size` for each row, int64[rows, count], each row ascending.

    Values that came twice are drawn again until none is left. The rule treats all labels alike, so every
    subset is equally probable. More than half of the labels are chosen as the complement of the rest.
    """
    if count > size:
        raise ValueError(f"{count} distinct numbers were asked for, but there are only {size}")
    if count > size // 2:
        return _complement(distinct_per_row(rng, rows, size, size - count), size)
    chosen = np.sort(rng.integers(0, size, (rows, count), dtype=np.int64), axis=1)
    while True:
        twice = np.zeros(chosen.shape, dtype=bool)
        twice[:, 1:] = chosen[:, 1:] == chosen[:, :-1]
        bad = np.flatnonzero(twice.any(axis=1))
        if bad.size == 0:
            return chosen
        again = chosen[bad]
        again[twice[bad]] = rng.integers(0, size, int(twice[bad].sum()), dtype=np.int64)
        again.sort(axis=1)
        chosen[bad] = again


def _complement(left_out: IntArray, size: int) -> IntArray:
    keep = np.ones((left_out.shape[0], size), dtype=bool)
    np.put_along_axis(keep, left_out, False, axis=1)
    return np.nonzero(keep)[1].reshape(left_out.shape[0], size - left_out.shape[1]).astype(np.int64)


def split_total(rng: np.random.Generator, total: int, rows: int, size: int, distinct: bool) -> IntArray:
    """Return how many of `total` choices among ``rows * size`` fall into each row, int64[rows]."""
    if distinct:
        colors = np.full(rows, size, dtype=np.int64)
        return rng.multivariate_hypergeometric(colors, total, method="marginals").astype(np.int64)
    return rng.multinomial(total, np.full(rows, 1.0 / rows)).astype(np.int64)


def distinct_ragged(rng: np.random.Generator, counts: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return (row, value) of ``counts[row]`` distinct numbers below `size` for each row, by row and value."""
    rows, values = [], []
    for count in np.unique(counts[counts > 0]).tolist():
        at = np.flatnonzero(counts == count)
        rows.append(np.repeat(at, count))
        values.append(distinct_per_row(rng, at.size, size, count).ravel())
    if not rows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    row, value = np.concatenate(rows), np.concatenate(values)
    order = np.argsort(row * size + value, kind="stable")
    return row[order], value[order]


def without_self(values: npt.NDArray[np.int64], own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Shift values drawn from one label fewer so that they leave out `own` (-1: nothing to leave out)."""
    return values + ((own >= 0) & (values >= own))
