"""Rules between the values of a simulation configuration that a JSON Schema cannot express."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.obi import report_file_name
from neurodamus_like.config.section_configure import CONFIGURED_TYPES, parse_section_configure
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.validation.file_checks import blocks_of, list_of
from neurodamus_like.validation.problems import Level, Problem

_ONE_VARIABLE = ("compartment", "compartment_set", "synapse")


def check_values(raw: Mapping[str, Any], file: Path) -> list[Problem]:
    """Return the contradictions inside a simulation configuration (`raw`, read from `file`)."""
    found = [
        *_report_rules(raw),
        *_input_rules(raw),
        *_duplicate_names(raw, ("connection_overrides",)),
        *_duplicate_names(raw, ("conditions", "modifications")),
        *_calcium(raw),
        *_modification_rules(raw),
    ]
    return [Problem(level, message, file, pointer, hint) for level, message, pointer, hint in found]


def _calcium(raw: Mapping[str, Any]) -> Iterator[_Finding]:
    conditions = raw.get("conditions")
    calcium = _number(conditions, "extracellular_calcium")
    mechanisms = conditions.get("mechanisms") if isinstance(conditions, Mapping) else None
    for name, variables in mechanisms.items() if isinstance(mechanisms, Mapping) else ():
        own = _number(variables, "cao_CR")
        if calcium is not None and own is not None and own != calcium:
            yield (
                "warning",
                f"'cao_CR' of {name} ({own:g} mM) differs from 'extracellular_calcium' ({calcium:g} mM)",
                pointer_to("conditions", "mechanisms", name, "cao_CR"),
                "the value of the mechanism is used for its calcium currents",
            )


_Finding = tuple[Level, str, str, str | None]


def _number(block: Any, key: str, default: float | None = None) -> float | None:
    value = block.get(key, default) if isinstance(block, Mapping) else default
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _report_rules(raw: Mapping[str, Any]) -> Iterator[_Finding]:
    step, tstop = _number(raw.get("run"), "dt"), _number(raw.get("run"), "tstop")
    files: defaultdict[str, list[str]] = defaultdict(list)
    for name, block in blocks_of(raw, "reports"):
        here = pointer_to("reports", name)
        files[report_file_name(name, block)].append(name)
        dt, start, end = (_number(block, key) for key in ("dt", "start_time", "end_time"))
        if dt is not None and step is not None and 0 < dt < step * (1 - 1e-9):
            yield (
                "error",
                f"'dt' of the report {name!r} ({dt:g} ms) is smaller than that of the run ({step:g} ms)",
                here + "/dt",
                f"use at least {step:g}",
            )
        if start is not None and end is not None and start > end:
            yield (
                "error",
                f"the report {name!r} starts at {start:g} ms and ends before, at {end:g} ms",
                here + "/start_time",
                None,
            )
        elif start is not None and tstop is not None and start >= tstop > 0:
            yield (
                "warning",
                f"the report {name!r} starts at {start:g} ms, after the run ends ({tstop:g} ms)",
                here + "/start_time",
                None,
            )
        elif end is not None and tstop is not None and end > tstop * (1 + 1e-9) > 0:
            yield (
                "warning",
                f"the report {name!r} would go on until {end:g} ms, but the run ends at {tstop:g} ms",
                here + "/end_time",
                "it is recorded to the end of the run",
            )
        variables = str(block.get("variable_name", "")).split(",")
        if block.get("type") in _ONE_VARIABLE and len(variables) > 1:
            yield (
                "error",
                f"a report of type {block['type']!r} takes one variable, {name!r} has {len(variables)}",
                here + "/variable_name",
                "write one report for each variable",
            )
        if block.get("type") in (*_ONE_VARIABLE, "summation") and "electrodes_file" in block:
            yield (
                "error",
                "'electrodes_file' belongs to reports of type lfp only",
                here + "/electrodes_file",
                None,
            )
    for file_name, names in files.items():
        if len(names) > 1:
            yield (
                "error",
                f"the reports {', '.join(map(repr, names))} write to the same file {file_name!r}",
                pointer_to("reports", names[-1]),
                "give each its own file_name",
            )


def _input_rules(raw: Mapping[str, Any]) -> Iterator[_Finding]:
    tstop = _number(raw.get("run"), "tstop")
    for name, block in blocks_of(raw, "inputs"):
        here = pointer_to("inputs", name)
        targets = [key for key in ("node_set", "compartment_set") if block.get(key)]
        if len(targets) != 1:
            state = "both" if targets else "neither"
            yield (
                "error",
                f"the input {name!r} has {state} of 'node_set' and 'compartment_set'",
                here,
                "give one",
            )
        delay = _number(block, "delay")
        if delay is not None and tstop is not None and delay >= tstop > 0:
            yield (
                "warning",
                f"the input {name!r} starts at {delay:g} ms, after the run ends ({tstop:g} ms)",
                here + "/delay",
                None,
            )
        rules = _MODULE_RULES.get(str(block.get("module")))
        if rules is not None:
            for level, message, key, hint in rules(block):
                yield level, f"input {name!r}: {message}", here + (f"/{key}" if key else ""), hint


def _noise(block: Mapping[str, Any]) -> Iterator[_Finding]:
    given = [key for key in ("mean", "mean_percent") if key in block]
    if len(given) != 1:
        state = "both" if given else "neither"
        yield "error", f"{state} of 'mean' and 'mean_percent' given", "", "give exactly one"
    if _number(block, "variance", 0.0) == 0.0:
        yield "warning", "'variance' is 0: the current is constant", "variance", "give a variance above 0"


def _shots(block: Mapping[str, Any]) -> Iterator[_Finding]:
    rise, decay = _number(block, "rise_time"), _number(block, "decay_time")
    if rise is not None and decay is not None and rise >= decay:
        yield (
            "error",
            f"'rise_time' ({rise:g} ms) must be less than 'decay_time' ({decay:g} ms)",
            "rise_time",
            None,
        )


def _pulse(block: Mapping[str, Any]) -> Iterator[_Finding]:
    width, frequency = _number(block, "width"), _number(block, "frequency")
    if width and frequency and frequency > 0 and width > 1000.0 / frequency:
        yield (
            "error",
            f"a pulse of {width:g} ms is longer than the period {1000.0 / frequency:g} ms",
            "width",
            "lower 'width' or 'frequency'",
        )


def _seclamp(block: Mapping[str, Any]) -> Iterator[_Finding]:
    if _number(block, "delay"):
        yield (
            "error",
            "'delay' of a voltage clamp must be 0",
            "delay",
            "use duration_levels and voltage_levels",
        )
    durations, voltages = block.get("duration_levels"), block.get("voltage_levels")
    if isinstance(durations, list) != isinstance(voltages, list):
        yield "error", "'duration_levels' and 'voltage_levels' come only together", "", None
    if not (isinstance(durations, list) and isinstance(voltages, list)):
        return
    if len(durations) != len(voltages):
        yield (
            "error",
            f"{len(durations)} 'duration_levels' but {len(voltages)} 'voltage_levels'",
            "voltage_levels",
            "give as many of one as of the other",
        )
    total = sum(d for d in durations if isinstance(d, (int, float)))
    duration = _number(block, "duration")
    if duration is not None and total > duration:
        yield (
            "error",
            f"'duration_levels' add up to {total:g} ms, more than 'duration' ({duration:g} ms)",
            "duration_levels",
            None,
        )


def _modification_rules(raw: Mapping[str, Any]) -> Iterator[_Finding]:
    conditions = raw.get("conditions")
    for index, block in list_of(conditions if isinstance(conditions, Mapping) else {}, "modifications"):
        kind, text = block.get("type"), block.get("section_configure")
        if kind not in CONFIGURED_TYPES or not isinstance(text, str):
            continue
        try:
            parse_section_configure(str(kind), text)
        except ConfigurationError as error:
            hint = "; ".join(part for part in (f"expected {error.expected}", error.hint) if part)
            where = pointer_to("conditions", "modifications", index, "section_configure")
            yield "error", f"modification {block.get('name')!r}: {error.message}", where, hint


_MODULE_RULES = {
    "noise": _noise,
    "shot_noise": _shots,
    "relative_shot_noise": _shots,
    "absolute_shot_noise": _shots,
    "pulse": _pulse,
    "seclamp": _seclamp,
}


def _duplicate_names(raw: Mapping[str, Any], where: tuple[str, ...]) -> Iterator[_Finding]:
    block: Any = raw
    for key in where[:-1]:
        block = block.get(key, {}) if isinstance(block, Mapping) else {}
    seen: set[str] = set()
    for index, item in list_of(block if isinstance(block, Mapping) else {}, where[-1]):
        name = item.get("name")
        if isinstance(name, str) and name in seen:
            yield "error", f"the name {name!r} is used twice", pointer_to(*where, index, "name"), None
        seen.add(str(name))
