"""Neuromodulatory edges: which synapse they reach, what their events carry, who listens."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.engine.connectivity_runs import run
from tests.helpers import run_mpi, run_python
from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = pytest.mark.neuron

REPOSITORY = Path(__file__).resolve().parents[2]
CHEMICAL = Edges(
    "A__A",
    "A",
    "A",
    [(0, 1), (2, 1), (3, 1), (0, 2)],
    {
        "afferent_section_id": [1, 1, 2, 1],
        "afferent_section_pos": [0.50, 0.54, 0.50, 0.5],
        "conductance": 1.5,
    },
)
POSITIONS = [0.51, 0.53, 0.60, 0.50, 0.51]
"""The third is 0.06 from the nearest synapse; the fourth is on a section without synapses."""


def fibres(**columns: Any) -> Edges:
    values = {
        "afferent_section_id": [1, 1, 1, 0, 1],
        "afferent_section_pos": POSITIONS,
        "delay": [1.0, 2.0, 1.0, 1.0, 1.0],
        "neuromod_strength": [0.5, 0.25, 1.0, 1.0, 1.0],
        "neuromod_dtc": [50.0, 75.0, 1.0, 1.0, 1.0],
    }
    return Edges(
        "V__A", "V", "A", [(0, 1), (1, 1), (0, 1), (0, 1), (2, 1)], values | columns, kind="neuromodulatory"
    )


def circuit(folder: Path, *edges: Edges, times: tuple[float, ...] = (1.0, 3.0), **config: Any) -> TinyCircuit:
    """Return a circuit where fibres 0 and 1 fire at some times."""
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/V/timestamps"] = np.repeat(times, 2)
        file["spikes/V/node_ids"] = np.tile([0, 1], len(times))
    replay = {"module": "synapse_replay", "input_type": "spikes", "delay": 0, "duration": 99, "node_set": "A"}
    inputs = {"inputs": {"r": {**replay, "spike_file": "spikes.h5"}}}
    return TinyCircuit(edges, virtual={"V": 3}, config={**inputs, **config})


LOOK = """
chemical, modulators = sorted(build(), key=lambda m: m.population.name)
place = {None: None} | {str(s.get_segment()): int(e) for s, e in zip(chemical.synapses, chemical.table.edge_id)}
reached = {int(e): None if s is None else place[str(s.get_segment())]
           for s, e in zip(modulators.synapses, modulators.table.edge_id)}
events = by_edge(modulators, modulators.replay_stim, lambda n: [[n.weight[i] for i in range(5)], n.delay])
node.solve()
release = [[s.A_AMPA, s.u, s.tsyn] for s in chemical.synapses]
out(reached=reached, events=events, release=release, kind=modulators.CONNECTIONS_TYPE,
    minis=len(modulators.minis_stim.netcons), presynaptic=sum(n is not None for n in modulators.netcons))
"""


def test_closest_synapse_and_weight_vector(tmp_path: Path) -> None:
    edges = Edges(
        "A__A", "A", "A", CHEMICAL.pairs, {**CHEMICAL.columns, "afferent_section_pos": [0.1, 0.54, 0.5, 0.5]}
    )
    columns = {"afferent_section_pos": [0.12, 0.53, 0.60, 0.5, 0.08]}
    got = run(circuit(tmp_path, edges, fibres(**columns)), tmp_path, LOOK)
    assert got["reached"] == {"0": 0, "1": 1, "2": None, "3": None, "4": 0}
    assert got["events"] == {"0": [[1, 0.5, 50, 0, 10], 1.0], "1": [[1, 0.25, 75, 0, 10], 2.0]}
    assert got["kind"] == "NeuroModulation"
    assert got["minis"] == got["presynaptic"] == 0
    assert got["release"] == [[0, 0, 0]] * 4, (
        "glutamate synapses do not release on events of a neuromodulator"
    )
    assert "2 edges have no synapse of another edge population close by" in got["log"]


def test_overrides_replace_strength_and_decay_time(tmp_path: Path) -> None:
    sets = {"V": {"population": "V"}, "A": {"population": "A"}}
    common = {"source": "V", "target": "A"}
    blocks = [
        {"name": "both", **common, "neuromodulation_strength": 3.0, "neuromodulation_dtc": 9.0},
        {"name": "later", **common, "neuromodulation_dtc": 8.0, "weight": 2.5},
    ]
    tiny = circuit(tmp_path / "on", CHEMICAL, fibres(), connection_overrides=blocks)
    tiny.node_sets = sets
    events = run(tiny, tmp_path / "on", LOOK)["events"]
    assert events["0"][0] == [1, 3.0, 8.0, 0, 10]
    assert events["1"][0] == [1, 3.0, 8.0, 0, 10]
    blocks.append({"name": "dead", **common, "weight": 0.0})
    tiny = circuit(tmp_path / "off", CHEMICAL, fibres(), connection_overrides=blocks)
    tiny.node_sets = sets
    assert run(tiny, tmp_path / "off", LOOK)["events"]["0"][0][0] == 0


def test_synapses_that_know_no_kinds_of_events_are_left_alone(tmp_path: Path) -> None:
    columns = {**CHEMICAL.columns, "tau1": 0.1, "tau2": 2.0, "erev": 0.0}
    deaf = Edges("A__A", "A", "A", CHEMICAL.pairs, columns, kind="Exp2Syn_synapse")
    code = """
