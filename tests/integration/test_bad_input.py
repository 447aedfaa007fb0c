"""Bad input through the command line: one clear message, exit code 1, no traceback, nothing half-written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.helpers import run_mpi, run_python

pytestmark = pytest.mark.neuron

Change = Callable[[Path, dict[str, Any]], None]


def _edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def _circuit(config: dict[str, Any], folder: Path) -> Path:
    return folder / config["network"]


def _tstop_zero(folder: Path, config: dict[str, Any]) -> None:
    config["run"]["tstop"] = 0


def _tstop_negative(folder: Path, config: dict[str, Any]) -> None:
    config["run"]["tstop"] = -5.0


def _dt_zero(folder: Path, config: dict[str, Any]) -> None:
    config["run"]["dt"] = 0


def _misspelt_key(folder: Path, config: dict[str, Any]) -> None:
    config["run"]["tstopp"] = config["run"].pop("tstop")


def _misspelt_node_set(folder: Path, config: dict[str, Any]) -> None:
    next(iter(config["inputs"].values()))["node_set"] = "Excitatry"


def _unknown_module(folder: Path, config: dict[str, Any]) -> None:
    next(iter(config["inputs"].values()))["module"] = "hyperpolarising"


def _missing_circuit(folder: Path, config: dict[str, Any]) -> None:
    config["network"] = "circuit_konfig.json"


def _empty_node_set(folder: Path, config: dict[str, Any]) -> None:
    node_sets = next(folder.rglob("node_sets.json"))
    _edit_json(node_sets, lambda d: d.update(Nobody={"mtype": "no such type"}))
    config["node_set"] = "Nobody"


def _absent_template(folder: Path, config: dict[str, Any]) -> None:
    next(folder.rglob("*.hoc")).unlink()


def _truncated_edges(folder: Path, config: dict[str, Any]) -> None:
    _halve(max(folder.rglob("*edges*.h5"), key=lambda p: p.stat().st_size))


def _section_out_of_range(folder: Path, config: dict[str, Any]) -> None:
    edges = max(folder.rglob("*edges*.h5"), key=lambda p: p.stat().st_size)
    with h5py.File(edges, "r+") as file:
        for population in file["edges"].values():
            population["0/afferent_section_id"][0] = 99_999


def _missing_population(folder: Path, config: dict[str, Any]) -> None:
    def rename(circuit: dict[str, Any]) -> None:
        populations = circuit["networks"]["nodes"][0]["populations"]
        name = next(iter(populations))
        populations[name + "x"] = populations.pop(name)

    _edit_json(_circuit(config, folder), rename)


def _missing_mechanism(folder: Path, config: dict[str, Any]) -> None:
    template = next(folder.rglob("*.hoc"))
    text = template.read_text().replace("insert pas", "insert pas insert Kv99 insert NaQuick", 1)
    assert "Kv99" in text
    template.write_text(text)


def _halve(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def _damaged_morphology(folder: Path, config: dict[str, Any]) -> None:
    for file in folder.glob("asc/*.asc"):
        _halve(file)


def _truncated_swc(folder: Path, config: dict[str, Any]) -> None:
    def use_swc(circuit: dict[str, Any]) -> None:
        for nodes in circuit["networks"]["nodes"]:
            for population in nodes["populations"].values():
                population.pop("alternate_morphologies", None)

    _edit_json(_circuit(config, folder), use_swc)
    for file in folder.glob("swc/*.swc"):
        _halve(file)


def _missing_morphology(folder: Path, config: dict[str, Any]) -> None:
    for file in folder.glob("asc/*.asc"):
        file.unlink()


def _truncated_nodes(folder: Path, config: dict[str, Any]) -> None:
    _halve(folder / "nodes.h5")


def _damaged_replay(folder: Path, config: dict[str, Any]) -> None:
    _halve(folder / "thalamus_spikes.h5")


def _misspelt_optional_key(folder: Path, config: dict[str, Any]) -> None:
    config["run"]["integration_methd"] = 0


def _broken_hoc(folder: Path, config: dict[str, Any]) -> None:
    for file in folder.glob("hoc/*.hoc"):
        file.write_text(file.read_text().replace("proc init() {", "proc init() { this is ( broken", 1))


CASES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "tstop zero": (_tstop_zero, ("tstop",)),
    "tstop negative": (_tstop_negative, ("tstop",)),
    "dt zero": (_dt_zero, ("dt",)),
    "misspelt key": (_misspelt_key, ("tstopp", "tstop")),
    "misspelt node set": (_misspelt_node_set, ("Excitatry", "did you mean", "Excitatory")),
    "unknown module": (_unknown_module, ("hyperpolarising", "did you mean", "hyperpolarizing")),
    "missing circuit": (_missing_circuit, ("circuit_konfig.json",)),
    "empty node set": (_empty_node_set, ("Nobody",)),
    "absent template": (_absent_template, (".hoc",)),
    "truncated edges": (_truncated_edges, ("edges", "truncated")),
    "section out of range": (_section_out_of_range, ("99999", "section", "where: ", "edges_thalamus.h5")),
    "missing population": (_missing_population, ("population",)),
    "missing mechanism": (
        _missing_mechanism,
        ("Kv99", "NaQuick", "expected: in ", "/mod, ", "libnrnmech.so"),
    ),
    "damaged morphology": (_damaged_morphology, ("truncated", ".asc", "Demo", "ids ", "parse error")),
    "truncated SWC": (_truncated_swc, ("is not a point", ".swc", "could not parse")),
    "missing morphology": (_missing_morphology, ("not found", ".asc", "looked in")),
    "truncated nodes": (_truncated_nodes, ("nodes.h5", "truncated")),
    "damaged replay": (_damaged_replay, ("thalamus_spikes.h5", "truncated")),
    "misspelt optional key": (
        _misspelt_optional_key,
        ("integration_methd", "did you mean 'integration_method'?", "/run/"),
    ),
    "broken HOC": (_broken_hoc, ("HOC could not read", "where: ", ".hoc", "syntax error")),
}


def _messages(text: str) -> int:
    return len(re.findall(r"^(?:rank \d+: )?error: ", text, re.MULTILINE))


@pytest.mark.parametrize("case", CASES)
def test_one_clear_message(case: str, tmp_path: Path) -> None:
    change, texts = CASES[case]
    config = write_demo_circuit(tmp_path / "circuit", n_cells=10, tstop_ms=5.0, seed=3)
    parsed = json.loads(config.read_text())
    change(tmp_path / "circuit", parsed)
    config.write_text(json.dumps(parsed))
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), f"--output-path={tmp_path / 'out'}"]
    done = run_python(args, 120)
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert "Traceback" not in text
    assert _messages(text) == 1, text
    for expected in texts:
        assert expected.lower() in text.lower(), text
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("*.h5*"))
    assert not list((tmp_path / "out").glob(".*.part"))


@pytest.mark.mpi
@pytest.mark.parametrize(
    "case", ["tstop zero", "section out of range", "missing mechanism", "damaged morphology"]
)
def test_one_message_on_two_ranks(case: str, tmp_path: Path) -> None:
    change, texts = CASES[case]
    config = write_demo_circuit(tmp_path / "circuit", n_cells=10, tstop_ms=5.0, seed=3)
    parsed = json.loads(config.read_text())
    change(tmp_path / "circuit", parsed)
    config.write_text(json.dumps(parsed))
    done = run_mpi(2, ["-m", "neurodamus_like.cli.main", "run", str(config)], 120)
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert "Traceback" not in text
    assert _messages(text) == 1, text
    for expected in texts:
        assert expected.lower() in text.lower(), text
