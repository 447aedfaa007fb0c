"""Somata drawn as contours become stacks of discs."""

import numpy as np
import pytest

from neurodamus_like.engine.soma_contour import circle_contour, contour_to_discs, resample
from neurodamus_like.exceptions import MorphologyError


def test_a_circle_becomes_a_stack_that_fills_the_sphere():
    center = np.array([3.0, -2.0, 7.0])
    centers, diameters = contour_to_discs(circle_contour(center, 5.0))
    assert centers.shape == (21, 3)
    along = np.linalg.norm(centers - centers[0], axis=1)
    assert 9.5 < along[-1] < 10
    np.testing.assert_allclose(np.diff(along), along[-1] / 20)
    x = along - along[-1] / 2
    np.testing.assert_allclose(diameters[1:-1], 2 * np.sqrt(25 - x[1:-1] ** 2), rtol=0.1)
    np.testing.assert_allclose(centers[:, 2], 7.0, atol=1e-9)
    np.testing.assert_allclose(centers[10], center, atol=0.2)


def test_an_ellipse_is_cut_across_its_long_axis():
    phase = np.linspace(0, 2 * np.pi, 60)
    contour = np.stack([4 * np.cos(phase), 10 * np.sin(phase), np.zeros(60)], axis=1)
    centers, diameters = contour_to_discs(contour)
    assert np.ptp(centers[:, 1]) > 19
    assert np.ptp(centers[:, 0]) < 0.5
    assert diameters.max() == pytest.approx(8, rel=0.02)


def test_resampling_keeps_the_ends_and_equal_steps():
    contour = np.array([[0, 0, 1], [3, 0, 1], [3, 1, 2.0]])
    points = resample(contour)
    np.testing.assert_allclose(points[[0, -1]], contour[[0, -1]])
    np.testing.assert_allclose(np.abs(np.diff(points[:, :2], axis=0)).sum(axis=1), 0.04)


def test_a_line_is_no_contour():
    line = np.stack([np.arange(5.0), np.zeros(5), np.zeros(5)], axis=1)
    with pytest.raises(MorphologyError, match="no extent"):
        contour_to_discs(line)
