"""Reports through the command line: what is refused, when, and with which words; orders of spikes; compression."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_python
from tests.obi_data import load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

SOMA = {
    "type": "compartment",
    "cells": "Mosaic",
    "variable_name": "v",
    "dt": 0.1,
    "start_time": 0,
    "end_time": 2,
}


@pytest.fixture
def config(obi: Path, tmp_path: Path) -> Path:
    """The v5 circuit for 2 ms with one report."""
    oracle = load_oracle("v5_sonata_reports")
    oracle["simulation_config"]["run"]["tstop"] = 2.0
    oracle["simulation_config"]["reports"] = {"soma": SOMA}
    return write_oracle_config(oracle, obi, tmp_path)


def change(config: Path, **blocks: Any) -> None:
    raw = json.loads(config.read_text())
    for name, block in blocks.items():
        raw[name] = {**raw[name], **block} if name != "reports" else block
    config.write_text(json.dumps(raw))


def run(config: Path, *options: str) -> tuple[int, str]:
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress", *options], 600)
    return done.returncode, done.stdout + done.stderr


def test_what_is_wrong_with_blocks_comes_in_one_list_before_anything_is_built(config: Path) -> None:
    wrong = {
        "fast": {**SOMA, "dt": 0.01},
        "late": {**SOMA, "start_time": 1.5, "end_time": 1.0},
        "two": {**SOMA, "variable_name": "v,ina"},
        "probe": {
            "type": "lfp",
            "cells": "Mosaic",
            "electrodes_file": "none.h5",
            "dt": 1,
            "start_time": 0,
            "end_time": 2,
        },
    }
    change(config, reports=wrong)
    code, text = run(config)
    assert code == 1
    for words in (
        "4 problems",
        "/reports/fast",
        "/reports/late",
        "/reports/two",
        "/reports/probe",
        "none.h5",
    ):
        assert words in text, text
    assert not (config.parent / "output").exists()
    assert run(config, "--disable-reports")[0] == 0


def test_what_is_wrong_with_the_model_comes_in_one_list_before_the_run(config: Path) -> None:
    wrong = {
        "nonsense": {**SOMA, "variable_name": "nonsense"},
        "nobody": {**SOMA, "type": "synapse", "variable_name": "Gap.i"},
        "clamp": {**SOMA, "variable_name": "IClamp.nothing"},
    }
    change(config, reports=wrong)
    code, text = run(config)
    assert code == 1
    for words in ("3 problems", "'nonsense' is found 0 times", "synapse Gap.i", "'IClamp.nothing'"):
        assert words in text, text
    assert not list((config.parent / "output").glob("*.h5*"))


def test_sizes_are_shown_and_limited(config: Path) -> None:
    code, text = run(config, "--max-report-size=0.0003")
    assert code == 1
    assert "report 'soma': it would have 400 B (5 values in each of 20 frames)" in text
    assert "--max-report-size" in text
    assert run(config, "--max-report-size=-1")[0] == 1


def test_unknown_variable_in_a_sum_is_a_warning_and_zero(config: Path) -> None:
    change(
        config,
        reports={
            "sum": {**SOMA, "type": "summation", "variable_name": "i_membrane,SEClamp", "scaling": "none"}
        },
    )
    code, text = run(config)
    assert code == 0, text
    assert "no compartment has the variable SEClamp" in text


def test_compressed_reports_and_spikes_by_id(config: Path) -> None:
    change(config, output={"spikes_sort_order": "by_id"})
    assert run(config)[0] == 0
    with h5py.File(config.parent / "output" / "soma.h5") as h5:
        plain = h5["report/default/data"][:]
    with h5py.File(config.parent / "output" / "out.h5") as h5:
        nodes = h5["spikes/default/node_ids"][:]
        assert len(nodes) >= 5
        assert (np.diff(nodes.astype(int)) >= 0).all()
        assert h5["spikes/default"].attrs["sorting"] == 1
    assert run(config, "--compress-reports=4")[0] == 0
    with h5py.File(config.parent / "output" / "soma.h5") as h5:
        data = h5["report/default/data"]
        assert data.compression == "gzip"
        np.testing.assert_array_equal(data[:], plain)


def test_nothing_runs_beyond_the_configured_end(config: Path) -> None:
    code = f"""
from neurodamus_like import Neurodamus
from neurodamus_like.exceptions import SimulationError
simulation = Neurodamus({str(config)!r}, progress=False)
simulation.solve(1.0)
try:
    simulation.solve(2.5)
except SimulationError as error:
    print("refused:", error)
simulation.solve()
simulation.write_results()
"""
    done = run_python(code, 600)
    assert done.returncode == 0, done.stderr
    assert "refused: cannot simulate up to 2.5 ms: the configuration ends at 2 ms" in done.stdout
    with h5py.File(config.parent / "output" / "soma.h5") as h5:
        assert h5["report/default/data"].shape == (20, 5)
