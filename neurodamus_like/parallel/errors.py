"""Errors in parallel: shown once, with their rank; all ranks end with a non-zero code and nobody hangs.

Two kinds of end:

* all ranks know (`collective` errors, made by :func:`raise_collectively`): rank 0 shows the error, every rank
  returns 1;
* one rank fails while others may wait for it in MPI: the failing ranks agree within a short grace time,
  through messages on a communicator of their own, that the lowest of them shows its error and aborts MPI.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from neurodamus_like.exceptions import NeurodamusLikeError
from neurodamus_like.logs import get_logger
from neurodamus_like.parallel.mpi import Communicator, launch_rank, world

GRACE_S = 0.5
"""How long a failing rank listens for lower failing ranks before it speaks."""
SILENCE_S = 5.0
"""How long a silent rank waits for the speaker's abort before it aborts itself."""

PATIENCE_S = 5.0
"""How long a rank with an error waits for the others to come to the end of a collective block."""

_FAILED = 77
_PACKAGE = Path(__file__).parents[1]


class RemoteError(NeurodamusLikeError):
    """An unexpected exception on another rank; `traceback_text` tells where it was raised."""


def run_guarded(main: Callable[[], int], *, debug: bool = False) -> int:
    """Run `main` so that an error on any rank is shown exactly once and ends all ranks.

    Typed errors show their message, others their traceback. All ranks must call it.

    Parameters
    ----------
    main
        The work; returns the exit code.
    debug
        Show the traceback of typed errors as well.

    Returns
    -------
    int
        Exit code for ``sys.exit``. With several ranks it does not return on ranks that failed alone: MPI is
        aborted.
    """
    comm = world()
    _channel()
    try:
        return main()
    except SystemExit as error:
        return _end_on_exit(comm, error)
    except KeyboardInterrupt:
        return _end(comm, "interrupted", 130)
    except BrokenPipeError:
        # whoever read our output has seen enough; what is left must not be flushed into nothing at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if getattr(error, "collective", False):
            if comm.rank == 0 and launch_rank() == 0:
                _show(describe(error, debug=debug))
            return 1
        return _end(comm, describe(error, debug=debug, rank=comm.rank if comm.size > 1 else None), 1)


@lru_cache(maxsize=1)
def install_excepthook() -> None:
    """Show uncaught exceptions of a user's own script once, and let them end all ranks; all ranks must call it.

    Without it, an exception on one rank leaves the others waiting for ever. Of typed errors the traceback shows the
    user's own lines, not those of the package behind them, unless the package's log is at level DEBUG.
    """
    comm = world()
    _channel()
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, NeurodamusLikeError) and not isinstance(error, RemoteError) and not _debugging():
            trace = _lines_of_user(trace)
            error = error.with_traceback(trace)
            error.__cause__, error.__suppress_context__ = None, True
        if comm.size == 1:
            before(kind, error, trace)
        elif isinstance(error, Exception) and not getattr(error, "collective", False):
            text = "".join(traceback.format_exception(kind, error, trace))
            _end(comm, f"rank {comm.rank}: {text.rstrip()}", 1)
        elif isinstance(error, KeyboardInterrupt):
            _end(comm, "interrupted", 130)
        elif comm.rank == 0 and isinstance(error, RemoteError):
            _show(describe(error))
        elif comm.rank == 0:
            before(kind, error, trace)
        if code := getattr(error, "exit_code", None):
            raise SystemExit(code)

    sys.excepthook = hook


def _debugging() -> bool:
    return get_logger("neurodamus_like").isEnabledFor(logging.DEBUG)


