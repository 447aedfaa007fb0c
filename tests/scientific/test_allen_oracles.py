"""Whole simulations of the Allen dialect give the spikes that BMTK gave, on any number of ranks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.allen_data import (
    allen_library,
    assert_same_spikes,
    copy_case,
    load_allen_oracle,
    read_spike_list,
    simulate_allen,
)

CASES = {
    "300_intfire": ("config.json", "v1", 3000.0, (1, 2, 4)),
    "9_cells": ("config.json", "cortex", 3000.0, (1, 2, 4)),
    "bio_14cells": ("config.simulation_short.json", "v1", 3000.0, (1, 2, 4)),
    "5_cells_iclamp": ("config.json", "biophysical", 1100.0, (1, 2, 4)),
}
"""Case -> configuration, population, how much of it is run (ms), numbers of ranks."""
SHORT = {("bio_14cells", 1): 700.0, ("bio_14cells", 2): 700.0}
"""Case and number of ranks -> how much is run (ms), where all of it is run on another number of ranks."""


@pytest.mark.parametrize(("case", "ranks"), [(case, n) for case, c in CASES.items() for n in c[3]])
def test_same_spikes_as_bmtk(case: str, ranks: int, shared: Path, tmp_path: Path) -> None:
    config, population, tstop, _ = CASES[case]
    tstop = SHORT.get((case, ranks), tstop)
    folder = copy_case(case, tmp_path)
    _shorten(folder, tstop)
    library = None if case == "300_intfire" else allen_library()
    output = simulate_allen(folder / config, tmp_path / "out", ranks, "--disable-reports", nrnmech=library)
    recorded = load_allen_oracle(case)["spikes"][population]
    expected = sorted(
        (node, time)
        for node, time in zip(recorded["node_ids"], recorded["timestamps_ms"], strict=True)
        if time <= tstop
    )
    assert_same_spikes(read_spike_list(output / "spikes.h5", population), expected)


def _shorten(folder: Path, tstop: float) -> None:
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text())
        if "run" in content:
            content["run"]["tstop"] = tstop
            path.write_text(json.dumps(content))
