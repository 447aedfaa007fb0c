"""E-model descriptions (JSON) and the HOC cell templates made from them; no simulator is needed."""

from __future__ import annotations

from pathlib import Path

from neurodamus_like.builder.emodel_json import (
    DistanceRule,
    EModel,
    EModelError,
    SectionListModel,
    load_emodel,
)
from neurodamus_like.builder.hoc_template import render_hoc_template

__all__ = [
    "DistanceRule",
    "EModel",
    "EModelError",
    "SectionListModel",
    "load_emodel",
    "render_hoc_template",
    "write_hoc_template",
]


def write_hoc_template(emodel: EModel, directory: Path | str) -> Path:
    """Write ``<directory>/<template>.hoc`` and return its path.

    Raises
    ------
    EModelError
        The folder cannot be written.
    """
    path = Path(directory) / f"{emodel.template}.hoc"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_hoc_template(emodel))
    except OSError as error:
        raise EModelError(f"cannot write the cell template: {error.strerror}", file=path) from error
    return path
