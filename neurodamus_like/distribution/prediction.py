"""How evenly any number of ranks would work, predicted from what cells cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from neurodamus_like.distribution.assignment import deal, share
from neurodamus_like.distribution.complexity import FloatArray, PopulationCosts
from neurodamus_like.distribution.pieces import TreeOf, share_in_pieces
from neurodamus_like.parallel.partition import efficiency, rank_loads


@dataclass(frozen=True)
class Prediction:
    """Efficiencies (average over maximum load) for one number of ranks.

    Attributes
    ----------
    ranks
        How many.
    cells_per_rank
        On average.
    round_robin, whole_cell
        Of the two modes.
    bound
        No sharing of whole cells can do better: the largest cell is on some rank.
    step_ms
        What the slowest rank computes per time step with `whole_cell`, in milliseconds.
    multi_split
        Efficiency of cells in pieces; None when it was not asked for.
    split_cells
        How many cells are in pieces then.
    """

    ranks: int
    cells_per_rank: float
    round_robin: float
    whole_cell: float
    bound: float
    step_ms: float
    multi_split: float | None = None
    split_cells: int = 0


def predict(
    costs: Iterable[PopulationCosts], ranks: Iterable[int], tree_of: TreeOf | None = None
) -> list[Prediction]:
    """Return the prediction for each number of ranks.

    Parameters
    ----------
    costs
        Of the cells.
    ranks
        Numbers of ranks.
    tree_of
        What the sections of cells cost, for predictions of MultiSplit; None: without them.
    """
    costs = list(costs)
    ns: Mapping[str, FloatArray] = {c.population: c.ns for c in costs}
    cells = {c.population: c.node_ids for c in costs}
    together = np.concatenate(list(ns.values())) if ns else np.empty(0)
    total, largest = float(together.sum()), float(together.max(initial=0.0))
    found = []
    for size in ranks:
        dealt, shared = deal(cells, size), share(ns, cells, size)
        loads = np.sum([rank_loads(ns[name], dealt.owners[name], size) for name in ns], axis=0)
        assert shared.loads is not None
        split = None if tree_of is None else share_in_pieces(ns, cells, size, tree_of)[0]
        found.append(
            Prediction(
                size,
                together.size / size,
                efficiency(loads),
                efficiency(shared.loads),
                min(1.0, total / size / largest) if largest else 1.0,
                float(shared.loads.max(initial=0.0)) * 1e-6,
                None if split is None else split.efficiency,
                0 if split is None else split.split_count,
            )
        )
    return found
