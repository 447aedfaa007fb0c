"""Waveforms of stimuli, without a simulator."""

import numpy as np
import pytest

from neurodamus_like.stimuli.signals import (
    SignalBuilder,
    count_noise_samples_before,
    count_samples,
    step_levels,
)


def points(signal):
    return list(zip(signal.time_ms.tolist(), signal.value.tolist(), strict=True))


def test_ramp_after_a_delay_is_a_pair_of_points_at_each_end():
    signal = SignalBuilder(delay_ms=3).ramp(0.1, 0.8, 50).build()
    assert points(signal) == [(0, 0), (3, 0), (3, 0.1), (53, 0.8), (53, 0)]


@pytest.mark.parametrize("delay", [0.0, -5.0])
def test_without_a_positive_delay_the_block_begins_at_zero(delay):
    signal = SignalBuilder(delay_ms=delay).ramp(1, 1, 10).build()
    assert points(signal) == [(0, 0), (0, 1), (10, 1), (10, 0)]


def test_pulse_train_of_whole_periods():
    signal = SignalBuilder(delay_ms=2).pulse_train(0.5, 100, 4, 20).build()
    assert points(signal) == [
        (0, 0),
        *[(2, 0), (2, 0.5), (6, 0.5), (6, 0)],
        *[(12, 0), (12, 0.5), (16, 0.5), (16, 0)],
        (22, 0),
    ]


def test_pulse_train_ends_with_a_cut_pulse():
    signal = SignalBuilder().pulse_train(1, 100, 4, 13).build()
    assert points(signal)[4:] == [(10, 0), (10, 1), (13, 1), (13, 0), (13, 0)]


def test_pulse_train_ends_with_a_whole_pulse_and_a_rest():
    signal = SignalBuilder().pulse_train(1, 100, 4, 17).build()
    assert points(signal)[4:] == [(10, 0), (10, 1), (14, 1), (14, 0), (17, 0)]


def test_pulses_that_overlap_are_refused():
    with pytest.raises(ValueError, match="longer than the period"):
        SignalBuilder().pulse_train(1, 100, 11, 50)


def test_samples_are_between_base_points():
    signal = SignalBuilder(delay_ms=1).samples([0.7, 0.5, 0.6], 0.5, 1.2).build()
    assert points(signal) == [(0, 0), (1, 0), (1, 0.7), (1.5, 0.5), (2, 0.6), (2.2, 0)]


@pytest.mark.parametrize("t_end", [0.0, 0.3, 1.0, 1.5, 1.6, 2.2, 9.0])
def test_truncation_changes_no_value_up_to_the_end(t_end):
    signal = SignalBuilder(delay_ms=1).samples([0.7, 0.5, 0.6], 0.5, 1.2).build()
    short = signal.truncated(t_end)
    times = np.linspace(0, t_end, 101)
    np.testing.assert_array_equal(short.at(times), signal.at(times))
    assert len(short) <= np.count_nonzero(signal.time_ms <= t_end) + 1


def test_value_at_a_time_interpolates():
    signal = SignalBuilder(delay_ms=2).ramp(1, 3, 4).build()
    np.testing.assert_allclose(signal.at([0, 1.99, 2, 4, 5.99, 6, 100]), [0, 0, 1, 2, 2.995, 0, 0])


def test_counts_include_both_ends():
    assert count_samples(0, 5, 0.5) == 11
    assert count_samples(0, 0.3, 0.1) == 4
    assert count_samples(3, 2, 0.5) == 0


def test_noise_before_the_block_is_walked_in_pieces_of_its_length():
    assert count_noise_samples_before(0, 50, 0.025, 0.5) == 0
    assert count_noise_samples_before(3, 50, 0.025, 0.5) == 6
    # [0, 0.975], [1, 1.975], [2, 2.975]: two samples each
    assert count_noise_samples_before(3, 1, 0.025, 0.5) == 6
    # [0, 0.725], [0.75, 1.475], [1.5, 2.225], [2.25, 2.975]
    assert count_noise_samples_before(3, 0.75, 0.025, 0.5) == 8
    assert count_noise_samples_before(3, 0, 0.025, 0.5) == 0


def test_levels_begin_at_the_sum_of_durations():
    assert points(step_levels([5, 10], [-60, -40], -80)) == [(0, -80), (5, -60), (15, -40)]
    assert points(step_levels([0, 10], [-60, -40], -80)) == [(0, -60), (10, -40)]
