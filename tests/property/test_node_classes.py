"""Nodes grouped by selections: the same membership as asking each node, the same counts as sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodamus_like.io.node_classes import NodeClasses

SIZE = 9


@settings(max_examples=200)
@given(st.lists(st.frozensets(st.integers(0, SIZE + 3)), max_size=70))
def test_classes_say_who_belongs_where(selections: list[frozenset[int]]) -> None:
    classes = NodeClasses.group([np.array(sorted(s), dtype=np.int64) for s in selections], SIZE)
    for node in range(SIZE):
        found = classes.members[:, classes.of_node[node]].tolist()
        assert found == [node in selection for selection in selections]
    patterns = {tuple(node in s for s in selections) for node in range(SIZE)}
    assert len(classes) == len(patterns)
    assert classes.sizes.sum() == SIZE
    inside = [{i for i in s if i < SIZE} for s in selections]
    assert classes.common().tolist() == [[len(a & b) for b in inside] for a in inside]


def test_a_population_without_nodes() -> None:
    classes = NodeClasses.group([np.array([1])], 0)
    assert (len(classes), classes.of_node.size) == (0, 0)
