"""The user's Python file that registers cell models, synapse models, weight functions and other additions."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from neurodamus_like.exceptions import ConfigurationError, NeurodamusLikeError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator

MODULE_NAME = "neurodamus_like_user_script"
"""``__name__`` inside the file: what stands under ``if __name__ == "__main__"`` is not run."""


def run_user_script(script: Path | None, comm: Communicator) -> None:
    """Run the file on all ranks; None does nothing. Its folder is searched for modules it imports.

    Raises
    ------
    ConfigurationError
        It failed; the message names the error and its line.
    """
    if script is None:
        return
    with collectively(comm):
        sys.path.insert(0, str(script.absolute().parent))
        try:
            runpy.run_path(str(script), run_name=MODULE_NAME)
        except NeurodamusLikeError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"the script failed: {type(error).__name__}: {error}",
                file=script,
                pointer=f"line {_line_of(error, script)}",
            ) from error


def _line_of(error: Exception, script: Path) -> int | str:
    """Return the last line of the script that the error went through."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(script):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines[-1] if lines else getattr(error, "lineno", "unknown")
