"""Files of CoreNEURON models: lists of groups, ids of a group, spikes with all their digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.exceptions import CircuitError, SimulationError
from neurodamus_like.io.core_data import (
    GroupList,
    format_ini,
    largest_time_ms,
    read_core_spikes,
    read_group_gids,
    read_group_list,
    restore_step_times,
    write_group_list,
)


@pytest.mark.parametrize("has_gaps", [False, True])
def test_lists_of_groups_are_read_as_written(tmp_path: Path, has_gaps: bool) -> None:
    groups = GroupList("1.8", (0, 17, 3), has_gaps)
    write_group_list(tmp_path, groups)
    assert read_group_list(tmp_path) == groups
    assert ("-1" in (tmp_path / "files.dat").read_text().split()) is has_gaps


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.8\n 3\n0\n1\n", "announces 3 groups and names 2"),
        ("1.8\n", "damaged"),
        ("1.8\nmany\n", "damaged"),
        (None, "missing"),
    ],
)
def test_a_bad_list_of_groups_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "files.dat").write_text(text)
    with pytest.raises(CircuitError, match=message):
        read_group_list(tmp_path)


def test_gids_of_a_group_leave_out_sources_without_gid(tmp_path: Path) -> None:
    header = b"1.8\n4 npresyn\n0 nnetcon\nchkpnt 0\n"
    (tmp_path / "7_1.dat").write_bytes(header + np.array([7, 9, -1024, 12], dtype=np.int32).tobytes())
    assert read_group_gids(tmp_path, 7).tolist() == [7, 9, 12]
    (tmp_path / "8_1.dat").write_bytes(header + b"\0\0")
    with pytest.raises(CircuitError, match="cut short"):
        read_group_gids(tmp_path, 8)
    with pytest.raises(CircuitError, match="missing"):
        read_group_gids(tmp_path, 9)


@pytest.mark.parametrize("dt_ms", [0.025, 0.1, 0.01])
def test_times_of_steps_get_all_their_digits_back(dt_ms: float) -> None:
    longest = min(largest_time_ms(dt_ms), 150_000.0)
    steps = np.cumsum(np.full(2 * int(longest / dt_ms), 0.5 * dt_ms))[1::2][::97] + 1e-10
    text = np.array([float(f"{time:.8g}") for time in steps])
    assert (text != steps).any()
    assert np.array_equal(restore_step_times(text, dt_ms), steps)


def test_other_times_stay_as_they_are() -> None:
    times = np.array([0.1234, 33.333333, 1.0001])
    assert np.array_equal(restore_step_times(times, 0.025), times)
    assert restore_step_times(np.empty(0), 0.025).size == 0


def test_spikes_are_read(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="no spikes file"):
        read_core_spikes(tmp_path, 0.025)
    (tmp_path / "out.dat").write_text("0.025\t3\n14.625\t1000\n")
    times, gids = read_core_spikes(tmp_path, 0.025)
    assert gids.tolist() == [3, 1000]
    assert times[0] == 0.025 + 1e-10
    (tmp_path / "out.dat").write_text("")
    assert read_core_spikes(tmp_path, 0.025)[0].size == 0
    (tmp_path / "out.dat").write_text("1.0 2 3\n")
    with pytest.raises(SimulationError, match="cannot be read"):
        read_core_spikes(tmp_path, 0.025)


def test_settings_are_quoted_as_the_parser_wants() -> None:
    lines = format_ini([("datpath", Path("/a b")), ("tstop", 12346.65), ("mpi", True), ("x", False)])
    assert lines == "datpath='/a b'\ntstop=12346.65\nmpi=true\n"
