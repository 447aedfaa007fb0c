"""Regions of cells where synapses may be, as tables of edge types describe them."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.exceptions import CircuitError, did_you_mean

KINDS = {
    "soma": "soma",
    "somatic": "soma",
    "axon": "axon",
    "axonal": "axon",
    "dend": "dend",
    "basal": "dend",
    "apic": "apic",
    "apical": "apic",
}
"""Name in ``target_sections`` -> kind of section."""

EVERYWHERE_UM = (0.0, float("inf"))


@dataclass(frozen=True)
class Region:
    """Where on a cell synapses may be.

    Attributes
    ----------
    kinds
        Kinds of sections; None means all.
    distance_um
        Smallest and largest path distance from the soma.
    """

    kinds: tuple[str, ...] | None
    distance_um: tuple[float, float] = EVERYWHERE_UM


def parse_region(target_sections: str | None, distance_range: str | None, file: Path) -> Region:
    """Return the region that the two columns of a table of edge types describe.

    Parameters
    ----------
    target_sections
        A list of names such as ``['basal', 'apical']``; None means all sections.
    distance_range
        ``[smallest, largest]`` in µm, or the largest; None means any.
    file
        The table, for messages.

    Raises
    ------
    CircuitError
        A name is unknown, or the range is malformed.
    """
    return Region(_kinds(target_sections, file), _range(distance_range, file))


def _kinds(text: str | None, file: Path) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = _listed(text)
    for name in names:
        if name not in KINDS:
            raise CircuitError(
                f"target_sections names unknown sections {name!r}",
                file=file,
                expected="a list of " + ", ".join(KINDS),
                hint=did_you_mean(name, KINDS) or None,
            )
    return tuple(dict.fromkeys(KINDS[name] for name in names))


def _range(text: str | None, file: Path) -> tuple[float, float]:
    if text is None:
        return EVERYWHERE_UM
    try:
        value = json.loads(text)
        low, high = map(float, value if isinstance(value, list) else (0.0, value))
        if not low <= high:
            raise ValueError
        return low, high
    except (ValueError, TypeError):
        raise CircuitError(
            f"distance_range is not valid: {text!r}",
            file=file,
            expected="[smallest, largest] distance from the soma in µm, or the largest",
        ) from None


def _listed(text: str) -> list[str]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = [part.strip(" []'\"") for part in text.split(",")]
    return [value] if isinstance(value, str) else [str(item) for item in value]
