"""Where compiled things are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "NEURODAMUS_LIKE_CACHE"


def default_cache_dir() -> Path:
    """Return the folder of caches: ``$NEURODAMUS_LIKE_CACHE``, or a folder in the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neurodamus_like"
