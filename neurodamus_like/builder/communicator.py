"""The ranks that build together, by a small protocol.

The builder stands on io/ and does not know MPI. What it needs of a communicator is below; the one of
``parallel.mpi`` fits. It is found through the entry point group ``neurodamus_like.communicators``, so that
``mpiexec -n N python build.py`` works with any script, or is given: ``NetworkBuilder(name, comm=world())``.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeVar

from neurodamus_like.exceptions import ParallelError

T = TypeVar("T")

_LAUNCH_SIZES = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "PALS_SIZE",
    "SLURM_STEP_NUM_TASKS",
)


class Communicator(Protocol):
    """Ranks that work together."""

    @property
    def rank(self) -> int:
        """Number of this process."""

    @property
    def size(self) -> int:
        """How many processes there are."""

    def barrier(self) -> None:
        """Wait for all ranks."""

    def bcast(self, obj: T, root: int = 0) -> T:
        """Return the object of rank `root` on every rank."""

    def gather(self, obj: T, root: int = 0) -> list[T] | None:
        """Return the objects of all ranks on rank `root`, None on the others."""

    def allgather(self, obj: T) -> list[T]:
        """Return the objects of all ranks on every rank."""

    def allreduce_sum(self, value: Any) -> Any:
        """Return the sum over ranks of a number or an array."""


class Alone:
    """One process."""

    rank = 0
    size = 1

    def barrier(self) -> None:
        """Nobody to wait for."""

    def bcast(self, obj: T, root: int = 0) -> T:
        return obj

    def gather(self, obj: T, root: int = 0) -> list[T] | None:
        return [obj]

    def allgather(self, obj: T) -> list[T]:
        return [obj]

    def allreduce_sum(self, value: Any) -> Any:
        return value


@lru_cache(maxsize=1)
def default_communicator() -> Communicator:
    """Return the communicator of this process: that of the launcher, or :class:`Alone`.

    Raises
    ------
    ParallelError
        A launcher started several processes, and nothing installed connects them.
    """
    started = max(
        (int(text) for name in _LAUNCH_SIZES if (text := os.environ.get(name, "")).isdecimal()), default=1
    )
    if started <= 1:
        return Alone()
    for point in entry_points(group="neurodamus_like.communicators"):
        comm: Communicator = point.load()()
        if comm.size > 1:
            return comm
    raise ParallelError(
        f"the launcher started {started} processes, but the builder finds no MPI that connects them: each of "
        "them would write the same files",
        hint="pip install 'neurodamus-like[mpich]', and install the package itself (not only its sources)",
    )
