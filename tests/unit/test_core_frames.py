"""Frames of several recorders become the columns of one report, by population and node id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.exceptions import SimulationError
from neurodamus_like.io.core_frames import (
    FrameFiles,
    RecordedColumns,
    RecordedPart,
    read_columns,
    write_columns,
)
from neurodamus_like.reports.model_recorders import column_order

NOTHING = np.empty(0)


def part(node_ids: list[int], counts: list[int]) -> RecordedPart:
    element_ids = np.arange(sum(counts))
    ids, sizes = (np.array(values, dtype=np.int64) for values in (node_ids, counts))
    return RecordedPart(ids, sizes, element_ids, {"x": element_ids / 2})


@pytest.fixture
def recorded() -> list[RecordedColumns]:
    one = {"a": part([1, 4], [2, 1]), "b": part([0], [1])}
    other = {"a": part([2], [3]), "b": part([], [])}
    return [
        RecordedColumns(3, "soma", "mV", one, np.array([-1.0, -2.0, -3.0, -4.0])),
        RecordedColumns(8, "soma", "mV", other, NOTHING),
    ]


def write_frames(folder: Path, recorded: list[RecordedColumns], count: int) -> None:
    for columns in recorded:
        frames = 100 * columns.number + np.arange(count * columns.n_columns)
        frames.astype(np.float32).tofile(folder / f"{columns.number}.frames")


def test_columns_are_read_as_written(tmp_path: Path, recorded: list[RecordedColumns]) -> None:
    for columns in recorded:
        write_columns(tmp_path, columns)
        found = read_columns(tmp_path, columns.number)
        assert (found.report, found.unit, list(found.parts)) == ("soma", "mV", ["a", "b"])
        assert found.first_frame.tolist() == columns.first_frame.tolist()
        for name, expected in columns.parts.items():
            assert found.parts[name].node_ids.tolist() == expected.node_ids.tolist()
            assert found.parts[name].counts.tolist() == expected.counts.tolist()
            assert found.parts[name].attributes["x"].tolist() == expected.attributes["x"].tolist()
    with pytest.raises(SimulationError, match="does not say what is reported"):
        read_columns(tmp_path, 99)


def test_columns_are_ordered_by_population_and_node(recorded: list[RecordedColumns]) -> None:
    assert column_order(recorded, ["a", "b"]).tolist() == [0, 1, 4, 5, 6, 2, 3]
    assert column_order(recorded, ["b", "a"]).tolist() == [3, 0, 1, 4, 5, 6, 2]
    assert column_order([], ["a"]).size == 0


@pytest.mark.parametrize("block_ms", [0.1, 0.2, 100.0, np.inf])
def test_frames_are_read_in_blocks(tmp_path: Path, recorded: list[RecordedColumns], block_ms: float) -> None:
    write_frames(tmp_path, recorded, 5)
    frames = FrameFiles(tmp_path, recorded, column_order(recorded, ["a", "b"]), 5, 0.1)
    frames.expect_blocks(block_ms)
    frames.open()
    blocks = []
    while not frames.is_done:
        assert frames.frames_taken == sum(len(block) for block in blocks)
        blocks.append(frames.take())
    values = np.vstack(blocks)
    assert values.shape == (5, frames.n_columns) == (5, 7)
    assert values[0].tolist() == [-1, -2, 800, 801, 802, -3, -4], (
        "the known first frame replaces what was written"
    )
    assert values[2].tolist() == [308, 309, 806, 807, 808, 310, 311]


def test_a_rank_without_recorders_gives_empty_frames(tmp_path: Path) -> None:
    frames = FrameFiles(tmp_path, [], np.empty(0, dtype=np.int64), 5, 0.1)
    frames.open()
    assert frames.take().shape == (5, 0)
    assert frames.is_done


def test_lost_frames_are_an_error(tmp_path: Path, recorded: list[RecordedColumns]) -> None:
    write_frames(tmp_path, recorded, 4)
    frames = FrameFiles(tmp_path, recorded, column_order(recorded, ["a", "b"]), 5, 0.1)
    with pytest.raises(SimulationError, match="4 of 5 frames were written"):
        frames.open()
