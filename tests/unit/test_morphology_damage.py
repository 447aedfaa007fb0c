"""What is said about morphology files that are damaged, and that whole ones are left in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.engine.morphology_damage import find_damage

SWC = "# a comment\n1 1 0 0 0 5 -1\n2 3 0 5 0 1 1\n3 3 0 9 0 1 2\n"
ASC = '("CellBody"\n (Color Red) ; (\n (CellBody)\n (1 0 0 1)\n (0 1 0 1)\n (-1 0 0 1)\n)\n'


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.swc", "", "empty"),
        ("a.asc", " \n", "empty"),
        ("a.swc", "# nothing\n", "no points"),
        ("a.swc", SWC[:-4], "line 4 is not a point: '3 3 0 9 0'"),
        ("a.swc", SWC.replace("1 2\n", "1 77\n"), "the parent 77 of the point in line 4 is absent"),
        ("a.asc", ASC[:-2], "truncated: it ends inside 1 open"),
        ("a.ASC", ASC + ")", "line 8 closes a parenthesis"),
        ("a.asc", "this is no morphology", "no points"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    assert said in (find_damage(tmp_path / name) or "")


@pytest.mark.parametrize(("name", "text"), [("a.swc", SWC), ("a.asc", ASC), ("a.txt", "(")])
def test_nothing_is_said_of_whole_or_unknown_files(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert find_damage(tmp_path / name) is None


def test_nothing_is_said_of_the_demos_morphologies(tmp_path: Path) -> None:
    write_demo_circuit(tmp_path, n_cells=10, tstop_ms=5.0)
    files = [*tmp_path.glob("asc/*.asc"), *tmp_path.glob("swc/*.swc")]
    assert files
    assert [path for path in files if find_damage(path)] == []
