"""What is built in, in the files where BMTK's scripts look for it."""

from __future__ import annotations

from neurodamus_like.bionet.default_setters import cell_models

__all__ = ["cell_models"]
