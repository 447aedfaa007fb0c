"""Real circuits against the reference simulators: spikes equal, voltages equal to rounding, on any number of ranks."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.io.spikes import read_spikes
from tests.obi_data import load_oracle, write_oracle_config
from tests.scientific.oracle_runs import assert_report_equal, assert_spikes_equal, simulate

pytestmark = [pytest.mark.neuron, pytest.mark.slow]


def test_v5_circuit_on_any_number_of_ranks(obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("v5_sonata")
    written = {}
    for ranks in (1, 2, 4):
        folder = tmp_path / f"on{ranks}"
        folder.mkdir()
        output = simulate(write_oracle_config(oracle, obi, folder), ranks)
        assert_spikes_equal(output, oracle, ["default"])
        assert_report_equal(output, oracle, "soma_report", "default")
        written[ranks] = [(output / name).read_bytes() for name in ("out.h5", "soma_report.h5")]
    assert written[1] == written[2] == written[4]


@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("case", ["v5_minis", "v5_override_weight_delay", "v5_replay"])
def test_connectivity_of_the_v5_circuit(case: str, ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle(case)
    output = simulate(write_oracle_config(oracle, obi, tmp_path), ranks)
    assert_spikes_equal(output, oracle, ["default"])
    assert_report_equal(output, oracle, "soma_v", "default")


@pytest.mark.parametrize("ranks", [1, 2])
def test_usecase3_two_populations(ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("usecase3")
    output = simulate(write_oracle_config(oracle, obi, tmp_path), ranks)
    assert_spikes_equal(output, oracle, ["NodeA", "NodeB"])
    for population in ("NodeA", "NodeB"):
        assert_report_equal(output, oracle, "soma_report", population)
        assert_report_equal(output, oracle, "my_compartment_report", population)


@pytest.mark.parametrize("ranks", [1, 2])
def test_ringtest(ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("ringtest_pulse")
    reports = oracle["simulation_config"]["reports"]
    oracle["simulation_config"]["reports"] = {
        name: block
        for name, block in reports.items()
        if block["type"] == "compartment" and block["variable_name"] == "v"
    }
    output = simulate(write_oracle_config(oracle, obi, tmp_path), ranks)
    assert_spikes_equal(output, oracle, ["RingA", "RingB"])
    for report in oracle["simulation_config"]["reports"]:
        for population in ("RingA", "RingB"):
            assert_report_equal(output, oracle, report, population)


OWN_CONFIGURATIONS = {
    "v5_sonata/simulation_config_mini.json": ("out.h5", {"default": 3}),
    "usecase3/simulation_sonata.json": ("spikes.h5", {"NodeA": 21, "NodeB": 0}),
    "ringtest/simulation_config.json": ("out.h5", {"RingA": 0, "RingB": 0}),
}
"""Configuration -> spikes file, and how many spikes each population gives (none without an input)."""


@pytest.mark.parametrize("config", OWN_CONFIGURATIONS)
def test_circuits_run_from_their_own_configurations(config: str, obi: Path, tmp_path: Path) -> None:
    name, counts = OWN_CONFIGURATIONS[config]
    simulate(obi / config, output=tmp_path)
    trains = read_spikes(tmp_path / name)
    assert {population: train.timestamps.size for population, train in trains.items()} == counts


@pytest.mark.parametrize("ranks", [1, 2])
def test_yardstick_circuit(ranks: int, obi: Path, tmp_path: Path) -> None:
    simulate(obi / "big100" / "simulation_config.json", ranks, output=tmp_path)
    spikes = read_spikes(tmp_path / "out.h5", "default")
    assert spikes.timestamps.size == 66
    first = zip(spikes.timestamps[:5].round(6).tolist(), spikes.node_ids[:5].tolist(), strict=True)
    assert list(first) == [(4.425, 67), (5.425, 94), (5.65, 14), (5.975, 64), (6.175, 5)]
