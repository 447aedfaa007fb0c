"""Membrane properties of NeuroML cells: conductances, concentrations and passive properties by kind of section."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import TemplateError

SECTION_KINDS = ("soma", "axon", "apic", "dend")
_CHANNELS = ("channelDensity", "channelDensityNernst")
_PROPERTIES = ("resistivity", "specificCapacitance", *_CHANNELS, "concentrationModel")


@dataclass(frozen=True)
class MembraneSettings:
    """What to do with each section of one kind, in this order.

    Attributes
    ----------
    steps
        (mechanism to insert or "", variable, value); the variable may be "" where only a mechanism is inserted.
    """

    steps: tuple[tuple[str, str, float], ...]


def read_neuroml(path: Path) -> Mapping[str, MembraneSettings]:
    """Return kind of section (soma, axon, apic, dend) -> settings of a NeuroML cell.

    Every property must name a ``segmentGroup``: one of the kinds, or ``all``. Values are in NEURON's units, as in the
    files of the Allen Cell Types Database: Ω·cm, µF/cm², S/cm², mV.

    Raises
    ------
    TemplateError
        The file cannot be read, or a property is malformed.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise TemplateError(f"cannot read the NeuroML cell: {error}", file=path) from error
    steps: dict[str, list[tuple[str, str, float]]] = {kind: [] for kind in SECTION_KINDS}
    for element in root.iter():
        tag = element.tag.rsplit("}", 1)[-1]
        if tag in _PROPERTIES:
            for kind in _kinds_of(element, path):
                steps[kind] += _steps(tag, element, path)
    return {kind: MembraneSettings(tuple(found)) for kind, found in steps.items()}


def _kinds_of(element: Any, path: Path) -> tuple[str, ...]:
    group = element.get("segmentGroup", "").lower()
    if group == "all":
        return SECTION_KINDS
    if group in SECTION_KINDS:
        return (group,)
    raise TemplateError(
        f"the property {element.get('id', element.tag.rsplit('}', 1)[-1])!r} has the segmentGroup {group!r}",
        file=path,
        expected="all, " + ", ".join(SECTION_KINDS),
    )


def _steps(tag: str, element: Any, path: Path) -> Iterator[tuple[str, str, float]]:
    def number(name: str) -> float:
        try:
            return float(element.get(name, "").split()[0])
        except (ValueError, IndexError):
            raise TemplateError(f"{tag} lacks a number {name!r}: {element.attrib}", file=path) from None

    if tag == "resistivity":
        yield "", "Ra", number("value")
    elif tag == "specificCapacitance":
        yield "", "cm", number("value")
    elif tag == "concentrationModel":
        mechanism, ion = element.get("id"), element.get("type")
        yield mechanism, f"gamma_{ion}", number("gamma")
        yield mechanism, f"decay_{ion}", number("decay")
    elif element.get("ionChannel") == "pas" and tag == "channelDensity":
        yield "pas", "g_pas", number("condDensity")
        yield "", "e_pas", number("erev")
    else:
        yield element.get("ionChannel"), element.get("id"), number("condDensity")
        if element.get("ion") in ("na", "k"):
            yield "", f"e{element.get('ion')}", number("erev")
