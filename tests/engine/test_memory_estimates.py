"""Memory estimates against what is really made: objects counted, bytes predicted, warnings given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.helpers import run_mpi, run_python
from tests.obi_data import SHARED, link_obi_data, load_oracle, write_oracle_config
from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = pytest.mark.neuron

COUNT = """
import json, sys
import numpy as np
from neurodamus_like.connectivity import counting
from neurodamus_like.engine.object_columns import has_object
from neurodamus_like.simulation.dry_run import _count_edges
from neurodamus_like.simulation.node import Node
counting.ROWS_AT_ONCE = 7
max_edges = int(sys.argv[2])
node = Node(sys.argv[1], progress=False, quiet=True)
node.load_targets(); node.compute_load_balance()
counted = {c.population: {"synapses": {k: v.tolist() for k, v in c.synapses.items()}, "rows": c.rows.tolist(),
    "netcons": c.netcons.tolist(), "replayed": c.replayed.tolist(), "minis": c.minis.tolist(),
    "trains": c.trains} for c in _count_edges(node, max_edges)}
node.cleanup()
node = Node(sys.argv[1], progress=False, quiet=True)
node.load_targets(); node.compute_load_balance(); node.create_cells(); node.create_synapses(); node.enable_replay()
node.finalize_synapses()
made = {}
for m in node.circuits.all_synapse_managers():
    ids, n = m.target.local_node_ids, m.target.local_node_ids.size
    at = np.searchsorted(ids, m.table.target_gid - m.target.offset)
    def count(rows):
        return np.bincount(at[rows], minlength=n).tolist()
    names = np.array([p.hname().split("[")[0] for p in m.synapses])
    made[m.population.name] = {
        "synapses": {str(k): count(np.flatnonzero(names == k)) for k in np.unique(names)},
        "rows": count(np.arange(len(m.table))),
        "netcons": count(np.flatnonzero(has_object(m.netcons))),
        "replayed": count(m.replay_stim.rows), "minis": count(m.minis_stim.rows),
        "trains": len(m.replay_stim.netstims)}
print("RESULT" + json.dumps([counted, made]))
"""


def overridden(folder: Path) -> TinyCircuit:
    """Return a circuit with overrides, minis and replay: some edges are not made, some have another type."""
    rng = np.random.default_rng(3)
    pairs = [(int(s), int(t)) for s, t in rng.integers(0, 12, (60, 2))]
    virtual = [(int(s), int(t)) for s, t in rng.integers(0, 5, (30, 2))]
    kinds = rng.choice([10, 110], 60)
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/V/timestamps"], file["spikes/V/node_ids"] = (
            np.array([1.0, 2.0, 3.0]),
            np.array([0, 1, 3]),
        )
    blocks = [
        {"name": "some", "source": "A", "target": "some", "weight": 1.0, "spont_minis": 0.5},
        {"name": "det", "source": "few", "target": "some", "weight": 2.0, "modoverride": "DetAMPANMDA"},
    ]
    replay = {"module": "synapse_replay", "input_type": "spikes", "delay": 0, "duration": 9, "node_set": "A"}
    return TinyCircuit(
        [Edges("A__A", "A", "A", pairs, {"syn_type_id": kinds}), Edges("V__A", "V", "A", virtual)],
        cells={"A": 12},
        virtual={"V": 5},
        node_sets={
            "some": {"population": "A", "node_id": list(range(9))},
            "few": {"population": "A", "node_id": [1, 2]},
        },
        config={"connection_overrides": blocks, "inputs": {"r": {**replay, "spike_file": "spikes.h5"}}},
    )


def counts(circuit: TinyCircuit, folder: Path, max_edges: int = 10**9) -> tuple[Any, Any]:
    done = run_python(["-c", COUNT, str(circuit.write(folder)), str(max_edges)], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    counted, made = json.loads(line[6:])
    return counted, made


def test_what_is_counted_is_what_is_made(tmp_path: Path) -> None:
    counted, made = counts(overridden(tmp_path), tmp_path)
    assert counted == made
    assert set(made["A__A"]["synapses"]) == {"ProbAMPANMDA_EMS", "ProbGABAAB_EMS", "DetAMPANMDA"}
    assert sum(made["A__A"]["minis"]) > 0
    assert sum(made["V__A"]["replayed"]) > 0


def test_junctions_are_counted(tmp_path: Path) -> None:
    ids = {"efferent_junction_id": [10, 11], "afferent_junction_id": [11, 10]}
    edges = Edges(
        "A__A__gap", "A", "A", [(0, 1), (1, 0)], {"conductance": 5.0, **ids}, "electrical", ("delay",)
    )
    circuit = TinyCircuit([edges])
    counted, _ = counts(circuit, tmp_path)
    assert counted["A__A__gap"]["synapses"] == {"Gap": [1, 1, 0, 0]}
    assert sum(counted["A__A__gap"]["netcons"]) == 0


def test_a_part_of_the_edges_stands_for_all(tmp_path: Path) -> None:
    pairs = [(s % 300, t) for t in range(300) for s in range(t % 7)]
    circuit = TinyCircuit([Edges("A__A", "A", "A", pairs)], cells={"A": 300})
    counted, made = counts(circuit, tmp_path, max_edges=300)
    assert counted == made  # all edges are alike, so the share of each kind is exact


MEASURE = """
import json, sys
from neurodamus_like import memory
from neurodamus_like.parallel.mpi import world
from neurodamus_like.simulation.node import Node
node = Node(sys.argv[1], output_path=sys.argv[2], simulator=sys.argv[3], progress=False, quiet=True)
node.load_targets(); node.prepare_output(); node.compute_load_balance(); node.create_cells()
node.create_synapses(); node.enable_replay(); node.init()
node.solve(1.0)
peak = world().allreduce_max(memory.peak_rss_bytes())
if world().rank == 0:
    print("RESULT" + json.dumps(peak))
