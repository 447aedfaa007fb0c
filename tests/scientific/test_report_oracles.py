"""Every report of the reference simulator, sample by sample, and relations between reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
import pytest

from tests.helpers import run_mpi, run_python
from tests.obi_data import load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

MAIN = ["-m", "neurodamus_like.cli.main"]
RTOL = 5e-7
"""The oracles have 7 digits, the files 32-bit floats."""


def run(args: list[str], ranks: int = 1, folder: Path | None = None) -> None:
    done = run_python([*MAIN, *args], 600) if ranks == 1 else run_mpi(ranks, [*MAIN, *args], 600)
    assert done.returncode == 0, done.stdout + done.stderr


def read_columns(group: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, node ids and element ids of all columns, sorted by node, then element."""
    mapping = group["mapping"]
    nodes = np.repeat(mapping["node_ids"][:], np.diff(mapping["index_pointers"][:].astype(np.int64)))
    elements = mapping["element_ids"][:]
    order = np.lexsort((elements, nodes))
    return group["data"][:][:, order], nodes[order].astype(int), elements[order].astype(int)


def assert_report_equals(file: Path, population: str, expected: dict[str, Any]) -> None:
    with h5py.File(file) as h5:
        group = h5[f"report/{population}"]
        values, nodes, elements = read_columns(group)
        assert group["mapping/time"][:].tolist() == pytest.approx(expected["time_start_stop_dt_ms"])
    assert list(values.shape) == expected["shape"]
    assert nodes.tolist() == expected["columns_node_id"]
    assert elements.tolist() == expected["columns_element_id"]
    wanted = np.array(expected["values"])
    # a sum that cancels is known as well as its terms are
    atol = max(RTOL * np.abs(wanted).max(), 1e-12)
    np.testing.assert_allclose(values[expected["rows"]], wanted, rtol=RTOL, atol=atol)


