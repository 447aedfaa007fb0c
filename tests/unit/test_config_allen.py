"""Configurations of the Allen dialect become the models; what BMTK passes over in silence is reported."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.cli.main import main
from neurodamus_like.config.allen import load_allen, read_allen
from neurodamus_like.config.dialect import is_allen, load_simulation
from neurodamus_like.connectivity.spike_files import check_spike_inputs, load_train
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.io.node_types import read_typed_nodes
from neurodamus_like.stimuli.checks import find_unknown_keys
from neurodamus_like.targets.manager import TargetManager
from neurodamus_like.validation.config_checks import check_before_run, validate_simulation
from tests.allen_model import change, write_json, write_model
from tests.obi_data import SHARED


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def errors(config: Path) -> list[str]:
    return [str(error) for error in read_allen(config).errors]


def test_the_model_is_read(config: Path) -> None:
    simulation = load_simulation(config)
    folder = config.parent
    assert (simulation.run.tstop_ms, simulation.run.dt_ms, simulation.run.segment_length_um) == (
        30.0,
        0.1,
        20.0,
    )
    assert simulation.output.directory == folder / "output"
    nodes = simulation.circuit.nodes
    assert [(n.name, n.kind, n.size, n.gid_offset) for n in nodes.values()] == [
        ("cells", "node_types", 4, 0),
        ("source", "virtual", 3, 4),
    ]
    (edges,) = simulation.circuit.edges.values()
    assert (edges.source, edges.target, edges.needs_input) == ("source", "cells", True)
    assert edges.components.synaptic_models_dir == folder / "components/synapses"


def test_dialects_are_told_apart(config: Path, tmp_path: Path) -> None:
    assert is_allen(config)
    obi = {"network": "circuit.json", "run": {"tstop": 1.0, "dt": 0.1, "random_seed": 1}, "inputs": {}}
    assert not is_allen(write_json(tmp_path / "obi.json", obi))
    circuit = {"networks": {"nodes": [{"nodes_file": "n.h5", "populations": {"A": {}}}], "edges": []}}
    write_json(tmp_path / "circuit.json", circuit)
    assert not is_allen(tmp_path / "obi.json")
    assert not is_allen(tmp_path / "absent.json")
    alone = {"run": {"tstop": 1.0, "nsteps_block": 10}, "network": "$X/elsewhere.json"}
    assert is_allen(write_json(tmp_path / "alone.json", alone))


@pytest.mark.parametrize("case", ["300_intfire", "9_cells", "5_cells_iclamp", "bio_14cells"])
def test_real_configurations_of_obi_and_allen(case: str, shared: Path) -> None:
    for path in (SHARED / "data/allen" / case).glob("*onfig*.json"):
        assert is_allen(path), path
    assert not any(is_allen(path) for path in (SHARED / "data/obi").rglob("simulation_config*.json"))


def test_split_configurations(config: Path) -> None:
    content = json.loads(config.read_text())
    parts: dict[str, dict[str, Any]] = {"circuit": {}, "simulation": {}}
    for key, value in content.items():
        parts["circuit" if key in ("components", "networks") else "simulation"][key] = value
    parts["circuit"]["manifest"] = content["manifest"]
    for name, part in parts.items():
        write_json(config.with_name(f"{name}.json"), part)
    whole = write_json(
        config.with_name("both.json"), {"network": "circuit.json", "simulation": "simulation.json"}
    )
    assert is_allen(whole)
    assert load_allen(whole).circuit.edges.keys() == load_allen(config).circuit.edges.keys()
    part = write_json(config.with_name("sim2.json"), {**parts["simulation"], "network": "circuit.json"})
    assert load_allen(part).run == load_allen(config).run


def test_variables_of_the_caller_beat_the_manifest(config: Path) -> None:
    change(config, "run", "dt", to="${step}")
    change(config, "manifest", "step", to=0.05)
    assert load_allen(config).run.dt_ms == 0.05
    assert load_allen(config, {"step": 0.2}).run.dt_ms == 0.2


def test_paths_count_from_the_working_folder_as_in_bmtk(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    change(config, "manifest", "$BASE", to=".")
    folder = config.parent
    monkeypatch.chdir(tmp_path)
    assert load_allen(config).output.directory == folder / "output"
    os.symlink(folder / "network", tmp_path / "network")
    os.symlink(folder / "components", tmp_path / "components")
    (found,) = errors(config)
    assert f"{tmp_path}/spikes.h5 does not exist" in found
    assert f"it exists counted from {folder}" in found
    os.symlink(folder / "spikes.h5", tmp_path / "spikes.h5")
    assert load_allen(config).output.directory == tmp_path / "output"


WRONG = [
    (("run", "tstop"), None, "'tstop' is missing", "/run"),
    (("run", "dt"), -1.0, "'dt' must be greater than 0", "/run/dt"),
    (("run", "tstop"), "long", "'tstop' is not a number", "/run/tstop"),
    (
        ("components", "templates_dir"),
        "$NOWHERE/x",
        "'NOWHERE' in '$NOWHERE/x' is not defined",
        "/components",
    ),
    (("networks", "nodes"), [], "names no nodes", "/networks"),
    (
        ("networks", "nodes", 0, "nodes_file"),
        "$NET/cell_nodes.h5",
        "cell_nodes.h5 does not exist",
        "nodes_file",
    ),
    (("networks", "nodes", 0, "nodes_file"), None, "'nodes_file' is missing", "/networks/nodes/0"),
    (("inputs", "spikes", "node_set"), "sources", "unknown node set 'sources'", "/inputs/spikes/node_set"),
    (("inputs", "spikes", "node_set"), {"pop": "x"}, "select all nodes", "/inputs/spikes/node_set/pop"),
    (("inputs", "spikes", "node_set"), {"population": "x"}, "unknown node population 'x'", "population"),
    (("inputs", "spikes", "node_set"), {"node_id": ["a"]}, "node ids are whole numbers", "node_id"),
    (("inputs", "spikes", "node_set"), 1.5, "this is no node set", "/inputs/spikes/node_set"),
    (("inputs", "spikes", "input_file"), "$BASE/spike.h5", "spike.h5 does not exist", "input_file"),
    (("output", "spikes_sort_order"), "random", "unknown spikes_sort_order", "/output/spikes_sort_order"),
    (("output", "log_level"), "chatty", "unknown log_level 'CHATTY'", "/output/log_level"),
    (("conditions", "celsius"), "warm", "'celsius' is not a number", "/conditions/celsius"),
    (("run", "nsteps_block"), 10.5, "'nsteps_block' is no whole number", "/run/nsteps_block"),
    (("run", "tstop"), 0.01, "'tstop' is shorter than a time step", "/run/tstop"),
    (("conditions", "celsius"), -300, "below the absolute zero", "/conditions/celsius"),
    (("target_simulator",), "NEURONN", "unknown target_simulator 'NEURONN'", "/target_simulator"),
    (("output", "overwrite_output_dir"), "no", "is not true or false: 'no'", "/output/overwrite_output_dir"),
    (("output", "spikes_file"), 3, "'spikes_file' is not the name of a file", "/output/spikes_file"),
    (("output", "output_dir"), "$BASE/spikes.h5", "'output_dir' is a file", "/output/output_dir"),
    (("inputs", "spikes", "enabled"), "no", "is not true or false: 'no'", "/inputs/spikes/enabled"),
    (("networks", "edges", 0, "enabled"), 0, "is not true or false: 0", "/networks/edges/0/enabled"),
    (("manifest", "NET"), "$NOPE/network", "needs 'NOPE', which is not defined", "/manifest/NET"),
    (("manifest", "NET"), "$NET/network", "refers back", "/manifest/NET"),
]


@pytest.mark.parametrize(("where", "value", "message", "pointer"), WRONG)
def test_wrong_values(config: Path, where: tuple[Any, ...], value: Any, message: str, pointer: str) -> None:
    change(config, *where, to=value)
    found = errors(config)
    assert any(message in text and pointer in text for text in found), found


def test_all_errors_are_shown_together(config: Path) -> None:
    change(config, "run", "dt", to=0)
    change(config, "output", "spikes_sort_order", to="x")
    change(config, "networks", "edges", 0, "edges_file", to="$NET/no.h5")
    assert len(errors(config)) == 3
    with pytest.raises(ConfigurationError, match="3 problems found"):
        load_allen(config)


def test_notices(config: Path) -> None:
    change(config, "run", "nsteps_block")
    change(config, "components", "mechanisms_dir", to="$COMP/mechanisms")
    messages = [notice.message for notice in load_allen(config).notices]
    assert any("'nsteps_block' is missing" in text for text in messages)
    assert any("neither MOD files nor a compiled library" in text for text in messages)


def test_misspelt_keys_are_noticed(config: Path) -> None:
    change(config, "run", "nsteps_block")
    change(config, "run", "nstep_block", to=100)
    change(config, "components", "morphology_dir", to="$COMP")
    change(config, "conditions", "note", to="not like any key")
    notices = {n.pointer: (n.message, n.hint) for n in load_allen(config).notices if "no key" in n.message}
    assert set(notices) == {"/run/nstep_block", "/components/morphology_dir", "/conditions/note"}
    assert "did you mean 'nsteps_block'?" in str(notices["/run/nstep_block"][1])


@pytest.mark.parametrize(("key", "log_file"), [("log_file", False), ("log_file", None)])
def test_a_log_file_may_be_switched_off(config: Path, key: str, log_file: Any) -> None:
    content = json.loads(config.read_text())
    content["output"][key] = log_file
    assert load_allen(write_json(config, content)).output.log_file == ""


NODE_SETS = [
    ("all", {"cells": [0, 1, 2, 3], "source": [0, 1, 2]}),
    ("cells", {"cells": [0, 1, 2, 3]}),
    ("biophysical", {"cells": [0, 1]}),
    ([0, 1], {"cells": [0, 1], "source": [0, 1]}),
    (2, {"cells": [2], "source": [2]}),
    ({"population": "cells", "node_id": [3, 1]}, {"cells": [1, 3]}),
    ({"populations": ["cells"], "ei": "i"}, {"cells": [2, 3]}),
    ({"pop_name": ["ball", "source"]}, {"cells": [0, 1], "source": [0, 1, 2]}),
    ({"tuning_angle": 0.0}, {"cells": [2], "source": [0]}),
    ({"node_type_id": 101, "population": "cells"}, {"cells": [2, 3]}),
    (["some", "others"], {"cells": [0, 3]}),
]


@pytest.mark.parametrize(("value", "expected"), NODE_SETS)
def test_node_sets_in_all_forms(config: Path, value: Any, expected: dict[str, list[int]]) -> None:
    sets = {
        "some": {"population": "cells", "node_id": [0]},
        "others": {"population": "cells", "node_id": [3]},
    }
    write_json(config.with_name("sets.json"), sets)
    change(config, "node_sets_file", to="$BASE/sets.json")
    change(config, "inputs", "spikes", "node_set", to=value)
    simulation = load_allen(config)
    target = TargetManager(simulation).get_target(simulation.inputs[0].node_set)
    assert {p: ids.tolist() for p, ids in target.populations.items()} == expected


def test_properties_of_nodes_win_over_those_of_their_types(config: Path) -> None:
    population = load_allen(config).circuit.nodes["cells"]
    ids, table = read_typed_nodes(population, ["tuning_angle", "ei", "dynamics_params"], np.array([3, 0]))
    assert ids.tolist() == [3, 0]
    assert table.numbers("tuning_angle").tolist() == [1.0, 10.0]
    assert table.values("ei").tolist() == ["i", "e"]
    assert table.values("dynamics_params").tolist() == ["fire.json", None]
    assert [table.value("dynamics_params", row) for row in (0, 1)] == ["fire.json", None]
    assert np.isnan(table.numbers("absent")).all()


VERBATIM = "NEURON { ARTIFICIAL_CELL IntFire2 }\nINITIAL {\nVERBATIM\n/* C */\nENDVERBATIM\n}\n"
POINTER = "NEURON { ARTIFICIAL_CELL IntFire2 POINTER other }\nASSIGNED { other }\n"
TYPES = [
    ("components/points/fire.json", "there is no file 'fire.json'", "dynamics_params"),
    ("components/synapses/exc.json", "there is no file 'exc.json'", "dynamics_params"),
]


@pytest.mark.parametrize(("file", "message", "pointer"), TYPES)
def test_missing_parts_are_found_without_neuron(config: Path, file: str, message: str, pointer: str) -> None:
    (config.parent / file).unlink()
    problems = [p for p in validate_simulation(config) if p.level == "error"]
    assert any(message in p.message and p.pointer == pointer for p in problems), problems


@pytest.mark.parametrize(
    ("folder", "component"), [("points", "point_neuron_models_dir"), ("synapses", "synaptic_models_dir")]
)
def test_a_missing_folder_is_one_error(config: Path, folder: str, component: str) -> None:
    (config.parent / "components" / folder).rename(config.parent / "elsewhere")
    (problem,) = [p for p in validate_simulation(config) if p.level == "error"]
    assert problem.message.startswith(f"the folder of components.{component} does not exist")


def test_artificial_cells_that_coreneuron_lacks(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(config, "target_simulator", to="CORENEURON")
    assert main(["validate", str(config)]) == 0
    capsys.readouterr()
    types = config.parent / "network/cells_node_types.csv"
    types.write_text(types.read_text().replace("nrn:IntFire1", "nrn:IntFire2"))
    assert main(["validate", str(config)]) == 1
    shown = capsys.readouterr().out
    assert shown.count("error: ") == 1
    assert "CoreNEURON does not have NEURON's IntFire2" in shown
    mods = config.parent / "mods"
    mods.mkdir()
    change(config, "components", "mechanisms_dir", to=str(mods))
    for text, reason in ((VERBATIM, "has VERBATIM blocks"), (POINTER, "has the POINTER other")):
        (mods / "fire.mod").write_text(text)
        assert main(["validate", str(config)]) == 1
        assert f"cannot run the mechanism IntFire2: it {reason}" in capsys.readouterr().out
    (mods / "fire.mod").write_text(VERBATIM.replace("ARTIFICIAL", "THREADSAFE ARTIFICIAL"))
    assert main(["validate", str(config)]) == 0


def test_types_that_are_wrong(config: Path) -> None:
    types = config.parent / "network/cells_node_types.csv"
    text = types.read_text()
    types.write_text(text.replace("biophysical", "biophysicl"))
    (problem, *_) = [p for p in validate_simulation(config) if p.level == "error"]
    assert "unknown model_type 'biophysicl'" in problem.message
    assert "biophysical" in str(problem.hint)
    types.write_text(text.replace("100 ", "109 "))
    assert any("does not have" in p.message for p in validate_simulation(config))
    types.write_text(text.replace("node_type_id", "type"))
    assert any("no column 'node_type_id'" in p.message for p in validate_simulation(config))


EDGE_TYPES = [
    ("0.01", "big", "'syn_weight' is not a number: 'big'", "syn_weight"),
    (" 1.0", " soon", "'delay' is not a number: 'soon'", "delay"),
    ("[0.0, 150.0]", "[150.0, 0.0]", "distance_range is not valid: '[150.0, 0.0]'", "target_sections"),
]


@pytest.mark.parametrize(("old", "new", "message", "pointer"), EDGE_TYPES)
def test_edge_types_that_are_wrong(config: Path, old: str, new: str, message: str, pointer: str) -> None:
    types = config.parent / "network/source_cells_edge_types.csv"
    assert old in types.read_text()
    types.write_text(types.read_text().replace(old, new))
    problems = [p for p in validate_simulation(config) if p.level == "error"]
    assert any(message in p.message and p.pointer == pointer and p.file == types for p in problems), problems


@pytest.mark.parametrize("file", ["points/fire.json", "synapses/exc.json"])
@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("[1]", "the top level of the file is a list")]
)
def test_damaged_parameters(config: Path, file: str, text: str, message: str) -> None:
    path = config.parent / "components" / file
    path.write_text(text)
    (problem,) = [p for p in validate_simulation(config) if p.level == "error"]
    assert message in problem.message
    assert problem.file == path


def test_validate_command(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(config)]) == 0
    edges = config.parent / "network/source_cells_edge_types.csv"
    edges.write_text(edges.read_text().replace("dend", "dent"))
    assert main(["validate", str(config)]) == 1
    assert "unknown sections 'dent'" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["spikes_file", "spikes_file_csv", "spikes_file_nwb", "log_file"])
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.x", "output/a.x"),
        ("sub/a.x", "output/sub/a.x"),
        ("../a.x", "a.x"),
        ("$BASE/a.x", "a.x"),
        ("$BASE/output/sub/a.x", "output/sub/a.x"),
    ],
)
def test_files_of_results_keep_their_path(config: Path, key: str, text: str, path: str) -> None:
    output = load_allen(change(config, "output", key, to=text)).output
    assert Path(os.path.normpath(output.directory / getattr(output, key))) == config.parent / path


def test_output_dir_is_not_put_into_paths_twice(config: Path) -> None:
    change(config, "output", "output_dir", to="./output")
    change(config, "output", "log_file", to="output/log.txt")
    output = load_allen(config).output
    assert output.directory / output.log_file == config.parent / "output/log.txt"


@pytest.mark.parametrize("text", ["logs/", "."])
def test_a_folder_is_no_file_of_results(config: Path, text: str) -> None:
    (error,) = read_allen(change(config, "output", "log_file", to=text)).errors
    assert "'log_file' is a folder" in str(error)
    assert error.pointer == "/output/log_file"


def test_a_report_may_not_write_over_spikes_elsewhere(config: Path) -> None:
    change(config, "output", "spikes_file", to="$BASE/elsewhere/v.h5")
    report = {"module": "membrane_report", "cells": "cells", "variable_name": "v", "sections": "soma"}
    change(config, "reports", to={"v": {**report, "file_name": "../elsewhere/v.h5"}})
    (error,) = read_allen(config).errors
    assert "would write over the spikes" in str(error)


KEYS = [
    (("run", "spike_treshold"), -20.0, "did you mean 'spike_threshold'?"),
    (("output", "spike_file"), "a.h5", "did you mean 'spikes_file'"),
    (("output", "overwrite_output"), True, "did you mean 'overwrite_output_dir'"),
    (("networks", "edges", 0, "enable"), False, "did you mean 'enabled'?"),
    (("networks", "nodes", 1, "node_type_file"), "a.csv", "did you mean 'node_types_file'"),
    (("inputs", "spikes", "node_sets"), "source", "did you mean 'node_set'?"),
    (("report",), {}, "did you mean 'reports'"),
    (("conditions", "other"), 1, "it is passed over"),
    (("output", "log_format"), "%(message)s", "--verbose"),
    (("output", "log_to_console"), False, "--verbose"),
    (("output", "quiet_simulator"), True, "--quiet"),
    (("inputs", "spikes", "input_type"), "current_clamp", '"input_type": "spikes"'),
]


@pytest.mark.parametrize(("where", "value", "hint"), KEYS)
def test_keys_without_effect_are_noticed(
    config: Path, where: tuple[str | int, ...], value: Any, hint: str
) -> None:
    before = set(load_allen(config).notices)
    found = load_allen(change(config, *where, to=value))
    (notice,) = set(found.notices) - before
    assert notice.pointer == "/" + "/".join(map(str, where))
    assert "no effect" in notice.message
    assert hint in str(notice.hint)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("output", "log_to_console"), True),
        (("output", "quiet_simulator"), False),
        (("run", "_note"), "to myself"),
        (("analysis",), {"of": "a script"}),
    ],
)
def test_keys_that_harm_nobody_are_not_noticed(config: Path, where: tuple[str, ...], value: Any) -> None:
    before = load_allen(config).notices
    assert load_allen(change(config, *where, to=value)).notices == before


def test_spikes_are_those_of_the_nodes_that_fire(
    config: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with h5py.File(config.parent / "spikes.h5", "r+") as h5:
        h5["spikes/another/timestamps"], h5["spikes/another/node_ids"] = [1.0], [0]
    (block,) = load_allen(config).inputs
    assert load_train(block, "source").timestamps.tolist() == [5.0, 12.0, 9.0, 20.0]
    assert main(["validate", str(config)]) == 0
    with h5py.File(config.parent / "spikes.h5", "r+") as h5:
        h5.move("spikes/source", "spikes/others")
    capsys.readouterr()
    assert main(["validate", str(config)]) == 1
    assert "the file has spikes of another, others, but not of cells or source" in capsys.readouterr().out
    with pytest.raises(CircuitError, match="but not of source"):
        load_train(block, "source")
    (named,) = load_allen(change(config, "inputs", "spikes", "population", to="others")).inputs
    assert load_train(named, "source").timestamps.tolist() == [5.0, 12.0, 9.0, 20.0]
    with h5py.File(config.parent / "spikes.h5", "r+") as h5:
        del h5["spikes/another"]
    assert load_train(block, "source").timestamps.tolist() == [5.0, 12.0, 9.0, 20.0]
    assert not check_spike_inputs([block], populations=["source"])
    assert "has spikes of 'others', which is no population of the circuit" in caplog.text


def test_unknown_keys_of_clamps_are_told_once(
    config: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    clamp = {"module": "IClamp", "input_type": "current_clamp", "amp": 0.1, "delay": 1.0, "duration": 5.0}
    change(config, "inputs", "clamp", to={**clamp, "node_set": "cells", "section_nane": "soma"})
    assert main(["validate", str(config)]) == 0
    said = capsys.readouterr()
    assert (said.out + said.err + caplog.text).count("there is no 'section_nane'") == 1
    assert "did you mean 'section_name'" in said.out
    check_before_run(config, further=lambda read: find_unknown_keys(read.inputs, read))
    assert caplog.text.count("there is no 'section_nane'") == 1
