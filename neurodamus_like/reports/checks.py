"""The checks of report blocks that need no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from neurodamus_like.config.models import Report, Run
from neurodamus_like.exceptions import ReportError, did_you_mean
from neurodamus_like.reports import (  # noqa: F401 (they register their types)
    clamps,
    extracellular,
    lfp,
    membrane,
    netcons,
    segments,
    summation,
    synapse,
    synapse_files,
)
from neurodamus_like.reports.base import report_error, report_types

_STEP_TOLERANCE = 1e-9
_GRID_TOLERANCE = 1e-4


def check_reports(reports: Iterable[Report], run: Run) -> list[ReportError]:
    """Return what is wrong with the report blocks that are enabled, before anything is built."""
    enabled = [r for r in reports if r.enabled]
    errors = [error for report in enabled for error in _check_report(report, run)]
    for name, count in Counter(r.file_name for r in enabled).items():
        if count > 1:
            users = ", ".join(repr(r.name) for r in enabled if r.file_name == name)
            errors.append(ReportError(f"reports {users} write the same file {name!r}", pointer="/reports"))
    return errors


def _check_report(report: Report, run: Run) -> list[ReportError]:
    if report.kind not in report_types:
        known = report_types.names()
        return [
            report_error(
                report,
                f"type {report.kind!r} is not available",
                expected="one of " + ", ".join(known),
                hint=did_you_mean(report.kind, known) or 'disable it with "enabled": false, or remove it',
            )
        ]
    problems = []
    if report.dt_ms < run.dt_ms - _STEP_TOLERANCE:
        problems.append(
            report_error(report, f"dt is {report.dt_ms} ms", expected=f"the time step {run.dt_ms} ms or more")
        )
    end_ms = min(report.end_ms, run.tstop_ms)
    if report.start_ms < 0 or report.start_ms >= end_ms:
        problems.append(
            report_error(
                report,
                f"no frame lies between start_time {report.start_ms} ms and end_time {report.end_ms} ms",
                expected=f"0 <= start_time < end_time, and start_time < tstop ({run.tstop_ms} ms)",
            )
        )
    if report.after_step:
        problems += _check_whole_steps(report, run)
    return problems + list(report_types[report.kind](report).problems())


def _check_whole_steps(report: Report, run: Run) -> list[ReportError]:
    """Frames at the ends of time steps are whole numbers of steps apart."""
    times = {"dt": (report.dt_ms, run.dt_ms), "start_time": (report.start_ms, report.dt_ms)}
    return [
        report_error(
            report,
            f"{name} is {value:g} ms",
            pointer=f"{report.pointer}/{name}",
            expected=f"a multiple of {unit:g} ms, the {'time step' if name == 'dt' else 'dt of the report'}",
        )
        for name, (value, unit) in times.items()
        if unit > 0 and abs(value / unit - round(value / unit)) > _GRID_TOLERANCE
    ]
