"""Ranks that must not disagree, and must not wait for one that failed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from neurodamus_like.builder.communicator import Communicator
from neurodamus_like.exceptions import CircuitError, NeurodamusLikeError


@contextmanager
def raise_together(comm: Communicator) -> Iterator[None]:
    """Raise on all ranks what one of them raised in the block; the block itself must not communicate."""
    failure: Exception | None = None
    try:
        yield
    except Exception as error:
        failure = error
    if comm.size == 1:
        if failure is not None:
            raise failure
        return
    failures = comm.allgather(failure)
    first = next((f for f in failures if f is not None), None)
    if first is not None:
        if isinstance(first, NeurodamusLikeError):
            first.collective = True
        raise first


def all_agree(comm: Communicator, properties: Mapping[str, Any], what: str) -> None:
    """Make sure that all ranks were given the same properties.

    Raises
    ------
    CircuitError
        They were not; random numbers without a seed are the usual reason.
    """
    if comm.size == 1:
        return
    own = {name: _digest(value) for name, value in properties.items()}
    everyone = comm.allgather(own)
    names = sorted({name for one in everyone for name in one})
    wrong = [name for name in names if len({one.get(name) for one in everyone}) > 1]
    if wrong:
        error = CircuitError(
            f"{what}: the values of {', '.join(wrong)} differ between MPI ranks",
            expected="the same values on all ranks",
            hint="seed the random numbers of the script, e.g. np.random.seed(1)",
        )
        error.collective = True
        raise error


def _digest(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.dtype != object:
        data = np.ascontiguousarray(value).tobytes()
    else:
        data = repr(value).encode() if isinstance(value, str | int | float | list | tuple | dict) else b""
    return hashlib.blake2b(data, digest_size=8).hexdigest()
