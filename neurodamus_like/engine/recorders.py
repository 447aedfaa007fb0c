"""Recording of variables and spikes in compiled code: no Python runs during a time step.

A frame belongs to a time that is a multiple of the recording interval. It holds the values at the
integration step nearest to that time (the start of the step in which NEURON delivers an event of that
time). The first frame is the exception for currents: it holds what is in memory once the mechanisms are
initialised but no current has been computed yet, so currents are 0 there, as in the reports of the
reference simulator.
"""

from __future__ import annotations

import ctypes
import logging
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine import nrn
from neurodamus_like.engine.recording import Block, FloatArray, FrameGrid, Recorder, Sources
from neurodamus_like.engine.vector_recorder import VectorRecorder
from neurodamus_like.exceptions import MechanismError

MECHANISM = "ReportRecorder"
"""The artificial cell of core/mod that gathers all variables of a report at one event."""

_WIDE_BYTES = 8

logger = logging.getLogger(__name__)


class _Model:
    """Lives as long as the model that is there when it is kept."""


class CompiledRecorder:
    """Records with the mechanism ReportRecorder, straight into floats of 32 or 64 bits; in NEURON and in CoreNEURON.

    Parameters
    ----------
    sources, grid
        What and when.
    dt_ms
        Integration step.
    dtype
        float32 or float64.
    """

    def __init__(
        self, sources: Sources, grid: FrameGrid, dt_ms: float, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._n_columns = sources.n_columns
        self._mechanism = getattr(nrn.h, MECHANISM)()
        for reference in sources.references:
            self._mechanism.add(reference)
        for matrix in sources.matrices or ():
            self._mechanism.weigh(*matrix.shape, nrn.h.Vector(np.ravel(matrix)))
        self._mechanism.interval = grid.interval_ms
        self._mechanism.first = grid.first
        self._mechanism.last = grid.first + grid.count - 1
        self._mechanism.steps = grid.steps_per_frame(dt_ms) if grid.after_step else 0
        self._mechanism.wide = int(self._dtype.itemsize == _WIDE_BYTES)
        self._mechanism.open()

    @property
    def n_columns(self) -> int:
        """Values per frame."""
        return self._n_columns

    @property
    def bytes_per_ms(self) -> float:
        """Memory that grows with each millisecond of simulated time, until :meth:`take`."""
        return self._dtype.itemsize * (self._n_columns + 1) / self._grid.interval_ms

    @property
    def frames_taken(self) -> int:
        """Frames handed out so far."""
        return int(self._mechanism.next - self._mechanism.frames) - self._grid.first

    def expect_blocks(self, block_ms: float) -> None:
        """Set memory aside for :meth:`take` being called about every `block_ms`."""
        frames = min(block_ms / self._grid.interval_ms + 2, self._grid.count)
        self._mechanism.limit = int(frames * self._n_columns * self._dtype.itemsize / _WIDE_BYTES) + 1

    def take(self) -> Block:
        """Return the frames since the last call, shape (frames, columns), and forget them."""
        n_frames = int(self._mechanism.frames)
        self._mechanism.frames = 0
        if not n_frames or not self._n_columns:
            return np.empty((n_frames, self._n_columns), dtype=self._dtype)
        first = ctypes.cast(int(self._mechanism.address()), ctypes.POINTER(ctypes.c_byte))
        size = n_frames * self._n_columns * self._dtype.itemsize
        values: Block = np.ctypeslib.as_array(first, shape=(size,)).view(self._dtype)
        return values.reshape(n_frames, self._n_columns)

    def write_to_file(self, number: int) -> None:
        """Have whoever simulates the files of this model write the frames into the file of this number."""
        self._mechanism.file = number

    def count_unreachable(self) -> int:
        """Return how many variables CoreNEURON will not have; once the model is initialised."""
        return int(self._mechanism.unreachable())

    def record_now(self) -> None:
        """Add a frame with the present values."""
        self._mechanism.append()

    def drop(self) -> None:
        """Forget the frames since the last call of :meth:`take`."""
        self._mechanism.frames = 0

    def resume(self, frames: int, next_ms: float, now_ms: float) -> None:
        """Go on after a restore, see :class:`~neurodamus_like.engine.recording.Recorder`."""
        self._mechanism.resume(self._grid.first + frames, max(next_ms, now_ms))

    @property
    def mechanism(self) -> Any:
        """The point process that records."""
        return self._mechanism

    def close(self) -> None:
        """Stop recording and give the memory back."""
        _shut(self._mechanism)
        self._n_columns = 0


def create_recorder(
    sources: Sources,
    grid: FrameGrid,
    dt_ms: float,
    *,
    coreneuron: bool = False,
    dtype: npt.DTypeLike = np.float32,
) -> Recorder:
    """Return a recorder; it stops by itself when the model is cleared.

    Parameters
    ----------
    sources, grid
        What and when.
    dt_ms
        Integration step.
    coreneuron
        The run is done by CoreNEURON, where ``Vector.record`` knows nothing but recording each step.
    dtype
        Type of the values, float32 or float64.
    """
    if nrn.has_global(MECHANISM):
        compiled = CompiledRecorder(sources, grid, dt_ms, dtype)
        _close_with_model(compiled)
        return compiled
    logger.info("the mechanism library has no %s: reports are recorded more slowly", MECHANISM)
    recorder = VectorRecorder(sources, grid, dt_ms, every_step=coreneuron, dtype=dtype)
    _close_with_model(recorder)
    return recorder


class SpikeRecorder:
    """Collects the spike times of gids of this rank.

    Parameters
    ----------
    gids
        Gids that exist on this rank and have a spike source.
    """

    def __init__(self, gids: Sequence[int]) -> None:
        self._times = nrn.h.Vector()
        self._gids = nrn.h.Vector()
        for gid in gids:
            nrn.pc.spike_record(int(gid), self._times, self._gids)
        nrn.keep(self)

    def restore(self, times_ms: FloatArray, gids: npt.NDArray[np.int64]) -> None:
        """Put the spikes of an earlier part of the run in place of all so far."""
        order = np.argsort(times_ms, kind="stable")
        self._times.from_python(times_ms[order])
        self._gids.from_python(gids[order].astype(np.float64))

    def spikes(self) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return times (ms) and gids of the spikes so far, in the order in which they happened here."""
        return np.array(self._times.as_numpy()), np.array(self._gids.as_numpy()).astype(np.int64)


def enable_membrane_currents() -> None:
    """Have the total membrane current of segments (``i_membrane_``, nA) computed; before initialisation.

    Nothing happens on a rank without sections, where NEURON would fail an assertion.
    """
    if any(True for _ in nrn.h.allsec()):
        nrn.h.cvode.use_fast_imem(1)


def membrane_currents_are_on() -> bool:
    """Say whether total membrane currents are computed."""
    return bool(nrn.h.cvode.use_fast_imem())


def create_file_recorder(
    sources: Sources, grid: FrameGrid, dt_ms: float, number: int, dtype: npt.DTypeLike = np.float32
) -> CompiledRecorder:
    """Return a recorder that goes into the files of the model; whoever simulates them writes its frames to a file.

    Parameters
    ----------
    sources, grid, dt_ms, dtype
        As in :func:`create_recorder`.
    number
        Of the file.

    Raises
    ------
    MechanismError
        The library has no mechanism for it.
    """
    if not nrn.has_global(MECHANISM):
        raise MechanismError(
            f"reports of a model in files need the mechanism {MECHANISM}, which is not loaded",
            hint="compile with `neurodamus-like compile --coreneuron`, which adds it, or add --disable-reports",
        )
    recorder = CompiledRecorder(sources, grid, dt_ms, dtype)
    recorder.write_to_file(number)
    _close_with_model(recorder)
    return recorder


def _shut(mechanism: Any) -> None:
    mechanism.close()
    mechanism.last = mechanism.first - 1
    mechanism.frames = 0


def _close_with_model(recorder: Any) -> None:
    """Close a recorder that somebody still holds when its model is cleared."""
    weak = weakref.ref(recorder)

    def close() -> None:
        alive = weak()
        if alive is not None:
            alive.close()

    model = _Model()
    weakref.finalize(model, close).atexit = False
    nrn.keep(model)
