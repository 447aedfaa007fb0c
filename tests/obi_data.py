"""The OBI circuits of the shared data, made runnable: linked into a folder, with templates made from e-models."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[1].parent / "shared"

TEMPLATE_FOLDERS = {
    "v5_sonata/sub_mini5/biophysical_model_templates": ("bNAC219", "cACint209", "cADpyr229", "cNAC187"),
    "usecase3/CircuitA/hoc": ("cNAC_L23BTC", "cADpyr_L2TPC"),
    "usecase3/CircuitB/hoc": ("bAC_IN", "cNAD_noscltb"),
    "ringtest/hoc": ("TestCell",),
}


def link_obi_data(destination: Path, shared: Path = SHARED) -> Path:
    """Link ``data/obi`` into `destination` and write the HOC templates its configurations name."""
    from neurodamus_like.builder.emodels import load_emodel, write_hoc_template

    source = shared / "data" / "obi"
    for file in source.rglob("*"):
        link = destination / file.relative_to(source)
        if file.is_dir():
            link.mkdir(parents=True, exist_ok=True)
        elif not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(file, link)
    for folder, names in TEMPLATE_FOLDERS.items():
        directory = destination / folder
        directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            write_hoc_template(load_emodel(shared / "facts" / "emodels" / f"{name}.json"), directory)
    return destination


RING_MECHANISMS = {"ProbAMPANMDA_EMS": {"slope_mg": 0.062, "scale_mg": 3.57}}
"""The reference ran the ring with the constants of its common mechanisms, not the neocortical ones."""


def load_oracle(case: str, shared: Path = SHARED) -> dict[str, Any]:
    """Return what the reference simulator gave for a case."""
    oracle: dict[str, Any] = json.loads((shared / "oracles" / "obi" / f"{case}.json").read_text())
    if case.startswith("ringtest"):
        oracle["simulation_config"]["conditions"]["mechanisms"] = RING_MECHANISMS
    return oracle


def write_oracle_config(oracle: dict[str, Any], obi: Path, folder: Path) -> Path:
    """Write the configuration of an oracle, with its data folder, into `folder`; results go beside it."""
    text = json.dumps(oracle["simulation_config"]).replace("DATA/obi", str(obi))
    config = json.loads(text)
    config["output"]["output_dir"] = str(folder / "output")
    path = folder / "simulation_config.json"
    path.write_text(json.dumps(config))
    return path
