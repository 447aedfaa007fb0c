"""Options for models in files: what they mean, and what excludes what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neurodamus_like.config.models import Circuit, Output, Run, Simulation
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.simulation.file_options import check_file_options, parse_switch, uses_files
from neurodamus_like.simulation.options import RunOptions


def simulation(simulator: str = "CORENEURON", tstop_ms: float = 10.0, **more: Any) -> Simulation:
    run, output = Run(tstop_ms, 0.025, 1), Output(Path())
    return Simulation(Path("a.json"), Circuit(Path(), {}, {}), run, output, simulator=simulator, **more)


def test_switches() -> None:
    assert [parse_switch("--x", text) for text in ("1", "ON", "0", "off")] == [True, True, False, False]
    assert parse_switch("--x", "AUTO", auto=True) is None
    for text in ("auto", "maybe"):
        with pytest.raises(ConfigurationError, match=f"--x={text} is not valid"):
            parse_switch("--x", text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modelbuilding_steps": 0}, "--modelbuilding-steps=0 is not valid"),
        ({"build_model": False, "simulate_model": False}, "nothing to do"),
        ({"build_model": False, "modelbuilding_steps": 2}, "nothing is built"),
        ({"coreneuron_direct_mode": True, "keep_build": True}, "--keep-build exclude each other"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RunOptions(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"modelbuilding_steps": 2},
        {"build_model": True},
        {"build_model": False},
        {"simulate_model": False},
        {"keep_build": True},
        {"enable_shm": True},
    ],
)
def test_each_option_asks_for_files_and_for_coreneuron(options: dict[str, Any]) -> None:
    chosen = RunOptions(**options)
    assert uses_files(simulation(), chosen)
    assert not uses_files(simulation("NEURON"), chosen)
    assert check_file_options(simulation(), chosen) == []
    (problem,) = check_file_options(simulation("NEURON"), chosen)
    assert "only CoreNEURON" in problem.message
    assert problem.pointer == "/target_simulator"


def test_runs_without_these_options_use_no_files() -> None:
    assert not uses_files(simulation(), RunOptions())
    assert check_file_options(simulation("NEURON"), RunOptions()) == []


def test_runs_that_files_cannot_do_are_refused() -> None:
    chosen = RunOptions(keep_build=True)
    (problem,) = check_file_options(simulation(tstop_ms=2e6), chosen)
    assert problem.pointer == "/run/tstop"
    (problem,) = check_file_options(simulation(beta_features={"vc_amp": "x"}), chosen)
    assert problem.pointer == "/beta_features/vc_amp"
