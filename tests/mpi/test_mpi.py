"""The facade over MPI, the library NEURON is told to load, and launches that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import run_mpi, run_python

pytestmark = pytest.mark.mpi

COLLECTIVES = """
import numpy as np
from neurodamus_like.parallel.mpi import world
comm = world()
n, r = comm.size, comm.rank
assert world() is comm
assert (comm.mpi is None) == (comm.raw is None) == (n == 1)
comm.barrier()
assert comm.bcast({"from": r}, root=n - 1) == {"from": n - 1}
assert comm.gather(r * r, root=n - 1) == ([i * i for i in range(n)] if r == n - 1 else None)
assert comm.allgather(str(r)) == [str(i) for i in range(n)]
total = n * (n - 1) // 2
assert (comm.allreduce_sum(r), comm.allreduce_max(r)) == (total, n - 1)
array = np.arange(6.0).reshape(2, 3) + r
np.testing.assert_array_equal(comm.allreduce_sum(array), n * np.arange(6.0).reshape(2, 3) + total)
np.testing.assert_array_equal(comm.allreduce_max(array.T), (np.arange(6.0).reshape(2, 3) + n - 1).T)
np.testing.assert_array_equal(comm.allreduce_max(np.array([r, -r])), [n - 1, 0])
print(f"size {n}\\n", end="", flush=True)
"""


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_collectives(ranks: int) -> None:
    result = run_mpi(ranks, COLLECTIVES.replace("(n == 1)", "False"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count(f"size {ranks}") == ranks


def test_collectives_without_mpi() -> None:
    result = run_python(COLLECTIVES)
    assert (result.returncode, result.stdout.strip()) == (0, "size 1")


def test_plain_start_does_not_import_mpi4py() -> None:
    code = "import sys; from neurodamus_like.parallel.mpi import world; world(); "
    code += "sys.stdout.write(f'{\"mpi4py\" in sys.modules}\\n')"
    assert run_python(code).stdout.strip() == "False"
    assert run_python(code, env={"NEURODAMUS_LIKE_MPI": "on"}).stdout.strip() == "True"
    assert run_mpi(2, code, env={"NEURODAMUS_LIKE_MPI": "off"}).stdout.split() == ["False", "False"]
    assert run_python(code, env={"SLURM_NTASKS": "2"}).stdout.strip() == "False"
    assert run_python(code, env={"SLURM_STEP_NUM_TASKS": "2"}).stdout.strip() == "True"


def test_abort_of_a_serial_run_sets_the_exit_code() -> None:
    code = "from neurodamus_like.parallel.mpi import world; print('said'); world().abort(3)"
    result = run_python(code)
    assert (result.returncode, result.stdout.strip()) == (3, "said")


def test_neuron_is_told_the_library_that_mpi4py_loaded() -> None:
    code = """
import os
from pathlib import Path
from neurodamus_like.parallel.mpi import mpi_library, prepare_neuron_environment
prepare_neuron_environment()
named = Path(os.environ["MPI_LIB_NRN_PATH"])
assert named == mpi_library() and named.read_bytes()[:4] == b"\\x7fELF", named
assert str(named) in Path("/proc/self/maps").read_text()
assert os.environ["NEURON_INIT_MPI"] == "0"
print("right\\n", end="")
"""
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc")
    result = run_mpi(2, code)
    assert result.stdout.split() == ["right", "right"], result.stderr
    mine = "from neurodamus_like.parallel.mpi import prepare_neuron_environment as p; import os; p(); "
    mine += "print(os.environ['MPI_LIB_NRN_PATH'])"
    kept = run_mpi(1, mine, env={"MPI_LIB_NRN_PATH": "/my/libmpi.so"})
    assert kept.stdout.strip() == "/my/libmpi.so"


@pytest.mark.neuron
def test_neuron_and_mpi4py_share_one_world() -> None:
    code = """
from neurodamus_like.parallel.mpi import prepare_neuron_environment, world
prepare_neuron_environment()
import neuron
neuron.h.nrnmpi_init()
pc = neuron.h.ParallelContext()
assert (int(pc.id()), int(pc.nhost())) == (world().rank, world().size) == (world().rank, 2)
assert pc.allreduce(1, 1) == 2
print("shared\\n", end="", flush=True)
"""
    result = run_mpi(2, code)
    assert result.stdout.count("shared") == 2, result.stderr
    assert "DISPLAY" not in result.stderr


LAUNCH = """
import sys
from neurodamus_like.parallel.errors import run_guarded
from neurodamus_like.parallel.mpi import check_launch
sys.exit(run_guarded(lambda: check_launch() or 0))
"""


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    "launcher",
    [
        {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "{rank}"},
        {"SLURM_NTASKS": "2", "SLURM_PROCID": "{rank}"},
        {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "{rank}"},
    ],
    ids=["srun", "sbatch without srun", "mpirun of another MPI"],
)
def test_independent_processes_are_refused_with_one_message(launcher: dict[str, str], rank: int) -> None:
    result = run_python(LAUNCH, env={k: v.format(rank=rank) for k, v in launcher.items()})
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    if rank == 0:
        assert "2 tasks, but MPI sees one process" in result.stderr
        assert ("srun --mpi=pmi2" if "SLURM_NTASKS" in launcher else "mpiexec") in result.stderr
    else:
        assert result.stderr == ""


def test_missing_mpi4py_in_a_parallel_launch_says_what_to_install() -> None:
    blocked = "import sys; sys.modules['mpi4py'] = None\n" + LAUNCH
    result = run_python(blocked, env={"SLURM_NTASKS": "4", "SLURM_PROCID": "0"})
    assert result.returncode == 1
    assert "pip install 'neurodamus-like[mpich]'" in result.stderr
    assert run_python("import sys; sys.modules['mpi4py'] = None\n" + LAUNCH).returncode == 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_right_launches_pass(ranks: int) -> None:
    result = run_mpi(ranks, LAUNCH, env={"SLURM_NTASKS": "2", "SLURM_PROCID": "0"})
    assert (result.returncode, result.stderr) == (0, "")


def test_wrong_command_line_on_two_ranks_is_answered_once() -> None:
    arguments = ["-m", "neurodamus_like", "run", "no_such_file.json"]
    result = run_mpi(2, arguments)
    assert result.returncode == 1
    first = "error: the simulation configuration does not exist\n  where: no_such_file.json\n"
    assert result.stderr == first + "  expected: a simulation_config.json\n"
    shown = run_mpi(2, ["-m", "neurodamus_like", "--help"])
    assert (shown.returncode, shown.stdout.count("Commands:")) == (0, 1)
