"""Recording with NEURON's own ``Vector.record``, for libraries without ReportRecorder and for CoreNEURON."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine import nrn
from neurodamus_like.engine.recording import Block, FloatArray, FrameGrid, Sources
from neurodamus_like.exceptions import SimulationError

_BEFORE_CURRENTS = 1
"""Kind of FInitializeHandler: after INITIAL blocks, before currents are computed for the first time."""

_STEPS_PER_EVENT = 4
"""Up to so many steps per frame, recording all of them is cheaper than an event per variable and frame."""


class VectorRecorder:
    """Records every integration step, or at the times of frames, whichever is cheaper.

    Parameters
    ----------
    sources, grid
        What and when.
    dt_ms
        Integration step.
    every_step
        Always record each step: in CoreNEURON, ``Vector.record`` knows nothing else.
    dtype
        Type of the values.
    """

    def __init__(
        self,
        sources: Sources,
        grid: FrameGrid,
        dt_ms: float,
        *,
        every_step: bool = False,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self._sources, self._grid, self._dt_ms, self._dtype = sources, grid, dt_ms, np.dtype(dtype)
        few_steps = grid.interval_ms / dt_ms < _STEPS_PER_EVENT + 0.5
        self._every_step = every_step or grid.after_step or few_steps
        self._clock = self._record(nrn.h._ref_t)
        self._vectors = [self._record(reference) for reference in sources.references]
        self._pointers = nrn.h.PtrVector(max(1, len(sources.references)))
        for number, reference in enumerate(sources.references):
            self._pointers.pset(number, reference)
        self._initial = np.zeros(len(sources.references))
        self._rows_forgotten = 0
        self._taken = 0
        self._last: list[FloatArray] = []
        self._handler = nrn.h.FInitializeHandler(_BEFORE_CURRENTS, _begin_of(self))

    @property
    def n_columns(self) -> int:
        """Values per frame."""
        return self._sources.n_columns

    @property
    def bytes_per_ms(self) -> float:
        """Memory that grows with each millisecond of simulated time, until :meth:`take`."""
        rows = 1.0 / (self._dt_ms if self._every_step else self._grid.interval_ms)
        columns = (8.0 + self._dtype.itemsize) * self.n_columns / self._grid.interval_ms
        return 8.0 * (len(self._vectors) + 1) * rows + columns

    @property
    def frames_taken(self) -> int:
        """Frames handed out so far."""
        return self._taken

    def expect_blocks(self, block_ms: float) -> None:
        """Nothing to do: NEURON's vectors grow as they must."""

    def take(self) -> Block:
        """Return the frames since the last call, shape (frames, columns), and forget them."""
        values = self._recorded_frames()
        if self._last:
            values = np.vstack([values, *self._last])
            self._last = []
        if self._taken == 0 and self._grid.step_of(self._grid.first, self._dt_ms) == 0 and len(values):
            values[0] = self._initial
        self._taken += len(values)
        return self._sources.combine(values).astype(self._dtype)

    def record_now(self) -> None:
        """Add a frame with the present values."""
        self._last.append(self._present_values())

    def count_unreachable(self) -> int:
        """Return 0: what CoreNEURON does not have is found when values are taken."""
        return 0

    def drop(self) -> None:
        """Forget what was recorded since the last call of :meth:`take`."""
        self._rows_forgotten += int(self._clock.size())
        for vector in (self._clock, *self._vectors):
            vector.resize(0)

    def resume(self, frames: int, next_ms: float, now_ms: float) -> None:
        """Go on after a restore, see :class:`~neurodamus_like.engine.recording.Recorder`."""
        self.drop()
        self._taken = frames
        if self._every_step:
            self._rows_forgotten = round(now_ms / self._dt_ms) + 1

    def close(self) -> None:
        """Stop recording and give the memory back."""
        self._handler = None
        self._vectors = []
        self._clock = nrn.h.Vector()
        self._pointers = nrn.h.PtrVector(1)
        self._sources = Sources(())

    def _recorded_frames(self) -> FloatArray:
        n_rows = int(self._clock.size())
        if any(int(vector.size()) != n_rows for vector in self._vectors) and self._every_step:
            raise SimulationError(
                "the simulator did not record some variables at every step",
                hint="CoreNEURON can only record variables of compartments and mechanisms",
            )
        rows = self._rows_of_frames(n_rows)
        values = np.empty((len(rows), len(self._vectors)))
        for column, vector in enumerate(self._vectors):
            values[:, column] = vector.as_numpy()[rows]
            vector.resize(0)
        self._clock.resize(0)
        self._rows_forgotten += n_rows
        return values

    def _rows_of_frames(self, n_rows: int) -> list[int]:
        rows = []
        for frame in range(self._grid.first + self._taken, self._grid.first + self._grid.count):
            row = self._grid.step_of(frame, self._dt_ms) if self._every_step else frame
            if row >= self._rows_forgotten + n_rows:
                break
            rows.append(row - self._rows_forgotten)
        return rows

    def _record(self, reference: Any) -> Any:
        vector = nrn.h.Vector()
        return (
            vector.record(reference) if self._every_step else vector.record(reference, self._grid.interval_ms)
        )

    def _present_values(self) -> FloatArray:
        vector = nrn.h.Vector(int(self._pointers.size()))
        self._pointers.gather(vector)
        return np.array(vector.as_numpy())[: len(self._vectors)]

    def _begin(self) -> None:
        if self._vectors:
            self._initial = self._present_values()
        self._taken = self._rows_forgotten = 0


def _begin_of(recorder: VectorRecorder) -> Any:
    """Return a callback that does not keep the recorder alive."""
    weak = weakref.ref(recorder)

    def begin() -> None:
        alive = weak()
        if alive is not None:
            alive._begin()

    return begin
