"""Morphologies as arrays, and the text files of load balancing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.exceptions import ConfigurationError, MorphologyError
from neurodamus_like.io.cx_files import (
    CellComplexities,
    Subtree,
    read_balance,
    read_complexities,
    write_balance,
    write_complexities,
)
from neurodamus_like.io.morphology import read_morphology

SWC = """\
1 1 0 0 0 5 -1
2 3 5 0 0 1 1
3 3 15 0 0 1 2
4 3 15 4 0 0.5 3
5 3 15 4 3 0.5 4
6 3 20 0 0 0.5 3
7 2 -5 0 0 1 1
8 2 -9 3 0 1 7
"""


@pytest.fixture
def swc(tmp_path: Path) -> Path:
    path = tmp_path / "cell.swc"
    path.write_text(SWC)
    return path


def test_sections(swc: Path) -> None:
    cell = read_morphology(swc)
    assert cell.n_sections == 4
    assert cell.section_types.tolist() == [3, 3, 3, 2]
    assert cell.parents.tolist() == [-1, 0, 0, -1]
    assert cell.section_points(1).tolist() == [[15, 0, 0], [15, 4, 0], [15, 4, 3]]
    np.testing.assert_allclose(cell.section_lengths(), [10, 7, 5, 5])
    assert cell.diameters[cell.section_starts[3]] == 2
    assert cell.soma_kind == "single_point"
    assert cell.soma_diameters.tolist() == [10]


def test_nrn_order_puts_axons_first(swc: Path) -> None:
    cell = read_morphology(swc, nrn_order=True)
    assert cell.section_types.tolist() == [2, 3, 3, 3]
    assert cell.parents.tolist() == [-1, -1, 1, 1]


def test_folder_and_container(swc: Path) -> None:
    import h5py

    assert read_morphology(swc.parent, "cell").n_sections == 4
    cell = read_morphology(swc)
    container = swc.parent / "all.h5"
    with h5py.File(container, "w") as h5:
        group = h5.create_group("cell")
        table = np.column_stack([cell.points, cell.diameters])
        soma = np.array([[0, 0, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]])
        group["points"] = np.concatenate([soma, table])
        rows = [[0, 1, -1]]
        for section in range(cell.n_sections):
            rows.append(
                [3 + cell.section_starts[section], cell.section_types[section], cell.parents[section] + 1]
            )
        group["structure"] = np.array(rows, dtype=np.int32)
        group.create_group("metadata").attrs["version"] = np.array([1, 1], dtype=np.uint32)
        group["metadata"].attrs["cell_family"] = np.array([0], dtype=np.uint32)
    for found in (read_morphology(container, "cell"), read_morphology(container / "cell")):
        np.testing.assert_array_equal(found.points, cell.points)
        np.testing.assert_array_equal(found.parents, cell.parents)
    with pytest.raises(MorphologyError, match="'nope' of the container"):
        read_morphology(container, "nope")


def test_missing_and_broken(tmp_path: Path) -> None:
    with pytest.raises(MorphologyError, match="not found"):
        read_morphology(tmp_path / "x.swc")
    (tmp_path / "x.swc").write_text("1 2 three\n")
    with pytest.raises(MorphologyError, match="cannot read the morphology") as caught:
        read_morphology(tmp_path / "x.swc")
    assert "\x1b" not in str(caught.value)


def test_complexities_round_trip(tmp_path: Path) -> None:
    pieces = {7: ((Subtree(3.5, (4, 2)), Subtree(1.0)), (Subtree(8.0),))}
    cells = CellComplexities(np.array([3, 7]), np.array([20.25, 12.5]), pieces)
    write_complexities(tmp_path / "cx.dat", cells)
    found = read_complexities(tmp_path / "cx.dat")
    assert found.gids.tolist() == [3, 7]
    assert found.complexity.tolist() == [20.25, 12.5]
    assert found.pieces[7] == pieces[7]
    assert found.pieces[3] == ((Subtree(20.25),),)
    chosen = found.select([7])
    assert chosen is not None
    assert chosen.complexity.tolist() == [12.5]
    assert found.select([7, 8]) is None


def test_real_complexities(shared: Path, tmp_path: Path) -> None:
    file = shared / "data/obi/v5_sonata/sub_mini5/cx_Mini5.dat"
    cells = read_complexities(file)
    assert cells.gids.tolist() == [1, 2, 3, 4, 5]
    for gid, complexity in zip(cells.gids.tolist(), cells.complexity.tolist(), strict=True):
        parts = [subtree.complexity for piece in cells.pieces[gid] for subtree in piece]
        assert sum(parts) == pytest.approx(complexity, rel=1e-3)
    write_complexities(tmp_path / "cx.dat", cells)
    assert (tmp_path / "cx.dat").read_text() == file.read_text()
    ring = read_complexities(shared / "data/obi/ringtest/cx_RingA_RingA#.dat")
    assert ring.gids.tolist() == [0, 1, 2]


def test_balance_round_trip(tmp_path: Path) -> None:
    ranks = [np.array([[5, 0], [9, 1]]), np.empty((0, 2), dtype=np.int64), np.array([[9, 0]])]
    write_balance(tmp_path / "b.dat", ranks)
    assert [r.tolist() for r in read_balance(tmp_path / "b.dat")] == [[[5, 0], [9, 1]], [], [[9, 0]]]


@pytest.mark.parametrize("text", ["1\n2\n3 4.5\n", "1\n1\n3 x 1\n", "1\n1\n3 4.5 1\n 1\n"])
def test_broken_complexities(tmp_path: Path, text: str) -> None:
    (tmp_path / "cx.dat").write_text(text)
    with pytest.raises(ConfigurationError, match="load balance file"):
        read_complexities(tmp_path / "cx.dat")


def test_broken_balance(tmp_path: Path) -> None:
    (tmp_path / "b.dat").write_text("1\n2\n0 1 5 0\n")
    with pytest.raises(ConfigurationError, match="names the ranks"):
        read_balance(tmp_path / "b.dat")
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_balance(tmp_path / "missing.dat")