@pytest.mark.parametrize("case", ["v5_sonata_reports", "ringtest_pulse"])
def test_all_reports_on_any_number_of_ranks(case: str, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle(case)
    if case == "ringtest_pulse":
        # The reference ran this circuit with the constants of its common mechanisms, not the neocortical ones.
        oracle["simulation_config"]["conditions"]["mechanisms"] = {
            "ProbAMPANMDA_EMS": {"slope_mg": 0.062, "scale_mg": 3.57}
        }
    assert len(oracle["reports"]) == 10
    files: dict[int, dict[str, bytes]] = {}
    for ranks in (1, 2, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        run(["run", str(write_oracle_config(oracle, obi, folder)), "--no-progress"], ranks)
        for name, populations in oracle["reports"].items():
            for population, expected in populations.items():
                assert_report_equals(folder / "output" / f"{name}.h5", population, expected)
        files[ranks] = {file.name: file.read_bytes() for file in (folder / "output").glob("*.h5")}
    assert len(files[1]) == 11
    assert files[1] == files[2] == files[4]


REPORTS = {
    "summed": {"type": "summation", "variable_name": "ProbAMPANMDA_EMS,ProbGABAAB_EMS", "scaling": "none"},
    "ampa": {"type": "synapse", "variable_name": "ProbAMPANMDA_EMS"},
    "gaba": {"type": "synapse", "variable_name": "ProbGABAAB_EMS.i"},
    "conductance": {"type": "synapse", "variable_name": "ProbGABAAB_EMS.g"},
    "current": {"type": "compartment", "variable_name": "i_membrane"},
    "probe": {"type": "lfp", "electrodes_file": "probe.csv"},
    "factors": {"type": "lfp", "electrodes_file": "factors.h5"},
    "gate": {"type": "compartment", "variable_name": "SKv3_1.m", "cells": "Excitatory", "sections": "soma"},
    "calcium": {"type": "compartment", "variable_name": "cai", "cells": "Excitatory", "sections": "soma"},
}


@pytest.fixture(scope="module")
def output(obi: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the v5 circuit with related reports; the electrodes file is written by the command."""
    folder = tmp_path_factory.mktemp("related")
    oracle = load_oracle("v5_sonata_reports")
    common = {
        "cells": "Mosaic",
        "sections": "all",
        "compartments": "all",
        "dt": 0.5,
        "start_time": 0,
        "end_time": 40,
    }
    oracle["simulation_config"]["reports"] = {name: {**common, **block} for name, block in REPORTS.items()}
    config = write_oracle_config(oracle, obi, folder)
    (folder / "probe.csv").write_text("x,y,z\n0,0,0\n10,50,20\n0,200,0\n")
    run(["electrodes", str(config), f"--probe={folder}/probe.csv", f"--output={folder}/factors.h5"], 2)
    run(["run", str(config), "--no-progress"])
    return config.parent / "output"


def report(output: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    with h5py.File(output / f"{name}.h5") as h5:
        group = h5["report/default"]
        return (*read_columns(group), str(group["data"].attrs["units"]))


def test_synapses_add_up_to_the_summation(output: Path) -> None:
    total, nodes, _, unit = report(output, "summed")
    parts = [report(output, name) for name in ("ampa", "gaba")]
    assert unit == "nA"
    assert np.abs(total).max() > 0.05, "synapses must be active"
    for node in range(5):
        by_synapse = sum(values[:, owners == node].sum(axis=1) for values, owners, _, _ in parts)
        np.testing.assert_allclose(total[:, nodes == node].sum(axis=1), by_synapse, atol=1e-6)


def test_each_synapse_is_reported_once_under_its_number(output: Path) -> None:
    ids = [(n, e) for name in ("ampa", "gaba") for n, e in zip(*report(output, name)[1:3], strict=True)]
    assert len(ids) == 2204
    assert len(set(ids)) == len(ids) - 24, "the edges of the second population count from 0 again"
    assert report(output, "conductance")[3] == "uS"


def test_units_come_from_the_mechanisms(output: Path) -> None:
    units = {name: report(output, name)[3] for name in ("current", "ampa", "gate", "calcium", "probe")}
    assert units == {"current": "nA", "ampa": "nA", "gate": "", "calcium": "mM", "probe": "mV"}


def test_potentials_are_factors_times_membrane_currents(output: Path) -> None:
    with h5py.File(output.parent / "factors.h5") as h5:
        offsets = h5["default/offsets"][:]
        factors = h5["electrodes/default/scaling_factors"][:]
        assert h5["default/node_ids"][:].tolist() == [0, 1, 2, 3, 4]
    currents, owners, _, _ = report(output, "current")
    potentials, nodes, contacts, _ = report(output, "factors")
    assert contacts.tolist() == [0, 1, 2] * 5
    for node in range(5):
        expected = currents[:, owners == node] @ factors[offsets[node] : offsets[node + 1]]
        np.testing.assert_allclose(potentials[:, nodes == node], expected, atol=1e-6 * np.abs(expected).max())


def test_factors_of_a_file_and_of_a_probe_are_the_same(output: Path) -> None:
    np.testing.assert_array_equal(report(output, "probe")[0], report(output, "factors")[0])


def test_libsonata_and_bluepysnap_read_them(output: Path, obi: Path) -> None:
    frame = libsonata.ElementReportReader(str(output / "ampa.h5"))["default"].get(node_ids=[3])
    values, nodes, elements, _ = report(output, "ampa")
    np.testing.assert_array_equal(frame.data, values[:, nodes == 3])
    assert [e for _, e in frame.ids] == elements[nodes == 3].tolist()
    snap = pytest.importorskip("bluepysnap")
    simulation = snap.Simulation(str(output.parent / "simulation_config.json"))
    table = simulation.reports["current"].filter(group=[1], t_stop=5).report
    currents, owners, _, _ = report(output, "current")
    np.testing.assert_allclose(table.values, currents[:11, owners == 1])
    spikes = simulation.spikes.filter(group=None).report
    assert len(spikes) == 20
