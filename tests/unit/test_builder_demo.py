"""The demo circuit and the SONATA writers: layout, indices, determinism."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodamus_like.analysis.results import PopulationSpikes, RunResults
from neurodamus_like.builder.demo import PATHWAYS, write_demo_circuit
from neurodamus_like.builder.sonata import compute_index, write_edges, write_nodes
from neurodamus_like.cli.demo import format_activity
from neurodamus_like.cli.main import main
from neurodamus_like.config.dialect import load_simulation
from neurodamus_like.exceptions import CircuitError, ConfigurationError


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return write_demo_circuit(tmp_path_factory.mktemp("demo"), n_cells=30, tstop_ms=100.0).parent


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_two_writes_are_byte_equal_and_a_second_write_replaces_the_first(tmp_path, demo):
    again = write_demo_circuit(tmp_path, n_cells=20, tstop_ms=50.0, seed=9).parent
    other = _files(again)
    write_demo_circuit(tmp_path, n_cells=30, tstop_ms=100.0)
    assert _files(again) == _files(demo)
    assert other != _files(demo)


def test_files_of_the_user_stay(tmp_path):
    (tmp_path / "mine.h5").write_text("mine")
    write_demo_circuit(tmp_path, n_cells=10, tstop_ms=10.0)
    assert (tmp_path / "mine.h5").read_text() == "mine"


def test_libsonata_reads_circuit_and_simulation(demo):
    simulation = libsonata.SimulationConfig.from_file(demo / "simulation_config.json")
    circuit = libsonata.CircuitConfig.from_file(simulation.network)
    assert circuit.node_populations == {"Exc", "Inh", "Thalamus"}
    assert circuit.edge_populations == {p.edge_population for p in PATHWAYS}
    sizes = {name: circuit.node_population(name).size for name in circuit.node_populations}
    assert sizes == {"Exc": 24, "Inh": 6, "Thalamus": 200}
    assert set(simulation.list_input_names) == {"holding", "drive_exc", "drive_inh", "thalamus"}
    assert simulation.report("dendrites").sections == libsonata.SimulationConfig.Report.Sections.all
    sets = libsonata.NodeSets.from_file(demo / "node_sets.json")
    assert sets.materialize("Excitatory", circuit.node_population("Exc")).flat_size == 24
    assert sets.materialize("Sample", circuit.node_population("Inh")).flat_size == 1


def test_cells_have_models_shapes_and_currents(demo):
    circuit = libsonata.CircuitConfig.from_file(demo / "circuit_config.json")
    for name in ("Exc", "Inh"):
        population = circuit.node_population(name)
        everyone = population.select_all()
        for template in population.get_attribute("model_template", everyone):
            assert (demo / "hoc" / f"{template.removeprefix('hoc:')}.hoc").is_file()
        for morphology in population.get_attribute("morphology", everyone):
            assert (demo / "asc" / f"{morphology}.asc").is_file()
            assert (demo / "swc" / f"{morphology}.swc").is_file()
        assert (population.get_dynamics_attribute("threshold_current", everyone) > 0).all()
        rotation = [population.get_attribute(f"orientation_{axis}", everyone) for axis in "wxyz"]
        np.testing.assert_allclose(np.square(rotation).sum(axis=0), 1.0)


@pytest.mark.parametrize("pathway", PATHWAYS, ids=lambda p: p.edge_population)
def test_edges_are_whole_and_in_range(demo, pathway):
    circuit = libsonata.CircuitConfig.from_file(demo / "circuit_config.json")
    edges = circuit.edge_population(pathway.edge_population)
    everything = edges.select_all()
    sources, targets = edges.source_nodes(everything), edges.target_nodes(everything)
    assert edges.size > 10
    assert (edges.source, edges.target) == (pathway.source, pathway.target)
    assert (np.lexsort((sources, targets)) == np.arange(edges.size)).all(), "sorted by target, then source"
    if pathway.source == pathway.target:
        assert (sources != targets).all()
    excitatory = edges.get_attribute("syn_type_id", everything) >= 100
    assert excitatory.all() == (pathway.source != "Inh")
    assert excitatory.any() == excitatory.all()
    position = edges.get_attribute("afferent_section_pos", everything)
    assert ((position > 0) & (position < 1)).all()
    assert (edges.get_attribute("delay", everything) >= 0.5).all()
    assert (edges.get_attribute("conductance", everything) > 0).all()
    # section ids 1 to 7 are the axon, where nothing may end
    sections = edges.get_attribute("afferent_section_id", everything)
    assert not np.isin(sections, np.arange(1, 8)).any()
    assert sections.max() < 40
    for node in range(3):
        assert set(edges.afferent_edges(node).flatten()) == set(np.flatnonzero(targets == node))
        assert set(edges.efferent_edges(node).flatten()) == set(np.flatnonzero(sources == node))


def test_thalamic_spikes_are_sorted_and_inside_the_run(demo):
    reader = libsonata.SpikeReader(demo / "thalamus_spikes.h5")["Thalamus"]
    assert reader.sorting == "by_time"
    ids, times = zip(*reader.get(), strict=True)
    assert list(times) == sorted(times)
    assert min(times) >= 0.0
    assert max(times) < 100.0
    assert max(ids) < 200
    # 200 fibres, 7 Hz for 100 ms and 7 Hz more for 10 ms: 154 expected, standard deviation 12
    assert 104 < len(times) < 204


def test_configuration_has_relative_paths_only(demo):
    for name in ("circuit_config.json", "simulation_config.json"):
        text = (demo / name).read_text()
        assert str(demo) not in text
        json.loads(text)


@pytest.mark.parametrize(("options", "word"), [({"n_cells": 3}, "3 cells"), ({"tstop_ms": 0.0}, "0.0 ms")])
def test_impossible_demos_are_refused(tmp_path, options, word):
    with pytest.raises(ConfigurationError, match=word):
        write_demo_circuit(tmp_path, **options)


def test_too_few_cells_are_refused_by_the_command(capsys, tmp_path):
    assert main(["demo", "--cells=1", f"--output-dir={tmp_path}/d"]) == 1
    assert "--cells=1 is not valid\n  expected: a whole number, at least 10" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_the_table_shows_no_nan_where_cells_were_silent(demo):
    spikes = [
        PopulationSpikes("Exc", np.arange(3), np.empty(0), np.empty(0, int)),
        PopulationSpikes("Inh", np.arange(2), np.array([1.0, 9.0]), np.array([0, 1])),
    ]
    table = format_activity(RunResults(load_simulation(demo / "simulation_config.json"), tuple(spikes)))
    assert "nan" not in table
    assert table.splitlines()[1].split() == ["Exc", "0.00", "Hz", "0%", "-", "-"]
    assert table.splitlines()[2].split()[:5] == ["Inh", "10.00", "Hz", "100%", "-"]


@given(st.lists(st.integers(0, 9), max_size=60))
def test_index_finds_every_edge_of_every_node(ids):
    nodes, ranges = compute_index(ids, 10)
    assert nodes.shape == (10, 2)
    for node in range(10):
        begin, end = nodes[node]
        found = [e for lo, hi in ranges[int(begin) : int(end)] for e in range(int(lo), int(hi))]
        assert found == [e for e, owner in enumerate(ids) if owner == node]


def test_edges_are_sorted_with_their_columns(tmp_path):
    order = write_edges(
        tmp_path / "e.h5", "a__b", ("a", 3), ("b", 2), [2, 0, 1], [1, 1, 0], {"conductance": [1.0, 2.0, 3.0]}
    )
    assert order.tolist() == [2, 1, 0]
    with h5py.File(tmp_path / "e.h5") as file:
        group = file["edges/a__b"]
        assert group["source_node_id"][:].tolist() == [1, 0, 2]
        assert group["target_node_id"][:].tolist() == [0, 1, 1]
        assert group["0/conductance"][:].tolist() == [3.0, 2.0, 1.0]


def test_wrong_columns_and_ids_are_refused(tmp_path):
    with pytest.raises(CircuitError, match="unequal length"):
        write_nodes(tmp_path / "n.h5", "a", 3, {"x": [1.0]})
    with pytest.raises(CircuitError, match="does not have") as caught:
        write_edges(tmp_path / "e.h5", "a__b", ("a", 3), ("b", 2), [0], [5], {})
    assert caught.value.ids == [5]
