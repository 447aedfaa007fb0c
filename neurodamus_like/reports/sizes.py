"""How large the files of reports will be, and whether there is room for them."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import ReportError
from neurodamus_like.reports.base import report_error

logger = logging.getLogger(__name__)

_MB = 1e6


@dataclass(frozen=True)
class ExpectedSize:
    """What a report will write.

    Attributes
    ----------
    report
        The block.
    n_columns, n_frames
        Over all ranks and populations.
    bytes_per_value
        In the file.
    """

    report: Report
    n_columns: int
    n_frames: int
    bytes_per_value: int = 4

    @property
    def bytes(self) -> int:
        """Bytes of the values."""
        return self.n_columns * self.n_frames * self.bytes_per_value


def format_sizes(sizes: Sequence[ExpectedSize], free_bytes: int) -> str:
    """Return a table of the reports, and what is free on the disk."""
    width = max((len(size.report.name) for size in sizes), default=0)
    lines = [
        f"report {s.report.name:<{width}}  {s.n_columns:>10,} values x {s.n_frames:>9,} frames"
        f" = {format_bytes(s.bytes):>9}"
        for s in sizes
    ]
    total = sum(size.bytes for size in sizes)
    return "\n".join([*lines, f"reports: {format_bytes(total)} in all, {format_bytes(free_bytes)} free"])


def check_sizes(
    sizes: Sequence[ExpectedSize], free_bytes: int, max_report_mb: float | None = None
) -> Iterator[ReportError]:
    """Yield an error for each report above the limit, and one if the disk is too small for all.

    Parameters
    ----------
    sizes
        Of all reports.
    free_bytes
        On the disk of the output folder.
    max_report_mb
        Largest allowed size of one report, 10^6 bytes; None: no limit.
    """
    limit = math.inf if max_report_mb is None else max_report_mb * _MB
    for size in sizes:
        if size.bytes > limit:
            yield report_error(
                size.report,
                f"it would have {format_bytes(size.bytes)}"
                f" ({size.n_columns:,} values in each of {size.n_frames:,} frames)",
                expected=f"{format_bytes(limit)} or less (--max-report-size)",
                hint="report fewer cells or compartments, a larger dt or a shorter time, or raise the limit",
            )
    total = sum(size.bytes for size in sizes)
    if total > free_bytes:
        yield ReportError(
            f"the reports will have {format_bytes(total)}, the disk has {format_bytes(free_bytes)} left",
            pointer="/reports",
            expected="room for all reports before the simulation begins",
            hint="give another folder with --output-path, or report less",
        )


def free_bytes(directory: Path) -> int:
    """Return what is free on the disk where `directory` is or will be."""
    existing = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    return shutil.disk_usage(existing).free


def format_bytes(count: float) -> str:
    """Return a count of bytes in a readable unit (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":
            break
        count /= 1000.0
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
