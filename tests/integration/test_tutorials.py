"""The tutorials of the documentation run as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import run_python

TUTORIALS = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("*.py"))


@pytest.mark.neuron
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial(path: Path, tmp_path: Path) -> None:
    done = run_python([str(path), str(tmp_path)], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Exc -> Inh" in done.stdout
    assert (tmp_path / "output" / "out.h5").is_file()
