"""The frame of the command line: commands, options, help, and answers to wrong input."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

import h5py
import pytest
from small_circuit import write_small_circuit

from neurodamus_like import __version__
from neurodamus_like.cli import doctor, run
from neurodamus_like.cli.commands import COMMANDS, Command, UsageError, parse_arguments
from neurodamus_like.cli.main import main, normalise
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.logs import close_logging
from neurodamus_like.parallel import diagnosis
from neurodamus_like.parallel.diagnosis import Finding, is_run_possible
from neurodamus_like.progress import configure_progress
from neurodamus_like.simulation.options import RunOptions


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "simulation_config.json"
    path.write_text("{}")
    return path


def test_help_shows_each_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in ("run", "doctor"):
        assert re.search(rf"^  {name} +{re.escape(COMMANDS[name].summary)}$", shown, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS.names())
def test_help_of_a_command_is_its_docopt_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"neurodamus-like {name}" in shown
    assert "Usage:" in shown


def test_version_and_empty_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"neurodamus-like {__version__}"
    assert main([]) == 1
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "a.json"], ["run", "a.json"]),
        (["a.json", "-v"], ["run", "a.json", "-v"]),
        (["-v", "a.json"], ["run", "-v", "a.json"]),
        (["doctor"], ["doctor"]),
    ],
)
def test_a_configuration_alone_means_run(words: list[str], expected: list[str]) -> None:
    assert normalise(words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["docter"], "did you mean 'doctor'?"),
        (["--bogus"], "unknown option '--bogus'"),
        (["run"], "run: wrong arguments"),
        (["run", "a.json", "b.json"], "run: wrong arguments"),
        (["run", "a.json", "--output-pth=x"], "did you mean '--output-path'?"),
        (["run", "a.json", "--sav=x"], "did you mean '--save'?"),
        (["validate", "a.json", "--jso"], "did you mean '--json'?"),
        (["submit", "a.json", "--node=2"], "did you mean '--nodes' or '--now'?"),
        (["run", "a.json", "--output-path"], "--output-path requires argument"),
        (["run", "missing.json"], "the simulation configuration does not exist"),
        (["run", "missing.json", "--debug"], "Traceback"),
        (["doctor", "--jsn"], "did you mean '--json'?"),
    ],
)
def test_wrong_command_lines(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert ("Traceback" in shown) == ("--debug" in words)


@pytest.mark.parametrize("name", sorted(run.LATER_OPTIONS))
def test_options_of_later_versions_are_answered_and_not_offered(name: str, config: Path) -> None:
    assert name not in (run.__doc__ or "")
    with pytest.raises(UsageError, match=f"option {name} is not available in this version"):
        run.parse([str(config), f"{name}=1"])


def test_options_reach_the_run(config: Path, tmp_path: Path) -> None:
    mods = tmp_path / "mods"
    mods.mkdir()
    words = (
        f"--debug --no-progress --use-color=off --output-path={tmp_path}/out --disable-reports --lb-mode=rr "
        "--simulator=coreneuron --cell-permute=node-adjacency --model-stats --coreneuron-direct-mode"
    )
    found, options = run.parse(
        [str(config), *words.split(), "--report-buffer-size=0.5", f"--mechanisms={mods}"]
    )
    assert found == config
    assert options == RunOptions(
        debug=True,
        progress=False,
        use_color=False,
        output_path=tmp_path / "out",
        disable_reports=True,
        lb_mode="RoundRobin",
        report_buffer_size_mb=0.5,
        mechanisms_dir=mods,
        simulator="CORENEURON",
        coreneuron_direct_mode=True,
        cell_permute="node-adjacency",
        model_stats=True,
    )
    assert options.buffer_mb("CORENEURON") == 0.5
    assert RunOptions().buffer_mb("NEURON") == 8


def test_options_of_the_command_line_default_to_those_of_python(config: Path) -> None:
    assert run.parse([str(config)])[1] == RunOptions()


def test_console_follows_the_options() -> None:
    try:
        run.configure_console(RunOptions(quiet=True, progress=False))
        assert logging.getLogger("neurodamus_like").level == logging.WARNING
    finally:
        close_logging()
        configure_progress()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--report-buffer-size=0"], "--report-buffer-size=0 is not valid"),
        (["--report-buffer-size=big"], "--report-buffer-size=big is not valid"),
        (["--seed=-1"], "--seed=-1 is not valid"),
        (["--seed=often"], "--seed=often is not valid"),
        (["--use-color=blue"], "--use-color=blue is not valid"),
        (["--simulator=CORENEURN"], "did you mean 'CORENEURON'"),
        (["--cell-permute=2"], "expected: unpermuted or node-adjacency"),
        (["--lb-mode=WholeCel"], "did you mean 'WholeCell'?"),
        (["--lb-mode=RoundRobbin"], "did you mean 'RoundRobin'?"),
        (["--quiet", "-v"], "exclude each other"),
        (["--mechanisms=no_such_folder"], "the folder of --mechanisms does not exist"),
        (["--nrnmech=no_such_file"], "the library of --nrnmech does not exist"),
        (["--nrnmech=x", "--mechanisms=y"], "exclude each other"),
        (["--output-path=CONFIG"], "--output-path is a file"),
    ],
)
def test_wrong_values(words: list[str], message: str, config: Path) -> None:
    words = [word.replace("CONFIG", str(config)) for word in words]
    with pytest.raises(ConfigurationError) as caught:
        run.parse([str(config), *words])
    assert message in str(caught.value)


def test_command_that_is_not_installed() -> None:
    command = Command("ghost", "neurodamus_like.cli.ghost", "not there")
    assert not command.is_installed()
    with pytest.raises(Exception, match="'ghost' is not part of this installation"):
        command.load()


def test_parse_arguments_leaves_help_to_the_frame() -> None:
    assert parse_arguments(doctor.__doc__ or "", ["doctor", "--json"])["--json"] is True


def test_doctor_lists_what_is_missing_and_what_to_type() -> None:
    findings = [
        Finding("Python", True, "3.11", "runs"),
        Finding("make", False, "make not found", "runs", "sudo apt-get install make"),
        Finding("perl", False, "perl not found", "CoreNEURON", "sudo apt-get install perl"),
    ]
    text = doctor.format_findings(findings)
    assert "  --  make    make not found" in text
    assert "  make (for runs): sudo apt-get install make" in text
    assert text.endswith(
        "with NEURON NOT possible, on several ranks NOT possible, with CoreNEURON NOT possible."
    )
    text = doctor.format_findings([findings[0], findings[2]])
    assert text.endswith("with NEURON possible, on several ranks possible, with CoreNEURON NOT possible.")
    assert not is_run_possible(findings)
    assert is_run_possible([findings[0], findings[2]])


@pytest.mark.parametrize(("answer", "ok"), [("is UP", True), ("is DOWN", False)])
def test_slurm_without_a_controller_is_said(
    answer: str, ok: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, says in (
        ("scontrol", f"Slurmctld(primary) at here {answer}"),
        ("srun", "MPI plugin types are...\n pmi2"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = diagnosis.check_slurm()
    assert found.ok == ok
    assert ("pmi2" in found.found) == ok
    assert ("no controller answers" in found.found) == (not ok)


@pytest.mark.slow
def test_doctor_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)}
    assert {"NEURON", "h5py", "libsonata", "MPI library", "C++ compiler", "machine"} <= set(findings)
    assert findings["NEURON"]["ok"]
    assert code == (0 if all(f["ok"] for f in findings.values() if f["needed_for"] == "runs") else 1)


@pytest.mark.parametrize("typed", [".", "simulation_confg.json", "circuit.json"])
def test_a_wrong_configuration_path_names_what_is_there(
    typed: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    with pytest.raises(ConfigurationError) as caught:
        run.parse([typed])
    assert "simulation_config.json" in str(caught.value.hint)


def test_a_file_without_spikes_is_no_raster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "soma.h5", "w") as h5:
        h5.create_group("report")
    assert main(["plot", "raster", str(tmp_path / "soma.h5")]) == 1
    shown = capsys.readouterr()
    assert "the file holds no spikes" in shown.err + shown.out
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("command", [["plot", "raster"], ["info"]])
def test_a_missing_file_names_what_is_there(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("spikes.h5", ".hidden.h5", "spikes.json", "notes.txt"):
        (tmp_path / name).touch()
    assert main([*command, str(tmp_path / "spiks.h5")]) == 1
    assert "did you mean 'spikes.h5'?" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "zebra.h5")]) == 1
    assert f"HDF5 files in {tmp_path}: spikes.h5\n" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "nowhere" / "zebra.h5")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_a_data_file_is_no_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "nodes.h5", "w") as h5:
        h5.create_group("nodes")
    assert main(["validate", str(tmp_path / "nodes.h5")]) == 1
    assert "neurodamus-like info nodes.h5" in capsys.readouterr().out


def test_a_mark_of_success_is_no_configuration(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.with_name("simulation_config.json.SUCCESS").touch()
    assert main(["validate", str(config.with_name("simulation_confg.json"))]) == 1
    assert "did you mean 'simulation_config.json'?" in capsys.readouterr().out


def test_submit_refuses_a_script_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_small_circuit(tmp_path)
    assert main(["submit", str(config), f"--script={tmp_path}/nodir/x.sh"]) == 1
    assert "the file of --script is in a folder that does not exist" in capsys.readouterr().err
    assert main(["submit", str(config), f"--script={tmp_path}/x.sh", "--mem=lots"]) == 1
    assert "--mem=lots is not valid" in capsys.readouterr().err
    assert not (tmp_path / "x.sh").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--modelbuilding-steps=3", "--keep-build"),
            "with --modelbuilding-steps, --keep-build the run has no checkp",
        ),
        (("--lb-mode=multisplit",), "with --lb-mode=MultiSplit the run has no checkpoints"),
        (("--checkpoint-every=100",), None),
    ],
)
def test_submit_warns_of_jobs_that_cannot_be_saved(
    options: tuple[str, ...], said: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = write_small_circuit(tmp_path)
    assert main(["submit", str(config), f"--script={tmp_path}/x.sh", "--", *options]) == 0
    warnings = [record.getMessage() for record in caplog.records if "checkpoints" in record.getMessage()]
    assert len(warnings) == (said is not None)
    assert said is None or (said in warnings[0] and "what it has computed is lost" in warnings[0])
    assert options[0] in (tmp_path / "x.sh").read_text()
