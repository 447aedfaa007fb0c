"""Building on several ranks: the same bytes; errors and disagreements reach all ranks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from helpers import run_mpi, run_python

pytestmark = pytest.mark.mpi

BUILD = """
import sys
import numpy as np
from neurodamus_like.builder import *

positions = np.random.default_rng(3).uniform(0, 300, (700, 3))
net = NetworkBuilder("net", seed=5)
net.add_nodes(N=500, model_type="virtual", ei="e", positions=positions[:500])
net.add_nodes(N=200, model_type="virtual", ei="i", positions=positions[500:])
net.add_edges(connection_rule=Probability(0.05), delay=2.0)
cm = net.add_edges(source={"ei": "e"}, target={"ei": "i"}, connection_rule=DistanceProbability(Gaussian(80.0)))
cm.add_properties("delay", rule=DistanceDelay(300.0, jitter=0.1))
cm.add_properties("w", rule=LogNormal(1e-4, 1e-5))
net.add_edges(source={"ei": "i"}, connection_rule=FixedOutdegree(20, n_syn=(1, 4)))
inner = ReciprocalConnector(p0=0.1, pr=0.05)
inner.setup_nodes(net.nodes(ei="i"), net.nodes(ei="i"))
net.add_edges(**inner.edge_params())
gaps = CorrelatedGapJunction(p_non=0.01, p_uni=0.1, p_rec=0.5, connector=inner)
gaps.setup_nodes(net.nodes(ei="i"), net.nodes(ei="i"))
net.add_edges(**gaps.edge_params(), is_gap_junction=True, syn_weight=1e-3)
unseeded = np.random.default_rng(net.comm.rank)
cm = net.add_edges(
    source={"ei": "i"}, target={"ei": "e"},
    connection_rule=lambda s, t: int(unseeded.integers(0, 3)) if net.comm.rank == 0 and s.node_id % 7 == 0 else 0,
)
cm.add_properties(["a", "b"], rule=lambda s, t: (s.node_id, t["positions"][1]), dtypes=[int, float])

@pure_rule
def near(sources, target):
    return [int(abs(s["positions"][0] - target["positions"][0]) < 5) for s in sources]

net.add_edges(connection_rule=near, iterator="all_to_one", source={"ei": "i"})
net.add_edges(connection_rule=Probability(0.3), target={"ei": "i"}).add_properties("u", rule=Uniform(0, 1))
net.save(sys.argv[1])
net.save(sys.argv[1] + "_packed", compression="gzip")
if net.comm.rank == 0:
    print(net.comm.size, net.nedges)
"""


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_files_are_the_same_for_any_number_of_ranks(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(BUILD)
    alone = run_python([str(script), "one"], cwd=tmp_path)
    assert alone.returncode == 0, alone.stderr
    for ranks in (2, 4):
        result = run_mpi(ranks, [str(script), f"n{ranks}"], cwd=tmp_path, timeout=180)
        assert result.returncode == 0, result.stderr
        assert result.stdout.split() == [str(ranks), alone.stdout.split()[1]]
        for packed in ("", "_packed"):
            expected = digests(tmp_path / f"one{packed}")
            assert len(expected) == 5
            assert digests(tmp_path / f"n{ranks}{packed}") == expected


WRONG = """
import sys
import numpy as np
from neurodamus_like.builder import NetworkBuilder
from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.parallel.mpi import world

net = NetworkBuilder("net", comm=world())
try:
    if sys.argv[1] == "nodes":
        net.add_nodes(N=3, x=np.random.default_rng(net.comm.rank).random(3))
    net.add_nodes(N=3)
    net.add_edges(connection_rule=lambda s, t: -1)
    net.build()
except NeurodamusLikeError as error:
    with open(f"error{net.comm.rank}", "w") as file:
        file.write(str(error))
"""


@pytest.mark.parametrize(
    ("what", "message"), [("rule", "a negative number"), ("nodes", "x differ between MPI ranks")]
)
def test_errors_reach_all_ranks(what: str, message: str, tmp_path: Path) -> None:
    script = tmp_path / "wrong.py"
    script.write_text(WRONG)
    result = run_mpi(2, [str(script), what], cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert [message in (tmp_path / f"error{rank}").read_text() for rank in range(2)] == [True, True]
