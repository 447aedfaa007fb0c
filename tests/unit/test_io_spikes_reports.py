"""Spike and report files: what is written is read back, by us and by libsonata."""

from __future__ import annotations

from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest

from neurodamus_like.exceptions import CircuitError, ConfigurationError, SimulationError
from neurodamus_like.io.report_files import ElementLayout, create_report_file
from neurodamus_like.io.reports import read_report
from neurodamus_like.io.spikes import read_spikes, write_spikes, write_spikes_csv
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import Communicator

SPIKES = ([2.0, 1.0, 1.0, 0.5], [0, 9, 4, 9])


def test_spikes_layout(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    write_spikes(path, {"b": SPIKES, "a": ([], [])})
    with h5py.File(path) as h5:
        group = h5["spikes/b"]
        kind = group.attrs.get_id("sorting").dtype
        assert h5py.check_enum_dtype(kind) == {"none": 0, "by_id": 1, "by_time": 2}
        assert kind.itemsize == 1
        assert group.attrs["sorting"] == 2
        assert group["timestamps"].attrs["units"] == "ms"
        assert group["timestamps"].dtype == np.float64
        assert group["node_ids"].dtype == np.uint64
        assert h5["spikes/a/timestamps"].shape == (0,)
    assert [p.name for p in tmp_path.iterdir()] == ["out.h5"]


@pytest.mark.parametrize(
    ("sort", "times", "ids"),
    [
        ("by_time", [0.5, 1.0, 1.0, 2.0], [9, 4, 9, 0]),
        ("by_id", [2.0, 1.0, 0.5, 1.0], [0, 4, 9, 9]),
        ("none", [2.0, 1.0, 1.0, 0.5], [0, 9, 4, 9]),
    ],
)
def test_spikes_order(tmp_path: Path, sort: str, times: list[float], ids: list[int]) -> None:
    path = tmp_path / "out.h5"
    write_spikes(path, {"p": SPIKES}, sort)
    train = read_spikes(path, "p")
    assert train.timestamps.tolist() == times
    assert train.node_ids.tolist() == ids
    assert len(train) == 4
    assert libsonata.SpikeReader(str(path))["p"].sorting == sort


def test_libsonata_reads_spikes(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    write_spikes(path, {"p": SPIKES, "q": ([], [])})
    reader = libsonata.SpikeReader(str(path))
    assert reader.get_population_names() == ["p", "q"]
    assert reader["p"].get() == [(9, 0.5), (4, 1.0), (9, 1.0), (0, 2.0)]
    assert reader["p"].time_units == "ms"
    assert reader["q"].get() == []


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    write_spikes(path, {"p": SPIKES})
    with pytest.raises(ValueError, match="2 timestamps, but 1 node ids"):
        write_spikes(path, {"p": ([1.0, 2.0], [3])})
    assert len(read_spikes(path, "p")) == 4
    assert len(list(tmp_path.iterdir())) == 1


def test_spike_errors(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    with pytest.raises(ConfigurationError, match="by_tiem") as caught:
        write_spikes(path, {}, "by_tiem")
    assert "did you mean 'by_time'" in str(caught.value.hint)
    write_spikes(path, {"p": SPIKES})
    with pytest.raises(CircuitError, match="no population 'P'"):
        read_spikes(path, "P")
    with h5py.File(path, "a") as h5:
        del h5["spikes/p/node_ids"]
    with pytest.raises(CircuitError, match="node_ids"):
        read_spikes(path)


def test_real_spikes(shared: Path) -> None:
    trains = read_spikes(shared / "data/obi/big100/replay.h5")
    assert {name: len(train) for name, train in trains.items()} == {"external_default": 2003}
    assert set(read_spikes(shared / "data/allen/9_cells/inputs/exc_spike_trains.h5")) == {"excvirt"}


LAYOUT = ElementLayout(np.array([1, 4]), np.array([0, 1, 3]), np.array([0, 0, 5]))


def written(path: Path) -> np.ndarray:
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    offsets = create_report_file(path, {"p": LAYOUT, "q": LAYOUT}, 4, 1.0, 1.4, 0.1, "mV").data_offsets
    with BlockWriter(path, offsets["p"], 3, np.float32, np.arange(3), Communicator()) as writer:
        writer.write(0, values[:1])
        writer.write(1, values[1:])
    return values


def test_report_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    values = written(path)
    assert set(read_report(path)) == {"p", "q"}
    report = read_report(path, "p")
    np.testing.assert_array_equal(report.values, values)
    assert report.values.dtype == np.float32
    assert report.data is report.values
    np.testing.assert_allclose(report.times_ms, [1.0, 1.1, 1.2, 1.3])
    assert report.time == (1.0, 1.4, 0.1)
    assert report.units == "mV"
    assert report.column_node_ids.tolist() == [1, 4, 4]
    assert report.columns_of(4) == slice(1, 3)
    with pytest.raises(CircuitError, match="not in the report"):
        report.columns_of(2)


def test_report_layout(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    written(path)
    with h5py.File(path) as h5:
        group = h5["report/p"]
        assert group["data"].dtype == np.dtype("<f4")
        assert group["data"].chunks is None
        types = {name: group["mapping"][name].dtype for name in group["mapping"]}
        assert types == {
            "node_ids": np.uint64,
            "index_pointers": np.uint64,
            "element_ids": np.uint32,
            "time": np.float64,
        }
        assert group["mapping/time"].attrs["units"] == "ms"


def test_libsonata_reads_report(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    values = written(path)
    reader = libsonata.ElementReportReader(str(path))["p"]
    frame = reader.get()
    np.testing.assert_array_equal(frame.data, values)
    np.testing.assert_array_equal(frame.ids, [[1, 0], [4, 0], [4, 5]])
    np.testing.assert_allclose(frame.times, [1.0, 1.1, 1.2, 1.3])
    assert (reader.data_units, reader.time_units) == ("mV", "ms")


def test_libsonata_reads_soma_report(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    somas = ElementLayout(np.array([1, 4]), np.array([0, 1, 2]), np.array([0, 0]))
    offset = create_report_file(path, {"p": somas}, 3, 0.0, 3.0, 1.0, "mV").data_offsets["p"]
    with BlockWriter(path, offset, 2, np.float32, np.arange(2), Communicator()) as writer:
        writer.write(0, np.arange(6).reshape(3, 2))
    frame = libsonata.SomaReportReader(str(path))["p"].get(node_ids=[4])
    np.testing.assert_array_equal(frame.data, [[1], [3], [5]])


def test_empty_report(tmp_path: Path) -> None:
    nothing = ElementLayout(np.array([]), np.array([0]), np.array([]))
    create_report_file(tmp_path / "r.h5", {"p": nothing}, 0, 0.0, 0.0, 0.1, "mV")
    assert read_report(tmp_path / "r.h5", "p").values.shape == (0, 0)


def test_report_that_does_not_fit_together(tmp_path: Path) -> None:
    path = tmp_path / "r.h5"
    written(path)
    with h5py.File(path, "a") as h5:
        h5["report/p/mapping/index_pointers"][2] = 2
    with pytest.raises(CircuitError, match="do not fit together"):
        read_report(path, "p")


def test_allen_report(shared: Path) -> None:
    report = read_report(shared / "data/allen/9_cells/output/membrane_potential.h5", "cortex")
    assert report.values.shape == (30000, 9)
    assert report.column_node_ids.size == 9


@pytest.mark.parametrize("columns", [[0, 1, 2, 3, 4], [1, 2], [0, 2, 4], []])
def test_serial_writer_touches_its_columns_only(tmp_path: Path, columns: list[int]) -> None:
    path = tmp_path / "m.bin"
    before = np.full((6, 5), -1, dtype="<f8")
    path.write_bytes(b"head567" + before.tobytes() + b"tail")
    block = np.arange(2.0 * len(columns)).reshape(2, len(columns))
    with BlockWriter(path, 7, 5, "<f8", np.array(columns, dtype=np.int64), Communicator()) as writer:
        writer.write(3, block)
        writer.write(0, block[:0])
    expected = before.copy()
    expected[3:5, columns] = block
    content = path.read_bytes()
    assert content[:7] == b"head567"
    assert content[-4:] == b"tail"
    np.testing.assert_array_equal(np.frombuffer(content[7:-4], "<f8").reshape(6, 5), expected)


def test_writer_checks(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(bytes(40))
    for wrong in ([1, 0], [0, 0], [5], [-1]):
        with pytest.raises(ValueError, match="ascending, from 0 to 4"):
            BlockWriter(path, 0, 5, np.float32, np.array(wrong), Communicator())
    with BlockWriter(path, 0, 5, np.float32, np.arange(2), Communicator()) as writer:
        with pytest.raises(ValueError, match=r"expected \(rows, 2\)"):
            writer.write(0, np.zeros((1, 3)))
        writer.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_told() -> None:
    writer = BlockWriter(Path("/dev/full"), 0, 2, np.float32, np.arange(2), Communicator())
    with writer, pytest.raises(SimulationError, match="cannot write results: No space left"):
        writer.write(0, np.zeros((1, 2)))


def test_spikes_whose_order_is_a_text(tmp_path: Path) -> None:
    spikes = {"p": ([3.5, 0.1, 2.0], [1, 2, 1]), "silent": ([], [])}
    write_spikes(tmp_path / "s.h5", spikes, "by_id", style="text")
    with h5py.File(tmp_path / "s.h5") as h5:
        assert h5.attrs["magic"] == 0x0A7A
        assert h5.attrs["version"].tolist() == [0, 1]
        assert list(h5["spikes"]) == ["p"]
        assert h5["spikes/p"].attrs["sorting"] == "by_id"
    train = read_spikes(tmp_path / "s.h5", "p")
    assert train.node_ids.tolist() == [1, 1, 2]
    assert train.timestamps.tolist() == [2.0, 3.5, 0.1]


def test_spikes_as_a_table(tmp_path: Path) -> None:
    write_spikes_csv(
        tmp_path / "s.csv", {"p": ([0.30000000000000004, 0.1], [1, 2]), "q": ([7.0], [0])}, "by_time"
    )
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines == ["timestamps population node_ids", "0.1 p 2", "0.30000000000000004 p 1", "7.0 q 0"]
