"""The table of phases: wall time and growth of memory of each phase, over all ranks.

Measuring (:class:`PhaseTimer`), summing up over ranks (:meth:`PhaseTimer.summary`) and printing
(:func:`format_table`) are apart from each other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from neurodamus_like.memory import format_bytes, peak_rss_bytes, rss_bytes

_SERIAL_COLUMNS = ("s", "memory +")
_SEVERAL_COLUMNS = ("mean s", "max s", "rank", "memory +", "max +")


class Gatherer(Protocol):
    """What the summary needs of a communicator."""

    def allgather(self, obj: Any) -> list[Any]:
        """Return the objects of all ranks, in rank order, on every rank."""


@dataclass
class PhaseRecord:
    """One phase on one rank.

    Attributes
    ----------
    name
        Name of the phase; phases inside others are ``outer/inner``.
    seconds
        Wall time, summed over all times the phase was entered.
    rss_growth_bytes
        Growth of the resident memory, summed likewise; negative if memory was given back.
    count
        How often the phase was entered.
    """

    name: str
    seconds: float = 0.0
    rss_growth_bytes: int = 0
    count: int = 0


@dataclass(frozen=True)
class PhaseRow:
    """One phase over all ranks.

    Attributes
    ----------
    name
        Name of the phase; phases inside others are ``outer/inner``.
    seconds_mean, seconds_max
        Wall time over ranks.
    slowest_rank
        The rank of `seconds_max`.
    rss_growth_mean_bytes, rss_growth_max_bytes
        Growth of resident memory over ranks.
    count
        How often the phase was entered (most on any rank).
    """

    name: str
    seconds_mean: float
    seconds_max: float
    slowest_rank: int
    rss_growth_mean_bytes: float
    rss_growth_max_bytes: int
    count: int

    @property
    def depth(self) -> int:
        """How many phases this one is inside of."""
        return self.name.count("/")


@dataclass(frozen=True)
class PhaseSummary:
    """All phases over all ranks.

    Attributes
    ----------
    rows
        Phases in the order in which they were first entered.
    total_seconds_max
        Wall time since the timer was made, on the slowest rank.
    peak_rss_max_bytes, peak_rss_sum_bytes
        Peak resident memory of the largest rank, and summed over ranks.
    ranks
        Number of ranks.
    """

    rows: tuple[PhaseRow, ...]
    total_seconds_max: float
    peak_rss_max_bytes: int
    peak_rss_sum_bytes: int
    ranks: int


class PhaseTimer:
    """Collects wall time and memory growth of phases on this rank.

    Examples
    --------
    >>> timer = PhaseTimer()
    >>> with timer.phase("cells"), timer.phase("morphologies"):
    ...     pass
    >>> [record.name for record in timer.records]
    ['cells', 'cells/morphologies']
    """

    def __init__(self) -> None:
        self._records: dict[str, PhaseRecord] = {}
        self._open: list[str] = []
        self._created = time.perf_counter()

    @property
    def records(self) -> list[PhaseRecord]:
        """The phases of this rank, in the order in which they were first entered."""
        return list(self._records.values())

    @property
    def elapsed_s(self) -> float:
        """Seconds since the timer was made."""
        return time.perf_counter() - self._created

    def seconds(self, name: str) -> float:
        """Return the wall time of a phase on this rank; 0 if it was never entered."""
        return self._records[name].seconds if name in self._records else 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[PhaseRecord]:
        """Measure what runs inside; time spent before an exception counts as well."""
        path = "/".join([*self._open, name])
        record = self._records.setdefault(path, PhaseRecord(path))
        self._open.append(name)
        rss, start = rss_bytes(), time.perf_counter()
        try:
            yield record
        finally:
            record.seconds += time.perf_counter() - start
            record.rss_growth_bytes += rss_bytes() - rss
            record.count += 1
            self._open.pop()

    def summary(self, comm: Gatherer) -> PhaseSummary:
        """Sum up over ranks; collective, the result is the same on every rank.

        Parameters
        ----------
        comm
            Communicator of all ranks. A phase that a rank never entered counts there with 0.
        """
        ranks = comm.allgather((self._records, self.elapsed_s, peak_rss_bytes()))
        tables = [table for table, _, _ in ranks]
        peaks = [peak for _, _, peak in ranks]
        names = dict.fromkeys(name for table in tables for name in table)
        return PhaseSummary(
            rows=tuple(
                _row(name, [table.get(name, PhaseRecord(name)) for table in tables]) for name in names
            ),
            total_seconds_max=max(elapsed for _, elapsed, _ in ranks),
            peak_rss_max_bytes=max(peaks),
            peak_rss_sum_bytes=sum(peaks),
            ranks=len(ranks),
        )


def _row(name: str, records: Sequence[PhaseRecord]) -> PhaseRow:
    seconds = [record.seconds for record in records]
    growth = [record.rss_growth_bytes for record in records]
    return PhaseRow(
        name=name,
        seconds_mean=sum(seconds) / len(seconds),
        seconds_max=max(seconds),
        slowest_rank=seconds.index(max(seconds)),
        rss_growth_mean_bytes=sum(growth) / len(growth),
        rss_growth_max_bytes=max(growth),
        count=max(record.count for record in records),
    )


def format_table(summary: PhaseSummary) -> str:
    """Return the phases as a table of text, one line per phase and one for the whole."""
    several = summary.ranks > 1
    header = ["phase", *_SEVERAL_COLUMNS] if several else ["phase", *_SERIAL_COLUMNS]
    lines = [header]
    for row in summary.rows:
        name = "  " * row.depth + row.name.rsplit("/", 1)[-1]
        mean, most = format_bytes(row.rss_growth_mean_bytes), format_bytes(row.rss_growth_max_bytes)
        if several:
            cells = [f"{row.seconds_mean:.2f}", f"{row.seconds_max:.2f}", str(row.slowest_rank), mean, most]
        else:
            cells = [f"{row.seconds_max:.2f}", most]
        lines.append([name, *cells])
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = [_line(line, widths) for line in lines]
    text.insert(1, "-" * len(text[0]))
    return "\n".join([*text, text[1], _footer(summary)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def _footer(summary: PhaseSummary) -> str:
    peak = f"peak memory {format_bytes(summary.peak_rss_max_bytes)}"
    if summary.ranks > 1:
        peak += f" (largest of {summary.ranks} ranks; {format_bytes(summary.peak_rss_sum_bytes)} together)"
    return f"total {summary.total_seconds_max:.2f} s, {peak}"
