"""Sphinx configuration; `make docs` builds with warnings as errors."""

from __future__ import annotations

import re
from pathlib import Path

project = "neurodamus_like"
author = "the neurodamus_like authors"
_init = Path(__file__).resolve().parents[1] / "neurodamus_like" / "__init__.py"
release = re.findall(r'^__version__ = "(.+)"', _init.read_text(encoding="utf-8"), re.MULTILINE)[0]
version = release

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"neurodamus_like {release}"
