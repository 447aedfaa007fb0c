"""Threads of numpy's matrix products: ranks already use all cores, and threads that wait for each other only cost."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

_NAMES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")
"""How OpenBLAS calls its functions in the wheels of numpy, newest first."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute matrix products inside the ``with`` block in this thread alone, if numpy's library allows it."""
    functions = _thread_functions()
    if functions is None:
        yield
        return
    get_threads, set_threads = functions
    before = get_threads()
    set_threads(1)
    try:
        yield
    finally:
        set_threads(before)


@lru_cache(maxsize=1)
def _thread_functions() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    for path in sorted(folder.glob("*openblas*")):
        library = ctypes.CDLL(str(path))
        for name in _NAMES:
            if hasattr(library, name.format("set_num_threads")):
                get, put = (getattr(library, name.format(f"{verb}_num_threads")) for verb in ("get", "set"))
                get.restype, put.restype, put.argtypes = ctypes.c_int, None, [ctypes.c_int]
                return get, put
    return None
