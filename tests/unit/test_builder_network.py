"""NetworkBuilder: nodes, filters, Python rules, properties, files, and answers to wrong input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
import pytest
from helpers import run_python

from neurodamus_like.builder import NetworkBuilder, Probability
from neurodamus_like.builder.networks import NetworkBuilder as SameBuilder
from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.exceptions import CircuitError, ConfigurationError, NeurodamusLikeError, UnknownNameError
from neurodamus_like.io.edges import read_edges
from neurodamus_like.io.nodes import read_nodes


def two_groups() -> NetworkBuilder:
    net = NetworkBuilder("v1")
    net.add_nodes(N=4, ei="e", x=[0.0, 1.0, 2.0, 3.0], layer=range(4), place=[(i, -i) for i in range(4)])
    net.add_nodes(N=2, ei="i", name=["a", "b"], size=(1, 2))
    return net


def test_names_and_state() -> None:
    assert SameBuilder is NetworkBuilder
    net = two_groups()
    assert (net.name, net.nnodes, net.nodes_built, net.edges_built, net.nedges) == ("v1", 0, False, False, 0)
    net.add_edges(connection_rule=2)
    net.build()
    assert (net.nnodes, net.nedges, net.edges_built) == (6, 72, True)
    assert len(net.get_connections()) == 1
    net.clear()
    assert (net.nnodes, net.nedges) == (0, 0)
    net.build(force=True)
    assert (net.nnodes, net.nedges) == (6, 72)


def test_nodes_are_dictionaries_and_filters_work() -> None:
    net = two_groups()
    first = next(iter(net.nodes()))
    assert (first["x"], first["ei"], first.get("nothing"), first["place"]) == (0.0, "e", None, (0, 0))
    assert (first.node_id, first["node_id"], first.node_type_id) == (0, 0, 100)
    assert [node.node_id for node in net.nodes_iter([4, 2])] == [2, 4]
    assert "layer" in first
    assert "name" not in first
    assert len({first, first}) == 1

    def ids(**filters: Any) -> list[int]:
        return [n.node_id for n in net.nodes(**filters)]

    assert ids() == list(range(6))
    assert ids(ei="i") == [4, 5]
    assert ids(layer=[1, 3, 9]) == [1, 3]
    assert ids(x=lambda x: x > 1.5) == [2, 3]
    assert ids(name="b") == [5]
    assert ids(ei="e", layer=2) == [2]
    assert ids(place=(1, -1)) == [1]
    assert ids(size=(1, 2)) == [4, 5]
    assert ids(node_id=[3, 4]) == [3, 4]
    assert ids(nothing=1) == []
    assert net.nodes(ei="e", layer=2).filter_str == "ei=='e'&layer=='2'"
    assert net.nodes()["ei"].tolist() == ["e"] * 4 + ["i"] * 2


def test_ids_can_be_given_and_stay() -> None:
    net = NetworkBuilder("a")
    net.add_nodes(N=2, node_id=[5, 3], node_type_id=101)
    net.add_nodes(N=5, x=[0.0] * 5)
    assert [n.node_id for n in net.nodes()] == [5, 3, 0, 1, 2, 4, 6]
    assert [n.node_type_id for n in net.nodes()] == [101, 101, 100, 100, 100, 100, 100]
    with pytest.raises(CircuitError, match="node_id is taken already"):
        net.add_nodes(N=1, node_id=[3])
    with pytest.raises(CircuitError, match="node_type_id is taken already"):
        net.add_nodes(N=1, node_type_id=100)
    net.add_edges(connection_rule=lambda s, t: s.node_id == 5 and t.node_id == 3)
    assert [(e.source_node_id, e.target_node_id) for e in net.edges()] == [(5, 3)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net.add_nodes(N=3, x=[1.0]), "property 'x' has 1 values for N=3"),
        (lambda net: net.add_nodes(N=-1), "N=-1"),
        (lambda net: net.add_nodes(N=2, node_id=[1.5, 2]), "node_id is not valid"),
        (lambda net: net.add_nodes(N=2, node_type_id=[1, 2]), "node_type_id is a list"),
        (lambda net: net.add_edges(connection_rule=0.5), "connection_rule=0.5"),
        (lambda net: net.add_edges(connection_rule=-2), "negative"),
        (lambda net: net.add_edges(iterator="all_to_won"), "unknown iterator 'all_to_won'"),
        (lambda net: net.add_edges(source=[0, 77]), "unknown nodes as source"),
        (lambda net: net.add_edges().add_properties("a"), "give either rule or values"),
        (lambda net: net.add_edges().add_properties(["a", "a"], rule=1), "a is there already"),
        (
            lambda net: net.add_edges().add_properties(["a", "b"], rule=1, dtypes=[int]),
            "1 dtypes for 2 names",
        ),
        (
            lambda net: (
                net.add_edges(connection_rule=1, edge_type_id=100) and net.add_edges(edge_type_id=100)
            ),
            "taken",
        ),
        (lambda net: net.add_gap_junctions(resistance=0.0), "resistance=0.0"),
        (lambda net: net.save(dialect="obo"), "did you mean 'obi'"),
        (lambda net: net.save(compression="zip"), "compression='zip'"),
        (lambda _: NetworkBuilder(""), "needs a name"),
        (lambda _: NetworkBuilder("a/b"), "not valid"),
        (lambda net: net.add_edges(target=two_groups().nodes()), "two networks with the name 'v1'"),
    ],
)
def test_wrong_calls(call: Any, message: str) -> None:
    with pytest.raises(NeurodamusLikeError, match=message):
        call(two_groups())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"connection_rule": lambda s, t: -1}, "returned -1, a negative number"),
        ({"connection_rule": lambda s, t: 0.5}, "0.5.*not a whole number"),
        ({"connection_rule": lambda s, t: float("nan")}, "nan.*not a whole number"),
        ({"connection_rule": lambda s, t: "two"}, "no number of synapses"),
        ({"connection_rule": lambda s, t: [1], "iterator": "one_to_all"}, "returned 1 numbers"),
        ({"connection_rule": lambda s, t: 1, "iterator": "all_to_one"}, "returned 1"),
        ({"connection_rule": [1, 2, 3]}, "a list of 3 numbers"),
        ({"source": {"eye": "e"}}, "asks for 'eye', which no node has"),
    ],
)
def test_wrong_answers_of_rules_name_the_edge_group(arguments: Any, message: str) -> None:
    net = two_groups()
    net.add_edges(edge_type_id=41, **arguments)
    with pytest.raises(NeurodamusLikeError, match=message) as caught:
        net.build()
    assert "edge group 41 (v1[" in str(caught.value)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"names": "w", "values": [1.0]}, "1 values for w, but there are 36 synapses"),
        ({"names": ["a", "b"], "rule": lambda s, t: [1]}, "too few values"),
        ({"names": "n", "rule": lambda s, t: "x", "dtypes": int}, "property 'n'"),
    ],
)
def test_wrong_properties_name_the_edge_group(properties: Any, message: str) -> None:
    net = two_groups()
    net.add_edges(edge_type_id=41).add_properties(**properties)
    with pytest.raises(ConfigurationError, match=message) as caught:
        net.build()
    assert "edge group 41" in str(caught.value)


def test_python_rules_and_properties() -> None:
    net = two_groups()
    cm = net.add_edges(
        source={"ei": "e"},
        target={"ei": "i"},
        iterator="all_to_one",
        connection_rule=lambda sources, target, k: [k if s["layer"] % 2 else None for s in sources],
        connection_params={"k": 2},
        delay=1.5,
    )
    cm.add_properties("w", rule=lambda s, t, f: f * s["x"] + t.node_id, rule_params={"f": 10.0})
    cm.add_properties(["a", "text"], rule=lambda s, t: (s.node_id, t["name"]), dtypes=[int, str])
    cm.add_properties("number", values=list(range(8)), dtypes=np.int32)
    edges = net.edges(target_nodes={"ei": "i"}, source_nodes=[1])
    assert net.nedges == 8
    assert [(e.source_node_id, e.target_node_id, e["w"], e["text"], e["delay"]) for e in edges] == [
        (1, 4, 14.0, "a", 1.5),
        (1, 4, 14.0, "a", 1.5),
        (1, 5, 15.0, "b", 1.5),
        (1, 5, 15.0, "b", 1.5),
    ]
    assert [e["number"] for e in net.edges(source_nodes=1)] == [0, 1, 2, 3]
    assert len(net.edges(w=35.0)) == 2


def test_files_are_read_by_libsonata_and_by_us(tmp_path: Path) -> None:
    net = two_groups()
    cm = net.add_edges(target={"ei": "i"}, connection_rule=3)
    cm.add_properties("syn_weight", rule=lambda s, t: s.node_id + 0.5)
    net.save(tmp_path)
    edges = libsonata.EdgePopulation(str(tmp_path / "v1_v1_edges.h5"), "", "v1_to_v1")
    assert (edges.size, edges.source, edges.target) == (36, "v1", "v1")
    for target in (4, 5):
        flat = edges.afferent_edges([target]).flatten()
        assert len(edges.afferent_edges([target]).ranges) == 1
        assert sorted(edges.source_nodes(libsonata.Selection(flat))) == sorted(list(range(6)) * 3)
    assert edges.afferent_edges([0]).flat_size == 0
    outgoing = edges.efferent_edges([2])
    assert edges.get_attribute("syn_weight", outgoing).tolist() == [2.5] * 6
    ours = read_edges(
        EdgePopulation("v1_to_v1", tmp_path / "v1_v1_edges.h5", "v1", "v1"), np.array([5]), ["syn_weight"]
    )
    assert ours.source_id.tolist() == np.repeat(np.arange(6), 3).tolist()
    assert read_nodes(tmp_path / "v1_nodes.h5", "v1", ["x"], np.arange(4))["x"].tolist() == [
        0.0,
        1.0,
        2.0,
        3.0,
    ]
    first = (tmp_path / "v1_v1_edge_types.csv").read_text().splitlines()
    assert first == ["edge_type_id target_query source_query", "100 ei=='i' *"]


@pytest.mark.parametrize("compression", [None, "none", "gzip", 0, 9, "lzf"])
@pytest.mark.parametrize("n", [1, 700])
def test_compression_changes_nothing_but_the_size(compression: Any, n: int, tmp_path: Path) -> None:
    net = NetworkBuilder("a", seed=4)
    net.add_nodes(N=n, x=np.arange(float(n)))
    net.add_edges(connection_rule=Probability(0.9 if n == 1 else 0.5))
    net.add_edges(connection_rule=3, target=[0]).add_properties("w", rule=lambda s, t: s.node_id / 7)
    net.save(tmp_path / "one", compression=compression)
    net.save(tmp_path / "plain")
    for name in ("a_a_edges.h5", "a_nodes.h5"):
        with h5py.File(tmp_path / "one" / name) as one, h5py.File(tmp_path / "plain" / name) as plain:
            found = []
            plain.visititems(
                lambda path, item, f=found: f.append(path) if isinstance(item, h5py.Dataset) else None
            )
            assert found
            for path in found:
                assert np.array_equal(one[path][()], plain[path][()]), path


def test_several_edge_types_and_groups_in_one_file(tmp_path: Path) -> None:
    net = NetworkBuilder("a")
    net.add_nodes(N=30)
    net.add_edges(connection_rule=1, target=list(range(10, 30)))
    net.add_edges(connection_rule=2, source=[3, 4]).add_properties(
        "w", rule=lambda s, t: s.node_id * 100 + t.node_id
    )
    net.add_edges(connection_rule=5, source=[7])
    net.save(tmp_path)
    with h5py.File(tmp_path / "a_a_edges.h5") as h5:
        group = h5["edges/a_to_a"]
        target, source = group["target_node_id"][()].astype(int), group["source_node_id"][()].astype(int)
        kind, number, index = (group[n][()] for n in ("edge_type_id", "edge_group_id", "edge_group_index"))
        assert np.all(np.diff(target) >= 0)
        assert np.bincount(kind - 100).tolist() == [600, 120, 30]
        assert np.array_equal(number == 1, kind == 101)
        w = group["1/w"][()][index[kind == 101]]
        assert np.array_equal(w, source[kind == 101] * 100 + target[kind == 101])
        counts = group["0/nsyns"][()]
        assert np.all(counts[index[kind == 102]] == 5)
        assert np.all(counts[index[kind == 100]] == 1)
        for n in (0, 1):
            assert np.array_equal(index[number == n], np.arange((number == n).sum()))


def test_cross_network_edges_and_imported_nodes(tmp_path: Path) -> None:
    net = two_groups()
    net.save(tmp_path)
    again = NetworkBuilder("v1")
    again.import_nodes(tmp_path / "v1_nodes.h5", tmp_path / "v1_node_types.csv")
    assert next(iter(again.nodes(ei="i")))["name"] == "a"
    assert again.nodes().node_ids.tolist() == list(range(6))
    again.add_nodes(N=1)
    assert again.nodes().node_ids.tolist() == list(range(7))
    lgn = NetworkBuilder("lgn")
    lgn.add_nodes(N=3, model_type="virtual")
    lgn.add_edges(target=again.nodes(ei="i"))
    lgn.add_edges(source=again.nodes(ei="e"), target=lgn.nodes(), connection_rule=2)
    lgn.save(tmp_path)
    assert (tmp_path / "lgn_v1_edges.h5").is_file()
    assert (tmp_path / "v1_lgn_edge_types.csv").is_file()
    assert len(lgn.edges(target_network="v1")) == 6
    assert len(lgn.edges(source_network="v1", target_nodes=0)) == 4
    with pytest.raises(CircuitError, match="there is no population 'v2'"):
        again.import_nodes(tmp_path / "v1_nodes.h5", population="v2")
    with pytest.raises(CircuitError, match="node_id is taken already"):
        again.import_nodes(tmp_path / "v1_nodes.h5", tmp_path / "v1_node_types.csv")


def test_gap_junctions(tmp_path: Path) -> None:
    net = NetworkBuilder("a", gj_id_start=10)
    net.add_nodes(N=3)
    net.add_gap_junctions(resistance=4.0, connection_rule=lambda s, t: s.node_id + 1 == t.node_id)
    net.save(tmp_path)
    with h5py.File(tmp_path / "a_gap_juncs.h5") as h5:
        found = {name: h5[name][()].tolist() for name in h5}
    assert found == {
        "source_ids": [0, 1],
        "target_ids": [1, 2],
        "src_gap_ids": [10, 12],
        "trg_gap_ids": [11, 13],
    }
    assert net.edges()[0]["syn_weight"] == 0.25
    other = NetworkBuilder("b")
    other.add_nodes(N=1)
    with pytest.raises(CircuitError, match="gap junctions between 'a' and 'b'"):
        net.add_gap_junctions(target=other.nodes())


def test_memory_limit_and_order_of_groups_change_nothing(tmp_path: Path) -> None:
    for name, limit in (("memory", 512.0), ("scratch", 0.0)):
        net = NetworkBuilder("a", seed=8, memory_limit_mb=limit, scratch_dir=tmp_path)
        net.add_nodes(N=300)
        net.add_edges(connection_rule=Probability(0.3, n_syn=(1, 9)))
        net.add_edges(connection_rule=1, target=[5, 6]).add_properties("w", rule=lambda s, t: s.node_id)
        net.save(tmp_path / name)
        assert (net.scratch.written_bytes > 0) == (limit == 0.0)
    for file in (tmp_path / "memory").iterdir():
        assert file.read_bytes() == (tmp_path / "scratch" / file.name).read_bytes(), file.name
    other = NetworkBuilder("a", seed=8)
    other.add_nodes(N=300)
    other.add_edges(connection_rule=1, edge_type_id=300)
    other.add_edges(connection_rule=Probability(0.3, n_syn=(1, 9)), edge_type_id=100)
    chosen = [(e.source_node_id, e.target_node_id) for e in other.edges() if e.edge_type_id == 100]
    assert chosen == [(e.source_node_id, e.target_node_id) for e in net.edges() if e.edge_type_id == 100]


def test_an_interrupted_write_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = NetworkBuilder("a")
    net.add_nodes(N=50)
    net.add_edges(connection_rule=1)
    net.save(tmp_path)
    before = (tmp_path / "a_a_edges.h5").read_bytes()

    def full(self: Any, counts: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("neurodamus_like.builder.edge_writer._Population.finish", full)
    with pytest.raises(CircuitError, match="No space left on device") as caught:
        net.save(tmp_path)
    assert "edge group 100" in str(caught.value)
    assert (tmp_path / "a_a_edges.h5").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == [
        "a_a_edge_types.csv",
        "a_a_edges.h5",
        "a_node_types.csv",
        "a_nodes.h5",
    ]


FULL = """
import os, resource, signal, sys
from neurodamus_like.builder import NetworkBuilder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
net = NetworkBuilder("a", memory_limit_mb=float(sys.argv[2]), scratch_dir=".")
net.add_nodes(N=600)
net.add_edges(connection_rule=lambda s, t: 1, edge_type_id=77)
try:
    if sys.argv[1] == "save":
        net.build()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    net.save("out")
