"""Random numbers by key: the same network whatever the order, the number of ranks or the memory."""

from __future__ import annotations

import zlib
from enum import IntEnum

import numpy as np

Generator = np.random.Generator


class Purpose(IntEnum):
    """What numbers are drawn for; different purposes never share a stream."""

    PREPARE = 0
    CONNECT = 1
    PROPERTY = 2


def text_key(text: str) -> int:
    """Return a number for a name, the same in every process."""
    return zlib.crc32(text.encode("utf-8"))


def stream(*key: int) -> Generator:
    """Return the generator that belongs to a key of non-negative numbers."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(list(key))))
