"""Reader of the reports of the Allen dialect.

A block becomes one report for each file: several variables get a file each, since a file has room for one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_report_fields import with_variable
from neurodamus_like.config.allen_report_modules import REPORT_READERS, ReportReader
from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import did_you_mean

_COMMON = ("module", "enabled", "cells", "file_name", "tmp_dir", "buffer", "buffer_data")


def read_reports(blocks: Mapping[str, Any], context: AllenContext) -> tuple[Report, ...]:
    """Return the reports of a configuration, in file order; what is wrong with one is collected in the document."""
    found: list[Report] = []
    for name, block in context.enabled_blocks("reports", blocks):
        with context.collecting():
            found += _reader_of(name, block, context)(name, block, context)
    found = _apart(found, context)
    for report in found:
        _check_file_name(report, context)
    _check_nwb_names(found, context)
    return tuple(found)


def _reader_of(name: str, block: Mapping[str, Any], context: AllenContext) -> ReportReader:
    module = str(block.get("module") or "")
    if module in REPORT_READERS:
        reader, keys = REPORT_READERS[module]
        for key in block.keys() - {*keys, *_COMMON}:
            hint = did_you_mean(key, keys) or "it has no effect"
            context.notice(f"a {module} has no key {key!r}", "reports", name, key, hint=hint)
        return reader
    raise context.error(
        f"unknown report module {module!r}" if module else "'module' is missing",
        "reports",
        name,
        *(("module",) if module else ()),
        expected="one of " + ", ".join(REPORT_READERS),
        hint=did_you_mean(module, REPORT_READERS) or None,
    )


def _apart(reports: Sequence[Report], context: AllenContext) -> list[Report]:
    """Give files of their own to different variables that were to share one."""
    names = [report.file_name for report in reports]
    found = []
    for report in reports:
        others = [r for r in reports if r.file_name == report.file_name and r is not report]
        different = (
            others and report.variables and all(set(r.variables) - {*report.variables} for r in others)
        )
        if different:
            own = with_variable(report.file_name, report.variables[0])
            if own not in names:
                message = f"{report.file_name!r} is named by several reports: {report.variables[0]!r} goes to {own!r}"
                context.notice(message, *_place(report), "file_name")
                report = replace(report, file_name=own)
        found.append(report)
    return found


def _check_file_name(report: Report, context: AllenContext) -> None:
    """Note that a report would write over the spikes."""
    output = context.output
    names = (report.file_name, output.spikes_file, output.spikes_file_csv)
    own, *spikes = (os.path.normpath(output.directory / name) for name in names)
    if own in spikes:
        context.document.errors.append(
            context.error(
                f"the report would write over the spikes in {report.file_name!r}",
                *(*_place(report), "file_name"),
                hint="give it another file_name",
            )
        )


def _check_nwb_names(reports: Sequence[Report], context: AllenContext) -> None:
    """Note that reports would put their potentials in place of one another's."""
    names: dict[str, str] = {}
    for report in reports:
        name = report.parameters.get("file_name_nwb")
        if name is None:
            continue
        if name in names:
            message = f"the report would write over the potentials of {names[name]!r} in {name!r}"
            place = (*_place(report), "file_name_nwb")
            context.document.errors.append(context.error(message, *place, hint="give it another name"))
        names.setdefault(name, report.name)


def _place(report: Report) -> tuple[str, ...]:
    """Return where in the configuration the block of a report is."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in report.pointer.split("/")[1:])
