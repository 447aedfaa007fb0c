"""The only import of mpi4py: who we are among the ranks, and MPI shared with NEURON.

MPI is started only when a launcher (mpiexec, srun, ...) started this process, or when mpi4py is in use
already. A plain ``python`` start stays serial and saves the import and start of MPI (about 65 ms, measured
with mpich 5 and mpi4py 4.1), and it does not depend on a working MPI at all. ``NEURODAMUS_LIKE_MPI=on|off``
overrules the guess.

NEURON loads its MPI library at run time. It must be the very file that mpi4py loaded, and mpi4py must be
first.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from neurodamus_like.exceptions import ParallelError

T = TypeVar("T")

_LAUNCH_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "PALS_SIZE", "JSM_NAMESPACE_SIZE")
_LAUNCH_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_RANK", "PALS_RANKID")
_SLURM_SIZES = ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
_LIBRARY = re.compile(r"^libmpi(ch)?(_intel|_gnu\w*|_cray|_abi)?\.(so|\d|dylib)")


@dataclass(frozen=True)
class Communicator:
    """The ranks that work together; this base class is the one rank of a serial run.

    Attributes
    ----------
    rank
        Number of this process, 0 to `size` - 1.
    size
        How many processes work together.
    raw
        The mpi4py communicator behind it, None in a serial run.
    """

    rank: int = 0
    size: int = 1
    raw: Any = None

    @property
    def mpi(self) -> Any:
        """The module ``mpi4py.MPI``, or None in a serial run."""
        return None

    def barrier(self) -> None:
        """Wait for all ranks."""

    def bcast(self, obj: T, root: int = 0) -> T:
        """Return the object of rank `root` on every rank."""
        return obj

    def gather(self, obj: T, root: int = 0) -> list[T] | None:
        """Return the objects of all ranks in rank order on rank `root`, None on the others."""
        return [obj]

    def allgather(self, obj: T) -> list[T]:
        """Return the objects of all ranks in rank order, on every rank."""
        return [obj]

    def allreduce_sum(self, value: T) -> T:
        """Return the sum over ranks of a number, or of arrays of one shape, element by element."""
        return value

    def allreduce_max(self, value: T) -> T:
        """Return the maximum over ranks of a number, or of arrays of one shape, element by element."""
        return value

    def abort(self, code: int = 1) -> None:
        """End the processes of all ranks at once, without clean-up."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class _MPICommunicator(Communicator):
    @property
    def mpi(self) -> Any:
        return _mpi_module()[0]

    def barrier(self) -> None:
        self.raw.Barrier()

    def bcast(self, obj: T, root: int = 0) -> T:
        result: T = self.raw.bcast(obj, root)
        return result

    def gather(self, obj: T, root: int = 0) -> list[T] | None:
        result: list[T] | None = self.raw.gather(obj, root)
        return result

    def allgather(self, obj: T) -> list[T]:
        result: list[T] = self.raw.allgather(obj)
        return result

    def allreduce_sum(self, value: T) -> T:
        return cast(T, self._allreduce(value, "SUM"))

    def allreduce_max(self, value: T) -> T:
        return cast(T, self._allreduce(value, "MAX"))

    def abort(self, code: int = 1) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.raw.Abort(code)

    def _allreduce(self, value: Any, name: str) -> Any:
        op = getattr(self.mpi, name)
        if not isinstance(value, np.ndarray):
            return self.raw.allreduce(value, op=op)
        sent = np.ascontiguousarray(value)
        received = np.empty_like(sent)
        self.raw.Allreduce(sent, received, op=op)
        return received


@lru_cache(maxsize=1)
def world() -> Communicator:
    """Return the communicator of all ranks; the first call starts MPI if a launcher started the process."""
    if not _mpi_wanted():
        return Communicator()
    module, _ = _mpi_module()
    if module is None:
        return Communicator()
    comm = module.COMM_WORLD
    return _MPICommunicator(comm.Get_rank(), comm.Get_size(), comm)


def launch_size() -> int:
    """Return how many processes the launcher says it started together (1 without a launcher)."""
    return next((_number(name) for name in (*_LAUNCH_SIZES, *_SLURM_SIZES) if _number(name) > 0), 1)


