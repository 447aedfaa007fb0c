"""Turn e-model descriptions (JSON) into cell templates (HOC).

Usage:
  neurodamus-like templates EMODEL... [--output-dir=DIR]
  neurodamus-like templates (-h | --help)

Arguments:
  EMODEL  An e-model description, or a folder whose *.json files are all taken.

Options:
  -o DIR --output-dir=DIR  Where to write <template>.hoc [default: .].
  -h --help                Show this text.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neurodamus_like.builder.emodels import EModelError, load_emodel, write_hoc_template
from neurodamus_like.cli.commands import parse_arguments


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``templates``; return the exit code."""
    arguments = parse_arguments(__doc__ or "", ["templates", *argv])
    for path in list_descriptions(arguments["EMODEL"]):
        print(write_hoc_template(load_emodel(path), arguments["--output-dir"]))
    return 0


def list_descriptions(names: Iterable[str]) -> list[Path]:
    """Return the files meant by file and folder names.

    Raises
    ------
    EModelError
        A folder holds no ``*.json`` file.
    """
    paths: list[Path] = []
    for name in names:
        path = Path(name)
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise EModelError("the folder holds no e-model description", file=path, expected="*.json files")
        paths += found
    return paths
