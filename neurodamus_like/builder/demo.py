"""The demo: a small piece of cortex with everything a real circuit has, written in well under a second.

Two populations of detailed cells, ``Exc`` (pyramidal cells of layers 2/3 and 5) and ``Inh`` (fast spiking
interneurons), and a virtual population, ``Thalamus``, whose Poisson spikes are replayed, with a short
stimulus in the second half of the run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurodamus_like.builder.demo_cells import create_groups, write_cell_models, write_cells
from neurodamus_like.builder.demo_simulation import write_configs, write_thalamic_spikes
from neurodamus_like.builder.pathways import Pathway, Placed, SynapseKind, Zone, draw_synapses
from neurodamus_like.builder.sonata import write_edges
from neurodamus_like.exceptions import ConfigurationError

MIN_CELLS = 10
_HDF5_FILES = ("nodes.h5", "nodes_thalamus.h5", "edges.h5", "edges_thalamus.h5", "thalamus_spikes.h5")

_EXC_EXC = SynapseKind(120, (0.7, 0.3), (0.5, 0.03), (670.0, 20.0), (17.0, 4.0), (1.74, 0.18), 0.7, 1.6, 2.8)
_EXC_INH = SynapseKind(119, (0.8, 0.3), (0.65, 0.05), (230.0, 15.0), (13.0, 3.0), (1.74, 0.18), 0.4, 1.6, 2.8)
_INH_EXC = SynapseKind(10, (1.6, 0.6), (0.25, 0.04), (700.0, 25.0), (21.0, 5.0), (8.3, 0.8), 0.0, 0.8, 1.9)
_INH_INH = SynapseKind(8, (1.2, 0.4), (0.25, 0.04), (700.0, 25.0), (21.0, 5.0), (6.5, 0.8), 0.0, 0.8, 1.9)
_TH_EXC = SynapseKind(134, (1.2, 0.42), (0.72, 0.04), (250.0, 20.0), (15.0, 4.0), (1.74, 0.18), 0.5, 1.6, 2.0)
_TH_INH = SynapseKind(134, (0.8, 0.28), (0.72, 0.04), (250.0, 20.0), (15.0, 4.0), (1.74, 0.18), 0.5, 1.6, 2.0)

PATHWAYS = (
    Pathway("Exc", "Exc", _EXC_EXC, 0.20, 180.0, 3.0, Zone.DENDRITES),
    Pathway("Exc", "Inh", _EXC_INH, 0.45, 180.0, 3.0, Zone.DENDRITES),
    Pathway("Inh", "Exc", _INH_EXC, 0.55, 180.0, 4.0, Zone.PERISOMATIC),
    Pathway("Inh", "Inh", _INH_INH, 0.45, 180.0, 4.0, Zone.PERISOMATIC),
    Pathway("Thalamus", "Exc", _TH_EXC, 0.18, 250.0, 3.0, Zone.BASAL),
    Pathway("Thalamus", "Inh", _TH_INH, 0.18, 250.0, 3.0, Zone.DENDRITES),
)


def write_demo_circuit(
    directory: str | Path, *, n_cells: int = 120, tstop_ms: float = 500.0, seed: int = 1
) -> Path:
    """Write the demo circuit, its thalamic spikes and its simulation configuration.

    Parameters
    ----------
    directory
        Where to write; made if missing. Files of an earlier demo in it are replaced.
    n_cells
        Detailed cells; a fifth of them is inhibitory.
    tstop_ms
        Duration of the simulation.
    seed
        Of all that is random: equal arguments give equal bytes.

    Returns
    -------
    Path
        The simulation configuration.

    Raises
    ------
    ConfigurationError
        Fewer than ten cells, or a duration that is not positive.
    """
    if n_cells < MIN_CELLS:
        raise ConfigurationError(
            f"a demo of {n_cells} cells is too small", expected=f"at least {MIN_CELLS} cells"
        )
    if not tstop_ms > 0:
        raise ConfigurationError(f"the demo cannot last {tstop_ms} ms", expected="a positive duration in ms")
    root = Path(directory)
    root.mkdir(parents=True, exist_ok=True)
    for name in _HDF5_FILES:
        (root / name).unlink(missing_ok=True)
    groups = create_groups()
    write_cell_models(root, groups)
    populations = write_cells(root, groups, n_cells, seed)
    _write_edges(root, populations, seed)
    write_thalamic_spikes(root / "thalamus_spikes.h5", tstop_ms, seed)
    files: dict[str, list[str]] = {}
    for pathway in PATHWAYS:
        files.setdefault(_edges_file(pathway), []).append(pathway.edge_population)
    return write_configs(root, files, tstop_ms, seed)


def _edges_file(pathway: Pathway) -> str:
    return "edges_thalamus.h5" if pathway.source == "Thalamus" else "edges.h5"


def _write_edges(root: Path, populations: dict[str, Placed], seed: int) -> None:
    for number, pathway in enumerate(PATHWAYS):
        source, target = populations[pathway.source], populations[pathway.target]
        rng = np.random.default_rng([seed, 10 + number])
        source_ids, target_ids, columns = draw_synapses(rng, pathway, source, target)
        write_edges(
            root / _edges_file(pathway),
            pathway.edge_population,
            (pathway.source, len(source.positions)),
            (pathway.target, len(target.positions)),
            source_ids,
            target_ids,
            columns,
        )
