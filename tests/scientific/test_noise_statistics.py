"""Random signals against closed forms, within confidence bounds; and against recorded reference numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurodamus_like.engine.rng import RandomStream
from neurodamus_like.stimuli.signals import (
    NoiseProcess,
    Shots,
    ornstein_uhlenbeck_coefficients,
    shot_noise_samples,
    shots_from_moments,
)

STEP_MS = 0.25
RISE_MS, DECAY_MS = 0.4, 4.0


def ou_process(
    tau: float, mean: float, sigma: float, duration: float, ids: tuple[int, int, int], seed: int = 0
):
    coefficients = ornstein_uhlenbeck_coefficients(tau, sigma, STEP_MS)
    return NoiseProcess(ids, seed, mean, *coefficients, 0.0, duration, STEP_MS)


def test_reference_numbers_of_the_ornstein_uhlenbeck_process() -> None:
    process = ou_process(2.8, 0.029, 0.0042, 2.0, (1, 2, 3))
    signal = process.signal(100.0)
    assert process.n_samples == 9
    assert signal.time_ms.tolist() == [0, *(0.25 * np.arange(9)), 2.0]
    assert (signal.value[0], signal.value[-1]) == (0.0, 0.0)
    np.testing.assert_allclose(signal.value[1:3], [0.029, 0.02933925], atol=5e-9)


@pytest.mark.parametrize("tau", [0.5, 3.0, 10.0])
def test_ornstein_uhlenbeck_mean_variance_and_correlation(tau: float) -> None:
    mean, sigma, n_cells, n = 0.3, 0.1, 60, 8001
    begin = int(10 * tau / STEP_MS)
    x = np.stack(
        [ou_process(tau, mean, sigma, 2000.0, (7, 8, k), 5).samples(n)[begin:] for k in range(n_cells)]
    )
    # the effective number of independent samples of a correlated signal: duration / (2 tau)
    independent = n_cells * (n - begin) * STEP_MS / (2 * tau)
    assert x.mean() == pytest.approx(mean, abs=4 * sigma / math.sqrt(independent))
    assert x.var() == pytest.approx(sigma**2, rel=4 * math.sqrt(2 / independent))
    for lag_ms in (STEP_MS, tau, 3 * tau):
        lag = round(lag_ms / STEP_MS)
        measured = np.mean((x[:, :-lag] - mean) * (x[:, lag:] - mean)) / sigma**2
        assert measured == pytest.approx(math.exp(-lag * STEP_MS / tau), abs=4 * math.sqrt(1 / independent))


def test_white_noise_without_correlation_time() -> None:
    x = ou_process(0.0, 0.0, 1.0, 25_000.0, (1, 1, 1)).samples(100_001)
    assert np.mean(x[:-1] * x[1:]) == pytest.approx(0.0, abs=4 / math.sqrt(len(x)))
    assert x.var() == pytest.approx(1.0, rel=4 * math.sqrt(2 / len(x)))
    assert x[0] != 0.0


def shot_signals(shots: Shots, n_cells: int, duration_ms: float) -> np.ndarray:
    n = round(duration_ms / STEP_MS) + 1
    begin = int(10 * DECAY_MS / STEP_MS)
    rows = [
        shot_noise_samples(
            RandomStream(2, 3, k, global_index=9),
            shots,
            rise_ms=RISE_MS,
            decay_ms=DECAY_MS,
            step_ms=STEP_MS,
            duration_ms=duration_ms,
            n_samples=n,
        )[begin:]
        for k in range(n_cells)
    ]
    return np.stack(rows)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("skew", [0.0, 0.5, 0.9])
def test_shot_noise_has_the_moments_asked_for(skew: float, sign: int) -> None:
    mean, sd = sign * 0.3, 0.1
    x = shot_signals(shots_from_moments(mean, sd, skew, RISE_MS, DECAY_MS), 60, 4000.0)
    independent = x.size * STEP_MS / (2 * DECAY_MS)
    # sampling the shots every 0.25 ms moves the moments by some thousandths
    assert x.mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(independent) + 0.004 * abs(mean))
    assert x.std() == pytest.approx(sd, rel=4 * math.sqrt(1 / independent) + 0.01)
    a, b = 1 / (DECAY_MS + RISE_MS), 1 / ((DECAY_MS + 2 * RISE_MS) * (2 * DECAY_MS + RISE_MS))
    expected = (1 + skew) * (8 / 3) * (b / a**2) * (sd / mean)
    measured = np.mean(((x - x.mean()) / x.std()) ** 3)
    assert measured == pytest.approx(expected, abs=6 * math.sqrt(6 / independent) + 0.03 * abs(expected))


def test_shot_noise_rate_and_peaks_by_campbells_theorem() -> None:
    rate_Hz, amp_mean, amp_var = 200.0, 0.05, 0.0004
    x = shot_signals(Shots(rate_Hz, amp_mean, amp_var), 60, 4000.0)
    peak_ms = math.log(DECAY_MS / RISE_MS) / (1 / RISE_MS - 1 / DECAY_MS)
    norm = 1 / (math.exp(-peak_ms / DECAY_MS) - math.exp(-peak_ms / RISE_MS))
    area = norm * (DECAY_MS - RISE_MS)
    square = norm**2 * (DECAY_MS / 2 + RISE_MS / 2 - 2 * DECAY_MS * RISE_MS / (DECAY_MS + RISE_MS))
    mean = rate_Hz / 1000 * amp_mean * area
    variance = rate_Hz / 1000 * (amp_var + amp_mean**2) * square
    independent = x.size * STEP_MS / (2 * DECAY_MS)
    assert x.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / independent) + 0.004 * mean)
    assert x.var() == pytest.approx(variance, rel=8 * math.sqrt(2 / independent) + 0.02)


def test_one_shot_is_the_difference_of_two_exponentials_with_unit_peak() -> None:
    found = None
    for k in range(200):
        stream = RandomStream(5, k, global_index=0)
        x = shot_noise_samples(
            stream,
            Shots(2.0, 1.0, 1e-6),
            rise_ms=1.0,
            decay_ms=8.0,
            step_ms=0.01,
            duration_ms=100.0,
            n_samples=10001,
        )
        jumps = np.flatnonzero(np.diff((x > 1e-12).astype(int)) == 1)
        if len(jumps) == 1 and jumps[0] < 5000 and x[-1] < x.max() / 10:
            found = x[jumps[0] :]
            break
    assert found is not None
    t = 0.01 * np.arange(len(found))
    shot = np.exp(-t / 8.0) - np.exp(-t / 1.0)
    np.testing.assert_allclose(found / found.max(), shot / shot.max(), atol=2e-3)
    assert found.max() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("n_needed", [1, 57, 400])
@pytest.mark.parametrize("amp_var", [0.0004, 0.02])
def test_what_the_run_does_not_reach_changes_nothing_before(n_needed: int, amp_var: float) -> None:
    def samples(n: int | None) -> np.ndarray:
        return shot_noise_samples(
            RandomStream(1, 2, 3, global_index=4),
            Shots(500.0, 0.05, amp_var),
            rise_ms=RISE_MS,
            decay_ms=DECAY_MS,
            step_ms=STEP_MS,
            duration_ms=200.0,
            n_samples=801,
            n_needed=n,
        )

    np.testing.assert_array_equal(samples(n_needed), samples(None)[:n_needed])