def launch_rank() -> int:
    """Return the number the launcher gave to this process, even where MPI does not work (0 without one)."""
    return next((_number(name) for name in (*_LAUNCH_RANKS, "SLURM_PROCID") if _number(name) >= 0), 0)


def check_launch() -> None:
    """Refuse to go on if several processes were started that do not know of each other.

    Raises
    ------
    ParallelError
        The launcher started N processes, MPI sees one. It is marked collective: all N raise it, one shows it.
    """
    started, size = launch_size(), world().size
    if started <= 1 or size > 1:
        return
    slurm = not any(_number(name) > 0 for name in _LAUNCH_SIZES)
    installed = find_spec("mpi4py") is not None
    reason = (_mpi_module()[1] if _mpi_wanted() else None) if installed else "it is not installed"
    error = ParallelError(
        f"{'Slurm has' if slurm else 'the launcher started'} {started} tasks, but MPI sees one process: "
        "each of them would run the whole simulation alone",
        expected=f"one MPI world of {started} ranks",
        hint=_launch_hint(slurm, reason),
    )
    error.collective = True
    raise error


def mpi_library() -> Path | None:
    """Return the MPI library file that mpi4py loaded, or None as long as MPI is not in use."""
    if "mpi4py.MPI" not in sys.modules:
        return None
    return _mapped_library() or _installed_library()


def prepare_neuron_environment() -> None:
    """Do what must be done before NEURON is imported: check the launch, start MPI, name the MPI library.

    NEURON's own MPI start is switched off; the engine calls ``nrnmpi_init`` when there are several ranks. A
    ``MPI_LIB_NRN_PATH`` of the user's stays.

    Raises
    ------
    ParallelError
        See :func:`check_launch`.
    """
    check_launch()
    os.environ["NEURON_INIT_MPI"] = "0"
    os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")
    library = mpi_library()
    if library is not None:
        os.environ.setdefault("MPI_LIB_NRN_PATH", str(library))


def mpi_problem() -> str | None:
    """Return why mpi4py cannot be used, or None if it can; imports it, and so starts MPI."""
    return _mpi_module()[1]


@lru_cache(maxsize=1)
def _mpi_module() -> tuple[Any, str | None]:
    try:
        # mpi4py warns on each rank of a foreign launcher; check_launch says it once, and what to do
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return import_module("mpi4py.MPI"), None
    except (ImportError, RuntimeError, OSError) as error:
        return None, f"{type(error).__name__}: {error}"


def _mpi_wanted() -> bool:
    choice = os.environ.get("NEURODAMUS_LIKE_MPI", "").lower()
    if choice in ("on", "off"):
        return choice == "on"
    launched = any(name in os.environ for name in (*_LAUNCH_SIZES, *_LAUNCH_RANKS))
    return launched or _number("SLURM_STEP_NUM_TASKS") > 1 or "mpi4py.MPI" in sys.modules


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else -1


def _launch_hint(slurm: bool, reason: str | None) -> str:
    if reason is not None:
        return f"mpi4py cannot be used ({reason}): type `pip install 'neurodamus-like[mpich]'`"
    python = Path(sys.executable).parent
    if slurm:
        return (
            "start it with `srun --mpi=pmi2 neurodamus-like ...` (other kinds: `srun --mpi=list`) or with "
            f"`{python / 'mpiexec'} -n N neurodamus-like ...`; for one process on purpose: `srun -n 1 ...`"
        )
    return (
        "this mpiexec belongs to another MPI than mpi4py: use the one of mpi4py's MPI, e.g. "
        f"{python / 'mpiexec'}; `neurodamus-like doctor` shows which is which"
    )


def _mapped_library() -> Path | None:
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    files = dict.fromkeys(line.split(maxsplit=5)[5] for line in lines if line.count("/") > 0)
    return next((Path(f) for f in files if _LIBRARY.match(os.path.basename(f))), None)


def _installed_library() -> Path | None:
    names = ("libmpi.so.12", "libmpi.so.40", "libmpi.12.dylib", "libmpi.40.dylib", "libmpi.dylib")
    return next((path for name in names if (path := Path(sys.prefix) / "lib" / name).is_file()), None)
