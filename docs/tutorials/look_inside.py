"""Build a small circuit, look into it between two steps, run it, and read what it did.

Usage: python docs/tutorials/look_inside.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from neurodamus_like import Node
from neurodamus_like.analysis.spikes import compute_mean_rate
from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.io.reports import read_report
from neurodamus_like.io.spikes import read_spikes


def main(folder: Path) -> None:
    """Write, build, look, run, read."""
    config = write_demo_circuit(folder / "circuit", n_cells=20, tstop_ms=200.0, seed=1)

    node = Node(config, output_path=folder / "output", progress=False)
    node.load_targets()
    node.compute_load_balance()
    node.create_cells()
    for manager in node.circuits.all_node_managers():
        cell = manager.cells[0]
        print(
            f"{manager.population_name}: {len(manager.cells)} cells; the first has {len(cell.sections)} sections,"
        )
        print(
            f"    holding current {cell.holding_current:.4f} nA, threshold current {cell.threshold_current:.4f} nA"
        )

    node.create_synapses()
    edges = node.circuits.get_edge_manager("Exc", "Inh")
    assert edges is not None
    print(f"Exc -> Inh: {edges.synapse_count} synapses in {edges.connection_count} connections")

    node.enable_stimulus()
    node.enable_replay()
    node.enable_modifications()
    node.enable_reports()
    node.sim_init()
    connection = next(iter(edges.connections()))
    print(f"{connection}: release probability of the first synapse {connection.synapses[0].Use:.3f}")

    node.solve(100.0)
    print(f"after 100 ms: {sum(len(times) for times, _ in node.spikes.local_spikes().values())} spikes")
    node.run_all()
    sizes = {manager.population_name: manager.total_cells for manager in node.circuits.all_node_managers()}
    node.cleanup()

    for population, train in read_spikes(folder / "output" / "out.h5").items():
        print(f"{population}: {compute_mean_rate(train.timestamps, sizes[population], 0.0, 200.0):.1f} Hz")
    soma = read_report(folder / "output" / "soma.h5", "Exc")
    print(
        f"soma voltages: {soma.data.shape[0]} times x {soma.data.shape[1]} cells, mean {np.mean(soma.data):.1f} mV"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
