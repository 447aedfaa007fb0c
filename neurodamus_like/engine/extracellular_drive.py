"""Potentials outside of segments that change in every time step, computed in compiled code."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from neurodamus_like.engine.drive_source import DriveSource
from neurodamus_like.engine.nrn import h, has_global, keep
from neurodamus_like.exceptions import MechanismError

_MECHANISM = "ExtracellularDrive"


class ExtracellularDrive:
    """Superposes fields at the segments of this rank; each segment is driven once, by whatever number of fields.

    Raises
    ------
    MechanismError
        The mechanism library lacks `ExtracellularDrive`.
    """

    def __init__(self) -> None:
        if not has_global(_MECHANISM):
            raise MechanismError(
                f"the mechanism {_MECHANISM} is not compiled in",
                hint="compile with `neurodamus-like compile`, which adds the package's own core/mod",
            )
        self._drive: Any = None
        self._numbers: dict[Hashable, list[int]] = {}

    def add_field(
        self, cells: Sequence[tuple[Hashable, Sequence[Any]]], sources: Sequence[DriveSource]
    ) -> Any:
        """Add a field that acts on some cells.

        Parameters
        ----------
        cells
            Key and sections of each; the key is the same in every field.
        sources
            What makes up the field; columns of their rows go over the segments of the cells in this order.

        Returns
        -------
        object
            The point process that drives all segments.
        """
        numbers = [number for key, sections in cells for number in self._segments_of(key, sections)]
        drive = self._drive
        drive.add_field(h.Vector(numbers))
        for source in sources:
            drive.add_source(
                int(source.kind),
                *(source.lag_steps, source.period_steps, source.start_ms),
                *(h.Vector(source.numbers), h.Vector(source.time_ms), h.Vector(source.value)),
            )
            for row in source.rows:
                drive.add_row(h.Vector(row))
        return drive

    def _segments_of(self, key: Hashable, sections: Sequence[Any]) -> list[int]:
        if key not in self._numbers:
            if self._drive is None:
                self._drive = getattr(h, _MECHANISM)(0.5, sec=sections[0])
                keep(self._drive)
            for section in sections:
                section.insert("extracellular")
            self._numbers[key] = [
                int(self._drive.add_segment(segment._ref_e_extracellular))
                for section in sections
                for segment in section
            ]
        return self._numbers[key]
