"""BMTK as a peer of the builder: where it is, and how its files are compared with ours.

BMTK wants an older pandas than this project, so it lives in an environment of its own:
``python -m venv peer && peer/bin/pip install bmtk==1.2.0 'pandas<3' bluepysnap``, and then
``NEURODAMUS_LIKE_PEER_PYTHON=peer/bin/python pytest tests/peers``.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

SCRIPTS = Path(__file__).parent / "scripts"


@lru_cache(maxsize=4)
def peer_python(module: str = "bmtk.builder") -> str:
    """Return the interpreter that has the peer; skip the test without one."""
    for python in (os.environ.get("NEURODAMUS_LIKE_PEER_PYTHON"), sys.executable):
        if python and subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0:
            return python
    pytest.skip(f"no {module}: set NEURODAMUS_LIKE_PEER_PYTHON to a Python that has it")


def run(python: str, *arguments: str | Path, cwd: Path) -> str:
    """Run a script; return what it printed."""
    done = subprocess.run(
        [python, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_with_both(name: str, folder: Path) -> tuple[Path, Path]:
    """Run a script of ``scripts/`` with BMTK, and with its import changed; return both output folders."""
    script = SCRIPTS / f"{name}.py"
    ported = folder / f"{name}.py"
    ported.write_text(script.read_text().replace("from bmtk.builder", "from neurodamus_like.builder"))
    theirs, ours = folder / "theirs", folder / "ours"
    run(peer_python(), script, theirs, cwd=folder)
    run(sys.executable, ported, ours, cwd=folder)
    return ours, theirs


def edge_rows(path: Path) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Return facts about an edge file, and its rows in an order that does not depend on the writer."""
    with h5py.File(path) as h5:
        (name,) = h5["edges"]
        group = h5["edges"][name]
        columns = {n: group[n][()] for n in group if isinstance(group[n], h5py.Dataset)}
        groups = {int(n): group[n] for n in group if n.isdigit()}
        facts = {
            "name": name,
            "ends": [group[f"{e}_node_id"].attrs["node_population"] for e in ("source", "target")],
            "dtypes": {n: v.dtype for n, v in columns.items()},
            "sorted": bool(np.all(np.diff(columns["target_node_id"].astype(int)) >= 0)),
            "attributes": sorted(sorted((n, str(d.dtype)) for n, d in g.items()) for g in groups.values()),
            "root": {k: np.asarray(v).tolist() for k, v in h5.attrs.items()},
        }
        values = {n: {k: d[()] for k, d in g.items()} for n, g in groups.items()}
    rows = []
    for i in range(columns["target_node_id"].size):
        own, at = values[int(columns["edge_group_id"][i])], int(columns["edge_group_index"][i])
        ends = tuple(int(columns[n][i]) for n in ("target_node_id", "source_node_id", "edge_type_id"))
        rows.append((*ends, tuple((n, own[n][at]) for n in sorted(own))))
    return facts, sorted(rows)


def datasets(path: Path) -> dict[str, np.ndarray]:
    """Return all datasets of a file."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as h5:
        h5.visititems(lambda n, o: found.update({n: o[()]}) if isinstance(o, h5py.Dataset) else None)
    return found


def type_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table of types; addresses of functions in it are left out."""
    text = re.sub(r" at 0x[0-9a-f]+>", ">", path.read_text())
    return [dict(row) for row in csv.DictReader(text.splitlines(), delimiter=" ")]