"""


MEASURE_CYCLES = """
import json, sys
from neurodamus_like import Neurodamus, memory
config, out, steps = sys.argv[1:]
options = {"simulator": "CORENEURON", "modelbuilding_steps": int(steps), "progress": False, "quiet": True}
Neurodamus(config, output_path=out, **options).run()
print("RESULT" + json.dumps(memory.peak_rss_bytes()))
"""


def predict(config: Path, folder: Path, *options: str) -> dict[str, float]:
    """Return the predicted peak of each number of ranks that was asked for."""
    words = ["estimate", str(config), "--json", *options]
    done = run_python(["-m", "neurodamus_like.cli.main", *words], 600, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    predicted: dict[str, float] = json.loads(done.stdout)["bytes_per_rank"]
    return predicted


def check_estimate(
    config: Path, folder: Path, ranks: int = 1, simulator: str = "NEURON", within: float = 0.1
) -> None:
    """Compare the predicted and the measured peak of the largest rank of a simulation."""
    predicted = predict(config, folder, f"--ranks={ranks}", f"--simulator={simulator}")[str(ranks)]
    args = ["-c", MEASURE, str(config), str(folder / "out"), simulator]
    done = run_python(args, 600, cwd=folder) if ranks == 1 else run_mpi(ranks, args, 600, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    assert predicted == pytest.approx(json.loads(line[6:]), rel=within)


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data absent")
@pytest.mark.parametrize("case", ["v5_sonata", "usecase3", "big100"])
def test_real_circuits_take_what_was_predicted(case: str, tmp_path: Path) -> None:
    obi = link_obi_data(tmp_path / "obi")
    if case == "big100":
        config = obi / "big100" / "simulation_config.json"
    else:
        (tmp_path / case).mkdir()
        config = write_oracle_config(load_oracle(case), obi, tmp_path / case)
    check_estimate(config, tmp_path)


@pytest.mark.mpi
@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data absent")
@pytest.mark.parametrize("simulator", ["NEURON", "CORENEURON"])
def test_the_same_on_two_ranks(simulator: str, tmp_path: Path) -> None:
    obi = link_obi_data(tmp_path / "obi")
    config = obi / "big100" / "simulation_config.json"
    check_estimate(config, tmp_path, ranks=2, simulator=simulator)


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data absent")
def test_models_built_in_cycles(tmp_path: Path) -> None:
    config = link_obi_data(tmp_path / "obi") / "big100" / "simulation_config.json"
    document = json.loads(config.read_text())
    document["run"]["tstop"] = 1.0
    brief = config.with_name("brief.json")
    brief.write_text(json.dumps(document))
    predicted = predict(brief, tmp_path, "--ranks=1", "--simulator=CORENEURON", "--cycles=2")["1"]
    done = run_python(["-c", MEASURE_CYCLES, str(brief), str(tmp_path / "out"), "2"], 600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    assert predicted == pytest.approx(json.loads(line[6:]), rel=0.1)


@pytest.mark.parametrize("simulator", ["NEURON", "CORENEURON"])
def test_the_demo_takes_what_was_predicted(simulator: str, tmp_path: Path) -> None:
    config = write_demo_circuit(tmp_path / "demo")
    check_estimate(config, tmp_path, simulator=simulator)


def test_a_run_that_will_not_fit_is_warned_of(tmp_path: Path) -> None:
    config = TinyCircuit([Edges("A__A", "A", "A", [(0, 1)])]).write(tmp_path)
    code = """
import sys
from neurodamus_like import memory
memory.available_bytes = lambda: 1_000_000
from neurodamus_like.simulation.node import Neurodamus
Neurodamus(sys.argv[1], progress=False, logging_level=20).run()
"""
    done = run_python(["-c", code, str(config)], 300)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "the model may need 1.9 MiB of memory on" in text
    assert "which has 976.6 KiB left: `neurodamus-like estimate` says" in text
    done = run_python(["-c", code.replace("1_000_000", "10**9"), str(config)], 300)
    assert "may need" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ranks=2,x"], "--ranks=2,x is not valid"),
        (["--cycles=0"], "--cycles=0 is not valid"),
        (["--cycles=1.5"], "--cycles=1.5 is not valid"),
        (["--node-memory=-1"], "--node-memory=-1 is not valid"),
        (["--ranks-per-node=two"], "--ranks-per-node=two is not valid"),
    ],
)
def test_wrong_options(options: list[str], words: str, tmp_path: Path) -> None:
    config = tmp_path / "simulation_config.json"
    config.write_text("{}")
    done = run_python(["-m", "neurodamus_like.cli.main", "estimate", str(config), *options])
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
