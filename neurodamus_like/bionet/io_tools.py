"""``io``: messages of scripts, in the log of the run."""

from __future__ import annotations

from neurodamus_like.exceptions import SimulationError
from neurodamus_like.logs import get_logger
from neurodamus_like.parallel.mpi import world

_logger = get_logger(__name__)


class IOTools:
    """Messages for the log, which rank 0 writes; `all_ranks` and `display_once` have no effect."""

    @property
    def mpi_rank(self) -> int:
        """Rank of this process."""
        return world().rank

    @property
    def mpi_size(self) -> int:
        """Number of ranks."""
        return world().size

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        world().barrier()

    def log_debug(self, message: str, all_ranks: bool = False) -> None:
        """Write what only developers want to know."""
        _logger.debug("%s", message)

    def log_info(self, message: str, all_ranks: bool = False) -> None:
        """Write a message."""
        _logger.info("%s", message)

    def log_warning(self, message: str, all_ranks: bool = False, display_once: bool = False) -> None:
        """Write a warning."""
        _logger.warning("%s", message)

    def log_error(self, message: str) -> None:
        """Write an error and go on."""
        _logger.error("%s", message)

    def log_exception(self, message: str, raise_exception: bool = True) -> None:
        """End the run with a message, or write it as an error.

        Raises
        ------
        SimulationError
            Unless `raise_exception` is false.
        """
        if raise_exception:
            raise SimulationError(message)
        self.log_error(message)


io = IOTools()
