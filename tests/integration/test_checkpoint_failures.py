"""What does not fit or is damaged is refused with its reason; a failure while saving leaves the last checkpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from tests.helpers import run_python
from tests.restart_circuit import assert_same, results, simulate, write_circuit

pytestmark = pytest.mark.neuron

END, SAVED = 30.0, 12.5


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a run that ended at `SAVED`."""
    folder = tmp_path_factory.mktemp("saved")
    simulate(write_circuit(folder, SAVED), f"--save={folder / 'checkpoint'}")
    return folder / "checkpoint"


def table(checkpoint: Path) -> Path:
    return next(checkpoint.glob("state-*/rank-00000.h5"))


def damage_index(checkpoint: Path) -> None:
    (checkpoint / "checkpoint.json").write_text('{"format": 1, "time_ms"')


def remove_table(checkpoint: Path) -> None:
    table(checkpoint).unlink()


def cut_table(checkpoint: Path) -> None:
    content = table(checkpoint).read_bytes()
    table(checkpoint).write_bytes(content[: len(content) // 2])


def change_table(checkpoint: Path) -> None:
    content = bytearray(table(checkpoint).read_bytes())
    content[len(content) // 2] ^= 0xFF
    table(checkpoint).write_bytes(content)


def other_format(checkpoint: Path) -> None:
    edit_index(checkpoint, format=99)


def other_version(checkpoint: Path) -> None:
    edit_index(checkpoint, versions={"neurodamus_like": "0.0.1", "neuron": "8.2"})


def edit_index(checkpoint: Path, **changes: Any) -> None:
    index = checkpoint / "checkpoint.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), **changes}))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "there is no checkpoint": shutil.rmtree,
    "the checkpoint cannot be read": damage_index,
    "the checkpoint is incomplete: a file is missing": remove_table,
    "the checkpoint is incomplete: a file has": cut_table,
    "the checkpoint has format 99": other_format,
    "the checkpoint was written by other versions": other_version,
}
CHANGES: dict[str, dict[str, Any]] = {
    "of another simulation: not the same run": {"run": {"tstop": END, "dt": 0.05, "random_seed": 11}},
    "of another simulation: not the same conditions": {"conditions": {"v_init": -70.0, "celsius": 6.3}},
    "of another simulation: not the same node sets": {"node_set": "A"},
    "of another simulation: not the same inputs": {"inputs": {}},
    "of another simulation: not the same connection_overrides": {"connection_overrides": []},
    "at 12.5 ms, the run ends at 12.3": {"run": {"tstop": 12.3, "dt": 0.025, "random_seed": 11}},
}
TRY = """
import json, sys
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.simulation.node import Neurodamus
answers = {}
for reason, (config, options) in json.load(open(sys.argv[1])).items():
    try:
        Neurodamus(config, auto_init=False, progress=False, **options)
        answers[reason] = "no error"
    except NeurodamusLikeError as error:
        answers[reason] = str(error)
print("ANSWERS" + json.dumps(answers))
"""


def test_checkpoints_that_do_not_fit_are_refused_before_anything_is_built(
    saved: Path, tmp_path: Path
) -> None:
    cases: dict[str, tuple[Path, dict[str, Any]]] = {}
    plain = write_circuit(tmp_path / "plain", END)
    for number, (reason, damage) in enumerate(DAMAGES.items()):
        copy = tmp_path / f"checkpoint{number}"
        shutil.copytree(saved, copy)
        damage(copy)
        cases[reason] = plain, {"restore": copy}
    for number, (reason, changes) in enumerate(CHANGES.items()):
        config = write_circuit(tmp_path / f"changed{number}", END, **changes)
        cases[reason] = config, {"restore": saved, "disable_reports": True}
    cases |= _other_reports_and_circuits(saved, tmp_path)
    (tmp_path / "cases.json").write_text(json.dumps(cases, default=str))
    done = run_python(["-c", TRY, str(tmp_path / "cases.json")], 300)
    assert done.returncode == 0, done.stderr
    answers = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("ANSWERS"))[7:])
    assert [reason for reason in cases if reason not in answers[reason]] == [], answers


