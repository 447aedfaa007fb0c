"""Reader of the inputs of the Allen dialect whose spikes are those of recorded units (``ecephys_probe``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import SPIKE_TRAINS, UNITS, Input
from neurodamus_like.exceptions import did_you_mean

MAPPINGS = ("units_map", "sample", "sample_without_replacement", "sample_with_replacement")
MISSING_IDS = ("fail", "warn", "ignore")


def read_units_input(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    """Return the input of a block of the module ``ecephys_probe``.

    Raises
    ------
    ConfigurationError
        It is wrong.
    """
    where = ("inputs", name)
    mapping = str(_choice(block, "mapping", MAPPINGS, None, where, context)).lower()
    files = _files(block, where, context)
    units = block.get("units")
    if mapping == "units_map":
        units = context.existing(units, *where, "units")
    elif units is not None and not isinstance(units, Mapping):
        raise context.error(
            f"'units' are no filters: {units!r}",
            *(*where, "units"),
            expected='an object such as {"location": "VISp", "snr": {"operation": ">", "value": 1.0}}',
        )
    offset_ms = context.number(block, "interval_offset", *where, default=0.0)
    intervals = _intervals(block.get("interval"), len(files), (*where, "interval"), context)
    if offset_ms and not intervals and mapping != "units_map":
        context.notice("'interval_offset' has no effect without 'interval'", *where, "interval_offset")
    parameters = {
        "format": UNITS,
        "spike_files": files,
        "mapping": mapping,
        "units": units,
        "intervals": intervals,
        "interval_offset": offset_ms,
        "missing_ids": _choice(block, "missing_ids", MISSING_IDS, "fail", where, context),
    }
    if block.get("node_set") is None:
        raise context.error("'node_set' is missing", *where, expected="the virtual nodes that get units")
    return [
        Input(
            name=name,
            module=SPIKE_TRAINS,
            input_type="spikes",
            duration_ms=float("inf"),
            node_set=context.node_set(block["node_set"], *where, "node_set"),
            parameters=MappingProxyType(parameters),
            pointer=pointer_to(*where),
        )
    ]


def _choice(
    block: Mapping[str, Any],
    key: str,
    known: tuple[str, ...],
    default: str | None,
    where: tuple[str, ...],
    context: AllenContext,
) -> str:
    value = block.get(key, default)
    if str(value).lower() not in known:
        raise context.error(
            f"{key!r} is missing" if value is None else f"unknown {key} {value!r}",
            *(where if value is None else (*where, key)),
            expected="one of " + ", ".join(known),
            hint=did_you_mean(str(value), known) or None,
        )
    return str(value).lower()


def _files(block: Mapping[str, Any], where: tuple[str, ...], context: AllenContext) -> tuple[Path, ...]:
    if block.get("dandi_repo") is not None:
        raise context.error(
            "nothing is downloaded during a simulation",
            *(*where, "dandi_repo"),
            hint="get the files with 'dandi download', and name them in 'input_file'",
        )
    given = block.get("input_file")
    names = given if isinstance(given, list) else [given]
    if not names:
        raise context.error("'input_file' names no file", *where, "input_file")
    return tuple(context.existing(name, *where, "input_file") for name in names)


def _intervals(value: Any, n_files: int, where: tuple[str, ...], context: AllenContext) -> tuple[Any, ...]:
    """Return one interval for all files, or one for each; ``[begin, end]`` in ms, or properties of a stimulus."""
    if value is None or value == []:
        return ()
    several = isinstance(value, list) and isinstance(value[0], list | dict)
    found = tuple(value) if several else (value,)
    for interval in found:
        if isinstance(interval, Mapping):
            if "interval_name" not in interval:
                raise context.error("the interval has no 'interval_name'", *where)
        elif not _is_interval(interval):
            raise context.error(
                f"this is no interval: {interval!r}",
                *where,
                expected='[begin, end] in ms, {"interval_name": ...}, or a list with one for each file',
            )
    if len(found) not in (1, n_files):
        raise context.error(
            f"{len(found)} intervals for {n_files} files", *where, expected="one, or one for each"
        )
    return found


def _is_interval(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(t, int | float) and not isinstance(t, bool) for t in value)
        and value[0] < value[1]
    )
