"""E-model descriptions: their JSON form, read and checked.

A description says which mechanisms and parameters go into which section list, which parameters depend on the
path distance from the soma, how sections are divided, and what happens to the axon. Units are NEURON's (mV,
S/cm2, um).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.exceptions import CircuitError, did_you_mean

SECTION_LISTS = ("all", "somatic", "axonal", "basal", "apical", "AIS", "nodal", "myelinated")
AXON_TREATMENTS = ("kept", "delete_axon stub", "replace_axon", "replace_axon(AIS_scaler)")
DISTANCE_ORIGINS = {"soma(0)": 0.0, "soma(0.5)": 0.5}

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_FORMULA = re.compile(r"(?:exp|log|sqrt|%(?:\.17)?g|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[-+*/^()\s])+\Z")
_PLACEHOLDER = re.compile(r"%(?:\.17)?g")
_NSEG_NOTE = re.compile(r"every ([\w ,]+?) section gets nseg (\d+)")


class EModelError(CircuitError):
    """An e-model description is wrong."""


@dataclass(frozen=True)
class SectionListModel:
    """Mechanisms and parameters of one section list."""

    name: str
    mechanisms: tuple[str, ...]
    parameters: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class DistanceRule:
    """A parameter that depends on the path distance (um) from the origin.

    Attributes
    ----------
    formula
        HOC expression; ``%g`` or ``%.17g`` stands for the distance, rounded as that format prints it.
    """

    section_list: str
    parameter: str
    formula: str

    @property
    def is_rounded(self) -> bool:
        """Tell whether the distance is rounded to the six digits of ``%g``."""
        return "%g" in self.formula

    def expression(self, variable: str) -> str:
        """Return the formula with `variable` in the place of the distance."""
        return _PLACEHOLDER.sub(variable, self.formula)


@dataclass(frozen=True)
class AxonTaper:
    """Diameters (um) of an axon stub at the distance s: ``strength exp(-s / length) + terminal AIS_scaler``.

    The defaults were fitted to the voltages that the reference simulator reports for the e-model cNAC_L23BTC
    (equal to the last printed digit; the stub is all but uniform). Other e-models may have their own constants.
    """

    strength_um: float = 9.67e-7
    length_um: float = 12.1
    terminal_um: float = 0.4534256


@dataclass(frozen=True)
class EModel:
    """An electrical model of a cell.

    Attributes
    ----------
    nseg_chunk_um
        A section has ``1 + 2 * int(L / nseg_chunk_um)`` segments.
    nseg_fixed
        Number of segments of the sections of some lists, whatever their length.
    axon
        One of :data:`AXON_TREATMENTS`.
    axon_taper
        Diameters of the stub of ``replace_axon(AIS_scaler)``.
    has_myelin
        Whether a replaced axon goes on with a myelinated section (default: if its list has any content).
    distance_origin_x
        Position on the soma from which distances are measured.
    needed_attributes
        Node attributes that the template takes as arguments behind the morphology, in this order.
    """

    template: str
    section_lists: tuple[SectionListModel, ...]
    distance_rules: tuple[DistanceRule, ...] = ()
    nseg_chunk_um: float = 40.0
    nseg_fixed: tuple[tuple[str, int], ...] = ()
    axon: str = "kept"
    axon_taper: AxonTaper = AxonTaper()
    has_myelin: bool = False
    distance_origin_x: float = 0.5
    threshold_mV: float = -30.0
    needed_attributes: tuple[str, ...] = ()

    @property
    def mechanisms(self) -> frozenset[str]:
        """Names of all mechanisms."""
        return frozenset(m for part in self.section_lists for m in part.mechanisms)


def load_emodel(path: Path | str) -> EModel:
    """Read an e-model description.

    Raises
    ------
    EModelError
        The file is not JSON, or a key is missing or wrong; the error holds the JSON pointer.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise EModelError(f"cannot read the e-model description: {error.strerror}", file=path) from error
    except ValueError as error:
        raise EModelError(f"the e-model description is not JSON: {error}", file=path) from error
    return _Reader(path).emodel(data)


