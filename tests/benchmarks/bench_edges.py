"""Reading edges by target: seconds of our reader beside libsonata's, on the same selection.

Usage: python -m tests.benchmarks.bench_edges [--targets=N] [--repeat=N]

The yardstick circuit is read whole (100 targets, 200,000 edges, all attributes of the synapse models), and
in the share of one rank of ten (every tenth target). Then a made-up file with many targets, in the shares of
one rank of 100 and of 1000.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import libsonata
import numpy as np

from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.io.edges import read_edges
from tests.obi_data import SHARED

ATTRIBUTES = [
    "delay",
    "afferent_section_id",
    "afferent_segment_id",
    "afferent_segment_offset",
    "conductance",
    "u_syn",
    "depression_time",
    "facilitation_time",
    "decay_time",
    "syn_type_id",
    "n_rrp_vesicles",
]


def read_ours(population: EdgePopulation, targets: np.ndarray) -> int:
    """Read all attributes; return the number of edges."""
    return len(read_edges(population, targets, ATTRIBUTES))


def read_libsonata(population: EdgePopulation, targets: np.ndarray) -> int:
    """Read the same through libsonata."""
    edges = libsonata.EdgePopulation(str(population.file), "", population.name)
    selection = edges.afferent_edges(targets.tolist())
    columns = [edges.get_attribute(name, selection) for name in ATTRIBUTES]
    columns += [edges.source_nodes(selection), edges.target_nodes(selection)]
    return len(columns[0])


def make_file(path: Path, n_targets: int, per_target: int = 50) -> EdgePopulation:
    """Write a file of `n_targets` x `per_target` edges, sorted by target, with an index."""
    n_edges = n_targets * per_target
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as h5:
        group = h5.create_group("edges/e")
        group["source_node_id"] = rng.integers(0, n_targets, n_edges).astype(np.uint64)
        group["target_node_id"] = np.repeat(np.arange(n_targets, dtype=np.uint64), per_target)
        group["edge_type_id"] = np.full(n_edges, -1)
        for name in ATTRIBUTES:
            group[f"0/{name}"] = rng.random(n_edges)
        bounds = np.arange(0, n_edges + 1, per_target, dtype=np.uint64)
        index = group.create_group("indices/target_to_source")
        index["range_to_edge_id"] = np.column_stack([bounds[:-1], bounds[1:]])
        ranges = np.arange(n_targets + 1, dtype=np.uint64)
        index["node_id_to_ranges"] = np.column_stack([ranges[:-1], ranges[1:]])
    return EdgePopulation("e", path, "s", "t")


def best_of(repeat: int, action: Callable[[], int]) -> tuple[float, int]:
    """Return the least of `repeat` durations in seconds, and what `action` returned."""
    seconds, result = [], 0
    for _ in range(repeat):
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def compare(label: str, populations: list[EdgePopulation], targets: np.ndarray, repeat: int) -> None:
    """Print one line."""
    ours, n_edges = best_of(repeat, lambda: sum(read_ours(p, targets) for p in populations))
    theirs, n_theirs = best_of(repeat, lambda: sum(read_libsonata(p, targets) for p in populations))
    if n_edges != n_theirs:
        sys.exit(f"{label}: {n_edges} edges, but libsonata finds {n_theirs}")
    print(f"{label:34s} {n_edges:9d} edges  ours {ours:8.4f} s  libsonata {theirs:8.4f} s")


def main(arguments: list[str]) -> None:
    """Run all comparisons."""
    options = dict(a.lstrip("-").split("=") for a in arguments)
    repeat, n_targets = int(options.get("repeat", 5)), int(options.get("targets", 40_000))
    folder = SHARED / "data" / "obi" / "big100"
    if folder.is_dir():
        big = [
            EdgePopulation("default", folder / "edges.h5", "default", "default"),
            EdgePopulation("external_default", folder / "edges_external.h5", "external_default", "default"),
        ]
        compare("big100, all targets", big, np.arange(100), repeat)
        compare("big100, every tenth target", big, np.arange(0, 100, 10), repeat)
    with tempfile.TemporaryDirectory() as temporary:
        many = [make_file(Path(temporary) / "e.h5", n_targets)]
        compare("many targets, one of 100 ranks", many, np.arange(0, n_targets, 100), repeat)
        compare("many targets, one of 1000 ranks", many, np.arange(0, n_targets, 1000), repeat)


if __name__ == "__main__":
    main(sys.argv[1:])
