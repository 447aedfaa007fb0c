"""Files of a model in the memory of the machines (/dev/shm) instead of on disk, if they fit there."""

from __future__ import annotations

import atexit
import contextlib
import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like import memory
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.core_data import SHARED_NAMES
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

FOLDER_VARIABLE = "SHMDIR"
FACTOR_VARIABLE = "NEURODAMUS_SHM_FACTOR"
DEFAULT_FOLDER = "/dev/shm"
DEFAULT_FACTOR = 0.4
"""Bytes of files per byte that building the model took in memory."""

_PREFIX = "neurodamus_like"


@dataclass(frozen=True)
class RankMemory:
    """What one rank needs, and what its machine has.

    Attributes
    ----------
    host
        Name of the machine.
    growth_bytes
        By how much the rank's memory grew when it built one cycle.
    free_shm_bytes, free_ram_bytes
        Of the machine.
    """

    host: str
    growth_bytes: int
    free_shm_bytes: int
    free_ram_bytes: int


def machines_without_room(
    ranks: Sequence[RankMemory], cycles: int, factor: float = DEFAULT_FACTOR
) -> list[str]:
    """Return the machines on which the files of all cycles would not fit, in words.

    Parameters
    ----------
    ranks
        All ranks.
    cycles
        How many cycles there are.
    factor
        Bytes of files per byte of memory.
    """
    needed: dict[str, float] = {}
    free: dict[str, int] = {}
    for rank in ranks:
        needed[rank.host] = needed.get(rank.host, 0.0) + max(0, rank.growth_bytes) * cycles * factor
        free[rank.host] = min(rank.free_shm_bytes, rank.free_ram_bytes)
    return [
        f"{host} (needs {memory.format_bytes(need)}, has {memory.format_bytes(free[host])})"
        for host, need in needed.items()
        if need > free[host]
    ]


def shared_memory_folder() -> Path:
    """Return the folder that lies in memory: ``$SHMDIR`` or /dev/shm.

    Raises
    ------
    ConfigurationError
        There is no such folder.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    if not os.access(folder, os.W_OK):
        raise ConfigurationError(
            "--enable-shm: there is no folder in memory that can be written to",
            file=folder,
            hint=f"name one with ${FOLDER_VARIABLE}, or leave the option out",
        )
    return folder


def size_factor() -> float:
    """Return ``$NEURODAMUS_SHM_FACTOR``, or what it usually is.

    Raises
    ------
    ConfigurationError
        It is no positive number.
    """
    text = os.environ.get(FACTOR_VARIABLE)
    try:
        factor = DEFAULT_FACTOR if text is None else float(text)
    except ValueError:
        factor = 0.0
    if not factor > 0:
        raise ConfigurationError(
            f"${FACTOR_VARIABLE}={text} is not valid", expected="a number greater than 0"
        )
    return factor


def measure(growth_bytes: int) -> RankMemory:
    """Return what this rank needs and what its machine has."""
    free = shutil.disk_usage(shared_memory_folder()).free
    return RankMemory(platform.node(), growth_bytes, free, memory.available_bytes())


class MemoryFolder:
    """A folder in the memory of each machine, for the files of the ranks on it; all methods are collective.

    Files that belong to all ranks stay on disk, and are linked from there.

    Parameters
    ----------
    disk
        The folder on disk.
    comm
        The ranks.
    """

    def __init__(self, disk: Path, comm: Communicator) -> None:
        self._comm = comm
        hosts = comm.allgather(platform.node())
        self.machines = len(set(hosts))
        self._is_first = hosts.index(hosts[comm.rank]) == comm.rank
        name = f"{_PREFIX}-{os.getuid()}-{comm.allgather(os.getpid())[hosts.index(hosts[comm.rank])]}"
        self.path = shared_memory_folder() / name
        with collectively(comm):
            if self._is_first:
                self._make(disk)
        comm.barrier()

    def remove(self) -> None:
        """Give the memory back."""
        self._comm.barrier()
        if self._is_first:
            shutil.rmtree(self.path, ignore_errors=True)

    def _make(self, disk: Path) -> None:
        _remove_leftovers(self.path.parent)
        self.path.mkdir(exist_ok=True)
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)
        for name in SHARED_NAMES:
            (self.path / name).symlink_to(disk / name)


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes of this user left that died."""
    for path in folder.glob(f"{_PREFIX}-{os.getuid()}-*"):
        with contextlib.suppress(ValueError, OSError):
            if not Path("/proc", str(int(path.name.rsplit("-", 1)[1]))).exists():
                shutil.rmtree(path)
