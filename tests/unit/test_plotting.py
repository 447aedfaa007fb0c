"""Figures: what is on the axes, and that files are written without a display."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from neurodamus_like.analysis.results import PopulationSpikes, load_results
from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.exceptions import MissingDependencyError, ReportError, SimulationError
from neurodamus_like.io.spikes import write_spikes
from neurodamus_like.plotting.backend import VIRTUAL, require_matplotlib
from neurodamus_like.plotting.raster import choose_colors, plot_raster, plot_rates
from neurodamus_like.plotting.summary import plot_summary, save_summary
from neurodamus_like.plotting.traces import plot_traces

pytest.importorskip("matplotlib")


def _population(name: str, size: int, times, ids, is_virtual: bool = False) -> PopulationSpikes:
    return PopulationSpikes(name, np.arange(size), np.array(times, float), np.array(ids, int), is_virtual)


@pytest.fixture
def populations():
    return (
        _population("A", 3, [1.0, 2.0, 7.0], [0, 2, 2]),
        _population("B", 2, [4.0], [1]),
        _population("T", 4, [5.0], [3], is_virtual=True),
    )


@pytest.fixture
def results(tmp_path):
    config = write_demo_circuit(tmp_path, n_cells=10, tstop_ms=20.0)
    (tmp_path / "output").mkdir()
    spikes = {"Exc": ([5.0, 6.0, 12.0], [0, 3, 3]), "Inh": ([], [])}
    write_spikes(tmp_path / "output" / "out.h5", spikes)
    return load_results(config)


def test_raster_stacks_the_populations(populations):
    ax = plot_raster(populations)
    ticks = [c.get_offsets().tolist() for c in ax.collections]
    assert ticks[:2] == [[[1.0, 0.5], [2.0, 2.5], [7.0, 2.5]], [[4.0, 4.5]]]
    # four virtual rows share a third of the height of the five others
    np.testing.assert_allclose(ticks[2], [[5.0, 5.0 + 3.5 * 5 / 12]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["A\n3", "B\n2", "T\n4"]
    np.testing.assert_allclose(ax.get_ylim(), [5 * 4 / 3, 0.0])


def test_colors_differ_and_virtual_is_grey(populations):
    colors = choose_colors(populations)
    assert len(set(colors.values())) == 3
    assert colors["T"] == VIRTUAL


def test_rates_draw_one_line_per_population(populations):
    ax = plot_rates(populations, 10.0, bin_ms=5.0)
    assert [line.get_label() for line in ax.lines] == ["A", "B", "T"]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.0, 5.0, 10.0])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2 / 3 * 200, 1 / 3 * 200, 1 / 3 * 200])
    assert ax.get_ylabel() == "rate (Hz per cell)"


def test_traces_are_stacked_downwards_with_labels_and_a_scale():
    values = np.column_stack([np.linspace(-80, 20, 50), np.full(50, -70.0)])
    ax = plot_traces(np.arange(50.0), values, labels=["x", "y"], units="mV")
    assert len(ax.lines) == 3
    assert ax.lines[0].get_ydata().min() > ax.lines[1].get_ydata().max() - 1e-9
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y"]
    assert "50 mV" in ax.texts[0].get_text()


def test_a_given_axes_is_used(populations):
    ax = plot_raster(populations[:1])
    assert plot_rates(populations[:1], 10.0, ax) is ax


def test_results_have_simulated_and_replayed_populations(results):
    assert [(p.name, p.size, p.is_virtual) for p in results.populations] == [
        ("Exc", 8, False),
        ("Inh", 2, False),
        ("Thalamus", 200, True),
    ]
    assert results.populations[0].times_ms.tolist() == [5.0, 6.0, 12.0]
    assert results.n_edges > 100
    assert results.pick_traces(4) is None
    with pytest.raises(ReportError, match="somma"):
        results.report_path("somma")


def test_results_of_a_run_that_was_not_done_say_so(tmp_path):
    config = write_demo_circuit(tmp_path, n_cells=10, tstop_ms=20.0)
    with pytest.raises(SimulationError, match="neurodamus-like run"):
        load_results(config)


def test_summary_without_a_report_has_raster_and_rates(results, tmp_path):
    figure = plot_summary(results, title="hello")
    assert len(figure.axes) == 2
    assert "hello" in figure.axes[0].get_title(loc="left")
    assert "3 spikes" in figure.axes[0].get_title(loc="left")
    path = save_summary(results, tmp_path / "new" / "summary.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"neurodamus-like\[plot\]"):
        require_matplotlib()
