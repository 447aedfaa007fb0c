"""One progress bar per phase: a bar on a terminal, now and then a line in a log; rank 0 only."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TextIO

from tqdm import tqdm

from neurodamus_like.logs import get_logger, set_console_guard

logger = get_logger(__name__)

LINE_EVERY_S = 5.0
"""In a log, a line appears at least this often."""
LINE_EVERY_FRACTION = 0.1
"""... or after this share of the work, but not more often than once per second."""


@dataclass(frozen=True)
class _Console:
    rank: int = 0
    enabled: bool = True
    stream: TextIO | None = None


_console = _Console()


def configure_progress(*, rank: int = 0, enabled: bool = True, stream: TextIO | None = None) -> None:
    """Say once per process who shows progress, and where.

    Parameters
    ----------
    rank
        Rank of this process; only rank 0 shows anything.
    enabled
        False shows nothing (``--no-progress``, ``--quiet``).
    stream
        The console; standard error by default.
    """
    global _console
    _console = _Console(rank, enabled, stream)


class Progress:
    """Progress of one phase, used as a context manager.

    Parameters
    ----------
    name
        What is being done ("cells").
    total
        Amount of work, in `unit`.
    unit
        Name of the unit behind numbers ("ms" for simulated time); empty for plain counts.

    Examples
    --------
    >>> with Progress("cells", 100) as progress:
    ...     for _ in range(10):
    ...         progress.update(10)
    """

    def __init__(self, name: str, total: float, unit: str = "") -> None:
        self.name = name
        self.total = total
        self.unit = unit
        self.done = 0.0
        self._bar: Any = None
        self._stream = _console.stream if _console.stream is not None else sys.stderr
        self._shown = _console.enabled and _console.rank == 0
        self._started = self._last_time = time.monotonic()
        self._last_done = 0.0

    def __enter__(self) -> Progress:
        self._started = self._last_time = time.monotonic()
        if self._shown and self._stream.isatty():
            self._bar = self._make_bar()
            set_console_guard(lambda: tqdm.external_write_mode(file=self._stream))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            set_console_guard(None)
            self._bar.close()
        elif self._shown and kind is None:
            self._log_end()

    def update(self, amount: float = 1) -> None:
        """Add `amount` of work done."""
        self.done += amount
        if self._bar is not None:
            self._bar.update(amount)
        elif self._shown:
            self._log_if_due()

    @property
    def fraction(self) -> float:
        """Share of the work done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def eta_s(self) -> float | None:
        """Seconds until the end at the mean speed so far; None before any work was done."""
        if self.fraction <= 0:
            return None
        return (time.monotonic() - self._started) * (1 - self.fraction) / self.fraction

    def _make_bar(self) -> Any:
        return tqdm(
            total=self.total,
            desc=f"{self.name:<12}",
            unit=self.unit or "it",
            file=self._stream,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}% |{bar}| {n:g}/{total:g} [{elapsed}<{remaining}]",
        )

    def _log_if_due(self) -> None:
        waited = time.monotonic() - self._last_time
        advanced = (self.done - self._last_done) / self.total if self.total else 0.0
        due = waited >= LINE_EVERY_S or (waited >= 1.0 and advanced >= LINE_EVERY_FRACTION)
        if due and self.fraction < 1:
            self._last_time, self._last_done = time.monotonic(), self.done
            eta = self.eta_s
            left = "" if eta is None else f", {format_duration(eta)} left"
            logger.info("%s: %d %% (%s)%s", self.name, int(100 * self.fraction), self._amounts(), left)

    def _log_end(self) -> None:
        took = format_duration(time.monotonic() - self._started)
        logger.info("%s: %s in %s", self.name, self._amounts(), took)

    def _amounts(self) -> str:
        return f"{self.done:g}/{self.total:g}" + (f" {self.unit}" if self.unit else "")


def format_duration(seconds: float) -> str:
    """Return a time span for people: ``'0.25 s'``, ``'12.5 s'``, ``'3 min 05 s'``, ``'2 h 10 min'``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
