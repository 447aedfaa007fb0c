"""What a failed compilation of MOD files says: the lines of the translator and the compiler for the file at fault."""

from __future__ import annotations

import re
from pathlib import Path

from neurodamus_like.engine.mech_sources import ModSources
from neurodamus_like.exceptions import MechanismError

_FAILED_TARGET = re.compile(r"^make(?:\[\d+\])?: \*\*\* \[.*?([\w.-]+?)\.(?:cpp|o|mod)\] Error", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COMPLAINT = re.compile(r"\berror\b|\[critical\]|\[error\]|undefined|illegal|syntax|parse", re.IGNORECASE)
_NOISE = re.compile(r"^make|Traceback|CalledProcessError|^NOTE|subprocess|nrnivmodl")
_NAMELESS = re.compile(
    r"\[NMODL\] \[(?:error|critical)\] :: (?!Code incompatibility|Cannot translate|Fix the)(.*)"
)
"""What CoreNEURON's translator says of a file that it does not name."""
_MAX_LINES = 12


def extract_errors(log: str, stems: list[str]) -> dict[str, list[str]]:
    """Return, for each MOD file at fault, the lines of the log that tell why.

    Parameters
    ----------
    log
        Whole output of nrnivmodl.
    stems
        File names (without ``.mod``) that were compiled.
    """
    lines = [_COLOUR.sub("", line).rstrip() for line in log.splitlines()]
    text = "\n".join(lines)
    failed = {match[1] for match in _FAILED_TARGET.finditer(text)} & set(stems)
    failed |= {match[1] for match in re.finditer(r"\bin file (\w+)\.mod", text)} & set(stems)
    failed |= {
        match[1] for match in re.finditer(r"(\w+)\.(?:cpp|mod):\d+:(?:\d+:)? (?:fatal )?error", text)
    } & set(stems)
    nameless = [match[1] for line in lines for match in [_NAMELESS.search(line)] if match]
    return {stem: _lines_about(stem, lines) or nameless[:_MAX_LINES] for stem in sorted(failed)}


def _lines_about(stem: str, lines: list[str]) -> list[str]:
    named = re.compile(rf"\b{re.escape(stem)}\.(?:mod|cpp)\b")
    picked: list[str] = []
    for place, line in enumerate(lines):
        if not named.search(line) or not _COMPLAINT.search(line) or _NOISE.search(line):
            continue
        # the translator shows the place before the complaint, the compiler behind it
        before = lines[place - 2 : place] if place >= 2 and "error:" not in line else []
        after = lines[place + 1 : place + 3] if re.search(r":\d+:\d+: (?:fatal )?error:", line) else []
        picked += [shown for shown in (*before, line, *after) if shown.strip() and not _is_progress(shown)]
    return list(dict.fromkeys(picked))[:_MAX_LINES]


def _is_progress(line: str) -> bool:
    return line.lstrip().startswith(("->", "=>", "(cd ", "Translating", "Thread Safe", "g++", "/usr/bin"))


def explain_failure(log: str, sources: ModSources, log_file: Path) -> MechanismError:
    """Return the error to raise for a failed build.

    Parameters
    ----------
    log
        Whole output of nrnivmodl.
    sources
        What was compiled.
    log_file
        Where the whole output is kept.
    """
    stems = sources.stems()
    found = extract_errors(log, list(stems))
    if not found:
        tail = [line for line in _COLOUR.sub("", log).splitlines() if line.strip()][-_MAX_LINES:]
        message = "the mechanisms could not be compiled; the last lines were:\n    " + "\n    ".join(tail)
        return MechanismError(message, hint=f"whole output: {log_file}")
    parts = []
    for stem, lines in found.items():
        shown = "\n    ".join(lines) if lines else "(no message; see the whole output)"
        parts.append(f"{stems[stem].path} (mechanism {stems[stem].name}) could not be compiled:\n    {shown}")
    first = stems[next(iter(found))].path
    return MechanismError("\n".join(parts), file=first, hint=f"whole output: {log_file}")