except Exception as error:
    print(type(error).__name__, error)
print(sorted(os.listdir("out")) if os.path.isdir("out") else [])
"""


@pytest.mark.parametrize(("when", "memory"), [("save", "512"), ("build", "0")])
def test_a_full_disk_leaves_no_half_file(when: str, memory: str, tmp_path: Path) -> None:
    done = run_python(["-c", FULL, when, memory], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CircuitError")
    assert "edge group 77" in done.stdout
    assert "a_a_edges.h5'" not in done.stdout.splitlines()[-1]
    assert ".part" not in done.stdout


def test_files_are_not_replaced_against_the_will(tmp_path: Path) -> None:
    net = two_groups()
    net.add_edges()
    net.save(tmp_path)
    with pytest.raises(CircuitError, match="the file is there already"):
        net.save(tmp_path, force_overwrite=False)
    net.save_edges("own.h5", "own.csv", output_dir=tmp_path, name="mine", index_by="target_node_id")
    with h5py.File(tmp_path / "own.h5") as h5:
        assert list(h5["edges"]) == ["mine"]
        assert list(h5["edges/mine/indices"]) == ["target_to_source"]


def test_no_edges_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    net = two_groups()
    net.add_edges(connection_rule=lambda s, t: 0, edge_type_id=55)
    net.save(tmp_path)
    assert not (tmp_path / "v1_v1_edges.h5").exists()
    assert "edge group 55" in caplog.text
    with pytest.raises(UnknownNameError):
        net.add_edges(connection_rule="nothing")


def test_obi_dialect(tmp_path: Path) -> None:
    net = NetworkBuilder("A", seed=2)
    net.add_nodes(
        N=20,
        model_type="biophysical",
        morphology="m",
        x=np.arange(20.0),
        **{"dynamics_params/holding_current": 0.1},
    )
    cm = net.add_edges(connection_rule=Probability(0.4, n_syn=3), conductance=0.7, syn_type_id=120)
    cm.add_properties("delay", rule=lambda s, t: 1.0 + s.node_id)
    net.add_edges(source=[1], target=[2], connection_rule=2, conductance=0.1, syn_type_id=1, delay=0.5)
    stim = NetworkBuilder("stim")
    stim.add_nodes(N=5, model_type="virtual")
    stim.add_edges(target=net.nodes(), connection_rule=2, conductance=1.0, delay=1.0)
    net.save(tmp_path, dialect="obi")
    stim.save(tmp_path, dialect="obi", components={"morphologies_dir": "$CIRCUIT_DIR"})
    circuit = libsonata.CircuitConfig.from_file(str(tmp_path / "circuit_config.json"))
    assert sorted(circuit.edge_populations) == ["A__A__chemical", "stim__A__chemical"]
    edges = circuit.edge_population("A__A__chemical")
    assert edges.size == net.nedges
    everything = libsonata.Selection([(0, edges.size)])
    source, delay = edges.source_nodes(everything), edges.get_attribute("delay", everything)
    kind = edges.get_attribute("syn_type_id", everything)
    assert np.array_equal(delay[kind == 120], 1.0 + source[kind == 120])
    assert delay[kind == 1].tolist() == [0.5, 0.5]
    assert circuit.edge_population("stim__A__chemical").size == 200
    nodes = circuit.node_population("A")
    assert nodes.get_dynamics_attribute("holding_current", libsonata.Selection([3])).tolist() == [0.1]
    net.add_edges(source=[1], target=[2])
    with pytest.raises(CircuitError, match=r"edge group 102 .* differ in conductance"):
        net.save(tmp_path / "again", dialect="obi")
