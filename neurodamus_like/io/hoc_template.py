"""What a HOC cell template says about itself, read from its text: name, mechanisms, needed attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neurodamus_like.exceptions import TemplateError, did_you_mean

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TEMPLATE = re.compile(r"\bbegintemplate\s+(\w+)")
_INSERT = re.compile(r"\binsert\s+([A-Za-z_]\w*)")
_ATTRIBUTES = re.compile(r"(\w+)_NeededAttributes\s*=\s*\"([^\"]*)\"")


@dataclass(frozen=True)
class HocTemplate:
    """Header of a template file."""

    path: Path
    names: tuple[str, ...]
    mechanisms: frozenset[str]
    needed_attributes: tuple[str, ...]


def template_names(text: str) -> tuple[str, ...]:
    """Return the names of the templates that HOC code defines."""
    return tuple(_TEMPLATE.findall(_without_comments(text)))


def _without_comments(text: str) -> str:
    return _COMMENT.sub(" ", text)


@cache
def read_hoc_template(path: Path) -> HocTemplate:
    """Read the header of a template file without a HOC interpreter.

    Raises
    ------
    TemplateError
        The file cannot be read.
    """
    try:
        text = _without_comments(path.read_text(errors="replace"))
    except OSError as error:
        raise TemplateError(f"cannot read the cell template: {error.strerror}", file=path) from error
    attributes = [a for _, found in _ATTRIBUTES.findall(text) for a in found.split(";")]
    return HocTemplate(
        path=path,
        names=template_names(text),
        mechanisms=frozenset(_INSERT.findall(text)),
        needed_attributes=tuple(a.strip() for a in attributes if a.strip()),
    )


def find_hoc_template(name: str, directory: Path) -> HocTemplate:
    """Find ``<directory>/<name>.hoc`` and check that it defines the template `name`.

    Raises
    ------
    TemplateError
        There is no such file, or it defines other templates only.
    """
    path = directory / f"{name}.hoc"
    if not path.is_file():
        there = [p.stem for p in directory.glob("*.hoc")] if directory.is_dir() else []
        raise TemplateError(
            f"the cell template {name} is absent",
            file=path,
            expected="a HOC file for each model_template of the nodes",
            hint=did_you_mean(name, there)
            or "check biophysical_neuron_models_dir; `neurodamus-like templates` makes HOC from e-model JSON",
        )
    header = read_hoc_template(path)
    if name not in header.names:
        raise TemplateError(
            f"the file does not define the template {name}",
            file=path,
            expected=f"begintemplate {name}",
            hint=f"it defines {', '.join(header.names) or 'no template'} (HOC names have no dashes)",
        )
    return header
