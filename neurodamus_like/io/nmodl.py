"""Headers of NMODL files: what a mechanism is called, what it exposes, in which units; read without NEURON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from neurodamus_like.exceptions import MechanismError

Kind = Literal["density", "point_process", "artificial_cell"]

_NAMES: dict[str, Kind] = {
    "SUFFIX": "density",
    "POINT_PROCESS": "point_process",
    "ARTIFICIAL_CELL": "artificial_cell",
}
_DROPPED = re.compile(
    r"^[ \t]*COMMENT\b.*?^[ \t]*ENDCOMMENT\b|^[ \t]*VERBATIM\b.*?^[ \t]*ENDVERBATIM\b|[:?][^\n]*",
    re.DOTALL | re.MULTILINE,
)
_COMMENTS = re.compile(r"^[ \t]*COMMENT\b.*?^[ \t]*ENDCOMMENT\b|[:?][^\n]*", re.DOTALL | re.MULTILINE)
_VERBATIM = re.compile(r"^[ \t]*VERBATIM\b", re.MULTILINE)
_TITLE = re.compile(r"^[ \t]*TITLE\b[ \t]*([^\n]*)", re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z_]\w*|,")
_WITH_UNIT = re.compile(
    r"([A-Za-z_]\w*)(?:\s*\[\s*\w+\s*\])?\s*(?:=\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?)?\s*\(([^()]*)\)"
)


@dataclass(frozen=True)
class ModHeader:
    """The public face of a mechanism.

    Attributes
    ----------
    path
        File it was read from.
    name
        What follows SUFFIX, POINT_PROCESS or ARTIFICIAL_CELL.
    kind
        ``density``, ``point_process`` or ``artificial_cell``.
    title
        Text behind TITLE, or empty.
    range_variables, global_variables
        Names as written, without the suffix.
    states
        Names in the STATE block; they can be reached like RANGE variables.
    currents
        Nonspecific and electrode currents.
    ions_read, ions_written
        Ion -> its variables (``ena``, ``cai``, ...).
    units
        Variable -> unit, for those that declare one.
    pointers
        POINTER variables.
    core_pointers
        BBCOREPOINTER variables: pointers that the mechanism itself hands to CoreNEURON.
    thread_safe
        The NEURON block says THREADSAFE.
    has_verbatim
        There are VERBATIM blocks.
    """

    path: Path
    name: str
    kind: Kind
    title: str = ""
    range_variables: tuple[str, ...] = ()
    global_variables: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    currents: tuple[str, ...] = ()
    ions_read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ions_written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    pointers: tuple[str, ...] = ()
    core_pointers: tuple[str, ...] = ()
    thread_safe: bool = False
    has_verbatim: bool = False

    def variables(self) -> frozenset[str]:
        """Return the names that can be read from an instance: RANGE variables, states and currents."""
        return frozenset((*self.range_variables, *self.states, *self.currents))


def read_nmodl_header(path: Path) -> ModHeader:
    """Read the header of an NMODL file.

    Raises
    ------
    MechanismError
        The file cannot be read, or has no NEURON block that names a mechanism.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MechanismError(f"cannot read the NMODL file: {error.strerror}", file=path) from error
    return parse_nmodl_header(text, path)


def parse_nmodl_header(text: str, path: Path) -> ModHeader:
    """Parse the text of an NMODL file; `path` serves for messages and as the name where none is given."""
    title = _TITLE.search(text)
    code_with_verbatim = _COMMENTS.sub("", text)
    code = _DROPPED.sub("", _TITLE.sub("", text))
    tokens = _TOKEN.findall(_block(code, "NEURON") or "")
    name, kind = _name_and_kind(tokens, path)
    ions = dict(_ions(tokens))
    blocks = {block: _block(code, block) or "" for block in ("PARAMETER", "ASSIGNED", "STATE")}
    units = {match[1]: match[2].strip() for body in blocks.values() for match in _WITH_UNIT.finditer(body)}
    return ModHeader(
        path=path,
        name=name,
        kind=kind,
        title=title[1].strip() if title else "",
        range_variables=_listed(tokens, "RANGE"),
        global_variables=_listed(tokens, "GLOBAL"),
        states=tuple(_state_names(blocks["STATE"])),
        currents=(*_listed(tokens, "NONSPECIFIC_CURRENT"), *_listed(tokens, "ELECTRODE_CURRENT")),
        ions_read={ion: read for ion, (read, _) in ions.items() if read},
        ions_written={ion: written for ion, (_, written) in ions.items() if written},
        units=units,
        pointers=_listed(tokens, "POINTER"),
        core_pointers=_listed(tokens, "BBCOREPOINTER"),
        thread_safe="THREADSAFE" in tokens,
        has_verbatim=_VERBATIM.search(code_with_verbatim) is not None,
    )


def _name_and_kind(tokens: list[str], path: Path) -> tuple[str, Kind]:
    for keyword, following in pairwise(tokens):
        if keyword in _NAMES:
            return following, _NAMES[keyword]
    raise MechanismError(
        "the NMODL file names no mechanism",
        file=path,
        expected="a NEURON block with SUFFIX, POINT_PROCESS or ARTIFICIAL_CELL",
    )


def _block(code: str, keyword: str) -> str | None:
    start = re.search(rf"\b{keyword}\s*\{{", code)
    if start is None:
        return None
    depth = 1
    for place in range(start.end(), len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if depth == 0:
            return code[start.end() : place]
    return code[start.end() :]


def _list_from(tokens: list[str], place: int) -> tuple[str, ...]:
    names = [tokens[place]]
    while place + 2 < len(tokens) and tokens[place + 1] == ",":
        place += 2
        names.append(tokens[place])
    return tuple(names)


def _listed(tokens: list[str], keyword: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for place, token in enumerate(tokens[:-1]):
        if token == keyword:
            found.update(dict.fromkeys(_list_from(tokens, place + 1)))
    return tuple(found)


def _ions(tokens: list[str]) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[str, ...]]]]:
    starts = [place for place, token in enumerate(tokens) if token == "USEION" and place + 1 < len(tokens)]
    for start, end in pairwise([*starts, len(tokens)]):
        part = tokens[start:end]
        yield part[1], (_listed(part, "READ"), _listed(part, "WRITE"))


def _state_names(body: str) -> list[str]:
    without_units = re.sub(r"\([^()]*\)|\bFROM\b[^\n]*", " ", body)
    return re.findall(r"[A-Za-z_]\w*", without_units)
