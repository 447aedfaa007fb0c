"""Numbers about spikes, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neurodamus_like.analysis.spikes import (
    compute_isi_cv,
    compute_mean_rate,
    compute_population_rate,
    compute_rates,
    compute_synchrony,
)

TIMES = [10.0, 20.0, 30.0, 60.0, 95.0]
IDS = [0, 1, 0, 0, 2]


def test_rates_count_only_the_window():
    assert compute_rates(TIMES, IDS, 4, 0.0, 100.0).tolist() == [30.0, 10.0, 10.0, 0.0]
    assert compute_rates(TIMES, IDS, 4, 20.0, 60.0).tolist() == [25.0, 25.0, 0.0, 0.0]


def test_mean_rate():
    assert compute_mean_rate(TIMES, 4, 0.0, 100.0) == pytest.approx(12.5)
    assert compute_mean_rate([], 0, 0.0, 100.0) == 0.0
    assert compute_mean_rate(TIMES, 4, 5.0, 5.0) == 0.0


def test_population_rate_has_equal_bins_that_fill_the_window_and_keeps_all_spikes():
    centers, rate = compute_population_rate(TIMES, 2, 0.0, 100.0, bin_ms=30.0)
    assert len(centers) == 4
    assert centers[0] == pytest.approx(12.5)
    assert rate.sum() * 25.0 / 1000.0 * 2 == pytest.approx(len(TIMES))


def test_irregularity_is_zero_for_a_clock_and_one_for_poisson():
    rng = np.random.default_rng(1)
    clock = np.arange(0.0, 1000.0, 10.0)
    poisson = np.cumsum(rng.exponential(10.0, 5000))
    times = np.concatenate([poisson, clock, [5.0, 9.0]])
    ids = np.concatenate([np.full(5000, 1), np.zeros(100), [2, 2]]).astype(int)
    cv = compute_isi_cv(times, ids, 4)
    assert cv[0] == pytest.approx(0.0, abs=1e-9)
    assert cv[1] == pytest.approx(1.0, abs=0.05)
    assert np.isnan(cv[2:]).all()


def test_irregularity_of_known_intervals():
    # intervals 10 and 30: mean 20, standard deviation 10
    assert compute_isi_cv([0.0, 10.0, 40.0], [0, 0, 0], 1)[0] == pytest.approx(0.5)


def test_synchrony_of_lockstep_and_of_independent_cells():
    together = np.repeat(np.arange(2.5, 1000.0, 50.0), 20)
    ids = np.tile(np.arange(20), 20)
    assert compute_synchrony(together, ids, 20, 0.0, 1000.0) == pytest.approx(1.0)
    rng = np.random.default_rng(2)
    alone = compute_synchrony(rng.uniform(0, 5000.0, 4000), rng.integers(0, 20, 4000), 20, 0.0, 5000.0)
    assert alone == pytest.approx(1 / np.sqrt(20), rel=0.15)
    assert np.isnan(compute_synchrony([], [], 20, 0.0, 100.0))
