"""The folder of the results: made, kept for one run at a time, and the mark of success beside the configuration."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

logger = logging.getLogger(__name__)

_RESULTS = (".h5", ".csv")
LOCK_NAME = ".neurodamus_like.lock"


class OutputFolder:
    """A folder that one run at a time writes into; all methods are collective.

    Parameters
    ----------
    directory
        The folder; made by :meth:`open`.
    config
        The simulation configuration, beside which a complete run leaves ``<config>.SUCCESS``.
    comm
        The ranks; rank 0 does the work.
    keep_results
        Refuse a folder with results of an earlier run.
    files
        Results that may lie elsewhere; their folders are made, too.
    """

    def __init__(
        self,
        directory: Path,
        config: Path,
        comm: Communicator,
        keep_results: bool = False,
        files: Sequence[Path] = (),
    ) -> None:
        self._files = files
        self.directory = directory
        self._keep_results = keep_results
        self._success = config.with_name(config.name + ".SUCCESS")
        self._comm = comm
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folder, take it for this run, and remove the mark of an earlier run.

        Raises
        ------
        ConfigurationError
            It cannot be made or written to, or another run is writing into it.
        """
        with collectively(self._comm):
            if self._comm.rank == 0 and self._lock is None:
                self._lock = self._take()
                self._mark(success=False)

    def succeed(self) -> None:
        """Leave the mark of a complete run, as workflows of the field expect."""
        self._comm.barrier()
        if self._comm.rank == 0:
            self._mark(success=True)

    def release(self) -> None:
        """Let another run write into the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            (self.directory / LOCK_NAME).unlink(missing_ok=True)

    def _take(self) -> IO[str]:
        if self._keep_results:
            check_no_results(self.directory, self._files)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for file in self._files:
                _make_room(file)
            lock = open(self.directory / LOCK_NAME, "w")  # noqa: SIM115 (held until release)
        except OSError as error:
            raise ConfigurationError(
                f"cannot write results: {error.strerror}",
                file=error.filename or self.directory,
                expected="a folder that can be written to (output.output_dir)",
                hint="give another folder with --output-path",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ConfigurationError(
                "another run is writing its results here",
                file=self.directory,
                hint="wait for it, or give another folder with --output-path",
            ) from None
        except OSError as error:
            logger.debug("no locks on this file system: %s", error)
        return lock

    def _mark(self, *, success: bool) -> None:
        try:
            if success:
                self._success.touch()
            else:
                self._success.unlink(missing_ok=True)
        except OSError:
            logger.debug("no mark of success at %s: the folder is read-only", self._success)


def check_no_results(directory: Path, files: Sequence[Path] = ()) -> None:
    """Check that a folder, if it exists, holds no results, and that none of the files elsewhere exists.

    Raises
    ------
    ConfigurationError
        It does.
    """
    inside = directory.iterdir() if directory.is_dir() else ()
    results = sorted(p.name for p in inside if p.suffix in _RESULTS)
    results += [str(file) for file in files if file.exists() and file.parent != directory]
    if results:
        raise ConfigurationError(
            f"the folder holds results already, which are not to be overwritten: {', '.join(results[:5])}",
            file=directory,
            pointer="/output/overwrite_output_dir",
            expected="an empty folder, or overwrite_output_dir: true (only files of the same names are replaced)",
            hint="give another folder with --output-path",
        )


def _make_room(file: Path) -> None:
    """Make the folder of a file; OSError if that cannot be, or the file could not be written there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file.parent))
