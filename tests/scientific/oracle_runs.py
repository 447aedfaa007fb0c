"""What tests against recorded runs of the reference simulators share: running, and comparing spikes and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.helpers import run_mpi, run_python

VOLTAGE_TOLERANCE_MV = 1.2e-5
"""Oracles hold five decimals (half a unit: 5e-6), results single precision (up to 4e-6 at 80 mV)."""
LARGE_VOLTAGE_TOLERANCE_MV = 5.8e-5
"""From 100 mV on oracles hold four decimals: they have seven digits."""
SPIKE_TIME_TOLERANCE_MS = 1e-6


def simulate(config: Path, ranks: int = 1, *options: str, output: Path | None = None) -> Path:
    """Run a configuration through the command line, with further options; return the folder of the results."""
    output = output or config.parent / "output"
    args = [
        "-m",
        "neurodamus_like.cli.main",
        "run",
        str(config),
        "--no-progress",
        f"--output-path={output}",
        *options,
    ]
    done = run_python(args, 600) if ranks == 1 else run_mpi(ranks, args, 600)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def assert_spikes_equal(output: Path, oracle: dict[str, Any], populations: list[str]) -> None:
    with h5py.File(output / oracle["simulation_config"]["output"]["spikes_file"]) as file:
        for population in populations:
            expected = oracle["spikes"][population]
            group = file[f"spikes/{population}"]
            times, nodes = group["timestamps"][:], group["node_ids"][:]
            assert nodes.tolist() == expected["node_ids"]
            np.testing.assert_allclose(times, expected["timestamps_ms"], atol=SPIKE_TIME_TOLERANCE_MS)


def assert_report_equal(
    output: Path, oracle: dict[str, Any], report: str, population: str, file_name: str | None = None
) -> None:
    expected = oracle["reports"][report][population]
    with h5py.File(output / (file_name or f"{report}.h5")) as file:
        group = file[f"report/{population}"]
        data, mapping = group["data"][:], group["mapping"]
        nodes = np.repeat(mapping["node_ids"][:], np.diff(mapping["index_pointers"][:].astype(np.int64)))
        elements = mapping["element_ids"][:]
        assert mapping["time"][:].tolist() == pytest.approx(expected["time_start_stop_dt_ms"])
        assert group["data"].attrs["units"] == "mV"
    order = np.lexsort((elements, nodes))
    assert list(data.shape) == expected["shape"]
    assert nodes[order].tolist() == expected["columns_node_id"]
    assert elements[order].tolist() == expected["columns_element_id"]
    values = np.asarray(expected["values"])
    tolerance = np.where(np.abs(values) < 100, VOLTAGE_TOLERANCE_MV, LARGE_VOLTAGE_TOLERANCE_MV)
    difference = np.abs(data[expected["rows"]][:, order] - values)
    assert (difference <= tolerance).all(), f"up to {difference.max():.3g} mV apart"
