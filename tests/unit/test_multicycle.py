"""Cells are dealt out to cycles: all of them, once, the same way every time, in equal shares."""

from __future__ import annotations

import numpy as np
import pytest

from neurodamus_like.distribution.multicycle import (
    check_cycle_count,
    label_linked_cells,
    split_cells,
    split_linked_cells,
)
from neurodamus_like.exceptions import ConfigurationError

CELLS = {"inh": np.array([2, 0, 1]), "exc": np.array([5, 4, 9, 0, 7])}


@pytest.mark.parametrize("n_cycles", [1, 2, 3, 8, 11])
def test_every_cell_is_in_exactly_one_cycle(n_cycles: int) -> None:
    cycles = split_cells(CELLS, n_cycles)
    assert len(cycles) == n_cycles
    for name, ids in CELLS.items():
        assert np.sort(np.concatenate([cycle[name] for cycle in cycles])).tolist() == sorted(ids)
    sizes = [sum(len(ids) for ids in cycle.values()) for cycle in cycles]
    assert max(sizes) - min(sizes) <= 1, "cycles are of unequal size"


def test_the_order_of_ids_and_populations_does_not_matter() -> None:
    turned = {name: ids[::-1] for name, ids in reversed(CELLS.items())}
    for one, other in zip(split_cells(CELLS, 3), split_cells(turned, 3), strict=True):
        assert {n: i.tolist() for n, i in one.items()} == {n: i.tolist() for n, i in other.items()}


def test_costs_are_shared_out_evenly() -> None:
    cells = {"a": np.arange(40), "b": np.arange(7)}
    costs = {"a": np.arange(40) ** 2.0, "b": np.full(7, 900.0)}
    cycles = split_cells(cells, 4, costs)
    loads = [sum(float(costs[n][i].sum()) for n, i in cycle.items()) for cycle in cycles]
    assert max(loads) / np.mean(loads) < 1.02
    in_turn = [sum(float(costs[n][i].sum()) for n, i in c.items()) for c in split_cells(cells, 4)]
    assert max(in_turn) > max(loads)


def test_linked_cells_stay_together() -> None:
    cells = {"a": np.arange(10), "b": np.arange(4)}
    links = [
        ("a", np.array([0, 1, 99]), "a", np.array([1, 2, 3])),
        ("a", np.array([2, 5]), "b", np.array([3, 3])),
        ("gone", np.array([0]), "a", np.array([9])),
    ]
    labels = label_linked_cells(cells, links)
    label = {(n, i): k for n, (ids, ks) in labels.items() for i, k in zip(ids, ks, strict=True)}
    together = {("a", 0), ("a", 1), ("a", 2), ("b", 3), ("a", 5)}
    assert len({label[cell] for cell in together}) == 1
    assert len(set(label.values())) == 14 - 4
    ranks = [{n: ids[rank::2] for n, ids in cells.items()} for rank in (0, 1)]
    plans = [split_linked_cells(part, 3, labels) for part in ranks]
    where = {
        (n, int(i)): c for plan in plans for c, cy in enumerate(plan) for n, ids in cy.items() for i in ids
    }
    assert len(where) == 14
    assert len({where[cell] for cell in together}) == 1
    counts = np.bincount(list(where.values()), minlength=3)
    assert counts.max() - counts.min() <= 1


def test_too_many_cycles_for_the_linked_cells_are_refused() -> None:
    cells = {"a": np.arange(4)}
    labels = label_linked_cells(cells, [("a", np.array([0, 1]), "a", np.array([1, 2]))])
    with pytest.raises(ConfigurationError, match="gap junctions") as caught:
        split_linked_cells(cells, 3, labels)
    assert caught.value.expected == "at most 2"


def test_more_cycles_than_cells_are_refused() -> None:
    check_cycle_count(5, 5)
    with pytest.raises(ConfigurationError, match="modelbuilding-steps=6") as caught:
        check_cycle_count(6, 5)
    assert caught.value.expected == "1 to 5"
