"""Making cells: ms and kB of first and further copies, with NEURON's own Import3d, and of the bare floor.

Usage: python -m tests.benchmarks.bench_cells [--repeat=N]

The five cells of the v5 circuit of the shared data. `floor` makes the same sections from point vectors in memory,
divides them and inserts the same mechanisms from Python, without parameters, lists or numbering. `NEURON` is the same
template with NEURON's own import3d.hoc, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurodamus_like.builder.emodels import load_emodel
from neurodamus_like.memory import rss_bytes
from tests.obi_data import SHARED, link_obi_data

ROOT = Path(__file__).resolve().parents[2]
EMODELS = ("bNAC219", "cACint209", "cADpyr229", "cNAC187")


def best_ms(make: Callable[[], Any], clear: Callable[[Any], None], repeat: int) -> float:
    """Return the shortest time of one call in ms."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        cell = make()
        times.append(time.perf_counter() - start)
        clear(cell)
    return 1e3 * min(times)


def kilobytes_each(makers: list[Callable[[], Any]], kept: list[Any], copies: int = 40) -> list[float]:
    """Return by how many kB the process grows for each of some copies; they stay in `kept`, so that none is reused."""
    sizes = []
    for make in makers:
        kept.append(make())
        before = rss_bytes()
        kept.extend(make() for _ in range(copies))
        sizes.append((rss_bytes() - before) / 1024 / copies)
    return sizes


def floor_maker(cell: Any, h: Any) -> Callable[[], Any]:
    """Return a function that makes bare sections like those of `cell`."""
    plans = []
    for s in cell.all:
        points = [h.Vector([f(i) for i in range(s.n3d())]) for f in (s.x3d, s.y3d, s.z3d, s.diam3d)]
        plans.append((points if s.n3d() else None, s.nseg, list(s.psection()["density_mechs"])))
    parents = [None if s.parentseg() is None else s.parentseg() for s in cell.all]
    index = {s: i for i, s in enumerate(cell.all)}
    links = [None if p is None else (index[p.sec], p.x) for p in parents]

    def make() -> list[Any]:
        sections = [h.Section() for _ in plans]
        for section, (points, nseg, mechanisms), link in zip(sections, plans, links, strict=True):
            if link is not None:
                section.connect(sections[link[0]](link[1]), 0)
            if points:
                h.pt3dadd(*points, sec=section)
            section.nseg = nseg
            for name in mechanisms:
                section.insert(name)
        return sections

    return make


def measure(obi: Path, library: str, front: bool, repeat: int) -> list[dict[str, Any]]:
    """Return the times of the five cells."""
    from tests.engine.cell_models import Nodes, h, prepare

    prepare(library, front=front)
    nodes = Nodes(obi, "v5")
    rows: list[dict[str, Any]] = []
    kept: list[Any] = []
    constructors = [nodes.constructor(n) for n in range(len(nodes.templates))]
    firsts = []
    for make in constructors:
        start = time.perf_counter()
        kept.append(make())
        firsts.append(1e3 * (time.perf_counter() - start))
    bare_makers = [floor_maker(cell, h) for cell in kept]
    for n, name in enumerate(nodes.templates):
        make, bare = constructors[n], bare_makers[n]
        row = {"cell": name, "first": firsts[n]}
        row["segments"] = sum(s.nseg for s in kept[n].all)
        row["further"] = best_ms(make, lambda made: made.clear(), repeat)
        row["floor"] = best_ms(bare, lambda made: made.clear(), repeat)
        rows.append(row)
    for key, makers in (("kB", constructors), ("floor_kB", bare_makers)):
        for row, size in zip(rows, kilobytes_each(makers, kept), strict=True):
            row[key] = size
    return rows


def compile_channels(folder: Path) -> str:
    """Compile the channels of the five cells; return the library."""
    for name in {m for e in EMODELS for m in load_emodel(SHARED / f"facts/emodels/{e}.json").mechanisms} - {
        "pas"
    }:
        shutil.copy(ROOT / "core" / "mod" / "channels" / f"{name}.mod", folder)
    subprocess.run(
        [Path(sys.executable).parent / "nrnivmodl", "."], cwd=folder, capture_output=True, check=True
    )
    return str(next(folder.glob("*/libnrnmech.*")))


def main(argv: list[str]) -> int:
    """Print the table."""
    repeat = int(next((a.split("=")[1] for a in argv if a.startswith("--repeat=")), 20))
    if argv[:1] == ["--measure"]:
        print(json.dumps(measure(Path(argv[1]), argv[2], argv[3] == "front", repeat)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        obi = link_obi_data(folder / "obi")
        library = compile_channels(folder)
        results = {}
        for kind, times in (("front", repeat), ("own", max(2, repeat // 4))):
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.bench_cells",
                "--measure",
                str(obi),
                library,
                kind,
            ]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            done = subprocess.run(
                [*command, f"--repeat={times}"],
                capture_output=True,
                text=True,
                check=True,
                cwd=name,
                env=environment,
            )
            results[kind] = json.loads(done.stdout.strip().splitlines()[-1])
    head = ("first", "further", "floor", "NEURON", "kB", "floor kB")
    print(f"{'ms':12} {'segments':>8} " + " ".join(f"{name:>8}" for name in head))
    for ours, own in zip(results["front"], results["own"], strict=True):
        numbers = " ".join(f"{ours[key]:8.1f}" for key in ("first", "further", "floor"))
        sizes = f"{ours['kB']:8.0f} {ours['floor_kB']:8.0f}"
        print(f"{ours['cell']:12} {ours['segments']:8} {numbers} {own['further']:8.1f} {sizes}")
    mean = sum(row["further"] for row in results["front"]) / len(results["front"])
    print(f"mean of further copies: {mean:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
