"""Gap junctions: pairs of half-gaps, voltages that follow each other, corrections of ``beta_features``, bad input."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.engine.connectivity_runs import run
from tests.helpers import run_mpi, run_python
from tests.tiny_circuit import STOCHASTIC_CELL, Edges, TinyCircuit

pytestmark = pytest.mark.neuron

PAIRS = [(0, 1), (1, 0), (2, 3), (3, 2)]
IDS = {"efferent_junction_id": [10, 11, 12, 13], "afferent_junction_id": [11, 10, 13, 12]}


def junctions(pairs: list[tuple[int, int]] = PAIRS, **columns: Any) -> Edges:
    return Edges(
        "A__A__gap",
        "A",
        "A",
        pairs,
        {"conductance": 5.0, **IDS, **columns},
        kind="electrical",
        without=("delay",),
    )


def pulse(**config: Any) -> dict[str, Any]:
    block = {
        "module": "linear",
        "input_type": "current_clamp",
        "amp_start": 0.05,
        "delay": 0,
        "duration": 999,
    }
    return {"inputs": {"first": {**block, "node_set": "first"}}, **config}


NODES = {"first": {"population": "A", "node_id": [0]}}


def test_halves_couple_the_right_segments(tmp_path: Path) -> None:
    edges = junctions(afferent_section_id=[1, 2, 1, 0], afferent_section_pos=[0.1, 0.9, 0.5, 0.5])
    code = """
m, = build()
node.solve(15.0)
seen = {}
for row, gap in enumerate(m.synapses):
    segment = gap.get_segment()
    seen[int(m.table.edge_id[row])] = [str(segment).split(".", 1)[1], segment.v, gap.vgap, gap.g, gap.i]
count = m.synapse_count, m.connection_count
node.cleanup()
m, = build()
node.solve(15.0)
again = [gap.vgap for gap in m.synapses]
out(seen=seen, count=count, again=again, kind=m.CONNECTIONS_TYPE)
"""
    got = run(TinyCircuit([edges], node_sets=NODES, config=pulse()), tmp_path, code)
    assert got["count"] == [4, 4]
    assert got["kind"] == "GapJunction"
    seen = {int(edge): values for edge, values in got["seen"].items()}
    assert [seen[edge][0] for edge in range(4)] == [
        "dend[0](0.1)",
        "dend[1](0.9)",
        "dend[0](0.5)",
        "soma[0](0.5)",
    ]
    for edge, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
        _, voltage, partner_voltage, conductance, current = seen[edge]
        assert partner_voltage == pytest.approx(seen[other][1], abs=0.5)
        assert conductance == 5.0
        assert current == pytest.approx(5e-3 * (voltage - partner_voltage), abs=1e-3)
    assert abs(seen[0][1] - seen[1][1]) > 0.1
    assert sorted(got["again"]) == sorted(values[2] for values in seen.values())


def test_steady_current_is_that_of_two_cells_and_a_resistor(tmp_path: Path) -> None:
    """Passive cells: the current that leaves one cell enters the other, and equals g times the voltage difference."""
    code = """
m, = build()
for cell in node.circuits.get_node_manager("A"):
    for section in cell.sections:
        if section.has_membrane("hh"):
            section.uninsert("hh")
            section.insert("pas")
