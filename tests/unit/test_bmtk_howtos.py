"""The blocks that the guides for BMTK models show are read without an error."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from neurodamus_like.config.allen import read_allen
from tests.allen_model import change, write_model

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
NODE_SETS = {
    **{name: {"population": "source"} for name in ("lgn", "tw", "noise")},
    **{name: {"population": "cells", "model_type": "biophysical"} for name in ("pyramidal", "v1")},
}


def blocks_of(guide: str) -> dict[str, Any]:
    """Return name -> block of all JSON that a guide shows."""
    found: dict[str, Any] = {}
    for text in re.findall(r"```json\n(.*?)```", (HOWTO / guide).read_text(encoding="utf-8"), re.DOTALL):
        content = json.loads(text if text.startswith("{") else "{" + text + "}")
        found |= next(iter(content.values())) if set(content) <= {"inputs", "reports"} else content
    return found


@pytest.mark.parametrize(
    ("guide", "section", "least"),
    [("stimulate_bmtk_model.md", "inputs", 8), ("bmtk_reports.md", "reports", 7)],
)
def test_what_guides_show_is_read(guide: str, section: str, least: int, tmp_path: Path) -> None:
    config = change(write_model(tmp_path), "node_sets", to=NODE_SETS)
    blocks = blocks_of(guide)
    assert len(blocks) >= least
    for name in re.findall(r'"([\w.]+\.(?:csv|h5|nwb))"', json.dumps(blocks)):
        (tmp_path / name).touch()
    text = re.sub(r'"([\w.]+\.(?:csv|h5|nwb))"', rf'"{tmp_path}/\1"', json.dumps(blocks))
    if section == "reports":
        clamp = {"module": "IClamp", "input_type": "current_clamp", "amp": 0.1, "delay": 1.0, "duration": 5.0}
        change(config, "inputs", to={"step": clamp})
    reading = read_allen(change(config, section, to=json.loads(text)))
    assert not reading.errors, reading.errors
    assert reading.document is not None
    assert not [n for n in reading.document.notices if (n.pointer or "").startswith(f"/{section}")]
    assert reading.simulation is not None
    named = reading.simulation.inputs if section == "inputs" else reading.simulation.reports
    assert len(named) >= least
