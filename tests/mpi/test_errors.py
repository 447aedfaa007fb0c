"""An error on any rank is shown once, with its rank; every rank ends with code 1; nobody hangs."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import run_mpi, run_python

pytestmark = pytest.mark.mpi

HEAD = """
import sys
from neurodamus_like.exceptions import CircuitError, ProblemsError, SectionIdError
from neurodamus_like.parallel.errors import collectively, install_excepthook, raise_collectively, run_guarded
from neurodamus_like.parallel.mpi import world
import neurodamus_like.parallel.errors as errors
comm = world()
def guarded(main, **options):
    sys.exit(run_guarded(main, **options))
"""

PATIENT = HEAD + "errors.GRACE_S, errors.SILENCE_S, errors.PATIENCE_S = 5, 100, 100\n"
"""For what must not depend on how fast the ranks are: each waits long for the others."""

RANKS = [2, 4]


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("place", ["first", "last"])
def test_one_rank_raises_while_others_wait(ranks: int, place: str) -> None:
    bad = 0 if place == "first" else ranks - 1
    code = f"""
def main():
    if comm.rank == {bad}:
        raise CircuitError("nodes.h5 is truncated")
    comm.barrier()
    return 0
guarded(main)
"""
    result = run_mpi(ranks, HEAD + code)
    assert result.returncode == 1
    assert result.stderr.count("nodes.h5 is truncated") == 1
    assert f"rank {bad}: error: nodes.h5 is truncated" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("ranks", RANKS)
def test_untyped_error_shows_one_traceback(ranks: int) -> None:
    code = """
def main():
    if comm.rank == 1:
        {}["missing"]
    comm.allgather(0)
    return 0
guarded(main)
"""
    result = run_mpi(ranks, HEAD + code)
    assert result.returncode == 1
    assert result.stderr.count("Traceback") == 1
    assert "rank 1: Traceback" in result.stderr
    assert "KeyError: 'missing'" in result.stderr


@pytest.mark.parametrize("ranks", RANKS)
def test_all_ranks_raise_different_errors(ranks: int) -> None:
    code = """
def main():
    raise CircuitError(f"trouble number {comm.rank}.")
guarded(main)
"""
    result = run_mpi(ranks, PATIENT + code)
    assert result.returncode == 1
    assert result.stderr.count("trouble number") == 1
    assert "rank 0: error: trouble number 0." in result.stderr


def test_lowest_of_two_failing_ranks_speaks_even_if_it_is_later() -> None:
    code = """
import time
def main():
    if comm.rank == 1:
        time.sleep(0.2)
    if comm.rank in (1, 3):
        raise CircuitError(f"trouble number {comm.rank}.")
    comm.barrier()
    return 0
guarded(main)
"""
    result = run_mpi(4, PATIENT + code)
    assert result.returncode == 1
    assert "rank 1: error: trouble number 1." in result.stderr
    assert "trouble number 3." not in result.stderr


@pytest.mark.parametrize("ranks", RANKS)
def test_collective_error_ends_every_rank_in_good_order(ranks: int, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
def main():
    bad = comm.rank >= {ranks // 2}
    raise_collectively(comm, SectionIdError(f"section 99 on {{comm.rank}}", ids=[7]) if bad else None)
    return 0
code = run_guarded(main)
Path(r"{tmp_path}", f"rank{{comm.rank}}").write_text(str(code))
comm.barrier()
sys.exit(code)
"""
    result = run_mpi(ranks, PATIENT + code)
    assert result.returncode == 1
    assert result.stderr.count("section 99") == 1
    assert f"rank {ranks // 2}: error: section 99 on {ranks // 2}\n  where: ids 7" in result.stderr
    assert "Abort" not in result.stderr
    assert [(tmp_path / f"rank{r}").read_text() for r in range(ranks)] == ["1"] * ranks


def test_collectively_carries_type_data_and_foreign_tracebacks() -> None:
    code = """
try:
    with collectively(comm):
        if comm.rank == 1:
            raise ProblemsError(["first", "second"], file="x.json")
except ProblemsError as error:
    assert error.problems == ["first", "second"] and str(error.file) == "x.json" and error.rank == 1
    print("typed", flush=True)
def main():
    with collectively(comm):
        if comm.rank == 1:
            1 / 0
    return 0
guarded(main)
"""
    result = run_mpi(2, PATIENT + code)
    assert result.returncode == 1
    assert result.stdout.count("typed") == 2
    assert result.stderr.count("ZeroDivisionError: division by zero") == 1
    assert result.stderr.count("Traceback") == 1


def test_no_error_passes() -> None:
    code = """
def main():
    with collectively(comm):
        pass
    raise_collectively(comm, None)
    print("fine", flush=True)
    return 0
guarded(main)
"""
    result = run_mpi(2, HEAD + code)
    assert (result.returncode, result.stdout.count("fine"), result.stderr.strip()) == (0, 2, "")


def test_sys_exit_on_one_rank_ends_all() -> None:
    code = """
def main():
    if comm.rank == 1:
        sys.exit("enough")
    comm.barrier()
    return 0
guarded(main)
"""
    result = run_mpi(2, HEAD + code)
    assert result.returncode == 1
    assert result.stderr.count("enough") == 1


def test_excepthook_ends_a_users_script() -> None:
    code = """
install_excepthook()
if comm.rank == 1:
    raise ValueError("in my script")
comm.barrier()
"""
    result = run_mpi(2, HEAD + code)
    assert result.returncode == 1
    assert result.stderr.count("ValueError: in my script") == 1


def test_debug_shows_the_traceback_of_a_typed_error() -> None:
    code = """
def main():
    with collectively(comm):
        if comm.rank == 0:
            raise CircuitError("bad file")
    return 0
guarded(main, debug=True)
"""
    result = run_mpi(2, PATIENT + code)
    assert result.returncode == 1
    assert result.stderr.count("rank 0: Traceback") == 1
    assert "error: bad file" in result.stderr


@pytest.mark.parametrize("ranks", RANKS)
def test_ranks_waiting_inside_a_collective_block_do_not_hang(ranks: int) -> None:
    code = """
def main():
    with collectively(comm):
        if comm.rank == 1:
            raise CircuitError("edges.h5 is truncated")
        comm.barrier()
    return 0
guarded(main)
"""
    result = run_mpi(ranks, HEAD + code)
    assert result.returncode == 1
    assert result.stderr.count("rank 1: error: edges.h5 is truncated") == 1


SCRIPT = """
from neurodamus_like.config.manifest import read_json
from neurodamus_like.parallel.errors import collectively, install_excepthook
from neurodamus_like.parallel.mpi import world

def load():
    with collectively(world()):
        return read_json("typo.json")

install_excepthook()
load()
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_script_shows_a_typed_error_once_with_its_own_lines(ranks: int, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    result = run_python([str(script)]) if ranks == 1 else run_mpi(ranks, [str(script)])
    assert result.returncode == 1
    assert result.stderr.count("Traceback") == 1
    assert result.stderr.count("cannot read the configuration file") == 1
    assert result.stderr.count('File "') == 2
    assert result.stderr.count(f'File "{script}"') == 2


def test_at_level_debug_a_script_shows_where_in_the_package_it_was(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from neurodamus_like.logs import setup_logging\nsetup_logging(10)\n" + SCRIPT)
    result = run_python([str(script)])
    assert "manifest.py" in result.stderr
    assert result.stderr.count("cannot read the configuration file") == 1
