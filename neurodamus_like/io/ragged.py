"""Tables with any number of rows per cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ragged:
    """Rows of cells, one cell behind the other.

    Attributes
    ----------
    counts
        Number of rows of each cell, int64[cells].
    values
        Shape (sum of counts, ...).
    """

    counts: IntArray
    values: npt.NDArray[Any]

    def __len__(self) -> int:
        return int(self.counts.size)

    @property
    def cells(self) -> IntArray:
        """Which cell each row belongs to, int64[rows]."""
        return np.repeat(np.arange(self.counts.size), self.counts)

    def take(self, cells: IntArray) -> Ragged:
        """Return the given cells, in the given order."""
        counts = self.counts[cells]
        starts = (np.cumsum(self.counts) - self.counts)[cells]
        before = np.cumsum(counts) - counts
        rows = np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
        return Ragged(counts, self.values[rows])


def sorted_by_cell(cells: IntArray, values: npt.NDArray[Any], n_cells: int) -> Ragged:
    """Return rows that belong to `cells` as a table; the order within a cell stays."""
    order = np.argsort(cells, kind="stable")
    return Ragged(np.bincount(cells, minlength=n_cells).astype(np.int64), values[order])


def joined(tables: Sequence[Ragged]) -> Ragged:
    """Return the cells of all tables, one table behind the other."""
    return Ragged(
        np.concatenate([table.counts for table in tables]), np.concatenate([table.values for table in tables])
    )
