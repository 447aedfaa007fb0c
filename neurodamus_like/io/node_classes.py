"""Nodes grouped by the selections they belong to: what is the same for many nodes is decided once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BITS = 62
"""Memberships that fit into one integer before it is renumbered."""


@dataclass(frozen=True)
class NodeClasses:
    """A partition of the nodes of one population: nodes of a class belong to the same selections.

    Attributes
    ----------
    of_node
        int64[nodes]: class of each node id.
    members
        bool[selections, classes]: which selections a class belongs to.
    sizes
        int64[classes]: number of nodes of each class.
    """

    of_node: IntArray
    members: BoolArray
    sizes: IntArray

    def __len__(self) -> int:
        return int(self.sizes.size)

    @classmethod
    def group(cls, selections: Sequence[IntArray], size: int) -> NodeClasses:
        """Group nodes 0 to `size` - 1 by the selections (arrays of node ids) that hold them.

        Ids beyond `size` are ignored. The work grows with the number of nodes and selections, not of classes.
        """
        code = np.zeros(size, dtype=np.int64)
        for number, ids in enumerate(selections):
            inside = np.zeros(size, dtype=np.int64)
            inside[ids[(ids >= 0) & (ids < size)]] = 1
            code = code * 2 + inside
            if number % _BITS == _BITS // 2:
                code = _renumbered(code)
        code = _renumbered(code)
        count = int(code.max()) + 1 if size else 0
        first = np.zeros(count, dtype=np.int64)
        first[code[::-1]] = np.arange(size)[::-1]
        members = np.zeros((len(selections), count), dtype=bool)
        for number, ids in enumerate(selections):
            members[number] = np.isin(first, ids)
        return cls(code, members, np.bincount(code, minlength=count))

    def common(self) -> IntArray:
        """Return int64[selections, selections]: how many nodes each pair of selections shares."""
        flags = self.members.astype(np.float64)
        shared: IntArray = np.rint((flags * self.sizes) @ flags.T).astype(np.int64)
        return shared


def _renumbered(code: IntArray) -> IntArray:
    return np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.int64).reshape(-1)
