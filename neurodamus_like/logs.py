"""Logging of a parallel program: rank 0 speaks for all, on the console and into a file.

Modules write ``logger = get_logger(__name__)`` and log as usual. Ranks other than 0 stay silent, except for
records that are marked with ``extra=ALL_RANKS``; these carry the number of their rank.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

VERBOSE = 15
"""Level between INFO and DEBUG, shown with ``-v``."""

ALL_RANKS: Mapping[str, object] = {"all_ranks": True}
"""``logger.warning("...", extra=ALL_RANKS)``: this record is of interest from any rank."""

_ROOT = "neurodamus_like"
_COLORS = {
    logging.DEBUG: "\033[2m",
    VERBOSE: "\033[2m",
    logging.WARNING: "\033[33m",
    logging.ERROR: "\033[31m",
}
_RESET = "\033[0m"
_console_guard: Callable[[], AbstractContextManager[object]] = nullcontext

logging.addLevelName(VERBOSE, "VERBOSE")
logging.getLogger(_ROOT).addHandler(logging.NullHandler())


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a module of the package (or of a plug-in: it is put below the package's root)."""
    if name == _ROOT or name.startswith(_ROOT + "."):
        return logging.getLogger(name)
    return logging.getLogger(f"{_ROOT}.{name}")


def log_level(*, verbose: bool = False, debug: bool = False, quiet: bool = False) -> int:
    """Return the logging level that the command line options ask for; the most talkative one wins."""
    if debug:
        return logging.DEBUG
    if verbose:
        return VERBOSE
    return logging.WARNING if quiet else logging.INFO


def setup_logging(
    level: int = logging.INFO,
    *,
    rank: int = 0,
    use_color: bool | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send the package's records to the console; calling it again replaces the earlier set-up.

    Parameters
    ----------
    level
        Lowest level shown.
    rank
        Rank of this process.
    use_color
        Colour levels; None means: if the stream is a terminal.
    stream
        Where to write; standard error by default.
    """
    close_logging()
    out = stream if stream is not None else sys.stderr
    color = out.isatty() if use_color is None else use_color
    handler = _ConsoleHandler(out)
    handler.setFormatter(_Formatter(color))
    handler.addFilter(_RankFilter(rank))
    root = logging.getLogger(_ROOT)
    root.setLevel(level)
    root.addHandler(handler)
    root.propagate = False


def level_of(name: str, default: int = logging.INFO) -> int:
    """Return the level that a name such as ``DEBUG`` means, in capitals or not; `default` for an empty one."""
    return int(getattr(logging, name.upper())) if name else default


def add_log_file(path: Path, *, rank: int = 0, level: int | None = None) -> Path | None:
    """Write the package's records also into a file (rank 0 only); missing folders are made, the file with the first.

    Parameters
    ----------
    path
        The file.
    rank
        Rank of this process.
    level
        Lowest level written; None: as on the console.

    Returns
    -------
    Path or None
        The file, or None on the other ranks.
    """
    if rank != 0:
        return None
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(_Formatter(color=False, dated=True))
    handler.addFilter(_RankFilter(rank))
    root = logging.getLogger(_ROOT)
    if level is not None:
        handler.setLevel(level)
        for other in root.handlers:
            other.setLevel(max(other.level, root.level))
        root.setLevel(min(root.level or level, level))
    root.addHandler(handler)
    return path


def default_log_name(prefix: str = "pydamus") -> str:
    """Return the usual name of a run's log file, with the present date and time."""
    return f"{prefix}_{time.strftime('%Y-%m-%d_%Hh%M')}.log"


def close_logging() -> None:
    """Flush, close and remove what :func:`setup_logging` and :func:`add_log_file` installed, and reset the level."""
    root = logging.getLogger(_ROOT)
    for handler in list(root.handlers):
        if isinstance(handler, logging.NullHandler):
            continue
        root.removeHandler(handler)
        handler.close()
    root.propagate = True
    root.setLevel(logging.NOTSET)


def set_console_guard(guard: Callable[[], AbstractContextManager[object]] | None) -> None:
    """Enter `guard()` around each console record, so that a progress bar can make room; None removes it."""
    global _console_guard
    _console_guard = guard or nullcontext


class _RankFilter(logging.Filter):
    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank = rank

    def filter(self, record: logging.LogRecord) -> bool:
        everywhere = bool(getattr(record, "all_ranks", False))
        record.rank_prefix = f"[rank {self.rank}] " if everywhere else ""
        return self.rank == 0 or everywhere


class _Formatter(logging.Formatter):
    """Plain text for information, the level's name in front of everything else."""

    def __init__(self, color: bool, dated: bool = False) -> None:
        stamp = "%Y-%m-%d %H:%M:%S" if dated else "%H:%M:%S"
        super().__init__("%(asctime)s %(rank_prefix)s%(level_prefix)s%(message)s", stamp)
        self.color = color

    def format(self, record: logging.LogRecord) -> str:
        record.level_prefix = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        text = super().format(record)
        paint = _COLORS.get(record.levelno, "") if self.color else ""
        return f"{paint}{text}{_RESET}" if paint else text


class _ConsoleHandler(logging.StreamHandler[TextIO]):
    def emit(self, record: logging.LogRecord) -> None:
        with _console_guard():
            super().emit(record)
