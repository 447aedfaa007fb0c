"""Gid offsets: populations never overlap, and ids survive the way there and back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.targets.offsets import STEP, GidOffsets

names = st.text(
    st.characters(codec="ascii", categories=["L", "N"], include_characters="_-:"), min_size=1, max_size=9
)
sizes = st.dictionaries(names, st.integers(0, 5000), min_size=1, max_size=6)


@given(sizes)
def test_ranges_do_not_overlap_and_begin_at_thousands(largest: dict[str, int]) -> None:
    offsets = GidOffsets.compute(largest)
    assert list(offsets) == sorted(largest)
    ends = -1
    for name in offsets:
        begin = offsets.offset(name)
        assert begin % STEP == 0
        assert ends < begin <= ends + STEP
        ends = begin + largest[name]


@given(sizes, st.data())
def test_gids_go_back_to_their_nodes(largest: dict[str, int], data: st.DataObject) -> None:
    offsets = GidOffsets.compute(largest)
    name = data.draw(st.sampled_from(sorted(largest)))
    nodes = np.array(data.draw(st.lists(st.integers(0, largest[name]), max_size=5)), dtype=np.int64)
    gids = offsets.to_gid(name, nodes)
    numbers, back = offsets.to_node(gids)
    assert back.tolist() == nodes.tolist()
    assert [offsets.populations[k] for k in numbers] == [name] * nodes.size
    assert offsets.population_of(gids).tolist() == [name] * nodes.size


@given(sizes)
def test_file_round_trip(largest: dict[str, int]) -> None:
    offsets = GidOffsets.compute(largest)
    virtual = sorted(largest)[::2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "populations_offset.dat"
        offsets.write(path, virtual)
        assert GidOffsets.read(path) == (offsets, frozenset(virtual))
