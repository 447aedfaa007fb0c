"""The same configuration gives the same bytes on any number of ranks, and again in the same process."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

RESULTS = ("out.h5", "soma.h5", "dendrites.h5", "populations_offset.dat")

TWICE = """
import sys
from pathlib import Path
from neurodamus_like import Neurodamus, Node
config, out = sys.argv[1], Path(sys.argv[2])
summary = Neurodamus(config, output_path=out / "first", progress=False).run()
node = Node(config, output_path=out / "second", progress=False)
target = node.load_targets()
assert target.gid_count() == 20, target
node.compute_load_balance()
node.create_cells()
assert sum(len(m.cells) for m in node.circuits.all_node_managers()) == 20
node.create_synapses()
node.enable_stimulus()
node.enable_replay()
node.enable_modifications()
node.enable_reports()
node.sim_init()
manager = node.circuits.get_edge_manager("Exc", "Inh")
connection = next(iter(manager.connections()))
assert len(connection.synapses) == len(connection) and connection.synapses[0] is not None
node.solve(60.0)
node.run_all()
again = node.summary()
assert again.populations == summary.populations and again.spike_count > 0
assert [f.name for f in again.files] == [f.name for f in summary.files]
assert node.stim_manager is not None and len(node.reports.files) == 2
node.cleanup()
from neurodamus_like.engine import nrn
assert len(list(nrn.h.allsec())) == 0, "cleanup left sections"
Neurodamus(config, output_path=out / "third", progress=False).run()
"""


def write_circuit(folder: Path) -> Path:
    return write_demo_circuit(folder / "circuit", n_cells=20, tstop_ms=150.0, seed=5)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in RESULTS}


@pytest.mark.mpi
def test_any_number_of_ranks_gives_the_same_bytes(tmp_path: Path) -> None:
    config = write_circuit(tmp_path)
    found = {}
    for ranks in (1, 2, 4):
        out = tmp_path / f"on{ranks}"
        args = ["-m", "neurodamus_like.cli.main", "run", str(config), f"--output-path={out}", "--no-progress"]
        done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
        assert done.returncode == 0, done.stdout + done.stderr
        found[ranks] = bytes_of(out)
    for name in RESULTS:
        assert found[1][name] == found[2][name] == found[4][name], name
    assert len(found[1]["out.h5"]) > 3000, "no spikes: nothing was compared"


def test_simulations_one_after_another_in_one_process(tmp_path: Path) -> None:
    config = write_circuit(tmp_path)
    done = run_python(["-c", TWICE, str(config), str(tmp_path)], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, third = (bytes_of(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second == third
