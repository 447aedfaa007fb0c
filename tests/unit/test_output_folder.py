"""The folder of the results belongs to one run at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.simulation.output_folder import LOCK_NAME, OutputFolder


def test_second_run_is_refused_until_the_first_is_over(tmp_path: Path) -> None:
    config, out = tmp_path / "simulation_config.json", tmp_path / "out"
    first = OutputFolder(out, config, Communicator())
    second = OutputFolder(out, config, Communicator())
    first.open()
    with pytest.raises(ConfigurationError, match="another run"):
        second.open()
    first.release()
    second.open()
    second.release()
    assert not (out / LOCK_NAME).exists()


def test_mark_of_success(tmp_path: Path) -> None:
    config = tmp_path / "simulation_config.json"
    folder = OutputFolder(tmp_path / "out", config, Communicator())
    folder.open()
    folder.succeed()
    assert (tmp_path / "simulation_config.json.SUCCESS").exists()
    folder.release()
    folder.open()
    assert not (tmp_path / "simulation_config.json.SUCCESS").exists()
    folder.release()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot write results"):
        OutputFolder(tmp_path / "file" / "out", tmp_path / "c.json", Communicator()).open()


def test_files_of_results_elsewhere(tmp_path: Path) -> None:
    config, out, file = tmp_path / "c.json", tmp_path / "out", tmp_path / "far/away/spikes.h5"
    first = OutputFolder(out, config, Communicator(), True, [file, out / "spikes.csv"])
    first.open()
    assert file.parent.is_dir()
    first.release()
    file.touch()
    with pytest.raises(ConfigurationError, match="the folder holds results already") as raised:
        OutputFolder(out, config, Communicator(), True, [file]).open()
    assert str(file) in str(raised.value)
    with pytest.raises(ConfigurationError, match="cannot write results") as raised:
        OutputFolder(out, config, Communicator(), False, [file / "spikes.h5"]).open()
    assert raised.value.file == file
