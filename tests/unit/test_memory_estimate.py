"""Arithmetic of memory estimates, and which cells stand for the others; without a simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.distribution.cell_kinds import SAMPLED_KINDS, CellKinds, choose_cells
from neurodamus_like.distribution.memory_estimate import (
    CORENEURON_CELL_SHARE,
    CORENEURON_SYNAPSE_SHARE,
    CYCLE_SHARE_KEPT,
    MPI_BYTES,
    READING_BYTES_PER_EDGE,
    TABLE_BYTES_PER_EDGE,
    MemoryModel,
    PopulationModel,
    ReportSize,
    suggest,
)
from neurodamus_like.distribution.memory_units import (
    USUAL_POINT_PROCESS_BYTES,
    MemoryUnits,
    PopulationUnits,
    load_units,
    save_units,
)

MB = 1e6
UNITS = MemoryUnits(
    base=100 * MB,
    populations={"A": PopulationUnits({"big": 4 * MB, "small": 1 * MB}, kind=2 * MB, stimulus=1000.0)},
    point_process={"Syn": 1000.0},
    netcon=400.0,
    remote_netcon=600.0,
    train=700.0,
    replayed=300.0,
    mini=900.0,
)


def population(n: int = 10, synapses: int = 0) -> PopulationModel:
    each = np.full(n, synapses, dtype=np.int64)
    kind = np.arange(n) % 2
    return PopulationModel(
        "A", np.arange(n), ["big", "small"], kind, np.full(n, "x"), {"Syn": each}, each, each
    )


def test_a_rank_has_what_its_cells_need() -> None:
    model = MemoryModel(UNITS, [population(10, 100)])
    synapse = 1000.0 + 400.0 + TABLE_BYTES_PER_EDGE
    cells = 5 * 4 * MB + 5 * 1 * MB + 10 * 1000.0
    assert model.rank_bytes({"A": np.arange(10)}, 1) == pytest.approx(
        100 * MB + 4 * MB + cells + 1000 * synapse
    )
    assert model.even_rank_bytes(1) == pytest.approx(model.rank_bytes({"A": np.arange(10)}, 1))
    # a single small cell on one of two ranks: a kind, and a source elsewhere for each of five cells
    alone = 100 * MB + MPI_BYTES + 2 * MB + 1 * MB + 1000.0 + 100 * synapse + 5 * 200.0
    assert model.rank_bytes({"A": np.array([1])}, 2) == pytest.approx(alone)


def test_reading_can_be_the_peak() -> None:
    few = PopulationModel("A", np.arange(1), ["small"], np.zeros(1, dtype=int), np.array(["x"]))
    few.rows = np.array([1_000_000])
    model = MemoryModel(UNITS, [few])
    assert model.rank_bytes({"A": np.arange(1)}, 1) == pytest.approx(
        102 * MB + 1_000_000 * READING_BYTES_PER_EDGE
    )


def test_cycles_and_coreneuron() -> None:
    plain = MemoryModel(UNITS, [population(1000)])
    core = MemoryModel(UNITS, [population(1000)], simulator="CORENEURON")
    cells = 500 * 5 * MB + 1000 * 1000.0
    assert plain.even_rank_bytes(1, 10) == pytest.approx(104 * MB + cells / 10)
    assert core.even_rank_bytes(1, 1) == pytest.approx(104 * MB + cells * (1 + CORENEURON_CELL_SHARE))
    # part of NEURON's largest cycle is still there when CoreNEURON reads the whole
    kept = CYCLE_SHARE_KEPT * cells / 10
    assert core.even_rank_bytes(1, 10) == pytest.approx(104 * MB + cells * CORENEURON_CELL_SHARE + kept)
    synapses = MemoryModel(UNITS, [population(10, 500)], simulator="CORENEURON")
    both = MemoryModel(UNITS, [population(10, 500)]).even_rank_bytes(1)
    cells = 5 * 5 * MB + 10 * 1000.0
    copy = CORENEURON_CELL_SHARE * cells + CORENEURON_SYNAPSE_SHARE * (both - 104 * MB - cells)
    assert synapses.even_rank_bytes(1) == pytest.approx(both + copy)
    assert synapses.rank_bytes({"A": np.arange(10)}, 1) == pytest.approx(both + copy)
    # a cycle is never smaller than the largest cell
    assert plain.even_rank_bytes(1000, 1000) > 104 * MB + 4 * MB


def test_reports_are_kept_for_a_while() -> None:
    report = ReportSize("v", columns=1000, frames=10_000, dt_ms=0.1)
    assert report.file_bytes == 1000 * 10_000 * 4
    assert report.kept_bytes(1, 8e6) == pytest.approx(1000 * 200 + 1000 * 250 * 8)
    assert report.kept_bytes(1, 1e6) == pytest.approx(1000 * 200 + 1e6)
    assert report.kept_bytes(4, 8e6) < report.kept_bytes(1, 8e6) / 3
    with_report = MemoryModel(UNITS, [population()], reports=[report])
    without = MemoryModel(UNITS, [population()])
    assert with_report.even_rank_bytes(1) - without.even_rank_bytes(1) == pytest.approx(
        report.kept_bytes(1, 8e6)
    )


def test_unknown_kinds_and_mechanisms_count_as_usual() -> None:
    other = PopulationModel("A", np.arange(2), ["new"], np.zeros(2, dtype=int), np.array(["x", "x"]))
    other.synapses["Unknown"] = np.array([1, 2])
    model = MemoryModel(UNITS, [other])
    assert model.cell_bytes(other).tolist() == [2.5 * MB + 1000.0] * 2
    assert model.synapse_bytes(other).tolist() == [USUAL_POINT_PROCESS_BYTES, 2 * USUAL_POINT_PROCESS_BYTES]
    assert other.synapses_per_cell.tolist() == [1, 2]


def test_suggestions_fit_and_one_less_does_not() -> None:
    model = MemoryModel(UNITS, [population(2000, 1000)])  # 8 GB of cells and synapses
    plan = suggest(model, 4e9, 4)
    assert plan.nodes > 1
    assert plan.ranks == plan.nodes * 4
    room = 4e9 * 0.9
    assert 4 * model.even_rank_bytes(plan.ranks) <= room < 4 * model.even_rank_bytes(plan.ranks - 4)
    assert plan.cycles > 1
    assert 4 * model.even_rank_bytes(4, plan.cycles) <= room < 4 * model.even_rank_bytes(4, plan.cycles - 1)
    assert suggest(model, 1e12, 4) == type(plan)(4, 1, 1)
    assert suggest(model, 1e8, 4) == type(plan)(0, 0, 0)


def test_what_was_measured_is_kept(tmp_path: Path) -> None:
    assert load_units("key", tmp_path) is None
    save_units("key", UNITS, tmp_path)
    assert load_units("key", tmp_path) == UNITS
    (tmp_path / "memory" / "key.json").write_text('{"base": 1}')
    assert load_units("key", tmp_path) is None
    save_units("key", UNITS, tmp_path / "memory" / "key.json")  # not a folder: nothing happens


def test_frequent_kinds_are_sampled_first_and_evenly() -> None:
    kind = np.array([0] * 50 + [1] * 20 + [2])
    kinds = CellKinds(["a", "b", "c"], kind, np.full(71, "x"))
    chosen = choose_cells({"A": kinds}, {"A": np.arange(71) + 100})["A"]
    assert chosen[:3] == [(100, "a"), (150, "b"), (170, "c")]
    assert len(chosen) == len(set(chosen)) == 48
    count = {name: sum(1 for _, k in chosen if k == name) for name in "abc"}
    assert count == {"a": 27, "b": 20, "c": 1}
    many = CellKinds([str(i) for i in range(100)], np.arange(100), np.full(100, "x"))
    assert len(choose_cells({"A": many}, {"A": np.arange(100)})["A"]) == SAMPLED_KINDS
