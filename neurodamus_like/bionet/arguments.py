"""Arguments of run scripts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any


class ArgumentParser(argparse.ArgumentParser):
    """Parses the arguments of a script, also one that is started with ``nrniv -python script.py ...``."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Return the known arguments and the others; those of ``nrniv`` itself are left out."""
        return super().parse_known_args(_of_script(sys.argv)[1:] if args is None else args, namespace)


def _of_script(argv: Sequence[str]) -> Sequence[str]:
    """Return the script and its arguments."""
    if PurePath(argv[0]).stem == "nrniv" and "-python" in argv:
        return argv[argv.index("-python") + 1 :]
    return argv
