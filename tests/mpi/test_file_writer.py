"""Collective writes: any number of ranks, any share of columns, give the same bytes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.io.reports import read_report
from tests.helpers import run_mpi

WRITE_REPORT = """
import sys
from pathlib import Path
import numpy as np
from neurodamus_like.io.report_files import ElementLayout, create_report_file
from neurodamus_like.parallel.file_writer import BlockWriter
from neurodamus_like.parallel.mpi import world

path, deal, n_columns, n_frames = Path(sys.argv[1]), sys.argv[2], 23, 17
comm = world()
assert comm.size == int(sys.argv[3])
everything = np.arange(n_columns)
if deal == "round":
    owner = everything % comm.size
elif deal == "blocks":
    owner = everything * comm.size // n_columns
elif deal == "last":
    owner = np.full(n_columns, comm.size - 1)
else:
    owner = np.random.default_rng(3).integers(0, comm.size, n_columns)
mine = np.flatnonzero(owner == comm.rank)
offsets = None
if comm.rank == 0:
    layout = ElementLayout(everything, np.arange(n_columns + 1), np.zeros(n_columns))
    offsets = create_report_file(path, {"a": layout, "b": layout}, n_frames, 0.0, 1.7, 0.1, "mV").data_offsets
offsets = comm.bcast(offsets)
values = np.arange(n_frames * n_columns, dtype=np.float32).reshape(n_frames, n_columns)
writers = [BlockWriter(path, offsets[p], n_columns, np.float32, mine, comm) for p in "ab"]
for begin, end in ((0, 5), (5, 5), (5, 6), (6, 17)):
    for sign, writer in zip((1, -1), writers):
        writer.write(begin, sign * values[begin:end, mine])
for writer in writers:
    writer.close()
comm.barrier()
print("rank", comm.rank, "wrote", len(mine))
"""

pytestmark = pytest.mark.mpi


@pytest.mark.parametrize("n_ranks", [1, 2, 4])
@pytest.mark.parametrize("deal", ["round", "blocks", "last", "random"])
def test_every_value_is_where_it_belongs(tmp_path: Path, deal: str, n_ranks: int) -> None:
    path = tmp_path / "report.h5"
    done = run_mpi(n_ranks, ["-c", WRITE_REPORT, str(path), deal, str(n_ranks)], env=_import_path())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote") == n_ranks
    values = np.arange(17 * 23, dtype=np.float32).reshape(17, 23)
    np.testing.assert_array_equal(read_report(path, "a").values, values)
    np.testing.assert_array_equal(read_report(path, "b").values, -values)


def test_missing_file_is_told_on_all_ranks(tmp_path: Path) -> None:
    code = (
        "import numpy as np, sys\n"
        "from neurodamus_like.exceptions import SimulationError\n"
        "from neurodamus_like.parallel.file_writer import BlockWriter\n"
        "from neurodamus_like.parallel.mpi import world\n"
        "try:\n"
        "    BlockWriter(sys.argv[1], 0, 4, np.float32, np.arange(2), world())\n"
        "except SimulationError as error:\n"
        '    sys.stdout.write(f"told {error}\\n")\n'
    )
    done = run_mpi(2, ["-c", code, str(tmp_path / "none.h5")], env=_import_path())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("told cannot open the file") == 2


def _import_path() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}
