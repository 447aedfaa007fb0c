"""Modifications on a real circuit: what they change, where, and in which order, on 1 and 2 ranks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest

from tests.helpers import run_mpi, run_python
from tests.obi_data import load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

ASK = """
import json, sys
from pathlib import Path
from neurodamus_like.engine import nrn
from neurodamus_like.simulation.node import Neurodamus
sim = Neurodamus(sys.argv[1], progress=False)
cells = {int(c.node_id): c for m in sim.circuits.all_node_managers() for c in m}
found = {node: ask(cell) for node, cell in cells.items() for ask in [ASK]}
Path(sys.argv[1] + f".{sim.comm.rank}.json").write_text(json.dumps(found))
sim.run()
"""


def run_with(
    modifications: list[dict[str, Any]],
    ask: str,
    obi: Path,
    folder: Path,
    ranks: int = 1,
    case: str = "v5_pulse",
) -> tuple[dict[int, Any], int]:
    """Run a circuit; return what `ask` (a function of a cell) says of each cell, and the number of spikes."""
    oracle = load_oracle(case)
    config = oracle["simulation_config"]
    config.setdefault("conditions", {})["modifications"] = modifications
    if any("compartment_set" in m for m in modifications):
        config["compartment_sets_file"] = str(folder / "compartment_sets.json")
    path = write_oracle_config(oracle, obi, folder)
    args = ["-c", ASK.replace("ASK]", f"{ask}]"), str(path)]
    done = run_python(args, 300) if ranks == 1 else run_mpi(ranks, args, 300)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[int, Any] = {}
    for rank in range(ranks):
        answers = json.loads(Path(f"{path}.{rank}.json").read_text())
        found |= {int(node): answer for node, answer in answers.items()}
    with h5py.File(folder / "output" / config["output"]["spikes_file"]) as file:
        return found, len(file["spikes/default/timestamps"])


@pytest.mark.parametrize("ranks", [1, 2])
def test_ttx_silences_the_cells(ranks: int, obi: Path, tmp_path: Path) -> None:
    switched = "all(s.has_membrane('TTXDynamicsSwitch') for s in c.sections)"
    ask = f"lambda c: [{switched}, c.sections[0].ttxo_level_TTXDynamicsSwitch]"
    block = {"name": "t", "type": "ttx", "node_set": "Mini5"}
    found, spikes = run_with([block], ask, obi, tmp_path, ranks, "v5_relative_linear")
    assert list(found.values()) == [[True, 1.0]] * 5
    assert load_oracle("v5_relative_linear")["spikes"]["default"]["node_ids"]
    assert spikes == 0


def test_all_kinds_in_file_order(obi: Path, tmp_path: Path) -> None:
    sets = {"tips": {"population": "default", "compartment_set": [[0, 1, 0.1], [2, 0, 0.5]]}}
    (tmp_path / "compartment_sets.json").write_text(json.dumps(sets))
    modifications = [
        {
            "name": "a",
            "type": "configure_all_sections",
            "node_set": "Mini5",
            "section_configure": "%s.cm = %s.Ra / 25",
        },
        {"name": "b", "type": "section_list", "node_set": "Mini5", "section_configure": "basal.cm *= 2"},
        {
            "name": "c",
            "type": "section",
            "node_set": "Mini5",
            "section_configure": "dend[0].cm = 5; dend[0].cm -= 2",
        },
        {"name": "d", "type": "compartment_set", "compartment_set": "tips", "section_configure": "cm += 10"},
        {
            "name": "e",
            "type": "configure_all_sections",
            "node_set": "Mini5",
            "section_configure": "%s.g_nowhere = 1",
        },
    ]
    ask = """lambda c: [[[s(x).cm for x in ((k + .5) / s.nseg for k in range(s.nseg))] for s in group]
        for group in ([c.hoc.soma[0]], [c.hoc.axon[0]], list(c.hoc.dend)[:2])]"""
    found, _ = run_with(modifications, ask, obi, tmp_path)
    for node, (soma, axon, dend) in found.items():
        assert soma[0] == pytest.approx([14.0 if node == 2 else 4.0] * len(soma[0]))
        assert axon[0][1:] == pytest.approx([4.0] * len(axon[0][1:]))
        assert axon[0][0] == pytest.approx(14.0 if node == 0 else 4.0)
        assert dend[0] == pytest.approx([3.0] * len(dend[0]))
        assert dend[1] == pytest.approx([8.0] * len(dend[1]))


def test_bad_text_is_found_before_the_build(obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("v5_pulse")
    bad = {"name": "x", "type": "section_list", "node_set": "Mini5", "section_configure": "apicl.cm = 1"}
    oracle["simulation_config"].setdefault("conditions", {})["modifications"] = [bad]
    path = write_oracle_config(oracle, obi, tmp_path)
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(path), "--no-progress"], 100)
    assert done.returncode == 1
    assert "did you mean 'apical'" in done.stderr
    assert "/conditions/modifications/0/section_configure" in done.stderr
