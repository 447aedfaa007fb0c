"""The nearest point on the same section, against a loop over all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.connectivity.nearest import closest

POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 64)), max_size=30)
"""Sections, and positions in 1/64: differences are exact."""


@given(POINTS, POINTS)
def test_as_a_loop_over_all_pairs_says(points: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    place, x = np.array([p for p, _ in points], dtype=np.int64), np.array([x / 64 for _, x in points])
    other_place = np.array([p for p, _ in others], dtype=np.int64)
    other_x = np.array([x / 64 for _, x in others])
    found, distance = closest(place, x, other_place, other_x)
    for row, (section, position) in enumerate(points):
        gaps = [abs(other - position) / 64 if there == section else float("inf") for there, other in others]
        best = min(gaps, default=float("inf"))
        assert distance[row] == best
        if best < float("inf"):
            assert found[row] == gaps.index(best)


def test_keys_of_large_circuits_do_not_mix() -> None:
    place = (np.array([10**7, 10**7 + 1], dtype=np.int64) << 24) | 5
    found, distance = closest(place, np.array([0.5, 0.5]), place[::-1].copy(), np.array([0.4, 0.45]))
    assert found.tolist() == [1, 0]
    assert np.allclose(distance, [0.05, 0.1])
