"""Balances by cost: what cells cost, files that are used again, derived, stale or unreadable, and modes."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.builder import NetworkBuilder
from neurodamus_like.cli.balance import parse_ranks
from neurodamus_like.config.models import Simulation
from neurodamus_like.distribution import complexity, mechanism_costs
from neurodamus_like.distribution.assignment import deal, population_cells, share
from neurodamus_like.distribution.load_balance import LoadBalance
from neurodamus_like.distribution.mechanism_costs import MechanismCosts, load_costs, reference_costs
from neurodamus_like.distribution.modes import LoadBalanceMode
from neurodamus_like.distribution.pieces import placement_from
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.cx_files import read_balance, read_complexities
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.simulation.edge_choice import choose_edges
from neurodamus_like.targets.manager import TargetManager
from neurodamus_like.targets.nodeset import NodesetTarget
from neurodamus_like.targets.offsets import GidOffsets
from neurodamus_like.validation.config_checks import check_before_run
from tests.allen_model import configuration, write_json, write_model
from tests.helpers import run_python
from tests.unit.small_circuit import change_json, write_small_circuit
from tests.unit.test_hoc_membrane import SWC, TEMPLATE

COMM = Communicator()
COSTS = MechanismCosts(
    {"compartment": 10.0, "junction": 1.0, "pas": 2.0, "hh": 50.0, "Ca": 20.0, "ca_ion": 3.0, "Ih": 30.0,
     "ProbAMPANMDA_EMS": 7.0, "ProbGABAAB_EMS": 4.0, "GluSynapse": 100.0},
    {"Ca": ("ca_ion",)},
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURODAMUS_LIKE_CACHE", str(tmp_path / "cache"))
    path = write_small_circuit(tmp_path / "circuit")
    for name in ("m1", "m2"):
        (path.parent / f"morph/{name}.swc").write_text(SWC)
    for name in ("edges", "projection"):
        with h5py.File(path.parent / f"{name}.h5", "a") as file:
            for population in file["edges"].values():
                del population["indices"]  # which are made up
    (path.parent / "hoc/Pyr.hoc").write_text(TEMPLATE.replace("begintemplate T", "begintemplate Pyr"))
    (path.parent / "hoc/Int.hoc").write_text("begintemplate Int\nforsec all insert pas\nendtemplate Int\n")
    return path


def load(config: Path) -> tuple[Simulation, NodesetTarget]:
    simulation = check_before_run(config)
    targets = TargetManager(simulation)
    targets.load_targets()
    return simulation, targets.get_target(simulation.node_set)


def balance(config: Path, ranks: int = 2, **more: Any) -> tuple[LoadBalance, NodesetTarget]:
    simulation, target = load(config)
    directory = config.parent / "sim_conf"
    made = LoadBalance(
        LoadBalanceMode.WholeCell, simulation, COMM, target_cpu_count=ranks, directory=directory, **more
    )
    return made, target


def files(config: Path) -> list[str]:
    return sorted(path.name for path in (config.parent / "sim_conf").rglob("*.dat"))


# --- costs -------------------------------------------------------------------------------------------------


def test_cost_of_cells_and_synapses(config: Path) -> None:
    simulation, target = load(config)
    simulation = Simulation(**{**vars(simulation), "connection_overrides": ()})
    (costs,) = complexity.compute_costs(simulation, {"cortex": target.node_ids("cortex")}, COSTS, COMM)
    # T: soma, 3 basal sections of 9 segments, axon of 15; 6 ends and a root; everything has pas
    pyr = 1 * (10 + 2 + 50 + 20 + 3) + (9 + 15) * (10 + 2) + 6 * 1
    interneuron = (1 + 3 + 1) * (10 + 2) + 6
    inhibitory = 4.0  # syn_type_id is 1
    assert costs.ns.tolist() == [pyr + 2 * inhibitory, interneuron + 2 * inhibitory, pyr + 2 * inhibitory]
    assert costs.compartments.tolist() == [25, 5, 25]
    assert costs.synapses.tolist() == [2, 2, 2]


def test_overrides_leave_out_edges_and_change_mechanisms(config: Path) -> None:
    blocks = [{"name": "b", "source": "cortex:Pyr", "target": "cortex:Pyr", "modoverride": "GluSynapse"}]
    change_json(config, "connection_overrides", value=blocks)
    simulation, target = load(config)
    choose = choose_edges(simulation, TargetManager(simulation))
    ids = {"cortex": target.node_ids("cortex")}
    (costs,) = complexity.compute_costs(simulation, ids, COSTS, COMM, choose)
    # inside cortex only 2->0 and 0->2 are covered; from the thalamus, which no override names, both edges stay
    assert costs.synapses.tolist() == [2, 1, 1]
    plain = complexity.membrane_cost(
        {"somatic": (1, 1)}, complexity.read_template_membrane(config.parent / "hoc/Int.hoc"), COSTS
    )
    assert plain == 2 + 12
    assert costs.ns[0] - costs.ns[2] == pytest.approx(4.0)


def test_ions_count_once_per_compartment() -> None:
    costs = MechanismCosts({"a": 1.0, "b": 2.0, "ca_ion": 8.0}, {"a": ("ca_ion",), "b": ("ca_ion",)})
    assert costs.of_set(["a", "b"]) == 11.0
    assert costs.complexity(20.0) == pytest.approx(20.0 * 5 / mechanism_costs.TYPICAL_NS)


def test_reference_costs_cover_the_mechanisms_of_the_package() -> None:
    from neurodamus_like.engine.mech_sources import collect_sources

    kinds = {h.name: h.kind for h in collect_sources([]).headers}
    density = {name for name, kind in kinds.items() if kind == "density"}
    assert density - reference_costs().ns.keys() <= {"nothing"}
    assert 1 < reference_costs().of("pas") < reference_costs().of("hh") < reference_costs().of("GluSynapse")


def test_costs_are_kept_and_a_mechanism_that_fails_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "libnrnmech.so"
    library.write_bytes(b"library")
    asked = []

    def answer(path: Path, names: list[str]) -> tuple[list[dict[str, Any]], bool]:
        asked.append(names)
        lines = [{"name": n, "ns": 7.0, "ions": []} for n in ("compartment", "junction", "ca_ion")]
        for name in names:
            lines.append({"begin": name})
            if name == "Bad":
                return lines, False
            lines.append({"name": name, "ns": 70.0, "ions": ["ca_ion"]})
        return lines, True

    monkeypatch.setattr(mechanism_costs, "_run", answer)
    costs = load_costs(["Bad", "Good"], library, cache_dir=tmp_path)
    assert costs.measured
    assert (costs.of("Good"), costs.of("Bad"), costs.ions["Good"]) == (
        70.0,
        mechanism_costs.TYPICAL_NS,
        ("ca_ion",),
    )
    assert asked == [["Bad", "Good", "hh", "pas"], ["Good", "hh", "pas"]]
    asked.clear()
    assert load_costs(["Good"], library, cache_dir=tmp_path).of("Good") == 70.0
    assert not asked
    library.write_bytes(b"another library")
    assert not load_costs(["Good"], library, measure=False, cache_dir=tmp_path).measured


# --- files -------------------------------------------------------------------------------------------------


def test_files_are_written_and_used_again(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, target = balance(config)
    assert not made.valid_load_distribution(target)
    first = made.distribute(target)
    assert files(config) == ["cx_cortex_All#.2.dat", "cx_cortex_All#.dat"]
    assert first.efficiency is not None
    folder = next((config.parent / "sim_conf").iterdir())
    assert folder.name.startswith("_loadbal_")
    assert folder.name.endswith(".cortex")
    assert read_complexities(folder / "cx_cortex_All#.dat").gids.tolist() == [0, 1, 2]
    assert sorted(np.concatenate(read_balance(folder / "cx_cortex_All#.2.dat"))[:, 0].tolist()) == [0, 1, 2]
    monkeypatch.setattr("neurodamus_like.distribution.load_balance.compute_costs", None)
    again = balance(config)[0].distribute(target)
    assert np.array_equal(again.owners["cortex"], first.owners["cortex"])
    assert again.loads == pytest.approx(first.loads, rel=1e-4)


def test_another_number_of_ranks_is_derived_from_the_costs(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, target = balance(config)
    made.distribute(target)
    monkeypatch.setattr("neurodamus_like.distribution.load_balance.compute_costs", None)
    three = balance(config, ranks=3)[0].distribute(target)
    assert sorted(three.owners["cortex"].tolist()) == [0, 1, 2]
    assert "cx_cortex_All#.3.dat" in files(config)


def test_a_smaller_target_is_derived_from_a_larger_one(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made, target = balance(config)
    made.distribute(target)
    change_json(config, "node_set", value="Pyr")
    monkeypatch.setattr("neurodamus_like.distribution.load_balance.compute_costs", None)
    made, target = balance(config)
    with caplog.at_level(logging.INFO):
        result = made.distribute(target)
    assert result.node_ids["cortex"].tolist() == [0, 2]
    assert sorted(result.owners["cortex"].tolist()) == [0, 1]
    assert "derived from cx_cortex_All#.dat" in caplog.text


@pytest.mark.parametrize(
    "changed",
    ["morph/m1.swc", "hoc/Int.hoc", "nodes.h5", "edges.h5", "node_sets.json", "overrides", "library"],
)
def test_a_stale_balance_is_computed_again(
    config: Path, changed: str, caplog: pytest.LogCaptureFixture
) -> None:
    made, target = balance(config)
    made.distribute(target)
    more = {}
    if changed == "overrides":
        change_json(config, "connection_overrides", value=[])
    elif changed == "library":
        more["library"] = config.parent / "lib.so"
        more["library"].write_bytes(b"x")
    else:
        with (config.parent / changed).open("ab") as file:
            file.write(b"\n")
    made, target = balance(config, **more)
    with caplog.at_level(logging.INFO):
        assert not made.valid_load_distribution(target)
    assert "is stale: the circuit or its mechanisms have changed" in caplog.text
    with pytest.raises(ConfigurationError, match="no valid load balance"):
        made.load_balance_info(target)


def test_a_copied_circuit_is_not_stale(config: Path) -> None:
    made, target = balance(config)
    made.distribute(target)
    for path in config.parent.rglob("*.*"):
        os.utime(path, (1, 1))
    assert balance(config)[0].valid_load_distribution(target)


def test_files_of_the_reference_are_taken_as_they_are(config: Path) -> None:
    made, target = balance(config)
    made.distribute(target)
    folder = next((config.parent / "sim_conf").iterdir())
    for source in folder.glob("*.source"):
        source.unlink()
    (folder / "cx_cortex_All#.dat").write_text("0\n3\n0 10 0\n1 20 0\n2 30 0\n")
    (folder / "cx_cortex_All#.2.dat").write_text("10000000\n2\n0 1 2 0\n1 2 0 0 1 0\n")
    result = made.distribute(target)
    assert result.owners["cortex"].tolist() == [1, 1, 0]
    assert result.loads is not None
    assert result.loads.tolist() == [30, 30]


@pytest.mark.parametrize("name", ["cx_cortex_All#.dat", "cx_cortex_All#.2.dat"])
def test_an_unreadable_file_is_named(config: Path, name: str) -> None:
    made, target = balance(config)
    made.distribute(target)
    folder = next((config.parent / "sim_conf").iterdir())
    if name == "cx_cortex_All#.dat":
        (folder / "cx_cortex_All#.2.dat").unlink()
    (folder / name).write_text("1\n2\nwhat\n")
    with pytest.raises(ConfigurationError, match="unexpected 'what'") as caught:
        made.distribute(target)
    assert caught.value.file == folder / name
    assert "delete the file" in str(caught.value.hint)


# --- modes -------------------------------------------------------------------------------------------------


def test_populations_are_balanced_together() -> None:
    cells = {"A": np.arange(2), "B": np.arange(3)}
    result = share({"A": np.array([6.0, 1.0]), "B": np.array([2.0, 2.0, 1.0])}, cells, 2)
    assert result.loads is not None
    assert result.loads.tolist() == [6, 6]
    assert result.local_ids("A", int(result.owners["A"][0])).tolist() == [0]


def test_round_robin_deals_each_population() -> None:
    result = deal({"A": np.array([3, 5, 9]), "B": np.array([1])}, 2)
    assert result.local_ids("A", 0).tolist() == [3, 9]
    assert result.local_ids("A", 1).tolist() == [5]
    assert result.local_ids("B", 1).tolist() == []
    assert result.efficiency is None


@pytest.mark.parametrize(
    ("requested", "simulator", "cells", "tstop", "ranks", "expected"),
    [
        (None, "NEURON", 10, 10, 2, "RoundRobin"),
        (None, "NEURON", 1001, 1001, 201, "WholeCell"),
        (None, "NEURON", 1000, 1001, 201, "RoundRobin"),
        (None, "NEURON", 1001, 1000, 201, "RoundRobin"),
        (None, "NEURON", 1001, 1001, 200, "RoundRobin"),
        (None, "CORENEURON", 1001, 1001, 201, "WholeCell"),
        ("rr", "NEURON", 1001, 1001, 201, "RoundRobin"),
        ("wholecell", "NEURON", 1, 1, 1, "WholeCell"),
        ("LoadBalance", "NEURON", 1, 1, 2, "MultiSplit"),
        ("MultiSplit", "CORENEURON", 1, 1, 2, "WholeCell"),
    ],
)
def test_mode(
    requested: str | None,
    simulator: str,
    cells: int,
    tstop: float,
    ranks: int,
    expected: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    circuit = SimpleNamespace(nodes={"A": SimpleNamespace(kind="biophysical")})
    simulation: Any = SimpleNamespace(
        simulator=simulator, run=SimpleNamespace(tstop_ms=tstop), circuit=circuit
    )
    target = NodesetTarget("t", {"A": np.arange(cells)}, GidOffsets.compute({"A": cells}))
    assert LoadBalance.select_lb_mode(requested, simulation, target, ranks).value == expected
    refused = requested == "MultiSplit"
    assert ("CoreNEURON cannot simulate split cells: WholeCell is used" in caplog.text) == refused


def test_unknown_mode() -> None:
    with pytest.raises(ConfigurationError, match="unknown load balance mode 'Whole'"):
        LoadBalanceMode.parse("Whole")


# --- the command -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", [4]),
        ("2,4, 8", [2, 4, 8]),
        ("2,4,...,16", [2, 4, 8, 16]),
        ("1,3,...,30", [1, 3, 9, 27]),
        ("2,3,...,5", [2, 3, 4, 5]),
    ],
)
def test_numbers_of_ranks(text: str, expected: list[int]) -> None:
    assert parse_ranks(text) == expected


@pytest.mark.parametrize("text", ["", "two", "0", "2,...,8", "4,2,...,8", "-1", "2,4,...,x"])
def test_bad_numbers_of_ranks(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not valid"):
        parse_ranks(text)


def test_balance_command(config: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from neurodamus_like.cli.main import main\n"
        f"code = main(['balance', {str(config)!r}, '--ranks=1,2,4', '--json', '--plot={tmp_path}/b.png'])\n"
        "assert 'neuron' not in sys.modules\n"
        "sys.exit(code)"
    )
    done = run_python(code, env={"NEURODAMUS_LIKE_CACHE": str(tmp_path / "cache")})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [p["ranks"] for p in found] == [1, 2, 4]
    assert found[0]["whole_cell"] == 1.0
    for p in found:
        assert p["round_robin"] <= p["whole_cell"] + 1e-12 <= p["bound"] + 2e-12
    assert (tmp_path / "b.png").stat().st_size > 1000
    args = ["-m", "neurodamus_like.cli.main", "balance", str(config), "--ranks=2,3", "--split"]
    change_json(config, "conditions", value={})
    change_json(config, "reports", value={})
    table = run_python(args)
    assert "cortex: 3 cells, 55 compartments, 5 synapses" in table.stdout
    ranks, *values, split_efficiency, split_cells = table.stdout.splitlines()[-1].split()
    assert ranks == "3"
    assert len(values) == 5
    assert int(split_cells) > 0
    assert float(split_efficiency) >= float(values[2])


# --- pieces ------------------------------------------------------------------------------------------------


def test_pieces_of_a_large_cell_are_written_and_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation, target = load(config)
    made = LoadBalance(
        LoadBalanceMode.MultiSplit, simulation, COMM, target_cpu_count=3, directory=config.parent / "sim_conf"
    )
    first = made.distribute(target)
    assert first.split_count > 0
    assert first.loads is not None
    folder = next((config.parent / "sim_conf").iterdir())
    cells = read_complexities(folder / "cx_cortex_All#.dat")
    for node_id, split in first.splits_of("cortex").items():
        assert split.home == first.owners["cortex"][node_id]
        assert len(cells.pieces[node_id]) == len(split.roots) + 1
        parts = [tree.complexity for piece in cells.pieces[node_id] for tree in piece]
        assert sum(parts) == pytest.approx(cells.complexity[node_id], rel=1e-4)
    monkeypatch.setattr("neurodamus_like.distribution.load_balance.compute_costs", None)
    again = made.distribute(target)
    assert again.splits == first.splits
    assert again.loads == pytest.approx(first.loads, rel=1e-4)
    whole = balance(config, ranks=3)[0]
    assert not whole._have_balance(target), "WholeCell must not take a balance in pieces"


def test_cells_that_must_stay_whole_are_not_split(config: Path) -> None:
    simulation, target = load(config)
    made = LoadBalance(
        LoadBalanceMode.MultiSplit, simulation, COMM, target_cpu_count=8,
        directory=config.parent / "sim_conf", whole={"cortex": np.array([0, 1, 2])},
    )  # fmt: skip
    assert made.distribute(target).split_count == 0


def test_a_split_cell_of_the_reference_is_read(shared: Path) -> None:
    cells = read_complexities(shared / "data/obi/v5_sonata/sub_mini5/cx_Mini5.dat")
    (rows,) = np.nonzero(np.isin(cells.gids, [1, 2]))
    chosen = cells.select(cells.gids[rows])
    items = [np.array([[1, 0], [2, 0]]), np.array([[1, 1], [1, 2], [2, 1], [2, 2]])]
    found = placement_from(np.array([1, 2]), items, chosen)
    assert found is not None
    assert found.splits[1] == (0, (1, 2, 3, 12, 13, 17, 16), (0, 0, 0, 1, 1, 1, 1))
    assert found.loads.sum() == pytest.approx(cells.complexity[rows].sum(), rel=1e-3)
    assert placement_from(np.array([1, 2]), items, None) is None


# --- nodes that tell what they are -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "compartments"), [("5_cells_iclamp/config.json", 718), ("9_cells/config.json", 1518)]
)
def test_compartments_of_typed_nodes_are_those_neuron_makes(
    shared: Path, case: str, compartments: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURODAMUS_LIKE_CACHE", str(tmp_path))
    simulation, target = load(shared / "data/allen" / case)
    cells = population_cells(simulation, target)
    costs = complexity.compute_costs(simulation, cells, reference_costs(), COMM)
    assert sum(c.compartments.sum() for c in costs) == compartments
    assert len({round(ns) for c in costs for ns in c.ns.tolist()}) > 1


def test_virtual_nodes_among_cells_are_not_balanced(tmp_path: Path) -> None:
    """They have no cells: dealt out like cards, every second cell would come to the same rank."""
    path = write_model(tmp_path / "model")
    rmtree(path.parent / "network")
    network = NetworkBuilder("cells")
    for number in range(4):
        network.add_nodes(N=1, model_type="biophysical", model_template="hoc:Ball", number=number)
        network.add_nodes(N=1, model_type="virtual", number=number)
    network.save(path.parent / "network")
    content = configuration()
    files = {"nodes_file": "$NET/cells_nodes.h5", "node_types_file": "$NET/cells_node_types.csv"}
    content |= {"networks": {"nodes": [files]}, "inputs": {}, "reports": {}}
    simulation, target = load(write_json(path, content))
    cells = population_cells(simulation, target)
    assert {name: ids.tolist() for name, ids in cells.items()} == {"cells": [0, 2, 4, 6]}
    assert np.bincount(deal(cells, 2).owners["cells"]).tolist() == [2, 2]
    made = LoadBalance(
        LoadBalanceMode.WholeCell, simulation, COMM, target_cpu_count=2, directory=tmp_path / "conf"
    )
    shared = made.distribute(target)
    assert shared.local_ids("cells", 0).size == shared.local_ids("cells", 1).size == 2


def test_artificial_cells_cost_little(shared: Path) -> None:
    simulation, target = load(shared / "data/allen/300_intfire/config.json")
    (costs,) = complexity.compute_costs(
        simulation, population_cells(simulation, target), reference_costs(), COMM
    )
    assert costs.compartments.sum() == 0
    assert costs.synapses.sum() == 87_720, "as many as the run makes: nsyns is a factor of the weight here"
    assert costs.ns.max() < 10, "events cost nothing in a time step"