class _Reader:
    """Turns parsed JSON into an :class:`EModel`; knows the file for the messages."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def error(self, message: str, pointer: str, expected: str, hint: str | None = None) -> EModelError:
        return EModelError(message, file=self._file, pointer=pointer, expected=expected, hint=hint)

    def emodel(self, data: Any) -> EModel:
        data = self.mapping(data, "/")
        if "template" not in data:
            raise self.error("the template's name is missing", "/template", "the name of the HOC template")
        lists = self.mapping(data.get("section_lists"), "/section_lists")
        return EModel(
            template=self.name(data["template"], "/template"),
            section_lists=tuple(self.section_list(name, value) for name, value in lists.items()),
            distance_rules=tuple(
                self.rule(value, f"/distance_dependent/{i}")
                for i, value in enumerate(self.sequence(data, "distance_dependent"))
            ),
            nseg_chunk_um=self.positive(data.get("nseg_chunk_um", 40.0), "/nseg_chunk_um"),
            nseg_fixed=self.nseg_fixed(data),
            axon=self.choice(data.get("axon", "kept"), "/axon", AXON_TREATMENTS),
            axon_taper=self.axon_taper(data),
            has_myelin=self.has_myelin(data, lists),
            distance_origin_x=DISTANCE_ORIGINS[
                self.choice(
                    data.get("distance_origin", "soma(0.5)"), "/distance_origin", tuple(DISTANCE_ORIGINS)
                )
            ],
            threshold_mV=self.number(
                data.get("template_netcon_threshold_mV", -30.0), "/template_netcon_threshold_mV"
            ),
            needed_attributes=tuple(
                self.name(value, f"/needed_attributes/{i}")
                for i, value in enumerate(self.sequence(data, "needed_attributes"))
            ),
        )

    def section_list(self, name: str, value: Any) -> SectionListModel:
        pointer = f"/section_lists/{name}"
        value = self.mapping(value, pointer)
        parameters = self.mapping(value.get("parameters", {}), f"{pointer}/parameters")
        return SectionListModel(
            name=self.choice(name, pointer, SECTION_LISTS),
            mechanisms=tuple(
                self.name(m, f"{pointer}/mechanisms/{i}")
                for i, m in enumerate(self.sequence(value, "mechanisms", pointer))
            ),
            parameters=tuple(
                (self.name(key, f"{pointer}/parameters"), self.number(number, f"{pointer}/parameters/{key}"))
                for key, number in parameters.items()
            ),
        )

    def rule(self, value: Any, pointer: str) -> DistanceRule:
        value = self.mapping(value, pointer)
        missing = [key for key in ("section_list", "parameter", "formula_of_distance_um") if key not in value]
        if missing:
            raise self.error(
                f"the distance rule lacks {', '.join(missing)}", pointer, "section_list, parameter, formula"
            )
        formula = value["formula_of_distance_um"]
        if not isinstance(formula, str) or not _FORMULA.match(formula) or not _PLACEHOLDER.search(formula):
            raise self.error(
                f"cannot use the formula {formula!r}",
                f"{pointer}/formula_of_distance_um",
                "numbers, + - * / ^ ( ), exp, log, sqrt and %g or %.17g for the distance",
            )
        return DistanceRule(
            section_list=self.choice(value["section_list"], f"{pointer}/section_list", SECTION_LISTS),
            parameter=self.name(value["parameter"], f"{pointer}/parameter"),
            formula=formula,
        )

    def axon_taper(self, data: Mapping[str, Any]) -> AxonTaper:
        taper = self.mapping(data.get("axon_taper", {}), "/axon_taper")
        known = ("strength_um", "length_um", "terminal_um")
        return AxonTaper(
            **{
                self.choice(key, "/axon_taper", known): self.number(value, f"/axon_taper/{key}")
                for key, value in taper.items()
            }
        )

    def has_myelin(self, data: Mapping[str, Any], lists: Mapping[str, Any]) -> bool:
        if "axon_myelin" in data:
            if not isinstance(data["axon_myelin"], bool):
                raise self.error("wrong type", "/axon_myelin", "true or false")
            return bool(data["axon_myelin"])
        return any(lists.get("myelinated", {}).values())

    def nseg_fixed(self, data: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
        if "nseg_fixed" in data:
            fixed = self.mapping(data["nseg_fixed"], "/nseg_fixed")
            return tuple(
                (
                    self.choice(name, "/nseg_fixed", SECTION_LISTS),
                    int(self.positive(count, f"/nseg_fixed/{name}")),
                )
                for name, count in fixed.items()
            )
        note = data.get("nseg_note")
        if note is None:
            return ()
        found = _NSEG_NOTE.search(str(note))
        if found is None:
            raise self.error(
                "cannot understand the note on nseg", "/nseg_note", "the key nseg_fixed: {section list: nseg}"
            )
        names = [word for word in re.split(r"[ ,]+|\band\b", found.group(1)) if word]
        return tuple((self.choice(name, "/nseg_note", SECTION_LISTS), int(found.group(2))) for name in names)

    def mapping(self, value: Any, pointer: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.error("wrong or missing object", pointer, "a JSON object")
        return value

    def sequence(self, data: Mapping[str, Any], key: str, pointer: str = "") -> Sequence[Any]:
        value = data.get(key, [])
        if not isinstance(value, list):
            raise self.error("wrong type", f"{pointer}/{key}", "a list")
        return value

    def name(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str) or not _NAME.match(value):
            raise self.error(
                f"{value!r} is no name", pointer, "letters, digits and underscores (HOC has no dashes)"
            )
        return value

    def number(self, value: Any, pointer: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(f"{value!r} is no number", pointer, "a number")
        return float(value)

    def positive(self, value: Any, pointer: str) -> float:
        number = self.number(value, pointer)
        if not number > 0:
            raise self.error(f"{number:g} is not positive", pointer, "a number above zero")
        return number

    def choice(self, value: Any, pointer: str, known: Sequence[str]) -> str:
        if value not in known:
            raise self.error(
                f"unknown name {value!r}", pointer, ", ".join(known), did_you_mean(str(value), known)
            )
        return str(value)
