"""Unfinished reports become whole files; finished ones can be compressed."""

from __future__ import annotations

from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest

from neurodamus_like.cli.main import main
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.compression import compress_report
from neurodamus_like.io.recovery import find_unfinished, part_of, recover_report
from neurodamus_like.io.report_files import ElementLayout, create_report_file
from neurodamus_like.io.reports import read_report
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import Communicator

LAYOUTS = {
    "p": ElementLayout(np.array([1, 4]), np.array([0, 1, 3]), np.array([0, 0, 5])),
    "q": ElementLayout(np.array([7]), np.array([0, 2]), np.array([0, 1])),
}


def write_part(path: Path, frames_written: int, n_frames: int = 10) -> dict[str, np.ndarray]:
    """Write a report as a run that was killed leaves it; return all its values, also those not written."""
    part = part_of(path)
    file = create_report_file(part, LAYOUTS, n_frames, 5.0, 5.0 + 0.1 * n_frames, 0.1, "nA")
    values = {}
    for number, (name, layout) in enumerate(LAYOUTS.items()):
        columns = layout.n_columns
        values[name] = np.arange(n_frames * columns, dtype="f4").reshape(n_frames, columns) + 1 + 100 * number
        offset = file.data_offsets[name]
        with BlockWriter(part, offset, columns, np.float32, np.arange(columns), Communicator()) as writer:
            writer.write(0, values[name][:frames_written])
    file.set_end(5.0 + 0.1 * frames_written)
    return values


@pytest.mark.parametrize("frames", [1, 6, 10])
def test_what_was_written_is_recovered(frames: int, tmp_path: Path) -> None:
    path = tmp_path / "soma.h5"
    values = write_part(path, frames)
    found = recover_report(part_of(path))
    assert (found.path, found.n_frames, found.n_expected) == (path, frames, 10)
    assert not part_of(path).exists()
    for name, expected in values.items():
        report = read_report(path, name)
        np.testing.assert_array_equal(report.values, expected[:frames])
        assert report.time == pytest.approx((5.0, 5.0 + 0.1 * frames, 0.1))
        assert report.units == "nA"
    frame = libsonata.ElementReportReader(str(path))["p"].get()
    assert frame.data.shape == (frames, 3)


def test_an_unfinished_report_can_be_read_as_it_is(tmp_path: Path) -> None:
    write_part(tmp_path / "soma.h5", 4)
    report = read_report(part_of(tmp_path / "soma.h5"), "q")
    assert report.time[1] == pytest.approx(5.4)
    assert (report.values[:4] > 0).all()
    assert (report.values[4:] == 0).all()


def test_nothing_written_is_an_error_and_leaves_the_file(tmp_path: Path) -> None:
    write_part(tmp_path / "soma.h5", 0)
    with pytest.raises(CircuitError, match="no frame"):
        recover_report(part_of(tmp_path / "soma.h5"))
    assert part_of(tmp_path / "soma.h5").exists()


def test_the_command_takes_files_names_and_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.h5", "b.h5", "c.h5"):
        write_part(tmp_path / name, 3)
    assert main(["recover", str(part_of(tmp_path / "a.h5")), str(tmp_path / "b.h5"), str(tmp_path)]) == 0
    assert "a.h5: 3 of 10 frames, up to 5.3 ms" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5", "c.h5"]
    assert main(["recover", str(tmp_path / "a.h5"), str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("complete, nothing is unfinished") == 2
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "no_such.h5"):
        with pytest.raises(CircuitError, match="there is no report, neither whole nor unfinished"):
            find_unfinished(path)


def test_compression_changes_nothing_but_the_size(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    columns = 300
    layout = ElementLayout(np.arange(columns), np.arange(columns + 1), np.zeros(columns))
    file = create_report_file(path, {"p": layout}, 400, 0.0, 40.0, 0.1, "mV")
    values = np.repeat(np.arange(400, dtype="f4")[:, None], columns, axis=1)
    with BlockWriter(
        path, file.data_offsets["p"], columns, "f4", np.arange(columns), Communicator()
    ) as writer:
        writer.write(0, values)
    before = path.stat().st_size
    assert compress_report(path, 5) == path.stat().st_size < before / 5
    report = read_report(path, "p")
    np.testing.assert_array_equal(report.values, values)
    assert report.time == (0.0, 40.0, 0.1)
    with h5py.File(path) as h5:
        data = h5["report/p/data"]
        assert data.compression == "gzip"
        assert data.attrs["units"] == "mV"
        assert h5["report/p/mapping/time"].attrs["units"] == "ms"
