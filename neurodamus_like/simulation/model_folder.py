"""The folder of a CoreNEURON model on disk (or in shared memory): taken, emptied of older models, removed."""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
from pathlib import Path
from typing import IO

from neurodamus_like.exceptions import ConfigurationError, SimulationError
from neurodamus_like.io.core_data import SHARED_NAMES
from neurodamus_like.io.core_manifest import MANIFEST_NAME
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.simulation.shared_memory import MemoryFolder

DATA_NAME = "coreneuron_input"
SETTINGS_NAME = "sim.conf"
LOCK_NAME = ".neurodamus_like.lock"

_GROUP_FILE = re.compile(r"-?\d+_(\d+|gap)\.dat|\d+_report\.npz")
_ROOM_BYTES = 2**20


class ModelFolder:
    """A folder with the model in ``coreneuron_input``, and how it is simulated in ``sim.conf``.

    All methods are collective; rank 0 does the work.

    Parameters
    ----------
    directory
        The folder.
    comm
        The ranks.
    """

    def __init__(self, directory: Path, comm: Communicator) -> None:
        self.directory = directory
        self.comm = comm
        self.in_memory: MemoryFolder | None = None
        self._lock: IO[str] | None = None

    @property
    def data(self) -> Path:
        """Where the files of the model are."""
        return self.on_disk if self.in_memory is None else self.in_memory.path

    @property
    def on_disk(self) -> Path:
        """Where they are unless they were put into memory."""
        return self.directory / DATA_NAME

    @property
    def sees_all(self) -> bool:
        """Whether every rank can read all files."""
        return self.in_memory is None or self.in_memory.machines == 1

    def move_to_memory(self) -> None:
        """Have the files that are written from now on kept in the memory of the machines."""
        self.in_memory = MemoryFolder(self.on_disk, self.comm)

    def open(self) -> None:
        """Make the folder and take it for this run.

        Raises
        ------
        ConfigurationError
            It cannot be written to, or another run uses it.
        """
        with collectively(self.comm):
            if self.comm.rank == 0:
                self._lock = self._take()

    def empty(self) -> None:
        """Remove what an older model left; a mixture of two would be simulated without a word."""
        with collectively(self.comm):
            if self.comm.rank == 0:
                self.on_disk.mkdir(exist_ok=True)
                for path in self._files():
                    path.unlink()

    def check_room(self) -> None:
        """Make sure that the disk has not run full while the model was written.

        Raises
        ------
        SimulationError
            It has; NEURON does not notice when its files are cut short.
        """
        free = shutil.disk_usage(self.data).free
        if free < _ROOM_BYTES:
            raise SimulationError(
                "the disk is full: files of the model may be cut short",
                file=self.data,
                hint="make room, or build somewhere else with --build-path",
            )

    def release(self, *, keep: bool) -> None:
        """Let other runs use the folder; remove the model unless it is to be kept."""
        self.comm.barrier()
        if self.in_memory is not None:
            self.in_memory.remove()
            self.in_memory = None
        if self.comm.rank == 0 and self._lock is not None:
            if not keep:
                for path in [*self._files(), self.directory / SETTINGS_NAME]:
                    path.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
            (self.directory / LOCK_NAME).unlink(missing_ok=True)
            for folder in (self.on_disk, self.directory):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def _files(self) -> list[Path]:
        known = {*SHARED_NAMES, MANIFEST_NAME}
        paths = self.on_disk.iterdir() if self.on_disk.is_dir() else iter(())
        return [path for path in paths if path.name in known or _GROUP_FILE.fullmatch(path.name)]

    def _take(self) -> IO[str]:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = open(self.directory / LOCK_NAME, "w")  # noqa: SIM115 (held until release)
        except OSError as error:
            raise ConfigurationError(
                f"cannot write the model: {error.strerror}",
                file=self.directory,
                expected="a folder that can be written to",
                hint="give another one with --build-path",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ConfigurationError(
                "another run is using the model in this folder",
                file=self.directory,
                hint="wait for it, or give another folder with --build-path",
            ) from None
        except OSError:
            pass  # no locks on this file system
        return lock
