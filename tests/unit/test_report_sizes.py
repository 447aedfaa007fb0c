"""Expected sizes of reports, and the refusal of those that are too large."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("neuron")

from neurodamus_like.config.models import Report
from neurodamus_like.reports.sizes import (
    ExpectedSize,
    check_sizes,
    format_bytes,
    format_sizes,
    free_bytes,
)


def size(name: str, columns: int, frames: int) -> ExpectedSize:
    return ExpectedSize(Report(name, "compartment", "All", ("v",), 0.1, 0, 1, name + ".h5"), columns, frames)


def test_sizes_are_told() -> None:
    text = format_sizes([size("soma", 5, 400), size("all", 1_000_000, 10_000)], 123_000_000_000)
    assert "report soma" in text
    assert "8 kB" in text
    assert "40 GB in all, 123 GB free" in text


def test_a_limit_and_a_full_disk() -> None:
    sizes = [size("soma", 5, 400), size("all", 1000, 1000)]
    assert list(check_sizes(sizes, 5_000_000)) == []
    assert list(check_sizes(sizes, 5_000_000, 4.0)) == []
    (over,) = check_sizes(sizes, 5_000_000, 3.9)
    assert "'all'" in str(over)
    assert "--max-report-size" in str(over)
    (full,) = check_sizes(sizes, 4_000_000)
    assert "the disk has 4 MB left" in str(full)


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") == pytest.approx(free_bytes(tmp_path), rel=0.5)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (8000, "8 kB"), (1.5e6, "1.5 MB"), (4e15, "4e+03 TB")]
)
def test_readable_bytes(count: float, text: str) -> None:
    assert format_bytes(count) == text
