"""NWB files of results, and units of recordings: what is written is what is read, and filters choose the right rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from nwb_recordings import write_recording

from neurodamus_like.exceptions import CircuitError, ReportError
from neurodamus_like.io.electrodes import Probe
from neurodamus_like.io.nwb_files import write_potentials_nwb, write_spikes_nwb
from neurodamus_like.io.nwb_units import find_interval, find_units

SPIKES = {
    "v1": (np.array([3.0, 1.0, 2.0, 2.5]), np.array([7, 4, 7, 4])),
    "silent": (np.empty(0), np.empty(0, dtype=np.int64)),
}
PROBE = Probe(("a", "b"), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))


def test_spikes_are_units_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "out" / "spikes.nwb"
    write_spikes_nwb(path, SPIKES)
    units = find_units(path, {"population": "v1"})
    assert units.ids.tolist() == [4, 7]
    times = units.read_spike_times(np.array([1, 0]))
    np.testing.assert_allclose(times[0], [2e-3, 3e-3], rtol=1e-15)
    np.testing.assert_allclose(times[1], [1e-3, 2.5e-3], rtol=1e-15)


def test_nodes_of_several_populations_have_numbers_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "spikes.nwb"
    write_spikes_nwb(path, {**SPIKES, "lgn": (np.array([5.0]), np.array([4]))})
    assert find_units(path).ids.tolist() == [0, 1, 2]
    (times,) = find_units(path, {"population": "lgn", "node_id": 4}).read_spike_times(np.array([0]))
    assert times.tolist() == [0.005]


def test_potentials_and_spikes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "all.nwb"
    data = np.arange(10.0).reshape(5, 2)
    write_spikes_nwb(path, SPIKES)
    write_potentials_nwb(path, -data, PROBE, 0.5, 0.1, [0, 1])
    write_potentials_nwb(path, data, PROBE, 0.5, 0.1, [0, 1])
    write_spikes_nwb(path, {"v1": (np.array([9.0]), np.array([2]))})
    assert find_units(path).ids.tolist() == [2]
    with h5py.File(path) as h5:
        series = h5["processing/ecephys/LFP/ElectricalSeries"]
        assert series == h5["acquisition/ElectricalSeries"]
        np.testing.assert_array_equal(series["data"][()] * series["data"].attrs["conversion"], data * 1e-3)
        assert series["starting_time"][()] == pytest.approx(1e-4)
        assert series["starting_time"].attrs["rate"] == 2000.0
        table = h5[series["electrodes"].attrs["table"]]
        assert [table[axis][1] for axis in "xyz"] == [4.0, 5.0, 6.0]


@pytest.mark.parametrize("content", ["text", "hdf5"])
def test_other_files_are_not_touched(content: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.nwb"
    if content == "text":
        path.write_text("mine")
    else:
        h5py.File(path, "w").close()
    before = path.read_bytes()
    with pytest.raises(ReportError, match="it is no NWB 2 file"):
        write_spikes_nwb(path, SPIKES)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording") / "session.nwb")


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (None, [10, 11, 12, 13]),
        ({"quality": "good"}, [10, 12, 13]),
        ({"quality": "good", "location": "VISp"}, [10]),
        ({"location": ["VISl", "LGd"]}, [12, 13]),
        ({"snr": {"operation": ">=", "value": 2.0}}, [11, 12]),
        ({"low": {"column": "snr", "operation": "<", "value": 1.0}, "quality": ["good"]}, [13]),
        ({"peak_channel_id": 850}, [10]),
    ],
)
def test_filters_of_units(filters: Any, ids: list[int], recording: Path) -> None:
    assert find_units(recording, filters).ids.tolist() == ids


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"qualty": "good"}, "did you mean 'quality'"),
        ({"snr": {"operation": "__import__", "value": 1}}, "one of ==, !=, <, <=, >, >="),
        ({"snr": {"operation": ">"}}, "has no operation"),
        ({"quality": {"operation": ">", "value": 1}}, "compares object with 1"),
        ({"spike_times": 1.0}, "no column 'spike_times' with one value for each row"),
    ],
)
def test_filters_that_make_no_sense(filters: Any, says: str, recording: Path) -> None:
    with pytest.raises(CircuitError) as caught:
        find_units(recording, filters)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("description", "window"),
    [
        ({"interval_name": "gratings"}, (1.0, 4.0)),
        ({"interval_name": "gratings_presentations", "orientation": 90.0}, (2.0, 4.0)),
        ({"interval_name": "gratings", "orientation": 90.0, "interval_index": 1}, (3.0, 4.0)),
    ],
)
def test_intervals_of_stimuli(
    description: dict[str, Any], window: tuple[float, float], recording: Path
) -> None:
    assert find_interval(recording, description) == window


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ({"interval_name": "grating"}, "interval_name: one of gratings_presentations"),
        ({"interval_name": "gratings", "orientation": 45.0}, "0 of the intervals"),
        ({"interval_name": "gratings", "interval_index": 3}, "interval_index below 3"),
    ],
)
def test_intervals_that_are_not_there(description: dict[str, Any], says: str, recording: Path) -> None:
    with pytest.raises(CircuitError) as caught:
        find_interval(recording, description)
    assert says in str(caught.value)


def test_a_file_without_units(tmp_path: Path) -> None:
    path = tmp_path / "empty.nwb"
    write_spikes_nwb(path, {})
    with pytest.raises(CircuitError, match="the file has no units with spikes"):
        find_units(path)
