"""Folders to run in, and the commands ``new`` and ``info``."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest

from neurodamus_like.analysis.connectivity import compute_connectivity, compute_degrees
from neurodamus_like.analysis.populations import describe_file, network_files
from neurodamus_like.builder import NetworkBuilder, Probability
from neurodamus_like.cli.main import main


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A network of two groups and a virtual one, in the Allen dialect."""
    net = NetworkBuilder("v1", seed=3)
    at = np.random.default_rng(1).uniform(0, 100, (30, 3))
    net.add_nodes(N=20, ei="e", x=at[:20, 0], y=at[:20, 1])
    net.add_nodes(N=10, ei="i", x=at[20:, 0], y=at[20:, 1])
    net.add_edges(connection_rule=Probability(0.4, n_syn=2), source={"ei": "e"})
    net.add_edges(connection_rule=1, source={"ei": "i"}, target={"ei": "e"}).add_properties(
        "w", rule=lambda s, t: 1.0
    )
    net.save(tmp_path / "network")
    lgn = NetworkBuilder("lgn")
    lgn.add_nodes(N=5, model_type="virtual")
    lgn.add_edges(target=net.nodes())
    lgn.save(tmp_path / "network")
    return tmp_path / "network"


def test_new_writes_a_folder_for_the_allen_dialect(network: Path, tmp_path: Path) -> None:
    sim = tmp_path / "sim"
    words = ["new", str(sim), f"--network-dir={network}", "--tstop=250", "--dt=0.05", "--iclamp=0.1,50,100"]
    assert (
        main(
            [
                *words,
                "--report-vars=v,v1:cai",
                "--report-nodes=0,3",
                f"--spikes-inputs=lgn:{tmp_path}/in/l.h5",
            ]
        )
        == 0
    )
    config = json.loads((sim / "config.json").read_text())
    assert config["run"] == {
        "tstart": 0.0, "tstop": 250.0, "dt": 0.05, "dL": 20.0, "spike_threshold": -15.0, "nsteps_block": 5000,
    }  # fmt: skip
    assert config["inputs"]["current_clamp"]["amp"] == 0.1
    assert config["inputs"]["lgn_spikes"]["input_file"] == "$BASE_DIR/../in/l.h5"
    assert config["reports"]["v_report"]["cells"] == [0, 3]
    assert config["reports"]["v1_cai_report"]["cells"] == {"population": "v1"}
    assert [sorted(e) for e in config["networks"]["nodes"]] == [["node_types_file", "nodes_file"]] * 2
    files = network_files(sim / "config.json")
    assert {path.resolve() for _, path in files} == {p.resolve() for p in network.glob("*.h5")}
    for folder in ("morphologies", "mechanisms", "synaptic_models", "biophysical_neuron_models"):
        assert (sim / "components" / folder).is_dir()
    assert main(words) == 1
    assert main([*words, "--overwrite"]) == 0


def test_new_with_split_configurations(network: Path) -> None:
    folder = network.parent
    assert (
        main(["new", str(folder), "--split-configs", "--config-file=config.a.json", "--network-filter=v1"])
        == 0
    )
    top = json.loads((folder / "config.a.json").read_text())
    assert top == {
        "network": "${configdir}/config.a_circuit.json",
        "simulation": "${configdir}/config.a_simulation.json",
    }
    names = sorted(path.name for _, path in network_files(folder / "config.a.json"))
    assert names == ["lgn_v1_edges.h5", "v1_nodes.h5", "v1_v1_edges.h5"]
    script = (folder / "run.py").read_text()
    assert 'parent / "config.a.json"' in script
    compile(script, "run.py", "exec")