def _lines_of_user(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback up to the last line outside the package; all of it if there is no such line."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    inner = (str(_PACKAGE), contextlib.__file__)
    while len(frames) > 1 and frames[-1].tb_frame.f_code.co_filename.startswith(inner):
        frames.pop()
    shown: TracebackType | None = None
    for frame in reversed(frames):
        shown = TracebackType(shown, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return shown


def raise_collectively(comm: Communicator, error: Exception | None) -> None:
    """Raise on all ranks together if any rank has an error; collective.

    Parameters
    ----------
    comm
        The ranks that all call this function.
    error
        The error of this rank, or None.

    Raises
    ------
    NeurodamusLikeError
        The error of the lowest failing rank, with `collective` set and its `rank` (None if all ranks say the
        same). One that is not of the package's own kind arrives as :class:`RemoteError` with its traceback as
        text.
    """
    if comm.size == 1:
        if error is not None:
            raise error
        return
    channel = _channel() if comm.raw == world().raw else comm.raw
    failures = _count_failures(comm, channel, error)
    if failures == 0:
        return
    packed = channel.allgather(None if error is None else _pack(error))
    errors = {rank: pickle.loads(item) for rank, item in enumerate(packed) if item is not None}
    rank, shown = next(iter(errors.items()))
    unanimous = failures == comm.size and len({str(other) for other in errors.values()}) == 1
    shown.collective, shown.rank = True, None if unanimous else rank
    raise shown from None


@contextmanager
def collectively(comm: Communicator) -> Iterator[None]:
    """Turn errors of any rank inside the block into one error on all ranks at its end.

    Ranks that wait for each other inside it, after a point where one of them can fail, are not lost: the
    failing one shows its error and aborts MPI if the others do not come to the end within `PATIENCE_S`.

    Examples
    --------
    >>> with collectively(world()):
    ...     if world().rank == 0:
    ...         pass  # read and check a file
    """
    failure: Exception | None = None
    _channel()
    try:
        yield
    except Exception as error:
        failure = error
    raise_collectively(comm, failure)


def describe(error: BaseException, *, debug: bool = False, rank: int | None = None) -> str:
    """Return what is shown of an error: its message if typed, otherwise (or with `debug`) its traceback.

    Of a file that the system refuses, its reason and the path are shown.
    """
    if isinstance(error, OSError) and error.filename is not None and not debug:
        return f"error: {error.strerror}: {error.filename}"
    where = getattr(error, "traceback_text", "") or "".join(traceback.format_exception(error))
    if isinstance(error, RemoteError) or not isinstance(error, NeurodamusLikeError):
        text = where
    else:
        text = f"{where.rstrip()}\nerror: {error}" if debug else f"error: {error}"
    rank = getattr(error, "rank", None) if getattr(error, "rank", None) is not None else rank
    return text.rstrip() if rank is None else f"rank {rank}: {text.rstrip()}"


@lru_cache(maxsize=1)
def _channel() -> Any:
    """Return a communicator for news of failures (None in a serial run); the first call is collective."""
    comm = world()
    return comm.raw.Dup() if comm.size > 1 else None


def _count_failures(comm: Communicator, channel: Any, error: Exception | None) -> int:
    """Return how many ranks have an error, once all have arrived; a failing rank does not wait for ever."""
    flags = np.zeros(comm.size, dtype=np.int8)
    request = channel.Iallgather(np.array([error is not None], dtype=np.int8), flags)
    if error is None:
        request.Wait()
        return int(flags.sum())
    ends = time.monotonic() + PATIENCE_S
    while not request.Test():
        if time.monotonic() > ends:
            _end(comm, describe(error, rank=comm.rank), 1)
        time.sleep(0.002)
    return int(flags.sum())


def _end_on_exit(comm: Communicator, error: SystemExit) -> int:
    if error.code is None or error.code == 0:
        return 0
    if isinstance(error.code, int):
        return _end(comm, "", error.code)
    return _end(comm, str(error.code), 1)


def _end(comm: Communicator, text: str, code: int) -> int:
    if comm.size == 1:
        _show(text)
        return code
    if _is_speaker(comm):
        _show(text)
        time.sleep(0.1)
    else:
        time.sleep(SILENCE_S)
    comm.abort(code)
    return code


def _is_speaker(comm: Communicator) -> bool:
    """Tell the higher ranks that this one failed, until a lower one is heard or the grace is over.

    When all ranks fail at once each hears of a lower one almost immediately and stops telling, so that the
    number of messages stays proportional to the number of ranks. Rank 0 has nobody to listen to.
    """
    channel, higher, pending = _channel(), iter(range(comm.rank + 1, comm.size)), []
    ends = time.monotonic() + (GRACE_S if comm.rank else 0.0)
    more = True
    while more or time.monotonic() < ends:
        if channel.iprobe(tag=_FAILED):
            return False
        other = next(higher, None)
        more = other is not None
        if more:
            pending.append(channel.isend(comm.rank, dest=other, tag=_FAILED))
        else:
            time.sleep(0.005)
    return True


def _pack(error: Exception) -> bytes:
    text = "".join(traceback.format_exception(error))
    if isinstance(error, NeurodamusLikeError):
        error.traceback_text = text
        with contextlib.suppress(Exception):
            packed = pickle.dumps(error)
            pickle.loads(packed)
            return packed
        remote = NeurodamusLikeError(str(error))
    else:
        remote = RemoteError(f"unexpected {type(error).__name__}: {error}")
    remote.traceback_text = text
    return pickle.dumps(remote)


def _show(text: str) -> None:
    if text:
        sys.stdout.flush()
        sys.stderr.write(text.rstrip() + "\n")
        sys.stderr.flush()
