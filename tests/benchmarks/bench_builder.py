"""Building networks: seconds and memory of our builder beside BMTK's, same rules, same machine.

Usage: python -m tests.benchmarks.bench_builder [--nodes=N] [--big=N] [--repeat=N] [--without-peer]

* probability: every pair of N nodes (default 10,000) connected with p = 0.1; BMTK with one call per pair
  (one_to_one) and with one vectorised call per target (all_to_one).
* python: the same Python rule, called for each pair of N / 10 nodes, with two properties per synapse.
* big: N nodes (default 100,000; 0 leaves it out) with a gaussian profile of distance and delays by distance,
  about 100 million edges.
* reading: one target's edges, through the index.

BMTK is looked for in NEURODAMUS_LIKE_PEER_PYTHON (see tests/peers/builder_peer.py). Each run is a process of
its own, whose CPU time is shown, too; shown are the least of the repetitions of ours and the one run of the
peer, with peak memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

HEAD = """
import resource, sys, time
import numpy as np
out, n = sys.argv[1], int(sys.argv[2])

def report(net, start, options={}):
    net.build()
    built = time.perf_counter()
    net.save(output_dir=out, **options)
    saved = time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print("RESULT", net.nedges, built - start, saved - built, used.ru_maxrss / 1024, cpu)
"""

OURS = """
from neurodamus_like.builder import NetworkBuilder, Probability
net = NetworkBuilder("net", progress=False)
net.add_nodes(N=n, model_type="virtual")
start = time.perf_counter()
net.add_edges(connection_rule=Probability(0.1), syn_weight=1e-4, delay=2.0)
report(net, start)
"""

PACKED = OURS.replace("report(net, start)", "report(net, start, {'compression': 'gzip'})")

BIG = """
from neurodamus_like.builder import DistanceDelay, DistanceProbability, Gaussian, NetworkBuilder
side = 1000.0 * (n / 1e5) ** (1 / 3)
net = NetworkBuilder("net", progress=False, scratch_dir=out)
net.add_nodes(N=n, model_type="virtual", positions=np.random.default_rng(1).uniform(0, side, (n, 3)))
start = time.perf_counter()
rule = DistanceProbability(Gaussian(100.0, p_max=0.85))
cm = net.add_edges(connection_rule=rule, syn_weight=1e-4)
cm.add_properties("delay", rule=DistanceDelay(300.0), dtypes=np.float32)
report(net, start)
"""

BMTK = """
from bmtk.builder import NetworkBuilder
import random
rng = np.random.default_rng(0)

def pairwise(source, target, p):
    return 1 if random.random() < p else 0

def vectorised(sources, target, p):
    return (rng.random(len(sources)) < p).astype(int)

net = NetworkBuilder("net")
net.add_nodes(N=n, model_type="virtual")
start = time.perf_counter()
rule = {"one_to_one": pairwise, "all_to_one": vectorised}[sys.argv[3]]
net.add_edges(connection_rule=rule, connection_params={"p": 0.1}, iterator=sys.argv[3], syn_weight=1e-4, delay=2.0)
report(net, start)
"""

PYTHON = """
from BUILDER import NetworkBuilder
import random

def rule(source, target):
    if source.node_id == target.node_id or abs(source["x"] - target["x"]) > 50:
        return 0
    return 2 if random.random() < 0.2 else 0

net = NetworkBuilder("net")
net.add_nodes(N=n, model_type="virtual", x=np.random.default_rng(2).uniform(0, 200, n))
start = time.perf_counter()
cm = net.add_edges(connection_rule=rule)
cm.add_properties(["w", "d"], rule=lambda s, t: (s["x"], t["x"]), dtypes=[float, float])
report(net, start)
"""


Result = tuple[int, float, float, float, float]


def measure(python: str, code: str, n: int, *more: str, keep: Path | None = None) -> Result:
    """Run a script; return edges, seconds of building and of saving, MiB, CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        out = folder if keep is None else str(keep)
        arguments = [python, "-c", HEAD + code, out, str(n), *more]
        done = subprocess.run(arguments, capture_output=True, text=True, cwd=folder)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        sys.exit(done.stderr)
    edges, build, save, memory, cpu = map(float, lines[-1].split()[1:])
    return int(edges), build, save, memory, cpu


def show(label: str, result: Result) -> None:
    """Print one line."""
    edges, build, save, memory, cpu = result
    print(
        f"{label:30s} {edges:11,d} synapses  build {build:7.2f} s  save {save:6.2f} s  "
        f"{memory:5.0f} MiB  CPU {cpu:6.1f} s",
        flush=True,
    )


def best(code: str, n: int, repeat: int) -> Result:
    """Return the repetition with the least time in all."""
    return min((measure(sys.executable, code, n) for _ in range(repeat)), key=lambda r: r[1] + r[2])


def compare(ours: Result, theirs: Result) -> None:
    """Print how many times faster."""
    whole, cpu = (theirs[1] + theirs[2]) / (ours[1] + ours[2]), theirs[4] / ours[4]
    print(
        f"    {theirs[1] / ours[1]:.0f} x faster in building, {whole:.0f} x in all, {cpu:.0f} x less CPU",
        flush=True,
    )


def read_back(folder: Path) -> None:
    """Print how long one target's edges take, and in how many pieces they lie."""
    with h5py.File(folder / "net_net_edges.h5") as h5:
        group = h5["edges/net_to_net"]
        nodes, ranges = (
            group[f"indices/target_to_source/{n}"] for n in ("node_id_to_ranges", "range_to_edge_id")
        )
        pieces = np.diff(nodes[()].astype(int), axis=1)
        start, count = time.perf_counter(), 0
        chosen = range(0, nodes.shape[0], max(1, nodes.shape[0] // 1000))
        for target in chosen:
            first, last = ranges[int(nodes[target][0])].tolist()
            count += group["source_node_id"][first:last].size
        seconds = (time.perf_counter() - start) / len(chosen)
        print(
            f"reading: {pieces.max()} range per target, {1e6 * seconds:.0f} us for {count // len(chosen)} edges"
        )


def main(arguments: list[str]) -> None:
    """Run all comparisons."""
    options = dict(a.lstrip("-").partition("=")[::2] for a in arguments)
    n, big, repeat = (int(options.get(k, v)) for k, v in (("nodes", 10_000), ("big", 100_000), ("repeat", 3)))
    peer = None if "without-peer" in options else os.environ.get("NEURODAMUS_LIKE_PEER_PYTHON")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    ours = best(OURS, n, repeat)
    show("ours, Probability(0.1)", ours)
    show("ours, compressed", best(PACKED, n, 1))
    small = best(PYTHON.replace("BUILDER", "neurodamus_like.builder"), n // 10, repeat)
    show("ours, Python rule per pair", small)
    if peer:
        theirs = measure(peer, PYTHON.replace("BUILDER", "bmtk.builder"), n // 10)
        show("BMTK, Python rule per pair", theirs)
        compare(small, theirs)
        for iterator in ("all_to_one", "one_to_one"):
            theirs = measure(peer, BMTK, n, iterator)
            show(f"BMTK, {iterator}", theirs)
            compare(ours, theirs)
    if big:
        with tempfile.TemporaryDirectory() as folder:
            show("ours, gaussian of distance", measure(sys.executable, BIG, big, keep=Path(folder)))
            read_back(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
