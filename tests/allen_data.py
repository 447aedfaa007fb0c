"""The Allen circuits of the shared data, and BMTK's mechanisms for them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_mpi, run_python
from tests.obi_data import SHARED

MODFILES = "utils/scripts/bionet/mechanisms/modfiles"


@lru_cache(maxsize=1)
def bmtk_modfiles() -> Path:
    """Return the folder of MOD files that come with BMTK; skip the test without BMTK."""
    code = "import bmtk; print(list(bmtk.__path__)[0])"
    for python in (os.environ.get("NEURODAMUS_LIKE_PEER_PYTHON"), sys.executable):
        if python:
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
            if done.returncode == 0 and (Path(done.stdout.strip()) / MODFILES).is_dir():
                return Path(done.stdout.strip()) / MODFILES
    pytest.skip("no bmtk: set NEURODAMUS_LIKE_PEER_PYTHON to a Python that has it")


@lru_cache(maxsize=2)
def allen_library(*more: Path) -> Path:
    """Return a library of BMTK's mechanisms, of `more` folders, and of the core's without channels, compiled once."""
    return _build(more, "")[0]


def allen_core_library(folder: Path) -> Path:
    """Copy :func:`allen_library` and its part for CoreNEURON into a folder; return the library."""
    for library in _build((), "coreneuron=True"):
        shutil.copy(library, folder)
    return folder / "libnrnmech.so"


def _build(more: tuple[Path, ...], options: str) -> list[Path]:
    code = (
        "from pathlib import Path\n"
        "from neurodamus_like.engine.mech_build import build_mechanisms\n"
        "from neurodamus_like.engine.mech_sources import core_dir\n"
        "folders = [core_dir() / 'mod' / name for name in ('stimuli', 'cells')]\n"
        f"folders += [Path(p) for p in {[str(p) for p in (bmtk_modfiles(), *more)]!r}]\n"
        f"library = build_mechanisms(folders, with_core=False, {options})\n"
        "print(library.nrnmech, library.corenrnmech or '')"
    )
    done = run_python(code, timeout=600)
    assert done.returncode == 0, done.stderr
    return [Path(word) for word in done.stdout.strip().splitlines()[-1].split()]


def copy_case(case: str, folder: Path) -> Path:
    """Copy a circuit with its components; return its folder."""
    source = SHARED / "data" / "allen"
    for name in (case, "bio_components", "shared_components"):
        shutil.copytree(source / name, folder / name, dirs_exist_ok=True)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode | 0o200)
    return folder / case


def load_allen_oracle(case: str) -> dict[str, Any]:
    """Return what BMTK gave for a case."""
    oracle: dict[str, Any] = json.loads((SHARED / "oracles" / "allen" / f"{case}.json").read_text())
    return oracle


def simulate_allen(
    config: Path, output: Path, ranks: int = 1, *options: str, nrnmech: Path | None = None
) -> Path:
    """Run a configuration through the command line; return the folder of the results."""
    library = () if nrnmech is None else (f"--nrnmech={nrnmech}",)
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress", f"--output-path={output}"]
    args += [*library, *options]
    done = run_python(args, 600) if ranks == 1 else run_mpi(ranks, args, 600)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def read_spike_list(path: Path, population: str) -> list[tuple[int, float]]:
    """Return (node id, time) of a population, sorted; empty when it has none."""
    with h5py.File(path) as h5:
        group = h5.get(f"spikes/{population}")
        if group is None:
            return []
        return sorted(zip(group["node_ids"][()].tolist(), group["timestamps"][()].tolist(), strict=True))


def assert_same_spikes(
    found: list[tuple[int, float]], expected: list[tuple[int, float]], tolerance_ms: float = 1e-6
) -> None:
    """Check that two spike lists have the same nodes and times."""
    assert len(found) == len(expected) > 0
    assert [node for node, _ in found] == [node for node, _ in expected]
    times = np.array([[a, b] for (_, a), (_, b) in zip(found, expected, strict=True)])
    assert np.abs(times[:, 0] - times[:, 1]).max() <= tolerance_ms
