"""Places of synapses given by rows of SWC files are those that the builder meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.builder.bionet.swc_reader import SWCReader
from neurodamus_like.exceptions import MorphologyError
from neurodamus_like.io.swc_ids import find_swc_ids, find_swc_places, read_section_swc_ids

SWC = """# a soma, an axon, two dendrites
1 1 0 0 0 5 -1
2 2 0 -6 0 1 1
3 2 0 -30 0 1 2
4 3 6 0 0 1 1
5 3 20 0 0 1 4
6 3 40 5 0 1 5
7 3 60 9 0 1 6
8 4 0 8 0 1 1
9 4 0 40 0 1 8
"""


@pytest.fixture
def swc(tmp_path: Path) -> Path:
    path = tmp_path / "cell.swc"
    path.write_text(SWC)
    return path


@pytest.mark.parametrize("stub", [False, True])
def test_inverse_of_the_builder(swc: Path, stub: bool) -> None:
    reader = SWCReader(swc, axon_stub=stub)
    n_sections = len(read_section_swc_ids(swc, stub))
    section, places = (1, [0.4, 0.6, 0.9, 1.0]) if stub else (2, [0.4, 0.6, 0.9, 1.0])
    ids, beyond = zip(*(reader.get_swc_id(section, x) for x in places), strict=True)
    found, x = find_swc_places(swc, n_sections, np.array(ids, dtype=float), np.array(beyond))
    assert found.tolist() == [section] * 4
    np.testing.assert_allclose(x, places)


@pytest.mark.parametrize("stub", [False, True])
def test_rows_at_places_are_those_of_the_builder(swc: Path, stub: bool) -> None:
    reader = SWCReader(swc, axon_stub=stub)
    ids = read_section_swc_ids(swc, stub)
    section = np.repeat(np.arange(len(ids)), 6)
    x = np.tile([0.0, 0.2, 1 / 3, 0.5, 0.75, 1.0], len(ids))
    expected = [reader.get_swc_id(s, place)[0] for s, place in zip(section.tolist(), x.tolist(), strict=True)]
    found = find_swc_ids(swc, len(ids), section, x)
    assert found.tolist() == expected
    assert set(found.tolist()) == {i for rows in ids for i in rows} | ({-1} if stub else set())


def test_cells_that_are_not_from_the_file_have_no_rows(swc: Path) -> None:
    assert find_swc_ids(swc, 9, np.array([0, 8]), np.array([0.5, 0.5])).tolist() == [-1, -1]


def test_an_id_that_no_section_has(swc: Path) -> None:
    with pytest.raises(MorphologyError, match=r"afferent_swc_id \[99\]"):
        find_swc_places(swc, 4, np.array([99.0]), np.array([0.0]))
    with pytest.raises(MorphologyError, match="not those of its SWC file"):
        find_swc_places(swc, 9, np.array([], dtype=float), np.array([], dtype=float))
