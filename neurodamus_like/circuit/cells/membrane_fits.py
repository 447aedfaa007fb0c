"""Channels and passive properties from the fits of the Allen Cell Types Database, put into the sections of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurodamus_like.exceptions import TemplateError
from neurodamus_like.io.neuroml import MembraneSettings

_KIND_LENGTH = 4


def kind_of(section: Any) -> str:
    """Return the kind of a section, the first four letters of its name: soma, axon, dend or apic."""
    name: str = section.name().rsplit(".", 1)[-1]
    return name[:_KIND_LENGTH]


def sections_by_kind(hoc: Any) -> dict[str, list[Any]]:
    """Return kind -> sections of a cell, in the order of its list ``all``."""
    found: dict[str, list[Any]] = {}
    for section in hoc.all:
        found.setdefault(kind_of(section), []).append(section)
    return found


def apply_perisomatic_fit(hoc: Any, fit: Mapping[str, Any]) -> None:
    """Set the parameters of a perisomatic fit: passive properties everywhere, channels where the fit has them.

    Raises
    ------
    TemplateError
        The fit lacks a part.
    """
    passive, genome, reversals = _parts(fit, ("ra", "cm", "e_pas"))
    by_kind = sections_by_kind(hoc)
    capacitance = {entry["section"]: entry["cm"] for entry in passive["cm"]}
    for kind, sections in by_kind.items():
        if kind not in capacitance:
            raise TemplateError(f"the fit has no cm for sections of the kind {kind!r}")
        for section in sections:
            section.Ra = passive["ra"]
            section.cm = capacitance[kind]
            section.insert("pas")
            section.e_pas = passive["e_pas"]
    _apply_genome(by_kind, genome)
    for entry in reversals:
        for section in by_kind.get(entry["section"], ()):
            section.ena = entry["ena"]
            section.ek = entry["ek"]


def apply_all_active_fit(hoc: Any, fit: Mapping[str, Any]) -> None:
    """Set the parameters of an all-active fit; reversal potentials only where the ions are.

    Raises
    ------
    TemplateError
        The fit lacks a part.
    """
    passive, genome, reversals = _parts(fit, ())
    by_kind = sections_by_kind(hoc)
    everything = [section for sections in by_kind.values() for section in sections]
    for section in everything:
        section.insert("pas")
    for key, variable in (("e_pas", "e_pas"), ("ra", "Ra")):
        if key in passive:
            _set(everything, variable, passive[key])
    for entry in passive.get("cm", ()):
        _set(by_kind.get(entry["section"], ()), "cm", entry["cm"])
    _apply_genome(by_kind, [entry for entry in genome if entry["section"] != "glob"])
    for entry in reversals:
        for section in by_kind.get(entry["section"], ()):
            if section.has_membrane("k_ion"):
                section.ek = entry["ek"]
            if section.has_membrane("na_ion"):
                section.ena = entry["ena"]


def apply_membrane_settings(hoc: Any, settings: Mapping[str, MembraneSettings]) -> None:
    """Set the membrane properties of a NeuroML cell."""
    for kind, sections in sections_by_kind(hoc).items():
        for section in sections:
            for mechanism, variable, value in settings[kind].steps:
                if mechanism:
                    section.insert(mechanism)
                setattr(section, variable, value)


def mechanisms_of_fit(fit: Mapping[str, Any]) -> frozenset[str]:
    """Return the mechanisms that a fit inserts."""
    return frozenset(e.get("mechanism") or "pas" for e in fit.get("genome", ()) if e.get("section") != "glob")


def mechanisms_of_settings(settings: Mapping[str, MembraneSettings]) -> frozenset[str]:
    """Return the mechanisms that a NeuroML cell inserts."""
    return frozenset(step[0] for kind in settings.values() for step in kind.steps if step[0])


def _parts(
    fit: Mapping[str, Any], passive_keys: Sequence[str]
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    missing = [key for key in ("passive", "genome", "conditions") if not fit.get(key) and key != "genome"]
    if not missing:
        missing = [f"passive[0].{key}" for key in passive_keys if key not in fit["passive"][0]]
    if missing:
        raise TemplateError(
            f"the fit lacks {', '.join(missing)}",
            expected="passive, genome and conditions, as in files of the Allen Cell Types Database",
        )
    return fit["passive"][0], fit.get("genome", ()), fit["conditions"][0].get("erev", ())


def _apply_genome(by_kind: Mapping[str, Sequence[Any]], genome: Sequence[Mapping[str, Any]]) -> None:
    for entry in genome:
        mechanism, value = entry.get("mechanism", ""), float(entry["value"])
        for section in by_kind.get(entry["section"], ()):
            if mechanism:
                section.insert(mechanism)
            setattr(section, entry["name"], value)


def _set(sections: Sequence[Any], variable: str, value: float) -> None:
    for section in sections:
        setattr(section, variable, value)
