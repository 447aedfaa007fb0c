"""A file for HDF5 on a disk that may run full."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class PatientFile(io.FileIO):
    """A file that remembers why it could not be written, and lets HDF5 go on.

    HDF5 cannot drop what it failed to write: it tries again when the file is closed, when its objects are collected and
    when the process ends, and each of these is an exception in an unrelated place.

    Attributes
    ----------
    failure
        Why the first write that failed did; what was written after it is lost.
    """

    failure: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        """Write all of `data`, or nothing of it once a write has failed; return its length in bytes."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while len(left) and self.failure is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return size
