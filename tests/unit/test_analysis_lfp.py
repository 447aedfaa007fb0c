"""Potentials from lfp reports, and the figures of reports, spikes and potentials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.analysis.lfp import Potentials, compute_csd, compute_potentials, compute_power_spectrum
from neurodamus_like.cli.main import main
from neurodamus_like.io.report_files import ElementLayout, create_report_file
from neurodamus_like.io.reports import ReportData
from neurodamus_like.io.spikes import write_spikes
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import Communicator

RNG = np.random.default_rng(5)


def lfp_report(n_nodes: int = 3, n_contacts: int = 4, n_frames: int = 50) -> ReportData:
    values = RNG.normal(size=(n_frames, n_nodes * n_contacts)).astype("f4")
    return ReportData(
        values,
        np.arange(n_nodes) * 2,
        np.arange(n_nodes + 1) * n_contacts,
        np.tile(np.arange(n_contacts), n_nodes),
        (0.0, 0.5 * n_frames, 0.5),
        "mV",
    )


def test_potentials_are_sums_over_cells() -> None:
    report = lfp_report()
    parts = report.values.reshape(50, 3, 4)
    np.testing.assert_allclose(compute_potentials(report).values_mV, parts.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(
        compute_potentials(report, [0, 4]).values_mV, parts[:, [0, 2]].sum(axis=1), atol=1e-6
    )
    assert compute_potentials(report).times_ms[:3].tolist() == [0, 0.5, 1.0]


def test_csd_of_a_parabola_is_constant() -> None:
    depth_um = 20.0 * np.arange(8)
    potentials = Potentials(np.array([0.0]), (3e-6 * depth_um**2)[None, :])
    density = compute_csd(potentials, 20.0, conductivity=0.5)
    # phi'' = 6e-6 mV/um2 = 6e3 V/m2; times -0.5 S/m: -3e3 A/m3 = -3 uA/mm3
    np.testing.assert_allclose(density, -3.0)
    assert density.shape == (1, 6)


@pytest.mark.parametrize("n", [400, 401])
def test_power_spectrum_adds_up_to_the_variance(n: int) -> None:
    times = 0.5 * np.arange(n)
    values = np.column_stack([np.sin(2 * np.pi * 0.05 * times), RNG.normal(size=n)])
    frequencies, density = compute_power_spectrum(Potentials(times, values))
    np.testing.assert_allclose((density * frequencies[1]).sum(axis=0), values.var(axis=0), rtol=1e-9)
    assert frequencies[density[:, 0].argmax()] == pytest.approx(50.0, abs=3.0)


def write_report(path: Path, report: ReportData) -> None:
    layout = ElementLayout(report.node_ids, report.index_pointers, report.element_ids)
    file = create_report_file(path, {"cells": layout}, len(report.values), *report.time, "mV")
    n = layout.n_columns
    with BlockWriter(path, file.data_offsets["cells"], n, "f4", np.arange(n), Communicator()) as writer:
        writer.write(0, report.values)


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "r.h5"],
        ["report", "r.h5", "--nodes=0,2-4", "--traces=3", "--start=2", "--end=9"],
        ["report", "r.h5", "--image", "--population=cells"],
        ["lfp", "r.h5"],
        ["lfp", "r.h5", "--spectrum", "--nodes=2"],
        ["raster", "s.h5", "--bin=2"],
    ],
)
def test_figures(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    write_report(tmp_path / "r.h5", lfp_report())
    write_spikes(tmp_path / "s.h5", {"a": ([1.0, 2.0, 2.5], [4, 4, 7]), "b": ([], [])})
    output = tmp_path / "figures" / "f.png"
    assert (
        main(["plot", arguments[0], str(tmp_path / arguments[1]), *arguments[2:], f"--output={output}"]) == 0
    )
    assert capsys.readouterr().out.strip() == str(output)
    assert output.read_bytes().startswith(b"\x89PNG")
    assert output.stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "r.h5", "--population=cell"], "did you mean 'cells'"),
        (["report", "r.h5", "--nodes=a"], "node ids such as"),
        (["report", "r.h5", "--traces=0"], "1 or more"),
        (["raster", "s.h5", "--bin=0"], "nothing to draw"),
        (["rapster", "s.h5"], "did you mean 'raster'"),
        (["lfp", "r.h5", "--start=x"], "a number"),
        (["lfp", "r.h5", "--start=30"], "frames: 0 to 24.5 ms"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(tmp_path / "r.h5", lfp_report())
    write_spikes(tmp_path / "s.h5", {"a": ([1.0], [4])})
    assert main(["plot", arguments[0], str(tmp_path / arguments[1]), *arguments[2:]]) == 1
    assert message in capsys.readouterr().err


def test_help_of_a_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", "lfp", "--help"]) == 0
    assert "neurodamus-like plot lfp FILE" in capsys.readouterr().out
    assert main(["plot", "--help"]) == 0
    assert "raster" in capsys.readouterr().out
