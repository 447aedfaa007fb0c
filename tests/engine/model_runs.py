"""Run Python code with the package in a process of its own, and hand its result back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers import run_python

ROOT = Path(__file__).resolve().parents[2]


def run_json(code: str, cwd: Path, env: Mapping[str, str] | None = None) -> Any:
    """Return what `code` printed last, read as JSON."""
    done = run_python(code, timeout=300, cwd=cwd, env={"PYTHONPATH": str(ROOT), **(env or {})})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])
