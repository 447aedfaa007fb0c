"""``python -m neurodamus_like`` is the command ``neurodamus-like``."""

from __future__ import annotations

import sys

from neurodamus_like.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
