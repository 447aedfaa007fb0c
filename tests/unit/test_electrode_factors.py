"""Electrode factors: against LFPykit, against numerical integration, and in simple geometries."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("neuron")

from neurodamus_like.circuit.geometry import (
    Compartments,
    measure_compartments,
    rotation_of_angles,
    rotation_of_quaternion,
)
from neurodamus_like.reports.electrode_factors import (
    compute_bounded_line_source_factors,
    compute_bounded_point_source_factors,
    compute_line_source_factors,
    compute_point_source_factors,
    find_contacts_inside,
)

SIGMA = 0.3


def random_compartments(seed: int, n: int = 40) -> tuple[Compartments, np.ndarray]:
    rng = np.random.default_rng(seed)
    begin = rng.uniform(-200, 200, (n, 3))
    end = begin + rng.uniform(-40, 40, (n, 3))
    contacts = rng.uniform(-250, 250, (12, 3))
    contacts[0] = 0.5 * (begin[0] + end[0])  # on an axis: the radius limits the distance
    contacts[1] = end[1]
    contacts[2] = begin[2] + 3 * (end[2] - begin[2])
    return Compartments(begin, end, rng.uniform(0.3, 12, n)), contacts


@pytest.mark.parametrize("method", ["line", "point"])
@pytest.mark.parametrize("seed", [1, 2])
def test_lfpykit_gives_the_same(method: str, seed: int) -> None:
    lfpykit = pytest.importorskip("lfpykit")
    compartments, contacts = random_compartments(seed)
    axes = [np.column_stack([compartments.begin_um[:, k], compartments.end_um[:, k]]) for k in range(3)]
    geometry = lfpykit.CellGeometry(*axes, d=compartments.diameter_um)
    model = {"line": lfpykit.LineSourcePotential, "point": lfpykit.PointSourcePotential}[method]
    expected = model(geometry, *contacts.T, sigma=SIGMA).get_transformation_matrix()
    compute = {"line": compute_line_source_factors, "point": compute_point_source_factors}[method]
    np.testing.assert_allclose(compute(compartments, contacts, SIGMA), expected.T, rtol=1e-9)


def test_a_line_is_many_points() -> None:
    compartments = Compartments(np.array([[0.0, 0, 0]]), np.array([[30.0, 40, 0]]), np.array([1.0]))
    contacts = np.array([[5.0, 30, 10], [100, 0, 0], [-20, -30, 1]])
    at = (np.arange(20000) + 0.5) / 20000
    points = compartments.begin_um + at[:, None] * (compartments.end_um - compartments.begin_um)
    distances = np.linalg.norm(contacts[:, None] - points, axis=2)
    expected = (1 / (4 * np.pi * SIGMA * distances)).mean(axis=1)
    np.testing.assert_allclose(
        compute_line_source_factors(compartments, contacts, SIGMA)[0], expected, rtol=1e-6
    )


def test_a_compartment_without_length_is_a_point() -> None:
    place = np.array([[1.0, 2, 3]])
    compartments = Compartments(place, place, np.array([2.0]))
    contacts = np.array([[1.0, 2, 103], [1, 2, 3]])
    expected = 1 / (4 * np.pi * SIGMA * np.array([100.0, 1.0]))
    np.testing.assert_allclose(compute_line_source_factors(compartments, contacts, SIGMA)[0], expected)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_turning_the_whole_world_changes_nothing(seed: int, x: float, y: float, z: float) -> None:
    compartments, contacts = random_compartments(seed, 5)
    rotation, shift = rotation_of_angles(x, y, z), np.array([x, y, z]) * 100
    moved = compute_line_source_factors(
        compartments.moved(rotation, shift), contacts @ rotation.T + shift, SIGMA
    )
    np.testing.assert_allclose(moved, compute_line_source_factors(compartments, contacts, SIGMA), rtol=1e-5)


def test_rotations() -> None:
    np.testing.assert_allclose(rotation_of_angles(0, 0, np.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation_of_angles(np.pi / 2, np.pi / 2, 0) @ [0, 1, 0], [1, 0, 0], atol=1e-12)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(
        rotation_of_quaternion(half, 0, 0, half), rotation_of_angles(0, 0, np.pi / 2), atol=1e-12
    )
    np.testing.assert_allclose(rotation_of_quaternion(2, 0, 0, 0), np.eye(3))
    np.testing.assert_allclose(rotation_of_quaternion(0, 0, 0, 0), np.eye(3))


class FakeSection(list):
    """Segments with 3-D points."""

    def __init__(self, points: list[list[float]], n_segments: int, length: float = 0.0) -> None:
        super().__init__(SimpleNamespace(diam=2.0 + k) for k in range(n_segments))
        self.points, self.nseg = np.array(points, dtype=float).reshape(-1, 3), n_segments
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        self.arc = np.concatenate([[0.0], np.cumsum(steps)])
        self.L = length or self.arc[-1]

    def n3d(self) -> int:
        return len(self.points)

    def x3d(self, i: int) -> float:
        return self.points[i, 0]

    def y3d(self, i: int) -> float:
        return self.points[i, 1]

    def z3d(self, i: int) -> float:
        return self.points[i, 2]

    def arc3d(self, i: int) -> float:
        return self.arc[i]


def test_compartments_follow_the_points_and_stubs_hang_below() -> None:
    bent = FakeSection([[0, 0, 0], [10, 0, 0], [10, 30, 0]], 4)
    stub = FakeSection([], 2, length=60.0)
    found = measure_compartments([bent, stub])
    np.testing.assert_allclose(found.end_um[:4], [[10, 0, 0], [10, 10, 0], [10, 20, 0], [10, 30, 0]])
    np.testing.assert_allclose(found.begin_um[1:4], found.end_um[:3])
    np.testing.assert_allclose(found.begin_um[4], [10, 30, 0])
    np.testing.assert_allclose(found.end_um[5], [10, -30, 0])
    assert found.diameter_um.tolist() == [2, 3, 4, 5, 2, 3]


def test_bounded_factors_are_the_others_far_away() -> None:
    compartments, contacts = random_compartments(3)
    far = contacts + np.array([900.0, 0, 0])
    for bounded, other in (
        (compute_bounded_line_source_factors, compute_line_source_factors),
        (compute_bounded_point_source_factors, compute_point_source_factors),
    ):
        for minimum in (None, 5.0, compartments.diameter_um / 2):
            np.testing.assert_allclose(
                bounded(compartments, far, SIGMA, minimum), other(compartments, far, SIGMA), rtol=1e-12
            )


def test_a_minimum_moves_contacts_away_from_the_axis() -> None:
    line = Compartments(np.zeros((1, 3)), np.array([[20.0, 0, 0]]), np.array([4.0]))
    near, at_minimum, beyond = np.array([[10.0, 1, 0]]), np.array([[10.0, 3, 0]]), np.array([[40.0, 1, 0]])
    found = compute_bounded_line_source_factors(line, near, SIGMA, 3.0)
    np.testing.assert_allclose(found, compute_bounded_line_source_factors(line, at_minimum, SIGMA))
    assert found < compute_bounded_line_source_factors(line, near, SIGMA)
    for minimum in (None, 3.0):  # beyond the end by more than the minimum, contacts stay where they are
        np.testing.assert_allclose(
            compute_bounded_line_source_factors(line, beyond, SIGMA, minimum),
            np.log((40 + np.hypot(40, 1)) / (20 + np.hypot(20, 1))) / (4 * np.pi * SIGMA * 20),
        )


def test_contacts_on_the_axis_and_inside() -> None:
    line = Compartments(np.zeros((1, 3)), np.array([[20.0, 0, 0]]), np.array([4.0]))
    contacts = np.array([[10.0, 0, 0], [10.0, 1.9, 0], [10.0, 2.1, 0], [20.5, 0, 0]])
    assert find_contacts_inside(line, contacts).tolist() == [True, True, False, False]
    factors = compute_bounded_line_source_factors(line, contacts, SIGMA)[0]
    assert np.isfinite(factors).tolist() == [False, True, True, True]
    assert np.isfinite(compute_bounded_line_source_factors(line, contacts, SIGMA, line.diameter_um / 2)).all()
