"""Reports of membranes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from neurodamus_like.bionet.report_modules import ReportModule, listed

T = TypeVar("T")


class MembraneReport(ReportModule):
    """Variables of all segments of some sections; parameters as in BMTK, `transform` must be empty."""

    module = "membrane_report"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str | Sequence[str],
        cells: Any = None,
        gids: Sequence[int] | None = None,
        sections: str | Sequence[str] = "all",
        buffer_data: bool = True,
        transform: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        block = {
            "file_name": file_name,
            "variable_name": listed(variable_name),
            "cells": cells,
            "sections": sections if isinstance(sections, str) else list(sections),
            "transform": transform or None,
        }
        super().__init__({**block, **kwargs}, tmp_dir, gids)


class SomaReport(MembraneReport):
    """Variables at the middle of the soma."""

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str | Sequence[str],
        cells: Any = None,
        sections: str = "soma",
        buffer_data: bool = True,
        transform: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            tmp_dir,
            file_name,
            variable_name,
            cells,
            sections=sections,
            buffer_data=buffer_data,
            transform=transform,
            **kwargs,
        )


def first_element(lst: Sequence[T]) -> T:
    """Return the first of several values."""
    return lst[0]
