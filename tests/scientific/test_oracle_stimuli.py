"""Stimuli on a real circuit against the reference simulator: spikes and voltages equal, on 1 and 2 ranks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.obi_data import load_oracle, write_oracle_config
from tests.scientific.oracle_runs import assert_report_equal, assert_spikes_equal, simulate

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

CASES = [
    "v5_pulse",
    "v5_pulse_electrode",
    "v5_linear_ramp",
    "v5_relative_linear",
    "v5_sinusoidal",
    "v5_noise",
    "v5_ou_current",
    "v5_shot_noise",
    "v5_rel_shot_noise",
    "v5_seclamp",
]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_stimulus(case: str, ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle(case)
    output = simulate(write_oracle_config(oracle, obi, tmp_path), ranks)
    assert_spikes_equal(output, oracle, ["default"])
    assert_report_equal(output, oracle, "soma_v", "default")