chemical, modulators = sorted(build(), key=lambda m: m.population.name)
out(events=len(modulators.replay_stim.netcons), reached=[s is None for s in modulators.synapses])
"""
    got = run(circuit(tmp_path, deaf, fibres()), tmp_path, code)
    assert got["events"] == 0
    assert all(got["reached"])
    assert "mechanism knows no kinds of events" in got["log"]


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        (Edges("V__A", "V", "A", [(0, 1)], kind="neuromodulatory"), "neuromod_strength, neuromod_dtc"),
        (
            fibres(neuromod_strength=[0.5, np.nan, 1.0, 1.0, 1.0]),
            "neuromod_strength is not a number for 1 edge",
        ),
        (fibres(delay=[1.0, -1.0, 1.0, 1.0, 1.0]), "delay is negative for 1 edge"),
        (fibres(afferent_section_id=[1, 1, 1, 0, 77]), "first: section 77 of gid 1"),
    ],
)
def test_bad_edges(edges: Edges, words: str, tmp_path: Path) -> None:
    config = circuit(tmp_path, CHEMICAL, edges).write(tmp_path)
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(config), "--no-progress"], 300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def block_after(text: str, opening: str) -> str:
    """Return the contents of the fenced block that begins with some lines."""
    found = re.search(re.escape(opening) + r"\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_the_mechanism_of_the_documentation_listens(tmp_path: Path) -> None:
    """Its level rises by the strength and decays with the time constant of the events, on one and on two ranks."""
    text = (REPOSITORY / "docs" / "howto" / "neuromodulation.md").read_text()
    mods = tmp_path / "mods"
    mods.mkdir()
    (mods / "Modulated.mod").write_text(block_after(text, ":name: listening-mechanism\n"))
    core = REPOSITORY / "core" / "mod"
    for name in ("synapses/ProbAMPANMDA_EMS", "synapses/ProbGABAAB_EMS", "stimuli/VecStim"):
        shutil.copy(core / f"{name}.mod", mods)
    blocks = [{"name": "own", "source": "A", "target": "A", "modoverride": "Modulated"}]
    columns = {"delay": [1.0, 2.0, 1.0, 1.0, 1.0]}
    config = circuit(tmp_path, CHEMICAL, fibres(**columns), connection_overrides=blocks).write(tmp_path)
    code = f"""
import sys
from pathlib import Path
{block_after(text, "```python")}
from neurodamus_like.engine.mech_build import build_mechanisms
from neurodamus_like.parallel.mpi import world
from neurodamus_like.simulation.node import Neurodamus
library = None
if world().rank == 0:
    library = build_mechanisms([Path({str(mods)!r})], with_core=False, cache_dir=Path({str(tmp_path / "cache")!r}))
node = Neurodamus({str(config)!r}, nrnmech=world().bcast(library).nrnmech, progress=False)
node.solve(10.0)
for manager in node.circuits.all_synapse_managers():
    if manager.CONNECTIONS_TYPE == "Synaptic":
        for edge, synapse in zip(manager.table.edge_id.tolist(), manager.synapses):
            print("LEVEL", edge, synapse.level, synapse.decay)
"""
    expected = {
        0: (0.5 * (1 + np.exp(-2 / 50)), 50.0),
        1: (0.25 * (1 + np.exp(-2 / 75)), 75.0),
        2: (0, 1),
        3: (0, 1),
    }
    for ranks in (1, 2):
        done = run_python(code, 400) if ranks == 1 else run_mpi(ranks, code, 400)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith("LEVEL")]
        found = {int(edge): (float(level), float(decay)) for _, edge, level, decay in lines}
        assert sorted(found) == [0, 1, 2, 3]
        for edge, values in expected.items():
            assert found[edge] == pytest.approx(values, rel=1e-9)
