"""From the name of a variable to references into the simulator."""

from __future__ import annotations

from typing import Any, NamedTuple

from neurodamus_like.engine import nrn

MEMBRANE_CURRENT = "i_membrane"

_SEGMENT_CURRENT = "i_membrane_"
ELECTRODES = ("SEClamp", "IClamp")
"""Their currents are positive into the cell, membrane currents positive out of it."""
_SEGMENT_VARIABLES = frozenset({"v", _SEGMENT_CURRENT})
"""Exist on every segment: no point process needs to be looked at."""


class Variable(NamedTuple):
    """A variable as reports name it; `mechanism` may also be a range variable of the segment (``v``)."""

    mechanism: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Variable:
        """Split ``mechanism.variable``; without a dot the variable is the current ``i`` of the mechanism."""
        if text == MEMBRANE_CURRENT:
            return cls(_SEGMENT_CURRENT, "i")
        mechanism, dot, name = text.partition(".")
        return cls(mechanism, name) if dot else cls(text, "i")

    @property
    def needs_membrane_currents(self) -> bool:
        """True when the simulator must be told to compute total membrane currents."""
        return self.mechanism == _SEGMENT_CURRENT

    def scale(self, segment: Any, *, by_area: bool) -> float:
        """Return the factor of this variable in a sum.

        Electrode currents count negative. Otherwise, `by_area` turns densities into currents: area (µm²) over
        100 (mA/cm2 to nA); total membrane currents are currents already.
        """
        if self.mechanism in ELECTRODES:
            return -1.0
        if not by_area or self.mechanism == _SEGMENT_CURRENT:
            return 1.0
        return float(segment.area()) / 100.0

    def unit(self) -> str:
        """Return the unit that the simulator knows for the variable, "" if none."""
        if self.mechanism == _SEGMENT_CURRENT:
            return "nA"
        for symbol in (self.mechanism, f"{self.name}_{self.mechanism}"):
            unit = nrn.unit_of(symbol)
            if unit:
                return unit
        return nrn.unit_of(self.name, self.mechanism)


class SectionVariables:
    """Finds references to one variable along a section.

    Parameters
    ----------
    section
        The simulator's section.
    variable
        What to find.
    """

    def __init__(self, section: Any, variable: Variable) -> None:
        self.section = section
        self.variable = variable
        self._point_processes: dict[int, list[Any]] | None = None
        if variable.mechanism not in _SEGMENT_VARIABLES:
            self._point_processes = self._find_point_processes() or None

    def references(self, x: float) -> list[Any]:
        """Return the references at position `x`, none if the variable does not exist there.

        In this order: the variable of point processes whose name begins with the mechanism's and that lie
        in the segment of `x`; if there are none on the whole section, the range variable of that name; else
        the variable of the density mechanism.
        """
        if self._point_processes is not None:
            found = self._point_processes.get(self._segment_index(x), [])
            return [r for r in (reference_of(p, self.variable.name) for p in found) if r is not None]
        segment = self.section(x)
        direct = reference_of(segment, self.variable.mechanism)
        if direct is not None:
            return [direct]
        mechanism = getattr(segment, self.variable.mechanism, None)
        inner = None if mechanism is None else reference_of(mechanism, self.variable.name)
        return [] if inner is None else [inner]

    def _find_point_processes(self) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for node in self.section.allseg():
            for process in node.point_processes():
                if not process.hname().startswith(self.variable.mechanism):
                    continue
                segment = process.get_segment()
                if segment.sec == self.section:  # the node at 0 is the parent's, with what lies on it
                    found.setdefault(self._segment_index(segment.x), []).append(process)
        return found

    def _segment_index(self, x: float) -> int:
        n_segments = int(self.section.nseg)
        return min(int(x * n_segments), n_segments - 1)


def reference_of(owner: Any, name: str) -> Any | None:
    """Return the reference to a variable of a segment, mechanism or point process, None if it has no such."""
    try:
        return getattr(owner, f"_ref_{name}")
    except (AttributeError, NameError, LookupError, TypeError, ValueError, RuntimeError):
        return None


def names_on(segment: Any) -> set[str]:
    """Return the names of the range variables that a segment has."""
    of_mechanisms = {variable.name() for mechanism in segment for variable in mechanism}
    return {"v", "cm", "diam", MEMBRANE_CURRENT, *of_mechanisms}
