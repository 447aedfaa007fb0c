"""The reader of the OBI dialect, on a small circuit and on real ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_circuit import change_json, circuit_config, write_json, write_small_circuit

from neurodamus_like.config.models import IntegrationMethod
from neurodamus_like.config.obi import load_circuit, load_simulation
from neurodamus_like.exceptions import CircuitError, ConfigurationError

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "obi"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_small_circuit(tmp_path / "c")


def test_defaults(config: Path) -> None:
    write_json(config, {"run": {"tstop": 5, "dt": 0.1, "random_seed": -3.7}})
    sim = load_simulation(config)
    assert sim.circuit.path == config.parent / "circuit_config.json"
    assert (sim.run.tstop_ms, sim.run.dt_ms, sim.run.random_seed) == (5.0, 0.1, -3)
    assert sim.run.spike_threshold_mV == -30.0
    assert sim.run.integration_method is IntegrationMethod.EULER
    assert sim.output.directory == config.parent / "output"
    assert (sim.output.spikes_file, sim.output.log_file) == ("out.h5", "")
    assert sim.output.spikes_sort_order == "by_time"
    assert (sim.conditions.celsius, sim.conditions.v_init_mV) == (34.0, -80.0)
    assert sim.conditions.extracellular_calcium_mM is None
    assert (sim.simulator, sim.node_set, sim.node_sets_file) == ("NEURON", None, None)
    assert (sim.inputs, sim.reports, sim.connection_overrides) == ((), (), ())
    assert sim.circuit.node_sets_file == config.parent / "node_sets.json"


def test_everything_is_read(config: Path) -> None:
    sim = load_simulation(config)
    assert sim.node_sets_file == config.parent / "sim_node_sets.json"
    assert [i.name for i in sim.inputs] == ["hyp", "replay"]
    assert sim.inputs[1].parameters == {"spike_file": config.parent / "spikes.h5"}
    assert sim.inputs[1].pointer == "/inputs/replay"
    report = sim.reports[0]
    assert (report.cells, report.file_name, report.sections, report.compartments) == (
        "All",
        "soma.h5",
        "soma",
        "center",
    )
    assert report.variables == ("v",)
    override = sim.connection_overrides[0]
    assert (override.target, override.weight, override.spont_minis_Hz) == ("cortex:Pyr", 2.0, None)
    assert [(m.name, m.kind, m.node_set) for m in sim.conditions.modifications] == [("ttx", "ttx", "First")]


def test_circuit(config: Path) -> None:
    circuit = load_simulation(config).circuit
    assert {n: (p.kind, p.size) for n, p in circuit.nodes.items()} == {
        "cortex": ("biophysical", 3),
        "thalamus": ("virtual", 2),
    }
    edges = circuit.edges["thalamus__cortex"]
    assert (edges.source, edges.target, edges.size, edges.kind) == ("thalamus", "cortex", 2, "chemical")
    assert circuit.edges["cortex__cortex"].kind == "chemical"
    components = circuit.nodes["cortex"].components
    assert components.morphology_source == (config.parent / "morph", "swc")
    assert components.biophysical_neuron_models_dir == config.parent / "hoc"
    assert circuit.mechanisms_dirs == (config.parent / "mod",)


def test_inputs_keep_their_parameters_and_defaults(config: Path) -> None:
    common = {"delay": 1, "duration": 2, "node_set": "All", "input_type": "current_clamp"}
    inputs = {
        "z_last_letter_first": {
            **common, "module": "shot_noise", "rise_time": 1, "decay_time": 2, "rate": 2.5, "amp_mean": 1,
            "amp_var": 3,
        },
        "lin": {**common, "module": "linear", "amp_start": 0.5},
        "rel": {**common, "module": "relative_linear", "percent_start": 50},
        "noise": {**common, "module": "noise", "mean_percent": 80, "variance": 0.01},
        "clamp": {
            **common, "module": "seclamp", "input_type": "voltage_clamp", "delay": 0, "voltage": -70,
            "duration_levels": [1, 1], "voltage_levels": [-60, -70],
        },
        "field": {
            **common, "module": "spatially_uniform_e_field", "input_type": "extracellular_stimulation",
            "fields": [{"Ex": 1, "Ey": 2, "Ez": 3, "frequency": 10}],
        },
    }  # fmt: skip
    change_json(config, "inputs", value=inputs)
    found = load_simulation(config).inputs
    assert [i.name for i in found] == list(inputs)
    parameters = {i.name: dict(i.parameters) for i in found}
    assert parameters["z_last_letter_first"]["rate"] == 2.5
    assert parameters["z_last_letter_first"]["dt"] == 0.25
    assert parameters["z_last_letter_first"]["reversal"] == 0.0
    assert "random_seed" not in parameters["z_last_letter_first"]
    assert parameters["lin"] == {"amp_start": 0.5, "amp_end": 0.5}
    assert parameters["rel"] == {"percent_start": 50.0, "percent_end": 50.0}
    assert parameters["noise"] == {"mean_percent": 80.0, "variance": 0.01}
    assert parameters["clamp"]["series_resistance"] == 0.01
    assert parameters["clamp"]["voltage_levels"] == (-60.0, -70.0)
    assert dict(parameters["field"]["fields"][0]) == {
        "Ex": 1.0, "Ey": 2.0, "Ez": 3.0, "frequency": 10.0, "phase": 0.0,
    }  # fmt: skip
    assert parameters["field"]["ramp_up_time"] == 0.0


def test_reports_keep_their_order_and_defaults(config: Path) -> None:
    block = {"type": "compartment", "variable_name": "v", "dt": 1, "start_time": 0, "end_time": 9}
    reports = {
        "z": {**block, "sections": "all", "file_name": "traces"},
        "a": {**block, "cells": "Pyr", "file_name": "a.h5"},
        "sum": {**block, "type": "summation", "variable_name": "i_membrane, IClamp.i", "sections": "axon"},
        "set": {**block, "type": "compartment_set", "compartment_set": "somas"},
    }
    change_json(config, "reports", value=reports)
    found = {r.name: r for r in load_simulation(config).reports}
    assert list(found) == ["z", "a", "sum", "set"]
    assert (found["z"].compartments, found["z"].file_name) == ("all", "traces.h5")
    assert (found["a"].cells, found["a"].file_name) == ("Pyr", "a.h5")
    assert found["sum"].variables == ("i_membrane", "IClamp.i")
    assert found["sum"].compartments == "all"
    assert found["set"].compartment_set == "somas"


def test_mechanism_globals_become_numbers_in_file_order(config: Path) -> None:
    change_json(config, "conditions", value={"mechanisms": {"Z": {"on": True, "k": 2}, "A": {"x": 0.5}}})
    mechanisms = load_simulation(config).conditions.mechanisms
    assert [(n, dict(v)) for n, v in mechanisms.items()] == [("Z", {"on": 1.0, "k": 2.0}), ("A", {"x": 0.5})]


def test_simulator_comes_from_the_circuit_when_absent(config: Path) -> None:
    write_json(config.parent / "circuit_config.json", {**circuit_config(), "target_simulator": "CORENEURON"})
    assert load_simulation(config).simulator == "CORENEURON"


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("run", "tstop"), "ten", "must be number"),
        (("run",), {"tstop": 1, "dt": 1}, "random_seed"),
        (("run", "integration_method"), "rk4", "integration_method"),
        (("node_sets_file",), 5, "not a string"),
        (("node_set",), ["All"], "not a string"),
        (("inputs",), [], "inputs"),
        (("inputs", "hyp", "module"), 5, "module"),
        (("inputs", "hyp"), {"module": "my_own", "delay": "soon"}, "'delay' of the input 'hyp'"),
        (("output",), {"output_dir": "$NOWHERE/x"}, "unknown variable"),
    ],
)
def test_bad_values_are_typed_errors(
    config: Path, keys: tuple[str, ...], value: object, message: str
) -> None:
    change_json(config, *keys, value=value)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_simulation(config)
    assert caught.value.file == config


def test_modules_that_somebody_registered_are_read_as_they_are(config: Path) -> None:
    block = {
        "module": "my_own",
        "input_type": "light",
        "node_set": "All",
        "delay": 1,
        "duration": 2,
        "colors": ["red"],
    }
    change_json(config, "inputs", "hyp", value=block)
    found = next(i for i in load_simulation(config).inputs if i.name == "hyp")
    assert (found.module, found.input_type, found.node_set) == ("my_own", "light", "All")
    assert (found.delay_ms, found.duration_ms, dict(found.parameters)) == (1.0, 2.0, {"colors": ["red"]})
    assert found.pointer == "/inputs/hyp"


def test_null_counts_as_absent(config: Path) -> None:
    change_json(config, "node_sets_file", value=None)
    assert load_simulation(config).node_sets_file is None


def test_missing_block_has_a_pointer(config: Path) -> None:
    change_json(config, "inputs", "hyp", value={"module": "hyperpolarizing", "input_type": "current_clamp"})
    with pytest.raises(ConfigurationError) as caught:
        load_simulation(config)
    assert caught.value.pointer == "/inputs/hyp"


@pytest.mark.parametrize("file", ["nodes.h5", "edges.h5"])
def test_truncated_hdf5(config: Path, file: str) -> None:
    path = config.parent / file
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(CircuitError, match="truncated") as caught:
        load_simulation(config)
    assert caught.value.file == path
    assert caught.value.hint


@pytest.mark.parametrize(("content", "message"), [(b"", "empty"), (b"hello world", "not an HDF5 file")])
def test_not_hdf5(config: Path, content: bytes, message: str) -> None:
    (config.parent / "nodes.h5").write_bytes(content)
    with pytest.raises(CircuitError, match=message):
        load_simulation(config)


def test_missing_hdf5_proposes_a_neighbour(config: Path) -> None:
    shutil.move(config.parent / "edges.h5", config.parent / "edgse.h5")
    with pytest.raises(CircuitError) as caught:
        load_circuit(config.parent / "circuit_config.json")
    assert "'edgse.h5'" in str(caught.value.hint)


def test_misspelt_population(config: Path) -> None:
    circuit = circuit_config()
    circuit["networks"]["nodes"][1]["populations"] = {"talamus": {"type": "virtual"}}
    path = write_json(config.parent / "circuit_config.json", circuit)
    with pytest.raises(CircuitError, match="no node population 'talamus'") as caught:
        load_circuit(path)
    assert caught.value.hint == "did you mean 'thalamus'?"


def test_neither_neuron_nor_mpi_is_imported(config: Path) -> None:
    program = (
        "import sys; from neurodamus_like.config.obi import load_simulation;"
        "from neurodamus_like.validation.config_checks import check_before_run;"
        f"check_before_run({str(config)!r}); assert not {{'neuron', 'mpi4py'}} & set(sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)


@pytest.mark.skipif(not DATA.is_dir(), reason="shared data absent")
def test_all_real_configurations_load() -> None:
    simulations = sorted(DATA.rglob("simulation_*.json"))
    circuits = sorted(DATA.rglob("*circuit_config*.json"))
    assert len(simulations) >= 6
    assert len(circuits) >= 10
    for path in simulations:
        sim = load_simulation(path)
        assert sim.run.tstop_ms == json.loads(path.read_text())["run"]["tstop"]
        assert sim.circuit.nodes
    for path in circuits:
        assert all(p.size > 0 for p in load_circuit(path).nodes.values())


@pytest.mark.skipif(not DATA.is_dir(), reason="shared data absent")
def test_big100_sizes() -> None:
    circuit = load_simulation(DATA / "big100" / "simulation_config.json").circuit
    assert {n: p.size for n, p in circuit.nodes.items()} == {"default": 100, "external_default": 2000}
    assert {n: p.size for n, p in circuit.edges.items()} == {"default": 50_000, "external_default": 150_000}
