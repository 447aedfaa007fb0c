"""Run code on a tiny circuit in a process of its own; shared by the tests of connectivity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers import run_python
from tests.tiny_circuit import Edges, TinyCircuit

PRELUDE = """
import json, sys
import numpy as np
from neurodamus_like.simulation.node import Neurodamus
from neurodamus_like.engine.nrn import h
node = Neurodamus(sys.argv[1], auto_init=False, progress=False, logging_level=20)
def prepare():
    for phase in ("load_targets", "prepare_output", "compute_load_balance", "create_cells", "create_synapses"):
        getattr(node, phase)()
    return list(node.circuits.all_synapse_managers())
def build():
    node.build()
    return list(node.circuits.all_synapse_managers())
def name_of(obj):
    return None if obj is None else obj.hname().split("[")[0]
def ends(connections):
    return [(c.sgid, c.tgid) for c in connections]
def by_edge(m, stim, value):
    return {int(m.table.edge_id[row]): value(netcon) for row, netcon in zip(stim.rows, stim.netcons)}
def out(**values):
    print("RESULT" + json.dumps(values, default=float))
"""

RING = Edges(
    "A__A", "A", "A", [(0, 1), (1, 2), (1, 2), (2, 3), (3, 0)], {"syn_type_id": [110, 110, 110, 60, 110]}
)
"""0 -> 1 -> 2 (twice) -> 3 -> 0; the fourth edge is inhibitory."""

NODES = {"first": {"population": "A", "node_id": [0]}, "second": {"population": "A", "node_id": [1]}}


def run(circuit: TinyCircuit, folder: Path, code: str, before: str = "") -> dict[str, Any]:
    """Return what `code` gave to ``out``, and everything that was logged as ``log``.

    `before` runs ahead of the configuration being read, as a user's registrations do.
    """
    done = run_python(["-c", before + PRELUDE + code, str(circuit.write(folder))], 300)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return {**json.loads(line[6:]), "log": done.stderr + done.stdout}


def overrides(*blocks: dict[str, Any], **config: Any) -> dict[str, Any]:
    """Return a configuration with these overrides, by default of all connections of A."""
    named = [{"name": f"o{i}", "source": "A", "target": "A", **block} for i, block in enumerate(blocks)]
    return {"connection_overrides": named, **config}
