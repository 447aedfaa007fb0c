"""What reports cost: the yardstick circuit (100 cells, 18,860 compartments) with and without them.

Usage: python -m tests.benchmarks.bench_reports [--synapses] [--big]

Each line is the CPU time of the same run, the least of several, interleaved in one process: without reports, with a
soma report and a report of all compartments every 0.1 ms, and beside them the same variables recorded by NEURON's own
``Vector.record`` and by Python at each frame. --synapses adds the 200,000 synapses, which makes the run longer and the
share of reports smaller. --big writes a report of 2 GB on 2 ranks and shows what it takes of memory.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.helpers import run_mpi, run_python
from tests.obi_data import link_obi_data

_RECORD = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from neurodamus_like.config.models import Report
from neurodamus_like.engine import nrn, recorders
from neurodamus_like.engine.vector_recorder import VectorRecorder
from neurodamus_like.reports import stream
from neurodamus_like.reports.manager import ReportManager
from neurodamus_like.simulation.node import Node
node = Node(sys.argv[1], output_path=sys.argv[2], progress=False, disable_reports=True)
node.load_targets(); node.prepare_output(); node.compute_load_balance(); node.create_cells()
if sys.argv[3] == "synapses":
    node.create_synapses(); node.enable_replay()
node.init()
tstop = node.simulation.run.tstop_ms
compiled = stream.create_recorder
class PythonRecorder(VectorRecorder):
    def __init__(self, sources, grid, dt_ms, **options):
        super().__init__(type(sources)([]), grid, dt_ms)
        self.sources, self.grid, self.rows = sources, grid, []
        self.start = nrn.h.FInitializeHandler(1, self.step)
    n_columns = property(lambda self: len(self.sources.references))
    frames_taken = property(lambda self: self.taken)
    taken = 0
    def step(self):
        self.rows.append([reference[0] for reference in self.sources.references])
        nrn.h.cvode.event(nrn.h.t + self.grid.interval_ms, self.step)
    def take(self):
        import numpy as np
        block, self.rows = np.array(self.rows[: self.grid.count - self.taken], dtype="f4"), []
        self.taken += len(block)
        return block.reshape(-1, self.n_columns)
    def close(self):
        self.start = None
        super().close()
KINDS = {"compiled": compiled, "vectors": lambda s, g, d, **o: VectorRecorder(s, g, d), "python": PythonRecorder}
def run(name, sections=None, kind="compiled"):
    reports = ()
    if sections:
        compartments = "center" if sections == "soma" else "all"
        reports = (Report(name, "compartment", None, ("v",), 0.1, 0.0, tstop, name + ".h5", sections, compartments),)
    stream.create_recorder = KINDS[kind]
    manager = ReportManager(replace(node.simulation, reports=reports), node.target_manager,
                            list(node.circuits.all_node_managers()), node.comm, node.output_dir)
    manager.enable()
    nrn.h.finitialize(node.simulation.conditions.v_init_mV)
    node._reports = manager
    begin = time.process_time()
    node.solve()
    manager.finish()
    return time.process_time() - begin
MODES = {"no report": (), "soma": ("soma",), "all compartments": ("all",), "all, Vector.record": ("all", "vectors"),
         "soma, Python": ("soma", "python"), "all, Python": ("all", "python")}
times = {mode: [] for mode in MODES}
for repeat in range(5):
    for mode, arguments in MODES.items():
        times[mode].append(run(mode.replace(", ", "_").replace(" ", "_"), *arguments))
files = {p.name: p.read_bytes() for p in Path(sys.argv[2]).glob("all*.h5")}
same = len(set(files.values())) == 1 and len(files) == 3
print("RESULT" + json.dumps({"times": times, "same": same, "bytes": max(map(len, files.values()))}))
"""