node.sim_init()
node.solve(900.0)
values = {int(m.table.edge_id[row]): (gap.get_segment().v, gap.i) for row, gap in enumerate(m.synapses)}
out(values=values)
"""
    config = pulse(run={"tstop": 900.0, "dt": 0.1, "random_seed": 1})
    got = run(TinyCircuit([junctions()], node_sets=NODES, config=config), tmp_path, code)["values"]
    (v0, i0), (v1, i1) = got["1"], got["0"]
    assert v0 - v1 > 1.0
    assert i0 == pytest.approx(-i1, rel=1e-6)
    assert i0 == pytest.approx(5e-3 * (v0 - v1), rel=1e-6)
    (v2, i2), (v3, i3) = got["3"], got["2"]
    assert v2 == pytest.approx(v3, abs=1e-9)
    assert abs(i2) + abs(i3) < 1e-9


def test_both_ends_must_be_in_the_target_and_overrides_do_not_matter(tmp_path: Path) -> None:
    overrides = [{"name": "off", "source": "A", "target": "A", "weight": 0.0}]
    sets = {"three": {"population": "A", "node_id": [0, 1, 2]}}
    config = {"node_set": "three", "connection_overrides": overrides}
    code = "m, = build()\nout(edges=sorted(m.table.edge_id.tolist()), g=[gap.g for gap in m.synapses])"
    got = run(TinyCircuit([junctions()], node_sets=sets, config=config), tmp_path, code)
    assert got["edges"] == [0, 1]
    assert got["g"] == [5.0, 5.0]


def test_both_halves_go_when_a_section_was_deleted(tmp_path: Path) -> None:
    code = "m, = build()\nout(edges=sorted(m.table.edge_id.tolist()))"
    got = run(TinyCircuit([junctions(afferent_section_id=[3, 1, 1, 1])]), tmp_path, code)
    assert got["edges"] == [2, 3]
    assert "SKIPPED 1 gap junctions" in got["log"]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"efferent_junction_id": [10, 11, 12, 99]},
            (
                "1 gap junctions have no other half",
                "edge 3 from gid 3 to 2",
                "efferent_junction_id 99",
                "ids 3",
            ),
        ),
        (
            {"efferent_junction_id": [12, 11, 12, 13]},
            ("on a cell that is not their source", "edge 0 from gid 0 to 1", "on gid 2"),
        ),
        ({"afferent_junction_id": [11, 10, 13, 10]}, ("2 edges share their afferent_junction_id", "ids 1")),
        ({"afferent_junction_id": [11, 10, -1, 12]}, ("afferent_junction_id is negative", "ids 2")),
        ({"conductance": [1.0, np.nan, 1.0, 1.0]}, ("conductance is not a number", "ids 1")),
    ],
)
def test_bad_edges_are_named(
    ranks: int, columns: dict[str, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    config = TinyCircuit([junctions(**columns)]).write(tmp_path)
    args = ["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"]
    done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert "Traceback" not in text
    assert "edges_A__A__gap.h5" in text
    for word in words:
        assert text.count(word) == 1, text


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        (junctions([*PAIRS[:3], (9, 2)]), "names the source node 9"),
        (junctions([*PAIRS[:3], (3, 9)]), "names the target node 9"),
        (
            Edges("A__A__gap", "A", "A", PAIRS, {"conductance": 1.0}, kind="electrical"),
            "efferent_junction_id, afferent_junction_id",
        ),
    ],
)
def test_ids_out_of_range_and_missing_attributes(edges: Edges, words: str, tmp_path: Path) -> None:
    config = TinyCircuit([edges]).write(tmp_path)
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"], 300)
    assert done.returncode == 1
    assert words in done.stdout + done.stderr


def corrections(folder: Path, **features: Any) -> TinyCircuit:
    """Write the three files of corrections for cell 1, and name them."""
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "leak.h5", "w") as file:
        file["g_pas/0.2/a1/dend[0](0.5)"] = [0.01, 0.02, 0.03]
        file["g_pas/0.2/a1/dend[1]"] = [0.04, 0.05, 0.06]
    with h5py.File(folder / "holding.h5", "w") as file:
        file["holding_per_gid/0.2/a1"] = -0.02
    with h5py.File(folder / "clamp.h5", "w") as file:
        file["v_per_gid/a1"], file["v_per_gid/a2"] = -70.0, -80.0
    files = {"load_g_pas_file": "leak.h5", "manual_MEComboInfo_file": "holding.h5", "vc_amp": "clamp.h5"}
    common = {"gapjunction_target_population": "A", "gjc": 0.2}
    return TinyCircuit([junctions()], config={"beta_features": {**common, **files, **features}})


LOOK = """
m, = build()
cells = node.circuits.get_node_manager("A")
one = cells.get_cell(1)
dend = {str(s).split(".", 1)[1]: s.g_pas for d in one.CellRef.dend for s in d}
zero = [s.g_pas for s in cells.get_cell(0).CellRef.dend[0]]
hh = [section.has_membrane("hh") for cell in cells for section in cell.sections]
soma = [(p.hname().split("[")[0]) for p in one.CellRef.soma[0](0.5).point_processes()]
node.solve()
v = [cell.CellRef.soma[0](0.5).v for cell in cells]
node.write_results()
out(dend=dend, zero=zero, hh=hh, soma=soma, v=v, amp=[c.amp for c in m.corrected.holding])
"""


def test_validation_with_loaded_leak_and_holding_current(tmp_path: Path) -> None:
    circuit = corrections(tmp_path, procedure_type="validation_sim", correction_iteration_load=1)
    got = run(circuit, tmp_path, LOOK)
    assert got["dend"]["dend[0](0.5)"] == 0.02
    assert got["dend"]["dend[0](0.1)"] == 0.001
    assert got["dend"]["dend[1](0.1)"] == got["dend"]["dend[1](0.9)"] == 0.05
    assert set(got["zero"]) == {0.001}
    assert got["amp"] == [-0.02]
    assert "SEClamp" not in got["soma"]
    assert any(got["hh"])
    assert not (tmp_path / "output" / "gap_junction_seclamps").exists()


def test_finding_holding_currents(tmp_path: Path) -> None:
    circuit = corrections(tmp_path, procedure_type="find_holding_current", remove_channels="all")
    got = run(circuit, tmp_path, LOOK)
    assert not any(got["hh"])
    assert got["dend"]["dend[0](0.5)"] == 0.03
    assert got["amp"] == []
    assert "SEClamp" in got["soma"]
    assert got["v"][1:3] == pytest.approx([-70.0, -80.0], abs=1e-3)
    with (tmp_path / "output" / "gap_junction_seclamps" / "data_for_host_0.p").open("rb") as file:
        currents = pickle.load(file)
    assert sorted(currents) == [1, 2]
    assert currents[1].shape == (801,)
    assert currents[2][-1] == pytest.approx(currents[2][-2], rel=1e-3)
    assert currents[2][-1] < currents[1][-1] < 0


CHANNELS = """
build()
soma = node.circuits.get_node_manager("A").get_cell(1).CellRef.soma[0]
there = sorted(m.name() for m in soma(0.5) if not m.is_ion())
v = []
for time in np.arange(1.0, 11.0):
    node.solve(time); v.append(soma(0.5).v)
