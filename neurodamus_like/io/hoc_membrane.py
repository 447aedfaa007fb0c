"""What a HOC cell template makes of a morphology, read from its text: where mechanisms go, how sections are divided.

Enough to count compartments without a HOC interpreter, for the calling convention of OBI templates: ``forsec LIST
{ insert X }``, ``nseg = 1 + 2*int(L/40)``, and a procedure that replaces the axon by a stub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from neurodamus_like.exceptions import TemplateError

SECTION_LISTS = ("somatic", "axonal", "basal", "apical", "myelinated")
"""Section lists whose sections are counted, in SONATA's order of section types (1 to 4), then myelin."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PROCEDURE = re.compile(r"\b(?:proc|func|obfunc)\s+(\w+)\s*\(\s*\)\s*\{")
_FORSEC = re.compile(r"\bforsec\s+(?:[\w$]+\.)?(\w+)\s*")
_INSERT = re.compile(r"\binsert\s+([A-Za-z_]\w*)")
_NSEG_RULE = re.compile(r"\bnseg\s*=\s*1\s*\+\s*2\s*\*\s*int\s*\(\s*L\s*/\s*([\d.]+)\s*\)")
_NSEG_NUMBER = re.compile(r"\bnseg\s*=\s*(\d+)\s*(?=[\n}])")
_CREATE = re.compile(r"\bcreate\s+(axon|myelin)\s*\[\s*(\d+)\s*\]")


@dataclass(frozen=True)
class TemplateMembrane:
    """How cells of a template are divided and what they have in their membrane.

    Attributes
    ----------
    mechanisms
        Section list (of :data:`SECTION_LISTS`, or ``all``) -> density mechanisms inserted there.
    chunk_um
        A section of length L has ``1 + 2 * int(L / chunk_um)`` segments; None: one.
    fixed_nseg
        Section list -> segments per section, where the template says so.
    stub
        Section list -> (sections, segments) that replace the axon of the morphology; None: it is kept.
    """

    mechanisms: Mapping[str, frozenset[str]]
    chunk_um: float | None = None
    fixed_nseg: Mapping[str, int] = field(default_factory=dict)
    stub: Mapping[str, tuple[int, int]] | None = None

    def mechanisms_of(self, section_list: str) -> frozenset[str]:
        """Return the mechanisms in the sections of a list."""
        nothing: frozenset[str] = frozenset()
        return self.mechanisms.get("all", nothing) | self.mechanisms.get(section_list, nothing)


@cache
def read_template_membrane(path: Path) -> TemplateMembrane:
    """Read what a template does.

    Raises
    ------
    TemplateError
        The file cannot be read.
    """
    try:
        return parse_template_membrane(path.read_text(errors="replace"))
    except OSError as error:
        raise TemplateError(f"cannot read the cell template: {error.strerror}", file=path) from error


def parse_template_membrane(text: str) -> TemplateMembrane:
    """Parse the text of a template.

    Mechanisms inserted elsewhere than in a loop over a section list count as inserted everywhere.
    """
    code = _COMMENT.sub(" ", text)
    procedures = {match[1]: _balanced(code, match.end()) for match in _PROCEDURE.finditer(code)}
    stubs = {name: stub for name, body in procedures.items() if (stub := _stub(body)) is not None}
    geometry = "\n".join(body for name, body in procedures.items() if name not in stubs) or code
    rule = _NSEG_RULE.search(geometry)
    return TemplateMembrane(
        _mechanisms(code),
        float(rule[1]) if rule else None,
        {name: int(n[1]) for name, body in _loops(geometry) if (n := _NSEG_NUMBER.search(body + "\n"))},
        next(iter(stubs.values()), None),
    )


def _mechanisms(code: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    placed: list[str] = []
    for name, body in _loops(code):
        inserted = _INSERT.findall(body)
        found.setdefault(name if name in SECTION_LISTS else "all", set()).update(inserted)
        placed += inserted
    found.setdefault("all", set()).update(set(_INSERT.findall(code)) - set(placed))
    return {name: frozenset(mechanisms) for name, mechanisms in found.items() if mechanisms}


def _stub(body: str) -> dict[str, tuple[int, int]] | None:
    """Return the sections that a procedure creates in place of the axon; None if it does not."""
    created = {array: int(count) for array, count in _CREATE.findall(body)}
    if "delete_section" not in body or "axon" not in created:
        return None
    numbers = _NSEG_NUMBER.findall(body + "\n")
    nseg = int(numbers[0]) if numbers else 1
    stub = {"axonal": (created["axon"], nseg * created["axon"])}
    if created.get("myelin"):
        stub["myelinated"] = (created["myelin"], int(numbers[-1]) * created["myelin"] if numbers else 1)
    return stub


def _loops(code: str) -> Iterator[tuple[str, str]]:
    for match in _FORSEC.finditer(code):
        rest = code[match.end() : match.end() + 1]
        if rest == "{":
            yield match[1], _balanced(code, match.end() + 1)
        else:
            yield match[1], code[match.end() :].partition("\n")[0]


def _balanced(code: str, start: int) -> str:
    depth = 1
    for place in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if not depth:
            return code[start:place]
    return code[start:]
