"""Columns of an HDF5 file, written piece by piece; compressed by several threads.

Chunks are compressed here (zlib frees Python's lock) and handed to HDF5 as they are, with the standard filters
byte shuffle and deflate, which every HDF5 library reads.
"""

from __future__ import annotations

import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.node_table import Array
from neurodamus_like.exceptions import ConfigurationError

HDF5_ERRORS = (OSError, RuntimeError)
"""What h5py raises when writing fails; a full disk is often noticed at closing only, as a RuntimeError."""

CHUNK_ROWS = 1 << 17
LEVEL = 1
_WAITING = 8


def check_compression(compression: Any) -> str | int | None:
    """Return None, a level of deflate, or the name of an HDF5 filter.

    Raises
    ------
    ConfigurationError
        h5py knows no such filter.
    """
    if compression is None or (isinstance(compression, str) and compression.lower() == "none"):
        return None
    if compression == "gzip":
        return LEVEL
    if isinstance(compression, int) and not isinstance(compression, bool) and 0 <= compression <= 9:
        return compression
    if compression in ("lzf", "szip"):
        return str(compression)
    raise ConfigurationError(
        f"compression={compression!r} is not valid",
        expected="None, 'none', 'gzip', a level from 0 to 9, 'lzf' or 'szip'",
    )


class ColumnFile:
    """Makes datasets of known length in an open file and fills them from the front.

    Parameters
    ----------
    file
        Open :class:`h5py.File`.
    compression
        As from :func:`check_compression`.
    threads
        How many compress.
    """

    def __init__(self, file: h5py.File, compression: str | int | None, threads: int = 2) -> None:
        self.file, self.compression = file, compression
        self._pool = ThreadPoolExecutor(threads)
        self._columns: list[Column] = []
        self._uniform: dict[Any, bytes] = {}

    def __enter__(self) -> ColumnFile:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def column(self, name: str, rows: int, dtype: Any, width: int = 0, smooth: bool = False) -> Column:
        """Make a dataset.

        Parameters
        ----------
        name
            Path in the file.
        rows, width
            Shape (rows,) or (rows, width).
        dtype
            Of the items; object means text.
        smooth
            Values follow a pattern, so that searching for repetitions pays.
        """
        column = Column(self, name, rows, np.dtype(dtype), width, smooth)
        self._columns.append(column)
        return column

    def write(self, name: str, values: Array, dtype: Any = None, smooth: bool = True) -> Any:
        """Make a dataset and fill it; return it."""
        values = np.asarray(values)
        width = values.shape[1] if values.ndim > 1 else 0
        column = self.column(name, len(values), values.dtype if dtype is None else dtype, width, smooth)
        column.append(values)
        column.finish()
        return column.dataset

    def finish(self) -> None:
        """Write what is still waiting."""
        for column in self._columns:
            column.finish()


class Column:
    """One dataset under construction; see :meth:`ColumnFile.column`."""

    def __init__(
        self, owner: ColumnFile, name: str, rows: int, dtype: np.dtype[Any], width: int, smooth: bool
    ) -> None:
        self._owner, self._dtype, self._rows, self._width, self._smooth = owner, dtype, rows, width, smooth
        shape = (rows, width) if width else (rows,)
        options: dict[str, Any] = {}
        compression = owner.compression
        self.is_text = dtype.kind in "OU"
        self.is_direct = isinstance(compression, int) and not self.is_text and rows > 0
        if compression is not None and rows > 0:
            self._chunk = max(1, min(rows, CHUNK_ROWS // max(width, 1)))
            options["chunks"] = (self._chunk, width) if width else (self._chunk,)
            options["shuffle"] = not self.is_text
            options["compression"] = "gzip" if isinstance(compression, int) else compression
            if isinstance(compression, int):
                options["compression_opts"] = compression
        stored = h5py.string_dtype() if self.is_text else dtype
        self.dataset = owner.file.create_dataset(name, shape, dtype=stored, track_times=False, **options)
        self._done = 0
        self._submitted = 0
        self._buffer: list[Array] = []
        self._buffered = 0
        self._waiting: deque[tuple[int, Future[bytes]]] = deque()

    def append(self, values: Array) -> None:
        """Add rows behind those written so far."""
        size = len(values)
        if not size:
            return
        if not self.is_direct:
            self.dataset[self._done : self._done + size] = values
            self._done += size
            return
        self._done += size
        at = 0
        if self._buffered:
            at = min(size, self._chunk - self._buffered)
            self._hold(values[:at])
        while size - at >= self._chunk:
            self._submit(np.asarray(values[at : at + self._chunk], dtype=self._dtype))
            at += self._chunk
        if at < size:
            self._hold(values[at:])

    def _hold(self, values: Array) -> None:
        self._buffer.append(np.array(values, dtype=self._dtype))
        self._buffered += len(values)
        if self._buffered == self._chunk:
            self._submit(np.concatenate(self._buffer))
            self._buffer, self._buffered = [], 0

    def _submit(self, chunk: Array) -> None:
        cache = self._owner._uniform
        key: Any = None
        if not self._width and chunk[0] == chunk[-1] and bool((chunk == chunk[0]).all()):
            key = (self._dtype.str, self._chunk, chunk[0].item())
        level = self._owner.compression
        future: Future[bytes]
        if key is not None and key in cache:
            future = Future()
            future.set_result(cache[key])
        elif key is not None:
            future = Future()
            cache[key] = _deflate(chunk, level, True)
            future.set_result(cache[key])
        else:
            future = self._owner._pool.submit(_deflate, chunk, level, self._smooth)
        self._waiting.append((self._submitted, future))
        self._submitted += 1
        # not as soon as one is done: the order of chunks in the file must not depend on the clock
        while len(self._waiting) > _WAITING:
            self._store()

    def _store(self) -> None:
        number, future = self._waiting.popleft()
        offset = (number * self._chunk, 0) if self._width else (number * self._chunk,)
        self.dataset.id.write_direct_chunk(offset, future.result())

    def finish(self) -> None:
        """Write the last, partly filled chunk."""
        if self._buffered:
            rest = np.concatenate(self._buffer)
            padded = np.zeros((self._chunk, *rest.shape[1:]), dtype=self._dtype)
            padded[: len(rest)] = rest
            self._buffer, self._buffered = [], 0
            self._submit(padded)
        while self._waiting:
            self._store()


def _deflate(chunk: Array, level: Any, smooth: bool) -> bytes:
    """Shuffle the bytes of the items and compress them.

    Noise in the low bytes does not repeat: there only runs (zeros of the high bytes) are worth looking for.
    """
    strategy = zlib.Z_DEFAULT_STRATEGY if smooth else zlib.Z_RLE
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, 8, strategy)
    size = chunk.dtype.itemsize
    flat: npt.NDArray[np.uint8] = np.ascontiguousarray(chunk).view(np.uint8).reshape(-1, size)
    return packer.compress(flat.T.tobytes()) + packer.flush()
