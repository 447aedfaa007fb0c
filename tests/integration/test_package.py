"""What is shipped: the wheel and the source archive hold all that a run, and a check, needs."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _build(kind: str, folder: Path) -> Path:
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (made,) = folder.iterdir()
    return made


def _sources(folder: str) -> set[str]:
    files = (ROOT / folder).rglob("*")
    return {p.relative_to(ROOT).as_posix() for p in files if p.is_file() and "__pycache__" not in p.parts}


@pytest.mark.slow
def test_the_wheel_holds_the_mechanisms_hoc_and_cpp_sources(tmp_path: Path) -> None:
    with zipfile.ZipFile(_build("wheel", tmp_path)) as wheel:
        names = set(wheel.namelist())
    expected = {
        f"neurodamus_like/_{path}"
        for path in _sources("core")
        if path.endswith((".mod", ".hoc", ".cpp", ".hpp"))
    }
    assert {"neurodamus_like/_core/hoc/import3d.hoc", "neurodamus_like/py.typed"} <= names
    assert any(name.startswith("neurodamus_like/_core/mod/") for name in expected)
    assert expected <= names, sorted(expected - names)
    assert {p for p in _sources("neurodamus_like") if p.endswith((".py", ".json"))} <= names


@pytest.mark.slow
def test_the_source_archive_holds_the_check(tmp_path: Path) -> None:
    with tarfile.open(_build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {".ci/run", "ci/bootstrap.sh", "ci/venv.sh", "Makefile", "pyproject.toml", "LICENSE"} <= names
    assert _sources("core") <= names
