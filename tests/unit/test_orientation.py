"""Rotations of cells: quaternions and angles."""

import h5py
import numpy as np
import pytest

from neurodamus_like.circuit.orientation import euler_matrices, quaternion_matrices, read_rotations
from neurodamus_like.config.models import NodePopulation
from neurodamus_like.exceptions import CircuitError


def population(folder, **columns):
    with h5py.File(folder / "nodes.h5", "w") as file:
        group = file.create_group("nodes/A/0")
        group["x"] = [0.0, 0.0]
        file["nodes/A/node_type_id"] = [-1, -1]
        for name, values in columns.items():
            group[name] = values
    return NodePopulation("A", folder / "nodes.h5")


def quaternions(w, x, y, z):
    return {"orientation_w": w, "orientation_x": x, "orientation_y": y, "orientation_z": z}


def test_quarter_turn_about_z_takes_x_to_y():
    half = np.sqrt(0.5)
    (matrix,) = quaternion_matrices(np.array([[half, 0, 0, half]]))
    np.testing.assert_allclose(matrix @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    (same,) = euler_matrices(np.zeros(1), np.zeros(1), np.array([np.pi / 2]))
    np.testing.assert_allclose(same, matrix, atol=1e-15)


def test_angles_turn_about_fixed_axes_x_first():
    (matrix,) = euler_matrices(np.array([np.pi / 2]), np.zeros(1), np.array([np.pi / 2]))
    # y -> z by the turn about x; z stays by the turn about z
    np.testing.assert_allclose(matrix @ [0, 1, 0], [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(matrix @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_quaternions_are_read_in_the_order_asked_for_and_normalised(tmp_path):
    nodes = population(tmp_path, **quaternions([2.0, 1.0], [0, 0], [0, 0], [0, 1.0]))
    rotations = read_rotations(nodes, np.array([1, 0]))
    np.testing.assert_allclose(rotations[1], np.eye(3))
    np.testing.assert_allclose(rotations[0] @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_quaternions_win_and_a_missing_angle_is_zero(tmp_path):
    both = population(
        tmp_path, rotation_angle_yaxis=[1.0, 1.0], **quaternions([1, 1], [0, 0], [0, 0], [0, 0])
    )
    np.testing.assert_allclose(read_rotations(both, np.array([0]))[0], np.eye(3))
    angle = population(tmp_path, rotation_angle_zaxis=[np.pi / 2, 0.0])
    np.testing.assert_allclose(read_rotations(angle, np.array([0]))[0] @ [1, 0, 0], [0, 1, 0], atol=1e-15)


def test_no_orientation_is_none(tmp_path):
    assert read_rotations(population(tmp_path), np.array([0])) is None


def test_bad_orientations(tmp_path):
    three = {
        name: values
        for name, values in quaternions([1, 1], [0, 0], [0, 0], [0, 0]).items()
        if name[-1] != "z"
    }
    with pytest.raises(CircuitError, match="lacks orientation_z"):
        read_rotations(population(tmp_path, **three), np.array([0]))
    with pytest.raises(CircuitError, match="quaternion is 0"):
        read_rotations(population(tmp_path, **quaternions([1, 0], [0, 0], [0, 0], [0, 0])), np.array([0, 1]))
