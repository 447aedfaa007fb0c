"""Options for models in files on the command line: one clear message for what cannot be, before anything is built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.allen_model import write_model
from tests.helpers import run_mpi, run_python

pytestmark = pytest.mark.neuron

RUN = ("-m", "neurodamus_like.cli.main", "run")
CORE = ("--simulator=CORENEURON", "--no-progress")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    return write_demo_circuit(folder / "circuit", n_cells=10, tstop_ms=5.0, seed=5)


@pytest.fixture(scope="module")
def model(config: Path) -> Path:
    """Build the model once; tests damage copies of it."""
    folder = config.parent / "model"
    args = [*RUN, str(config), *CORE, "--simulate-model=0", f"--build-path={folder}"]
    done = run_python(args, 600)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--simulator=NEURON", "--modelbuilding-steps=2"), "only CoreNEURON simulates models from files"),
        ((*CORE, "--modelbuilding-steps=11"), "more than the number of cells of any rank"),
        ((*CORE, "--modelbuilding-steps=many"), "--modelbuilding-steps=many is not valid"),
        ((*CORE, "--build-model=0"), "there is no complete model"),
        ((*CORE, "--build-model=0", "--simulate-model=0"), "leave nothing to do"),
        ((*CORE, "--coreneuron-direct-mode", "--keep-build"), "exclude each other"),
        ((*CORE, "--build-model=maybe"), "--build-model=maybe is not valid"),
        (("--lb-mode=WholeSell",), "did you mean 'WholeCell'?"),
    ],
)
def test_one_message_and_exit_code_1(
    config: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    args = [
        *RUN,
        str(config),
        *options,
        f"--output-path={tmp_path / 'out'}",
        f"--build-path={tmp_path / 'b'}",
    ]
    done = run_python(args, 300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("b/coreneuron_input/*")), "something was built"


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--modelbuilding-steps=6",
            "--modelbuilding-steps=6 is more than the number of cells of any rank",
        ),
        ("--lb-mode=WholeSell", "unknown load balance mode 'WholeSell'"),
    ],
)
def test_one_message_ends_all_ranks(config: Path, tmp_path: Path, option: str, message: str) -> None:
    args = [*RUN, str(config), *CORE, option, f"--output-path={tmp_path / 'out'}"]
    done = run_mpi(2, [*args, f"--build-path={tmp_path / 'b'}"], 100)
    assert done.returncode == 1
    assert done.stderr.count(message) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.mpi
def test_a_mechanism_that_coreneuron_does_not_have_ends_all_ranks(tmp_path: Path) -> None:
    config = write_model(tmp_path / "model")
    types = tmp_path / "model" / "network" / "cells_node_types.csv"
    types.write_text(types.read_text().replace("nrn:IntFire1", "nrn:IntFire2"))
    args = [*RUN, str(config), *CORE, f"--output-path={tmp_path / 'out'}"]
    done = run_mpi(2, args, 300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("CoreNEURON does not have NEURON's IntFire2") == 1
    assert done.stderr.count("simulate with NEURON") == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def synapses_of(config: Path) -> int:
    total = 0
    for name in ("edges.h5", "edges_thalamus.h5"):
        with h5py.File(config.parent / name) as file:
            total += sum(population["target_node_id"].size for population in file["edges"].values())
    return total


@pytest.mark.parametrize("way", ["memory", "files"])
def test_model_stats(config: Path, tmp_path: Path, way: str) -> None:
    """CoreNEURON prints what the model has, once: as many synapses as the circuit has edges."""
    files = ("--modelbuilding-steps=2", f"--build-path={tmp_path / 'b'}") if way == "files" else ()
    args = [*RUN, str(config), *CORE, *files, "--model-stats", f"--output-path={tmp_path / 'out'}"]
    done = run_python(args, 300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("MECHANISMS COUNT AND SIZE BY TYPE") == 1
    rows = [line.split() for line in done.stdout.splitlines()]
    counts = {row[1]: int(row[2]) for row in rows if len(row) == 4 and row[0].isdigit()}
    assert counts["ProbAMPANMDA_EMS"] + counts["ProbGABAAB_EMS"] == synapses_of(config)
    assert counts["GaussianNoiseCurrent"] == 10, "one for each cell"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("0_2.dat", "0_2.dat has 3 bytes, it was written with"),
        ("files.dat", "the list of groups is damaged"),
        ("globals.dat", "globals.dat of the model is missing"),
        ("model.json", "there is no complete model"),
    ],
)
def test_damaged_models_are_not_simulated(
    config: Path, model: Path, tmp_path: Path, file: str, message: str
) -> None:
    copy = shutil.copytree(model, tmp_path / "model")
    path = copy / "coreneuron_input" / file
    path.unlink()
    if "missing" not in message and "no complete" not in message:
        path.write_bytes(b"cut")
    args = [*RUN, str(config), *CORE, "--build-model=0", f"--build-path={copy}"]
    done = run_python([*args, f"--output-path={tmp_path / 'out'}"], 100)
    assert done.returncode == 1, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_of_another_configuration_is_built_again_or_refused(
    config: Path, model: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(model, tmp_path / "model")
    settings = json.loads(config.read_text())
    settings["run"]["random_seed"] = 77
    other = config.parent / "other_seed.json"
    other.write_text(json.dumps(settings))
    args = [*RUN, str(other), *CORE, f"--build-path={copy}", f"--output-path={tmp_path / 'out'}"]
    done = run_python([*args, "--build-model=0"], 100)
    assert done.returncode == 1
    assert "differs in /run" in done.stderr
    (copy / "coreneuron_input" / "4711_2.dat").write_text("of an older model on more ranks")
    done = run_python([*args, "--keep-build"], 100)
    assert done.returncode == 0, done.stderr
    assert "is built again: it differs in /run" in done.stdout + done.stderr
    assert not (copy / "coreneuron_input" / "4711_2.dat").exists(), "files of two models are mixed"
    assert (tmp_path / "out" / "out.h5").exists()


def test_a_model_of_cells_that_were_edited_in_place_is_built_again_or_refused(
    config: Path, model: Path, tmp_path: Path
) -> None:
    """Names, sizes and times of folders are as they were: only the contents of the files tell."""
    copy = shutil.copytree(model, tmp_path / "model")
    template, morphology = config.parent / "hoc" / "DemoPyramidal.hoc", config.parent / "asc" / "L5_PC_0.asc"
    before = {path: path.read_text() for path in (template, morphology)}
    args = [*RUN, str(config), *CORE, f"--build-path={copy}", f"--output-path={tmp_path / 'out'}"]
    try:
        template.write_text(before[template] + "// edited\n")
        morphology.write_text(before[morphology] + "; edited\n")
        refused = run_python([*args, "--build-model=0"], 100)
        built = run_python([*args, "--simulate-model=0"], 300)
    finally:
        for path, text in before.items():
            path.write_text(text)
    assert refused.returncode == 1
    assert refused.stderr.count("the model on disk differs in cell models, morphologies") == 1
    assert "Traceback" not in refused.stderr
    assert built.returncode == 0, built.stderr
    assert "is built again: it differs in cell models, morphologies" in built.stdout + built.stderr


POINTING = """NEURON { SUFFIX pointing POINTER other }
ASSIGNED { other }
"""
VERBATIM = """NEURON { SUFFIX verbatim }
INITIAL {
VERBATIM
    /* C */
ENDVERBATIM
}
"""


def test_mechanisms_that_coreneuron_cannot_run_are_one_message(config: Path, tmp_path: Path) -> None:
    """`validate` knows it from the files of the circuit, before anything is compiled."""
    circuit = tmp_path / "circuit"
    shutil.copytree(config.parent / "hoc", circuit / "hoc")
    for path in config.parent.iterdir():
        if path.is_file():
            shutil.copy(path, circuit)
    for folder in ("asc", "swc"):
        (circuit / folder).symlink_to(config.parent / folder)
    (circuit / "mod").mkdir()
    for name, text in (("pointing", POINTING), ("verbatim", VERBATIM)):
        (circuit / "mod" / f"{name}.mod").write_text(text)
    template = circuit / "hoc" / "DemoPyramidal.hoc"
    template.write_text(
        template.read_text().replace("insert pas", "insert pas insert pointing insert verbatim")
    )
    document = circuit / "circuit_config.json"
    settings = json.loads(document.read_text())
    settings["networks"]["nodes"][0]["populations"]["Exc"]["mechanisms_dir"] = "$CIRCUIT_DIR/mod"
    document.write_text(json.dumps(settings))
    simulation = {**json.loads(config.read_text()), "target_simulator": "CORENEURON"}
    simulation.pop("node_set", None)
    (circuit / config.name).write_text(json.dumps(simulation))
    done = run_python(["-m", "neurodamus_like.cli.main", "validate", str(circuit / config.name)], 300)
    message = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, message
    assert message.count("pointing: it has the POINTER other and is not declared THREADSAFE") == 1
    assert message.count("verbatim: it has VERBATIM blocks and is not declared THREADSAFE") == 1
    assert "add THREADSAFE to its NEURON block" in message
    assert "--simulator=NEURON" in message
    assert "Traceback" not in message