def _other_reports_and_circuits(saved: Path, folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    config = write_circuit(folder / "reports", END)
    document = json.loads(config.read_text())
    document["reports"]["v"]["dt"] = 0.2
    config.write_text(json.dumps(document))
    new = write_circuit(folder / "new", END)
    document["reports"] = {"new": document["reports"]["late"]}
    new.write_text(json.dumps(document))
    edge = write_circuit(folder / "edge", END)
    with h5py.File(folder / "edge" / "edges_A__A.h5", "a") as file:
        file["edges/A__A/0/conductance"][0] = 3.5
    morphology = write_circuit(folder / "morphology", END)
    (folder / "morphology" / "morph" / "none.swc").write_text("# another one\n")
    sets = write_circuit(folder / "sets", END)
    rules = json.loads((folder / "sets" / "node_sets.json").read_text())
    rules["first"]["node_id"] = [3]  # of a stimulus
    (folder / "sets" / "node_sets.json").write_text(json.dumps(rules))
    return {
        "the report 'v' is not what it was in the saved run": (config, {"restore": saved}),
        "the report 'new' was not part of the saved run": (new, {"restore": saved}),
        "of another simulation: not the same circuit": (edge, {"restore": saved}),
        "of another simulation: not the same morphologies": (morphology, {"restore": saved}),
        "of another simulation: not the same inputs, connection_overrides": (sets, {"restore": saved}),
    }


def test_a_template_that_was_edited_in_place(saved: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, END)
    template = tmp_path / "hoc" / "TinyCell.hoc"
    before = template.read_text()
    template.write_text(before.replace("pt3dadd(0, 0, 0, 20)", "pt3dadd(0, 0, 0, 21)"))
    assert template.read_text() != before
    text = simulate(config, f"--restore={saved}", code=1)
    assert text.count("the checkpoint is of another simulation: not the same cell models") == 1
    assert "Traceback" not in text
    assert not (tmp_path / "output").exists()


def test_a_changed_file_and_other_mechanisms(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "checkpoint")
    change_table(tmp_path / "checkpoint")
    config = write_circuit(tmp_path, END)
    text = simulate(config, f"--restore={tmp_path / 'checkpoint'}", code=1)
    assert "error: a file of the checkpoint has been changed or damaged" in text
    assert "Traceback" not in text
    (tmp_path / "mod").mkdir()
    (tmp_path / "mod" / "Other.mod").write_text("NEURON { SUFFIX Other }\n")
    text = simulate(config, f"--restore={saved}", f"--mechanisms={tmp_path / 'mod'}", code=1)
    assert "of another simulation: not the same mechanisms" in text


def test_options_that_make_no_sense(tmp_path: Path) -> None:
    config = write_circuit(tmp_path, END)
    (tmp_path / "file").write_text("")
    for options, reason in (
        (["--checkpoint-every=-1"], "--checkpoint-every=-1 is not valid"),
        ([f"--save={tmp_path / 'file'}"], "no checkpoint can be written: "),
        (["--save=/proc/checkpoint"], "no checkpoint can be written: "),
        (["--save=x", "--keep-build"], "--save and --keep-build exclude each other"),
        (["--restore=x", "--lb-mode=MultiSplit"], "--restore and --lb-mode=MultiSplit exclude each other"),
        (["--save=x", "--lb-mode=loadbalance"], "--save and --lb-mode=MultiSplit exclude each other"),
        (["--restore=x", "--simulate-model=0"], "--restore and --simulate-model=0 exclude each other"),
        (["--restore=x", "--build-model=0"], "--restore and --build-model exclude each other"),
        (["--restore=x", "--keep-build"], "--restore and --keep-build exclude each other"),
        (
            ["--restore=x", "--modelbuilding-steps=2"],
            "--restore and --modelbuilding-steps exclude each other",
        ),
        (["--restore=x", "--enable-shm=1"], "--restore and --enable-shm exclude each other"),
        (
            ["--checkpoint-every=5", "--modelbuilding-steps=2", "--simulator=CORENEURON"],
            "--checkpoint-every and --modelbuilding-steps exclude each other",
        ),
    ):
        text = simulate(config, *options, code=1)
        assert reason in text
        assert "Traceback" not in text
    assert not (tmp_path / "output").exists()


BROKEN = """
import errno, os, sys
from neurodamus_like.cli.main import main
from neurodamus_like.io import checkpoints
{break_it}
sys.exit(main(sys.argv[1:]))
"""
FULL_DISK = """
whole, written = checkpoints.write_tables, []
def write_tables(path, gids, tables):
    written.append(path)
    if len(written) > 1:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return whole(path, gids, tables)
checkpoints.write_tables = write_tables
"""
CRASH = """
publish, published = checkpoints.publish, []
def crash(directory, manifest):
    if published:
        os._exit(9)
    published.append(manifest)
    publish(directory, manifest)
checkpoints.publish = crash
"""


def _run_broken(config: Path, break_it: str, *options: str) -> tuple[int, str]:
    code = BROKEN.format(break_it=break_it)
    done = run_python(["-c", code, "run", str(config), "--no-progress", *options], 300)
    return done.returncode, done.stdout + done.stderr


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    config, folder = write_circuit(tmp_path / "run", END), tmp_path / "checkpoint"
    code, text = _run_broken(config, FULL_DISK, f"--save={folder}", "--checkpoint-every=9")
    assert code == 1
    assert text.count("the checkpoint cannot be written: No space left on device") == 3
    assert "the run goes on" in text
    assert json.loads((folder / "checkpoint.json").read_text())["time_ms"] == pytest.approx(9.0)
    assert len(list(folder.glob("state-*"))) == 1


def test_a_crash_while_saving_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    reference = write_circuit(tmp_path / "reference", END)
    simulate(reference)
    config = write_circuit(tmp_path / "run", END)
    code, _ = _run_broken(config, CRASH, "--checkpoint-every=9")
    assert code == 9
    folder = Path(json.loads(config.read_text())["output"]["output_dir"]) / "checkpoint"
    assert len(list(folder.glob("state-*"))) == 2
    simulate(config, f"--restore={folder}", "--checkpoint-every=14")
    assert_same(config, reference)
    assert len(list(folder.glob("state-*"))) == 1
    assert results(config)
