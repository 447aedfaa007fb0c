"""The same scripts give the same networks as BMTK's builder, file by file; and both kinds of readers read them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, build_with_both, datasets, edge_rows, peer_python, run, type_rows
from scipy import stats

from neurodamus_like.builder import DistanceProbability, Gaussian, NetworkBuilder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["fourteen_cells", "column"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build_with_both(request.param, tmp_path_factory.mktemp(request.param))


def test_same_files(both: tuple[Path, Path]) -> None:
    ours, theirs = (sorted(p.name for p in folder.iterdir()) for folder in both)
    assert ours == theirs


def test_same_edges(both: tuple[Path, Path]) -> None:
    for path in sorted(both[1].glob("*_edges.h5")):
        (our_facts, our_rows), (their_facts, their_rows) = (edge_rows(folder / path.name) for folder in both)
        assert our_facts == their_facts
        assert our_rows == their_rows


def test_same_nodes_and_gap_junctions(both: tuple[Path, Path]) -> None:
    for path in [*both[1].glob("*_nodes.h5"), *both[1].glob("*_gap_juncs.h5")]:
        ours, theirs = (datasets(folder / path.name) for folder in both)
        assert set(ours) == set(theirs)
        for name in theirs:
            assert ours[name].dtype == theirs[name].dtype, name
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_same_types(both: tuple[Path, Path]) -> None:
    for path in both[1].glob("*_types.csv"):
        ours, theirs = (type_rows(folder / path.name) for folder in both)
        assert ours == theirs


DEGREES = """
import json, random, sys
import numpy as np
from bmtk.builder import NetworkBuilder
random.seed(5)
np.random.seed(5)
at = np.random.default_rng(1).uniform(0, 200, (400, 3))

def rule(source, target):
    distance = np.linalg.norm(np.subtract(source["positions"], target["positions"]))
    return 1 if random.random() < 0.7 * np.exp(-0.5 * (distance / 40.0) ** 2) else 0

net = NetworkBuilder("a")
net.add_nodes(N=400, positions=[tuple(p) for p in at])
net.add_edges(connection_rule=rule)
net.build()
edges = [(int(e.source_node_id), int(e.target_node_id)) for e in net.edges()]
print(json.dumps(edges))
"""


def test_random_rules_have_the_distributions_of_bmtk(tmp_path: Path) -> None:
    """In-degrees and distances of BMTK's rule and of our array rule: two-sample KS tests at level 1e-4."""
    script = tmp_path / "degrees.py"
    script.write_text(DEGREES)
    theirs = np.asarray(json.loads(run(peer_python(), script, cwd=tmp_path).splitlines()[-1]))
    at = np.random.default_rng(1).uniform(0, 200, (400, 3))
    net = NetworkBuilder("a", seed=2)
    net.add_nodes(N=400, positions=at)
    net.add_edges(connection_rule=DistanceProbability(Gaussian(40.0, 0.7), self_connections=True))
    ours = np.asarray([(e.source_node_id, e.target_node_id) for e in net.edges()])
    assert abs(len(ours) - len(theirs)) < 4 * np.sqrt(2 * len(theirs))
    for end in (0, 1):
        degrees = [np.bincount(edges[:, end], minlength=400) for edges in (ours, theirs)]
        assert stats.ks_2samp(*degrees).pvalue > 1e-4
    lengths = [np.linalg.norm(at[edges[:, 0]] - at[edges[:, 1]], axis=1) for edges in (ours, theirs)]
    assert stats.ks_2samp(*lengths).pvalue > 1e-4
    counts = [np.histogram(length, bins=np.linspace(0, 130, 14))[0] for length in lengths]
    assert stats.chi2_contingency(np.asarray(counts)).pvalue > 1e-4


READ_BY_BMTK = """
import json, sys
from pathlib import Path
from bmtk.utils import sonata
found = {}
for path in sorted(Path(sys.argv[1]).glob("*_edges.h5")):
    types = str(path).replace("_edges.h5", "_edge_types.csv")
    (pop,) = sonata.File(data_files=str(path), data_type_files=types).edges.populations
    found[path.name] = {t: sorted(int(e.source_node_id) for e in pop.get_target(t)) for t in range(14)}
print(json.dumps(found))
"""


def test_bmtk_reads_our_index(both: tuple[Path, Path], tmp_path: Path) -> None:
    script = tmp_path / "read.py"
    script.write_text(READ_BY_BMTK)
    ours, theirs = (json.loads(run(peer_python(), script, folder, cwd=tmp_path)) for folder in both)
    assert ours == theirs
    assert any(any(targets.values()) for targets in ours.values())


SNAP = """
import json, sys
import bluepysnap
circuit = bluepysnap.Circuit(sys.argv[1])
edges = circuit.edges["net__net__chemical"]
targets = [0, 7, 20]
print(json.dumps({
    "nodes": circuit.nodes["net"].size, "edges": edges.size,
    "afferent": {str(t): sorted(int(n) for n in edges.afferent_nodes(t)) for t in targets},
    "delay": sorted(edges.get(edges.afferent_edges(7), ["delay"])["delay"].tolist()),
    "names": sorted(edges.property_names),
}))
"""

BUILD_OBI = """
import sys
from neurodamus_like.builder import NetworkBuilder, Probability, Uniform
net = NetworkBuilder("net", seed=1)
net.add_nodes(N=30, x=[float(i) for i in range(30)], model_type="biophysical", morphology="m", model_template="hoc:T")
cm = net.add_edges(connection_rule=Probability(0.3, n_syn=2), conductance=0.5, u_syn=0.3, syn_type_id=113)
cm.add_properties("delay", rule=Uniform(0.5, 2.0))
net.save(sys.argv[1], dialect="obi")
print(sorted(float(e["delay"]) for e in net.edges(target_nodes=7)))
print(sorted({e.source_node_id for e in net.edges(target_nodes=7)}))
"""


def test_bluepysnap_reads_the_obi_dialect(tmp_path: Path) -> None:
    python = peer_python("bluepysnap")
    script, reader = tmp_path / "build.py", tmp_path / "snap.py"
    script.write_text(BUILD_OBI)
    reader.write_text(SNAP)
    delays, sources = run(sys.executable, script, tmp_path / "circuit", cwd=tmp_path).splitlines()
    found = json.loads(run(python, reader, tmp_path / "circuit" / "circuit_config.json", cwd=tmp_path))
    assert found["nodes"] == 30
    assert found["delay"] == json.loads(delays)
    assert found["afferent"]["7"] == json.loads(sources)
    assert {"conductance", "delay", "u_syn", "syn_type_id"} <= set(found["names"])


def test_the_example_network_of_bmtk(tmp_path: Path, shared: Path) -> None:
    """The network that comes with BMTK's 14-cell example has the edges that our builder makes."""
    ported = tmp_path / "build.py"
    ported.write_text(
        (SCRIPTS / "fourteen_cells.py")
        .read_text()
        .replace("from bmtk.builder", "from neurodamus_like.builder")
    )
    run(sys.executable, ported, tmp_path / "network", cwd=tmp_path)
    published = shared / "data" / "allen" / "bio_14cells" / "network"
    for name in ("v1_v1_edges.h5", "lgn_v1_edges.h5", "tw_v1_edges.h5"):
        ours, theirs = edge_rows(tmp_path / "network" / name)[1], edge_rows(published / name)[1]
        assert [(r[0], r[1], r[3]) for r in ours] == [(r[0], r[1], r[3]) for r in theirs]