def test_new_for_the_obi_dialect(tmp_path: Path) -> None:
    net = NetworkBuilder("A")
    net.add_nodes(N=3, model_type="biophysical", morphology="m", model_template="hoc:x")
    net.add_edges(connection_rule=1, conductance=1.0)
    net.save(tmp_path / "circuit", dialect="obi")
    assert main(["new", str(tmp_path), "--iclamp=0.2,1,2", "--report-vars=v", "--tstop=30"]) == 0
    simulation = libsonata.SimulationConfig.from_file(str(tmp_path / "config.json"))
    assert simulation.run.tstop == 30.0
    assert simulation.input("current_clamp").amp_start == 0.2
    assert Path(simulation.network).name == "circuit_config.json"
    assert simulation.list_report_names == {"v_report"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--iclamp=1,2"], "--iclamp=1,2 is not valid"),
        (["--dt=fast"], "--dt=fast is not valid"),
        (["--spikes-inputs=lgn"], "'lgn' is not valid"),
        (["--network-dir=nowhere"], "there are no network files"),
        (["--tstp=3"], "did you mean '--tstop'"),
    ],
)
def test_new_with_wrong_options(
    words: list[str], message: str, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", str(network.parent), *words]) == 1
    assert message in capsys.readouterr().err


def test_new_tells_all_that_is_wrong(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = network.parent
    (folder / "run.py").write_text("mine")
    (folder / "config.json").write_text("mine")
    assert main(["new", str(folder), "--dt=fast", "--iclamp=1", "--spikes-inputs=lgn"]) == 1
    shown = capsys.readouterr().err
    assert "5 problems found" in shown
    for part in (
        "--dt=fast",
        "--iclamp=1",
        "'lgn' is not valid",
        str(folder / "run.py"),
        str(folder / "config.json"),
    ):
        assert part in shown
    assert {p.name for p in folder.iterdir()} == {"network", "run.py", "config.json"}
    assert (folder / "run.py").read_text() == "mine"


def test_info_shows_populations(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(network / name) for name in ("v1_nodes.h5", "v1_v1_edges.h5")]
    assert main(["info", *files]) == 0
    shown = capsys.readouterr().out
    assert "nodes 'v1': 30 nodes, 2 types" in shown
    assert "attributes  nsyns uint32, w float64" in shown
    assert "target_to_source: complete" in shown
    assert "sorted by target" in shown
    assert main(["info", "--json", *files]) == 0
    nodes, edges = json.loads(capsys.readouterr().out)
    assert (nodes["size"], edges["source"], edges["n_types"]) == (30, "v1", 2)


def test_info_sees_missing_and_stale_indices(network: Path) -> None:
    path = network / "v1_v1_edges.h5"
    with h5py.File(path, "r+") as h5:
        indices = h5["edges/v1_to_v1/indices"]
        del indices["source_to_target"]
        table = indices["target_to_source/range_to_edge_id"]
        table[-1] = [0, 0]
    (info,) = describe_file(path)
    assert info.indices["source_to_target"] == "missing"
    assert info.indices["target_to_source"].startswith("stale: it covers")


def test_info_draws(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    figure = tmp_path / "figures" / "net.png"
    assert main(["new", str(network.parent)]) == 0
    assert main(["info", str(network.parent / "config.json"), f"--plot={figure}", "--group-by=ei"]) == 0
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert str(figure) in capsys.readouterr().out
    assert main(["info", str(tmp_path / "missing.h5")]) == 1


def test_connectivity_matrix(network: Path) -> None:
    labels = ["e"] * 20 + ["i"] * 10
    matrix = compute_connectivity(network / "v1_v1_edges.h5", "v1_to_v1", labels, labels)
    assert (matrix.sources, matrix.targets) == (("e", "i"), ("e", "i"))
    assert matrix.edges[1].tolist() == [200, 0]
    assert np.array_equal(matrix.synapses[0], 2 * matrix.edges[0])
    assert np.array_equal(matrix.connections, matrix.edges)
    assert matrix.probability[1].tolist() == [1.0, 0.0]
    assert matrix.convergence[1, 0] == 10.0
    assert matrix.divergence[1, 0] == 20.0
    leaving, reaching = compute_degrees(network / "v1_v1_edges.h5", "v1_to_v1", 30, 30)
    assert leaving[20:].tolist() == [20] * 10
    assert leaving.sum() == reaching.sum() == matrix.synapses.sum()
