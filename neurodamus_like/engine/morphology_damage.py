"""What is wrong with a morphology file that NEURON could not use, or used only in part."""

from __future__ import annotations

from pathlib import Path

_SWC_FIELDS = 7


def find_damage(path: str | Path) -> str | None:
    """Say what is wrong with an SWC or Neurolucida file; None if nothing was found or it is of another kind.

    NEURON leaves out SWC lines that it cannot parse and goes on, and stops in a half-made cell at the first
    error in a Neurolucida file; its flag ``err`` is also set for files that are in order.

    Parameters
    ----------
    path
        The file; its ending tells its kind.
    """
    file = Path(path)
    kind = file.suffix.lower()
    if kind not in (".swc", ".asc") or not file.is_file():
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    if not text.strip():
        return "the file is empty"
    return _swc_damage(text) if kind == ".swc" else _asc_damage(text)


def _swc_damage(text: str) -> str | None:
    ids: set[float] = set()
    parents: list[tuple[int, float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            values = [float(word) for word in line.split()[:_SWC_FIELDS]]
        except ValueError:
            values = []
        if len(values) < _SWC_FIELDS:
            return f"line {number} is not a point: {line.strip()[:60]!r}"
        ids.add(values[0])
        parents.append((number, values[6]))
    for number, parent in parents:
        if parent >= 0 and parent not in ids:
            return f"the parent {parent:g} of the point in line {number} is absent"
    return None if ids else "the file holds no points"


def _asc_damage(text: str) -> str | None:
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        code = "".join(line.split('"')[::2]).partition(";")[0]
        depth += code.count("(") - code.count(")")
        if depth < 0:
            return f"line {number} closes a parenthesis that was not opened"
    if depth:
        return f"the file is truncated: it ends inside {depth} open parentheses"
    return None if "(" in text else "the file holds no points"
