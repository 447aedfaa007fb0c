"""Validation finds every kind of bad input that files alone can show, and nothing in good input."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_circuit import change_json, simulation_config, write_edges, write_json, write_small_circuit

from neurodamus_like.cli.validate import run
from neurodamus_like.config.obi import load_simulation
from neurodamus_like.exceptions import NeurodamusLikeError, ProblemsError
from neurodamus_like.validation.circuit_checks import validate_circuit
from neurodamus_like.validation.config_checks import check_before_run, validate_simulation
from neurodamus_like.validation.problems import Problem, errors_of, warnings_of
from neurodamus_like.validation.schema_checks import edit_distance, nearest_key

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "obi"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_small_circuit(tmp_path / "c")


def only_error(path: Path) -> Problem:
    """Return the one error found in `path`."""
    errors = errors_of(validate_simulation(path))
    assert len(errors) == 1, [str(e) for e in errors]
    return errors[0]


def only_warning(path: Path) -> Problem:
    """Return the one problem found in `path`, a warning."""
    problems = validate_simulation(path)
    assert [p.level for p in problems] == ["warning"], [str(p) for p in problems]
    return problems[0]


def test_good_input_has_no_problems(config: Path) -> None:
    assert validate_simulation(config) == []
    assert validate_circuit(config.parent / "circuit_config.json") == []
    assert check_before_run(config).node_set == "All"


# values and keys


@pytest.mark.parametrize(
    ("keys", "value", "message", "hint"),
    [
        (("run", "tstop"), 0, "'tstop' must be greater than 0, found 0", "End of the simulation (ms)."),
        (("run", "tstop"), -5, "'tstop' must be greater than 0, found -5", None),
        (("run", "dt"), 0, "'dt' must be greater than 0, found 0", "Integration step (ms)."),
        (("run", "dt"), "x", "'dt' must be a number, found \"x\"", None),
        (("run", "integration_method"), "eular", "unknown value 'eular'", "did you mean 'euler'?"),
        (("run", "randomseed"), 3, "unknown key 'randomseed' in 'run'", "did you mean 'random_seed'?"),
        (("inptus",), {}, "unknown key 'inptus' in the top level", "did you mean 'inputs'?"),
        (("target_simulator",), "Neuron", "unknown value 'Neuron'", "expected NEURON or CORENEURON"),
        (("manifest",), {"BASE": "x"}, "invalid variable name 'BASE'", None),
        (("inputs", "hyp", "module"), "hyperpolarising", "unknown value", "did you mean 'hyperpolarizing'?"),
        (("inputs", "hyp", "input_type"), "spikes", "unknown value 'spikes'", "expected current_clamp"),
        (("inputs", "hyp", "duration"), -1, "'duration' must be at least 0", None),
        (("inputs", "hyp", "delya"), 1, "unknown key 'delya' in 'inputs/hyp'", None),
        (("inputs", "hyp", "compartment_set"), "somas", "both of 'node_set'", None),
        (("inputs", "replay", "spike_file"), "spikes.dat", "has the wrong form", None),
        (("reports", "soma", "type"), "compartments", "unknown value", "did you mean 'compartment'"),
        (("reports", "soma", "dt"), 0.01, "smaller than that of the run", "use at least 0.025"),
        (("reports", "soma", "start_time"), 20, "starts at 20 ms and ends before", None),
        (("reports", "soma", "variable_name"), "v,i", "takes one variable", None),
        (("reports", "soma", "compartment_set"), "somas", "not allowed", None),
        (("connection_overrides", 0, "wieght"), 1, "unknown key 'wieght'", "did you mean 'weight'?"),
        (("conditions", "modifications", 0, "type"), "TTX", "unknown value 'TTX'", "did you mean 'ttx'?"),
    ],
)
def test_one_wrong_value(
    config: Path, keys: tuple[Any, ...], value: Any, message: str, hint: str | None
) -> None:
    change_json(config, *keys, value=value)
    errors = errors_of(validate_simulation(config))
    found = [e for e in errors if message in e.message]
    assert len(found) == 1, [str(e) for e in errors]
    assert found[0].file == config
    assert hint is None or hint in str(found[0].hint)


def test_missing_key_says_what_it_is(config: Path) -> None:
    change_json(config, "run", value={"dt": 0.1, "random_seed": 1})
    problem = only_error(config)
    assert (problem.message, problem.pointer) == ("the key 'tstop' is missing in 'run'", "/run")
    assert problem.hint == "tstop: End of the simulation (ms)."


def test_key_far_from_all_others_is_a_warning(config: Path) -> None:
    change_json(config, "comment", value="hello")
    assert only_warning(config).pointer == "/comment"


def test_all_problems_are_found_in_one_pass(config: Path) -> None:
    change_json(config, "run", value={"tstop": 0, "dt": 0, "random_seed": 1})
    change_json(config, "node_set", value="Al")
    change_json(config, "reports", "soma", "sectoins", value="all")
    messages = [p.message for p in errors_of(validate_simulation(config))]
    assert len(messages) == 4, messages


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"module": "noise"}, "neither of 'mean' and 'mean_percent'"),
        ({"module": "noise", "mean": 1, "mean_percent": 1, "variance": 1}, "both of 'mean' and"),
        ({"module": "pulse", "amp_start": 1, "width": 20, "frequency": 100}, "longer than the period 10 ms"),
        (
            {
                "module": "shot_noise", "rise_time": 3, "decay_time": 2, "rate": 1, "amp_mean": 1,
                "amp_var": 1,
            },
            "must be less than 'decay_time'",
        ),
        (
            {"module": "seclamp", "input_type": "voltage_clamp", "voltage": 1, "delay": 2},
            "'delay' of a voltage clamp must be 0",
        ),
        (
            {
                "module": "seclamp", "input_type": "voltage_clamp", "voltage": 1, "duration_levels": [1, 2],
                "voltage_levels": [1],
            },
            "2 'duration_levels' but 1 'voltage_levels'",
        ),
        (
            {
                "module": "seclamp", "input_type": "voltage_clamp", "voltage": 1, "duration_levels": [10, 2],
                "voltage_levels": [1, 2],
            },
            "add up to 12 ms",
        ),
        ({"module": "linear"}, "the key 'amp_start' is missing"),
    ],
)  # fmt: skip
def test_rules_of_modules(config: Path, block: dict[str, Any], message: str) -> None:
    common = {"input_type": "current_clamp", "delay": 0, "duration": 10, "node_set": "All"}
    change_json(config, "inputs", "new", value={**common, **block})
    assert message in only_error(config).message


def test_report_after_the_end_is_a_warning(config: Path) -> None:
    change_json(config, "reports", "soma", "start_time", value=10)
    assert "after the run ends" in only_warning(config).message


def test_two_reports_with_one_file(config: Path) -> None:
    block = json.loads(config.read_text())["reports"]["soma"]
    change_json(config, "reports", value={"a": {**block, "file_name": "b"}, "b": block})
    assert "write to the same file 'b.h5'" in only_error(config).message


def test_override_names_are_unique(config: Path) -> None:
    block = {"name": "x", "source": "All", "target": "All"}
    change_json(config, "connection_overrides", value=[block, block])
    assert only_error(config).pointer == "/connection_overrides/1/name"


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside `document`."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    nested = [places(v, (*path, k)) if isinstance(v, (dict, list)) and v else [] for k, v in items]
    here = document if isinstance(document, dict) else range(len(document))
    return [(*path, k) for k in here] + [p for part in nested for p in part]


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from(places(simulation_config())),
    value=st.sampled_from([None, [], {}, 5, -1.5, "", True, [1], {"x": 1}, "zzz", ["a"], [{}], float("inf")]),
)
def test_nonsense_anywhere_never_crashes(config: Path, place: tuple[Any, ...], value: Any) -> None:
    """A wrong type in any place gives problems or a typed error, never another exception."""
    write_json(config, simulation_config())
    change_json(config, *place, value=value)
    errors = errors_of(validate_simulation(config))
    try:
        load_simulation(config)
    except NeurodamusLikeError:
        assert errors


# JSON and files


def test_broken_json(config: Path) -> None:
    config.write_text('{"run": {},}')
    assert "line 1, column" in only_error(config).message


def test_missing_configuration(config: Path) -> None:
    problem = only_error(config.with_name("simulation_confg.json"))
    assert "did you mean 'simulation_config.json'" in str(problem.hint)


@pytest.mark.parametrize(
    ("keys", "value", "name"),
    [
        (("network",), "circuit_confg.json", "circuit_config.json"),
        (("node_sets_file",), "sim_node_set.json", "sim_node_sets.json"),
        (("compartment_sets_file",), "compartment_set.json", "compartment_sets.json"),
        (("inputs", "replay", "spike_file"), "spike.h5", "spikes.h5"),
    ],
)
def test_misspelt_files(config: Path, keys: tuple[str, ...], value: str, name: str) -> None:
    change_json(config, *keys, value=value)
    found = [e for e in errors_of(validate_simulation(config)) if "does not exist" in e.message]
    assert len(found) == 1
    assert repr(name) in str(found[0].hint)


def test_output_folder_that_is_a_file(config: Path) -> None:
    change_json(config, "output", value={"output_dir": "nodes.h5/out"})
    assert "is a file" in only_error(config).message


@pytest.mark.parametrize("name", ["nodes.h5", "edges.h5", "virtual.h5", "spikes.h5"])
def test_truncated_hdf5(config: Path, name: str) -> None:
    path = config.parent / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    problem = only_error(config)
    assert "truncated" in problem.message
    assert problem.file == path


def test_several_damaged_files_are_all_named(config: Path) -> None:
    (config.parent / "nodes.h5").write_bytes(b"")
    (config.parent / "edges.h5").unlink()
    messages = " ".join(p.message for p in errors_of(validate_simulation(config)))
    assert "empty" in messages
    assert "edges.h5 does not exist" in messages


# node sets, compartment sets, populations


@pytest.mark.parametrize(
    ("keys", "value", "hint"),
    [
        (("node_set",), "Al", "did you mean 'All'?"),
        (("inputs", "hyp", "node_set"), "Fisrt", "did you mean 'First'?"),
        (("reports", "soma", "cells"), "pyr", "did you mean 'Pyr'?"),
        (("connection_overrides", 0, "source"), "Nowhere", "known node sets: All, First, Pyr"),
        (("connection_overrides", 0, "target"), "cortx:Pyr", "did you mean 'cortex'?"),
        (("conditions", "modifications", 0, "node_set"), "Firs", "did you mean 'First'?"),
    ],
)
def test_misspelt_node_sets(config: Path, keys: tuple[Any, ...], value: str, hint: str) -> None:
    change_json(config, *keys, value=value)
    problem = only_error(config)
    assert problem.message == f"unknown node set {value!r}"
    assert problem.pointer == "/" + "/".join(map(str, keys))
    assert problem.hint == hint


def test_node_set_that_selects_nothing(config: Path) -> None:
    change_json(config.parent / "node_sets.json", "All", value={"mtype": "NONE"})
    problems = [p for p in validate_simulation(config) if "selects nothing" in p.message]
    assert [p.pointer for p in problems if p.level == "error"] == ["/node_set"]
    assert {p.pointer for p in problems if p.level == "warning"} == {
        "/inputs/hyp/node_set",
        "/inputs/replay/node_set",
        "/connection_overrides/0/source",
    }


def test_misspelt_population_in_a_node_set(config: Path) -> None:
    change_json(config.parent / "node_sets.json", "All", value={"population": "cortx"})
    found = [p for p in errors_of(validate_simulation(config)) if p.pointer == "/node_set"]
    assert found[0].hint == "the circuit has no population 'cortx': did you mean 'cortex'?"


def test_compound_node_set_with_unknown_part(config: Path) -> None:
    change_json(config.parent / "node_sets.json", "Both", value=["All", "Pyra"])
    assert only_error(config).hint == "did you mean 'Pyr'?"


def test_compartment_sets(config: Path) -> None:
    change_json(
        config, "inputs", "hyp",
        value={
            "module": "linear", "amp_start": 1, "input_type": "current_clamp", "delay": 0, "duration": 1,
            "compartment_set": "soma",
        },
    )  # fmt: skip
    assert only_error(config).hint == "did you mean 'somas'?"
    change_json(config, "inputs", "hyp", "compartment_set", value="somas")
    assert validate_simulation(config) == []
    sets = {"somas": {"population": "cortex", "compartment_set": [[3, 0, 0.5]]}}
    write_json(config.parent / "compartment_sets.json", sets)
    assert "names the node 3, but 'cortex' has 3 nodes" in only_error(config).message
    sets["somas"]["population"] = "cotex"
    write_json(config.parent / "compartment_sets.json", sets)
    assert only_error(config).hint == "did you mean 'cortex'?"


def test_replay_of_a_population_without_edges(config: Path) -> None:
    with h5py.File(config.parent / "spikes.h5", "w") as file:
        file["spikes/other/timestamps"] = np.array([1.0])
        file["spikes/other/node_ids"] = np.array([0])
    problem = only_error(config)
    assert "no population of the spike file (other) is a source of edges" in problem.message
    assert "thalamus" in str(problem.hint)


def test_replay_of_a_node_beyond_the_population(config: Path) -> None:
    with h5py.File(config.parent / "spikes.h5", "a") as file:
        file["spikes/thalamus/node_ids"][0] = 2
    assert "spikes of nodes up to 2, but 'thalamus' has 2 nodes" in only_warning(config).message


def test_misspelt_population_in_the_circuit(config: Path) -> None:
    circuit = config.parent / "circuit_config.json"
    change_json(circuit, "networks", "nodes", 1, "populations", value={"thalmus": {"type": "virtual"}})
    found = [p for p in errors_of(validate_simulation(config)) if "'thalmus'" in p.message]
    assert "did you mean 'thalamus'?" in str(found[0].hint)


# circuit


def test_absent_templates_are_listed_once_with_counts(config: Path) -> None:
    for name in ("Pyr", "Int"):
        (config.parent / "hoc" / f"{name}.hoc").unlink()
    problem = only_error(config)
    assert "2 cell templates" in problem.message
    assert "Pyr.hoc (2 cells)" in problem.message
    assert "Int.hoc (1 cell)" in problem.message
    elsewhere = config.parent / "elsewhere"
    elsewhere.mkdir()
    for name in ("Pyr", "Int"):
        (elsewhere / f"{name}.hoc").write_text("")
    assert validate_simulation(config, template_dirs=[elsewhere]) == []


def test_only_simulated_cells_need_a_template(config: Path) -> None:
    (config.parent / "hoc" / "Int.hoc").unlink()
    change_json(config, "node_set", value="Pyr")
    assert validate_simulation(config) == []


def test_absent_morphology(config: Path) -> None:
    (config.parent / "morph" / "m1.swc").unlink()
    assert "1 morphology of the population 'cortex' not found: m1.swc (2 cells)" in only_error(config).message


@pytest.mark.parametrize(("folder", "what"), [("hoc", "cell templates"), ("morph", "morphologies")])
def test_a_missing_folder_is_one_error(config: Path, folder: str, what: str) -> None:
    (config.parent / folder).rename(config.parent / f"{folder}s")
    problem = only_error(config)
    assert problem.message == f"the folder of {what} does not exist: {config.parent / folder}"
    assert f"did you mean '{folder}s'" in str(problem.hint)


@pytest.mark.parametrize("name", ["threshold_current", "holding_current"])
def test_relative_stimulus_without_what_it_is_relative_to(config: Path, name: str) -> None:
    with h5py.File(config.parent / "nodes.h5", "a") as file:
        del file[f"nodes/cortex/0/dynamics_params/{name}"]
    problem = only_error(config)
    assert problem.message.startswith("the input 'hyp' (module 'hyperpolarizing') needs " + name)
    assert problem.pointer == "/inputs/hyp/node_set"
    assert f"/nodes/cortex/0/dynamics_params/{name}" in str(problem.hint)


def test_stimulus_on_virtual_nodes(config: Path) -> None:
    sets = {
        **json.loads((config.parent / "node_sets.json").read_text()),
        "Sources": {"population": "thalamus"},
    }
    write_json(config.parent / "node_sets.json", sets)
    change_json(config, "inputs", "hyp", "node_set", value="Sources")
    problem = only_error(config)
    assert problem.message == "the input 'hyp' acts on nodes of thalamus only, which are virtual: no cells"
    assert problem.pointer == "/inputs/hyp/node_set"


def test_registered_modules_are_left_to_their_owner(config: Path) -> None:
    block = {"module": "my_ramp", "node_set": "All", "delay": 1, "duration": 2, "slope": 3}
    change_json(config, "inputs", "hyp", value=block)
    assert "unknown value 'my_ramp'" in only_error(config).message
    assert validate_simulation(config, extra_modules={"my_ramp"}) == []


@pytest.mark.parametrize("name", ["morphology", "x"])
def test_absent_node_attribute(config: Path, name: str) -> None:
    with h5py.File(config.parent / "nodes.h5", "a") as file:
        del file[f"nodes/cortex/0/{name}"]
    problem = only_error(config)
    assert f"lacks the attribute {name!r}" in problem.message
    assert problem.pointer == f"/nodes/cortex/0/{name}"


def test_short_node_column(config: Path) -> None:
    with h5py.File(config.parent / "nodes.h5", "a") as file:
        del file["nodes/cortex/0/x"]
        file["nodes/cortex/0/x"] = np.zeros(2)
    assert "'x' has 2 values for 3 nodes" in only_error(config).message


def test_absent_edge_attribute(config: Path) -> None:
    with h5py.File(config.parent / "edges.h5", "a") as file:
        del file["edges/cortex__cortex/0/u_syn"]
        del file["edges/cortex__cortex/0/afferent_section_pos"]
    assert "lacks the attributes: u_syn, afferent_section_pos" in only_error(config).message


def test_edge_to_a_node_beyond_the_population(config: Path) -> None:
    write_edges(config.parent / "edges.h5", "cortex__cortex", "cortex", "cortex", [0, 1], [1, 3])
    problem = only_error(config)
    assert "names the target node 3, but 'cortex' has 3 nodes" in problem.message


def test_negative_section(config: Path) -> None:
    with h5py.File(config.parent / "edges.h5", "a") as file:
        file["edges/cortex__cortex/0/afferent_section_id"][1] = -1
    assert "negative section ids" in only_error(config).message


def test_edges_without_index_are_slower(config: Path) -> None:
    with h5py.File(config.parent / "edges.h5", "a") as file:
        del file["edges/cortex__cortex/indices"]
    assert "slower" in only_warning(config).message


def test_unknown_key_in_the_circuit(config: Path) -> None:
    circuit = config.parent / "circuit_config.json"
    change_json(circuit, "components", "mechanism_dir", value="x")
    problem = only_error(config)
    assert problem.file == circuit
    assert problem.hint == "did you mean 'mechanisms_dir'?"


# command and helpers


def test_command(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(config)]) == 0
    assert capsys.readouterr().out == "0 errors, 0 warnings\n"
    change_json(config, "run", "tstop", value=0)
    assert run([str(config), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(p["level"], p["pointer"]) for p in found] == [("error", "/run/tstop")]
    assert run([str(config.parent / "circuit_config.json")]) == 0
    assert run(["--circuit", str(config.parent / "circuit_config.json")]) == 0


def test_check_before_run_raises_errors_and_logs_warnings(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change_json(config, "comment", value=1)
    with caplog.at_level(logging.WARNING):
        check_before_run(config)
    assert "'comment'" in caplog.text
    change_json(config, "run", "dt", value=0)
    change_json(config, "node_set", value="Nope")
    with pytest.raises(ProblemsError) as caught:
        check_before_run(config)
    assert len(caught.value.problems) == 2
    assert "comment" not in str(caught.value)


def test_edit_distance() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("inptus", "inputs") == 1
    assert edit_distance("", "abc") == 3
    assert nearest_key("tstopp", ["tstop", "dt"]) == "tstop"
    assert nearest_key("comment", ["inputs", "conditions"]) is None


@pytest.mark.skipif(not DATA.is_dir(), reason="shared data absent")
@pytest.mark.parametrize(
    "name",
    [
        "big100/simulation_config.json",
        "big100/simulation_config_minis.json",
        "ringtest/simulation_config.json",
        "usecase3/simulation_sonata.json",
        "usecase3/simulation_sonata_coreneuron.json",
        "v5_sonata/simulation_config_mini.json",
    ],
)
def test_real_input_lacks_at_most_its_templates(name: str) -> None:
    problems = validate_simulation(DATA / name)
    assert all("cell template" in p.message for p in errors_of(problems))
    assert all("cannot be written" in p.message for p in warnings_of(problems))


@pytest.mark.skipif(not DATA.is_dir(), reason="shared data absent")
@pytest.mark.parametrize("path", sorted(DATA.glob("*/circuit_config*.json")), ids=lambda p: p.stem)
def test_real_circuits_lack_at_most_their_templates(path: Path) -> None:
    problems = validate_circuit(path)
    assert all("cell template" in p.message for p in problems), [str(p) for p in problems]


def test_a_report_beyond_the_end_is_a_warning(config: Path) -> None:
    change_json(config, "reports", "soma", "end_time", value=1e6)
    found = [p for p in validate_simulation(config) if p.pointer == "/reports/soma/end_time"]
    assert [p.level for p in found] == ["warning"]
    assert "the run ends at" in found[0].message


def test_a_wrong_circuit_is_one_problem(config: Path) -> None:
    """Node sets of the circuit are unknown then; that is no second mistake."""
    change_json(config, "network", value="nowhere.json")
    assert [p.pointer for p in validate_simulation(config) if p.level == "error"] == ["/network"]
