"""What the report blocks of the Allen dialect have in common: cells, times, sections, file names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import Report
from neurodamus_like.exceptions import did_you_mean

SECTION_WORDS: Mapping[str, str | None] = MappingProxyType(
    {
        "soma": "soma",
        "somatic": "soma",
        "axon": "axon",
        "axonal": "axon",
        "dend": "dend",
        "basal": "dend",
        "basal dendrite": "dend",
        "(basal) dendrite": "dend",
        "apic": "apic",
        "apical": "apic",
        "apical dendrite": "apic",
        "undefined": None,
        "custom": None,
        "other": None,
    }
)
"""Word for sections -> kind of section; None for kinds that no cell here has."""

ALL_KINDS = ("soma", "axon", "dend", "apic")
_GRID_TOLERANCE = 1e-4


def reports_per_variable(
    name: str, block: Mapping[str, Any], context: AllenContext, *, kind: str, parameters: Mapping[str, Any]
) -> Iterator[Report]:
    """Yield a report for each variable; if there are several, the file names end with them."""
    where = ("reports", name)
    given = block.get("variable_name")
    variables = given if isinstance(given, list) else [given]
    if not variables or not all(isinstance(v, str) and v for v in variables):
        raise context.error(
            f"'variable_name' is no name: {given!r}", *where, expected="v, cai, ... or a list of these"
        )
    common = replace(
        read_common(name, block, context, kind=kind, parameters=parameters),
        cells=read_cells(block, where, context),
    )
    for variable in dict.fromkeys(variables):
        file_name = common.file_name if len(variables) == 1 else with_variable(common.file_name, variable)
        own = name if len(variables) == 1 else f"{name}_{variable}"
        yield replace(common, name=own, variables=(variable,), file_name=file_name)


def read_common(
    name: str, block: Mapping[str, Any], context: AllenContext, *, kind: str, parameters: Mapping[str, Any]
) -> Report:
    """Return what all reports of this dialect have in common: rows after each step, float64, positions of segments."""
    where = ("reports", name)
    times = {key: context.number(block, key, *where, default=d) for key, d in _default_times(context).items()}
    _check_times(times, where, context)
    return Report(
        name=name,
        kind=kind,
        cells=None,
        variables=(),
        dt_ms=times["dt"],
        start_ms=times["start_time"],
        end_ms=times["end_time"],
        file_name=_file_name(name, block, where, context),
        after_step=True,
        double_precision=True,
        style="positions",
        parameters=MappingProxyType(dict(parameters)),
        pointer=pointer_to(*where),
    )


def _default_times(context: AllenContext) -> dict[str, float]:
    return {"dt": context.run.dt_ms, "start_time": 0.0, "end_time": context.run.tstop_ms}


def _check_times(times: Mapping[str, float], where: tuple[str, ...], context: AllenContext) -> None:
    dt_ms, limits = times["dt"], (0.0, context.run.tstop_ms)
    if dt_ms < context.run.dt_ms * (1 - _GRID_TOLERANCE) or not _is_multiple(dt_ms, context.run.dt_ms):
        expected = f"a multiple of the time step {context.run.dt_ms:g} ms"
        raise context.error(f"'dt' is {dt_ms:g} ms", *where, "dt", expected=expected)
    for key in ("start_time", "end_time"):
        is_default = times[key] == _default_times(context)[key]
        if not limits[0] <= times[key] <= limits[1] or not (is_default or _is_multiple(times[key], dt_ms)):
            expected = f"a multiple of dt ({dt_ms:g} ms) from 0 to tstop ({limits[1]:g} ms)"
            raise context.error(f"{key!r} is {times[key]:g} ms", *where, key, expected=expected)
    if times["start_time"] >= times["end_time"]:
        raise context.error("'start_time' is not before 'end_time'", *where, "start_time")


def _is_multiple(value: float, unit: float) -> bool:
    return abs(value / unit - round(value / unit)) <= _GRID_TOLERANCE


def read_cells(block: Mapping[str, Any], where: tuple[str, ...], context: AllenContext) -> str:
    return context.node_set(block.get("cells", "biophysical"), *where, "cells")


def read_section_kinds(value: Any, where: tuple[str, ...], context: AllenContext) -> tuple[str, ...]:
    """Return the kinds of sections; none means the middle of the soma."""
    if value == "soma":
        return ()
    words = value if isinstance(value, list) else [value]
    kinds: list[str | None] = []
    for word in words:
        text = str(word).lower()
        if text != "all" and text not in SECTION_WORDS:
            raise context.error(
                f"unknown sections {word!r}",
                *where,
                expected="all, soma, or a list of " + ", ".join(SECTION_WORDS),
                hint=did_you_mean(text, ["all", *SECTION_WORDS]) or None,
            )
        kinds += ALL_KINDS if text == "all" else (SECTION_WORDS[text],)
    return tuple(kind for kind in dict.fromkeys(kinds or ALL_KINDS) if kind is not None)


def _file_name(name: str, block: Mapping[str, Any], where: tuple[str, ...], context: AllenContext) -> str:
    given = block.get("file_name")
    if given is not None and (not isinstance(given, str) or not given):
        raise context.error(f"'file_name' is no name: {given!r}", *where, "file_name")
    file_name = given or name
    has_suffix = given or PurePath(file_name).suffix in (".h5", ".hdf", ".hdf5")
    return file_name if has_suffix else file_name + ".h5"


def with_variable(file_name: str, variable: str) -> str:
    path = PurePath(file_name)
    return str(path.with_name(f"{path.stem}_{variable}{path.suffix}"))