channel = getattr(soma(0.5), "StochKv", None)
out(there=there, v=v, open=channel and [channel.N1, channel.n * channel.N, channel.deterministic])
"""


def with_stochastic_channels(folder: Path, seed: int = 1, **features: Any) -> dict[str, Any]:
    run_block = {"tstop": 10.0, "dt": 0.025, "random_seed": 1, "ionchannel_seed": seed}
    beta = {"gapjunction_target_population": "A", "gjc": 0.2, **features}
    config = {"beta_features": beta, "run": run_block}
    return run(TinyCircuit([junctions()], config=config, cell=STOCHASTIC_CELL), folder, CHANNELS)


def test_stochastic_channels_follow_their_mean_on_demand(tmp_path: Path) -> None:
    noisy = [with_stochastic_channels(tmp_path / f"noisy{seed}", seed) for seed in (1, 2)]
    assert noisy[0]["v"] != noisy[1]["v"]
    assert noisy[0]["open"][0] == round(noisy[0]["open"][0])
    assert noisy[0]["open"][2] == 0
    quiet = [
        with_stochastic_channels(tmp_path / f"quiet{seed}", seed, deterministic_stoch=True) for seed in (1, 2)
    ]
    assert quiet[0]["v"] == quiet[1]["v"]
    channels, mean, switch = quiet[0]["open"]
    assert channels == pytest.approx(mean, rel=1e-12)
    assert channels != round(channels)
    assert switch == 1


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ("only_stoch", ["hh"]),
        ("only_non_stoch", ["StochKv", "StochKv3"]),
        ("all", []),
    ],
)
def test_which_channels_are_taken_out(which: str, left: list[str], tmp_path: Path) -> None:
    got = with_stochastic_channels(tmp_path, remove_channels=which)
    assert [name for name in got["there"] if name != "morphology"] == left


def test_switches_that_are_wrong(tmp_path: Path) -> None:
    for number, (features, words) in enumerate(
        [
            ({"procedure_type": "validation_sims"}, "did you mean 'validation_sim'?"),
            ({"remove_channel": "all"}, "did you mean 'remove_channels'?"),
            ({"remove_channels": "some"}, "one of all, only_stoch, only_non_stoch"),
            ({"vc_amp": "nowhere.h5"}, "the file of vc_amp is not there"),
            ({"gapjunction_target_population": "B"}, "no node population 'B'"),
            ({"gjc": 0.3}, "the file has no g_pas/0.3"),
            ({"correction_iteration_load": 7}, "there is no iteration 7 of 3"),
        ]
    ):
        folder = tmp_path / str(number)
        config = corrections(folder, **features).write(folder)
        done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"], 300)
        assert done.returncode == 1, features
        assert words in done.stdout + done.stderr, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
