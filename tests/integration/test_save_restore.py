"""A run that is saved and restored is the uninterrupted run, byte by byte, on any number of ranks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.restart_circuit import assert_same, results, simulate, write_circuit

pytestmark = pytest.mark.neuron

END, SAVED = 40.0, 17.35


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uninterrupted run, on one rank."""
    config = write_circuit(tmp_path_factory.mktemp("whole"), END)
    simulate(config)
    return config


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended at `SAVED` with a checkpoint, on one rank."""
    folder = tmp_path_factory.mktemp("saved")
    simulate(write_circuit(folder, SAVED), f"--save={folder / 'checkpoint'}")
    return folder / "checkpoint"


@pytest.mark.mpi
@pytest.mark.parametrize("before", [1, 2, 4])
def test_any_number_of_ranks_goes_on(before: int, whole: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    simulate(write_circuit(tmp_path / "save", SAVED), f"--save={checkpoint}", ranks=before)
    for after in (1, 2, 4):
        config = write_circuit(tmp_path / f"restored{after}", END)
        simulate(config, f"--restore={checkpoint}", ranks=after)
        assert_same(config, whole)


def test_the_same_folder_may_be_used_again_and_again(whole: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, END)
    document = json.loads(config.read_text())
    checkpoint = tmp_path / "checkpoint"
    for end, options in ((13.0, ["--save"]), (13.025, ["--restore", "--save"]), (END, ["--restore"])):
        document["run"]["tstop"] = end
        config.write_text(json.dumps(document))
        simulate(config, *(f"{option}={checkpoint}" for option in options))
    assert_same(config, whole)
    assert len([path for path in checkpoint.iterdir() if path.is_dir()]) == 1


def test_checkpoints_in_between_change_nothing(whole: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path / "run", END)
    text = simulate(config, "--checkpoint-every=7.3")
    assert text.count("checkpoint at") == 5
    assert_same(config, whole)
    again = write_circuit(tmp_path / "again", END)
    simulate(again, f"--restore={tmp_path / 'run' / 'output' / 'checkpoint'}")
    assert_same(again, whole)


def test_recording_without_the_compiled_recorder(whole: Path, tmp_path: Path) -> None:
    code = """
import sys
from neurodamus_like.engine import recorders
recorders.MECHANISM = "NoSuchMechanism"
from neurodamus_like.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    from tests.helpers import run_python

    def without(config: Path, *options: str) -> None:
        done = run_python(["-c", code, "run", str(config), "--quiet", *options], 300)
        assert done.returncode == 0, done.stderr

    reference = write_circuit(tmp_path / "reference", END)
    without(reference)
    without(write_circuit(tmp_path / "save", SAVED), f"--save={tmp_path / 'checkpoint'}")
    config = write_circuit(tmp_path / "restored", END)
    without(config, f"--restore={tmp_path / 'checkpoint'}")
    assert_same(config, reference)
    assert results(config)["out.h5"] == results(whole)["out.h5"]


def test_extracellular_potentials_go_on(tmp_path: Path) -> None:
    config = write_circuit(tmp_path / "whole", END, field=True)
    simulate(config, "--checkpoint-every=17.35")
    restored = write_circuit(tmp_path / "restored", END, field=True)
    simulate(restored, f"--restore={tmp_path / 'whole' / 'output' / 'checkpoint'}")
    assert_same(restored, config)


def test_replay_may_change(saved: Path, tmp_path: Path) -> None:
    import h5py
    import numpy as np

    def more_spikes(folder: Path) -> Path:
        config = write_circuit(folder, END)
        with h5py.File(folder / "spikes.h5", "a") as file:
            for name, extra in (("timestamps", [25.0, 26.0, 30.5]), ("node_ids", [0, 1, 2])):
                values = np.append(file[f"spikes/V/{name}"][()], extra)
                del file[f"spikes/V/{name}"]
                file[f"spikes/V/{name}"] = values
        return config

    reference = more_spikes(tmp_path / "reference")
    simulate(reference)
    config = more_spikes(tmp_path / "restored")
    simulate(config, f"--restore={saved}")
    assert_same(config, reference)


def test_reports_may_be_left_out(saved: Path, whole: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path, END)
    simulate(config, f"--restore={saved}", "--disable-reports")
    assert results(config) == {"out.h5": results(whole)["out.h5"]}


def test_results_of_the_saved_run_may_move_with_it(whole: Path, tmp_path: Path) -> None:
    config = write_circuit(tmp_path / "save", SAVED)
    simulate(config, f"--save={tmp_path / 'checkpoint'}")
    shutil.rmtree(tmp_path / "save" / "output")
    restored = write_circuit(tmp_path / "restored", END)
    text = simulate(restored, f"--restore={tmp_path / 'checkpoint'}", code=1)
    assert "the report of the saved run is not there" in text
    assert "--disable-reports" in text