_BIG = """
import json, sys, time
from pathlib import Path
from types import SimpleNamespace
from neurodamus_like import memory
from neurodamus_like.config import models as m
from neurodamus_like.engine import mechanisms, nrn
from neurodamus_like.parallel.mpi import world
from neurodamus_like.reports.manager import ReportManager, ReportOptions
from neurodamus_like.simulation.run_loop import advance_in_blocks
h, comm = nrn.h, world()
library = mechanisms.build_mechanisms(()).nrnmech if comm.rank == 0 else None
mechanisms.load_library(comm.bcast(library))
class Cell:
    def __init__(self, gid):
        self.node_id = gid
        self.section = h.Section(name=f"s{gid}")
        self.section.nseg = 251
        self.section.insert("pas")
class Cells:
    is_virtual, population_name = False, "A"
    cells = {gid: Cell(gid) for gid in range(comm.rank, 80, comm.size)}
    get_cell = cells.__getitem__
class Target:
    def get_point_list(self, cells, sections, compartments):
        for gid, cell in cells.cells.items():
            xs = [segment.x for segment in cell.section]
            yield SimpleNamespace(gid=gid, sclst_ids=[0] * 251, sclst=[cell.section] * 251, x=xs)
targets = SimpleNamespace(get_target=lambda name: Target())
run = m.Run(tstop_ms=625.0, dt_ms=0.025, random_seed=1)
reports = (m.Report("r", "compartment", None, ("v",), 0.025, 0.0, 625.0, "r.h5", "all", "all"),)
simulation = m.Simulation(Path("s"), None, run, None, reports=reports if sys.argv[3] == "reports" else ())
manager = ReportManager(simulation, targets, [Cells()], comm, Path(sys.argv[2]), ReportOptions(8.0))
manager.enable()
h.dt, h.steps_per_ms = 0.025, 40
nrn.pc.set_maxstep(4)
h.finitialize(-65)
before = memory.rss_bytes()
begin = time.perf_counter()
advance_in_blocks(625.0, buffer_ms=manager.block_ms(), after_block=manager.flush)
manager.finish()
seconds = time.perf_counter() - begin
size = sum(f.stat().st_size for f in manager.files)
grown = comm.allreduce_max(memory.peak_rss_bytes() - before)
if comm.rank == 0:
    print("RESULT" + json.dumps({"bytes": size, "seconds": seconds, "grown_mb": grown / 1e6,
        "peak_mb": memory.peak_rss_bytes() / 1e6}))
"""


def _result(done: Any) -> dict[str, Any]:
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    result: dict[str, Any] = json.loads(line.removeprefix("RESULT"))
    return result


def measure_recording(config: Path, folder: Path, synapses: bool) -> None:
    """Measure and print what recording costs."""
    args = ["-c", _RECORD, str(config), str(folder / "out"), "synapses" if synapses else "cells"]
    found = _result(run_python(args, 1800))
    base = min(found["times"]["no report"])
    print(
        f"100 cells, 18,860 compartments, {'200,000' if synapses else 'no'} synapses, 20 ms, frames of 0.1 ms"
    )
    for mode, times in found["times"].items():
        least = min(times)
        print(
            f"{mode:<22}{least:>8.3f} s  {100 * (least / base - 1):>+7.1f} %   (spread {max(times) - least:.3f} s)"
        )
    print(
        f"the three files of all compartments have the same bytes: {found['same']} ({found['bytes']:,} each)"
    )


def measure_large_report(config: Path, folder: Path) -> None:
    """Measure and print memory and speed of writing 2 GB on 2 ranks."""
    rows = {}
    for what in ("nothing", "reports"):
        rows[what] = _result(run_mpi(2, ["-c", _BIG, str(config), str(folder / what), what], 1800))
    with_reports, without = rows["reports"], rows["nothing"]
    print(
        f"{with_reports['bytes'] / 1e9:.2f} GB in one report of 20,080 compartments, 2 ranks, buffer of 8 MB"
    )
    print(
        f"memory of the run: {without['peak_mb']:.0f} MB without, {with_reports['peak_mb']:.0f} MB with reports"
    )
    print(
        f"grown while running: {without['grown_mb']:.1f} MB without, {with_reports['grown_mb']:.1f} MB with"
    )
    print(f"time: {without['seconds']:.1f} s without, {with_reports['seconds']:.1f} s with reports")


def main(argv: list[str]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        config = link_obi_data(Path(name)) / "big100" / "simulation_config.json"
        if "--big" in argv:
            measure_large_report(config, Path(name))
        else:
            measure_recording(config, Path(name), "--synapses" in argv)


if __name__ == "__main__":
    main(sys.argv[1:])
