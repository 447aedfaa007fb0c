"""Bad input blocks: one clear error each, naming block and key, before anything is built (and without NEURON)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import run_python

from neurodamus_like.config import models as m
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.checks import check_inputs, find_unknown_keys, known_modules

OU = {"tau": 1.0, "mean": 0.1, "sigma": 0.1}
SHOT = {"rise_time": 0.4, "decay_time": 4.0}
EVENTS = {**SHOT, "rate": 100.0, "amp_mean": 0.1, "amp_var": 0.01}
FIELD = {"Ex": 1.0, "Ey": 0.0, "Ez": 0.0, "frequency": 0.0, "phase": 0.0}
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("current_clamp", {"amp_start": 1.0}),
    "relative_linear": ("current_clamp", {"percent_start": 1.0, "percent_end": 2.0}),
    "subthreshold": ("current_clamp", {"percent_less": 10}),
    "hyperpolarizing": ("current_clamp", {}),
    "pulse": ("current_clamp", {"amp_start": 1.0, "width": 1.0, "frequency": 10.0}),
    "sinusoidal": ("current_clamp", {"amp_start": 1.0, "frequency": 10.0}),
    "noise": ("current_clamp", {"mean": 1.0, "variance": 0.1}),
    "ornstein_uhlenbeck": ("conductance", OU),
    "relative_ornstein_uhlenbeck": ("current_clamp", {"tau": 1.0, "mean_percent": 1.0, "sd_percent": 1.0}),
    "shot_noise": ("conductance", EVENTS),
    "absolute_shot_noise": ("current_clamp", {**SHOT, "mean": 1.0, "sigma": 0.1}),
    "relative_shot_noise": ("current_clamp", {**SHOT, "mean_percent": 1.0, "sd_percent": 1.0}),
    "seclamp": ("voltage_clamp", {"voltage": -70.0}),
    "spatially_uniform_e_field": ("extracellular_stimulation", {"fields": (FIELD,)}),
    "replay": ("current_clamp", {"path": Path("x.h5"), "interpolate": True}),
    "poisson": ("spikes", {"rate": 10.0, "weight": 0.1}),
}


def block(module: str, parameters: dict[str, Any], **changes: Any) -> m.Input:
    """Return an input block with the input type of its module."""
    input_type = GOOD.get(module, ("current_clamp",))[0]
    values = {"delay_ms": 0.0, "duration_ms": 10.0, "node_set": "A", "input_type": input_type, **changes}
    return m.Input(name="stim", module=module, parameters=parameters, **values)


def simulation(simulator: str = "NEURON") -> m.Simulation:
    """Return an empty simulation that names its file."""
    circuit = m.Circuit(Path("c.json"), {}, {})
    return m.Simulation(
        Path("s.json"), circuit, m.Run(10.0, 0.025, 1), m.Output(Path("o")), simulator=simulator
    )


@pytest.mark.parametrize("module", GOOD)
def test_good_blocks(module: str) -> None:
    assert check_inputs([block(module, GOOD[module][1])], simulation()) == []


def test_all_modules_of_the_specification_are_there() -> None:
    assert set(GOOD) | {"synapse_replay"} <= known_modules()


@pytest.mark.parametrize("module", [name for name in GOOD if name != "hyperpolarizing"])
def test_every_mandatory_key_is_missed(module: str) -> None:
    parameters_type = stimulus_types[module].parameters_type
    for key in GOOD[module][1]:
        rest = {k: v for k, v in GOOD[module][1].items() if k != key}
        found = check_inputs([block(module, rest)], simulation())
        optional = key in ("percent_end",)
        if not optional:
            assert len(found) == 1
            assert key in str(found[0])
            assert f"'stim' (module {module!r})" in str(found[0])
            assert "s.json, /inputs/stim" in str(found[0])
    assert parameters_type.input_types


@pytest.mark.parametrize(
    ("module", "change", "parts"),
    [
        ("linear", {"amp_start": "x"}, ["amp_start is 'x'", "number in nA"]),
        ("linear", {"amp_start": float("nan")}, ["amp_start is nan"]),
        ("linear", {"amp_start": True}, ["amp_start is True"]),
        ("pulse", {"width": 200.0}, ["longer than the period"]),
        ("pulse", {"frequency": -1.0}, ["frequency is -1.0", "0 Hz or more"]),
        ("sinusoidal", {"frequency": 20_000.0}, ["frequency is 20000 Hz", "less than 20000 Hz"]),
        ("sinusoidal", {"dt": 0.0}, ["dt is 0.0", "more than 0 ms"]),
        ("noise", {"mean_percent": 2.0}, ["exactly one of mean"]),
        ("noise", {"variance": 0.0}, ["variance is 0.0"]),
        ("ornstein_uhlenbeck", {"tau": -1.0}, ["tau is -1.0"]),
        ("ornstein_uhlenbeck", {"sigma": 0.0}, ["sigma is 0.0", "more than 0"]),
        ("ornstein_uhlenbeck", {"random_seed": "a"}, ["random_seed is 'a'"]),
        ("relative_ornstein_uhlenbeck", {"sd_percent": -1.0}, ["sd_percent is -1.0"]),
        ("shot_noise", {"rise_time": 4.0}, ["rise_time (4 ms) must be less than decay_time (4 ms)"]),
        ("shot_noise", {"rise_time": 9.0}, ["rise_time (9 ms) must be less than decay_time (4 ms)"]),
        ("shot_noise", {"amp_mean": 0.0}, ["amp_mean is 0.0", "not 0"]),
        ("shot_noise", {"amp_var": 0.0}, ["amp_var is 0.0"]),
        ("shot_noise", {"rate": -3.0}, ["rate is -3.0"]),
        ("absolute_shot_noise", {"relative_skew": 1.0}, ["relative_skew is 1.0", "less than 1"]),
        ("absolute_shot_noise", {"mean": 0.0}, ["mean is 0.0"]),
        ("relative_shot_noise", {"relative_skew": -0.1}, ["relative_skew is -0.1"]),
        ("relative_shot_noise", {"sd_percent": 0.0}, ["sd_percent is 0.0"]),
        ("seclamp", {"series_resistance": 0.0}, ["series_resistance is 0.0"]),
        ("seclamp", {"duration_levels": (1.0,), "voltage_levels": (1.0, 2.0)}, ["1 duration_levels for 2"]),
        ("seclamp", {"duration_levels": (11.0,), "voltage_levels": (1.0,)}, ["sum to 11.0 ms"]),
        ("seclamp", {"duration_levels": (-1.0,), "voltage_levels": (1.0,)}, ["duration_levels is (-1.0,)"]),
        (
            "seclamp",
            {"duration_levels": 5.0, "voltage_levels": (1.0,)},
            ["duration_levels is 5.0", "list of numbers"],
        ),
        ("spatially_uniform_e_field", {"fields": ()}, ["fields is ()", "list of fields"]),
        ("spatially_uniform_e_field", {"fields": ({"Ex": 1.0},)}, ["Ex, Ey, Ez"]),
        ("spatially_uniform_e_field", {"fields": ({**FIELD, "frequency": -1.0},)}, ["0 Hz or more"]),
        ("spatially_uniform_e_field", {"ramp_up_time": -1.0}, ["ramp_up_time is -1.0"]),
        ("replay", {"interpolate": 1}, ["interpolate is 1", "true or false"]),
        ("poisson", {"weight": -1.0}, ["weight is -1.0"]),
    ],
)
def test_bad_values(module: str, change: dict[str, Any], parts: list[str]) -> None:
    (error,) = check_inputs([block(module, {**GOOD[module][1], **change})], simulation())
    for part in parts:
        assert part in str(error)
    assert "/inputs/stim" in str(error)
    assert repr(module) in str(error)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"duration_ms": -1.0}, ["duration is -1.0"]),
        ({"node_set": None}, ["no or two targets"]),
        ({"compartment_set": "B"}, ["no or two targets"]),
        ({"input_type": "conductance"}, ["input_type is 'conductance'", "'current_clamp'"]),
    ],
)
def test_bad_blocks(changes: dict[str, Any], parts: list[str]) -> None:
    (error,) = check_inputs([block("linear", {"amp_start": 1.0}, **changes)], simulation())
    for part in parts:
        assert part in str(error)


def test_several_errors_of_a_block_are_all_told() -> None:
    assert len(check_inputs([block("ornstein_uhlenbeck", {"tau": -1.0, "dt": 0.0})], simulation())) == 4


def test_misspelt_key_is_proposed() -> None:
    (error,) = check_inputs([block("linear", {"amp_strat": 1.0})], simulation())
    assert error.hint == "rename 'amp_strat' to 'amp_start'"


def test_extra_keys_are_told_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    blocks = [block("linear", {"amp_start": 1.0, "amp_edn": 3.0}), block("synapse_replay", {"x": 1})]
    assert check_inputs(blocks, simulation()) == []
    (found,) = find_unknown_keys(blocks, simulation())
    assert "there is no 'amp_edn'" in found.message
    assert (found.pointer, found.hint) == ("/inputs/stim/amp_edn", "did you mean 'amp_end'?")
    assert found.file == simulation().path
    assert not caplog.text


def test_unknown_module() -> None:
    (error,) = check_inputs([block("ornstein_ulhenbeck", {})], simulation())
    assert "did you mean 'ornstein_uhlenbeck'" in str(error.hint)
    assert error.pointer == "/inputs/stim/module"


def test_electric_field_needs_neuron() -> None:
    (error,) = check_inputs([block(*("spatially_uniform_e_field", GOOD["spatially_uniform_e_field"][1]))],
                            simulation("CORENEURON"))  # fmt: skip
    assert "CoreNEURON has no extracellular potential" in str(error)
    assert '"target_simulator": "NEURON"' in str(error.hint)


def test_checking_needs_no_neuron() -> None:
    code = (
        "import sys, neurodamus_like.stimuli.checks as c; "
        "print(len(c.known_modules()) > 16, 'neuron' in sys.modules)"
    )
    done = run_python(code, cwd=Path(__file__).resolve().parents[2])
    assert done.stdout.split() == ["True", "False"], done.stderr
