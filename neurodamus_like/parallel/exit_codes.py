"""Exit codes of the program; 0 means that all is well, 1 that something was wrong."""

from __future__ import annotations

CHECKPOINTED = 75
"""A signal ended the run after a checkpoint was written: go on with ``--restore`` (EX_TEMPFAIL of sysexits.h)."""

STOPPED = 143
"""A signal ended the run, and nothing was saved: run it again (what a shell says of a process that SIGTERM ended)."""
