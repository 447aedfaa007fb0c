"""What recorders of variables have in common: what is recorded, when, and how it is handed over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Block = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sources:
    """Variables, and how columns are made of them.

    Attributes
    ----------
    references
        References to variables (``segment._ref_v``).
    matrices
        None: each variable is a column. Otherwise each matrix, of shape (columns, variables), takes the next
        variables and makes the next columns: ``columns = matrix @ variables``.
    """

    references: Sequence[Any]
    matrices: Sequence[FloatArray] | None = None

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        if self.matrices is None:
            return len(self.references)
        return sum(m.shape[0] for m in self.matrices)

    def combine(self, values: FloatArray) -> FloatArray:
        """Return the columns, shape (frames, columns), of values of the variables, (frames, variables)."""
        if self.matrices is None:
            return values
        columns = np.empty((len(values), self.n_columns))
        variable = column = 0
        for matrix in self.matrices:
            n_out, n_in = matrix.shape
            part = np.ascontiguousarray(values[:, variable : variable + n_in])
            for number, weights in enumerate(
                matrix
            ):  # a product of matrices would round as the number of frames says
                columns[:, column + number] = (part * weights).sum(axis=1)
            variable, column = variable + n_in, column + n_out
        return columns


@dataclass(frozen=True)
class FrameGrid:
    """Frames `first`, `first` + 1, ... at these multiples of the interval.

    Attributes
    ----------
    first, count
        Number of the first frame, counted from t = 0, and how many there are.
    interval_ms
        Time between frames.
    after_step
        Frames hold the values at the end of the integration step that begins at their time, instead of at its begin;
        the interval is a whole number of steps then.
    """

    first: int
    count: int
    interval_ms: float
    after_step: bool = False

    def step_of(self, frame: int, dt_ms: float) -> int:
        """Return the integration step at whose begin the values of a frame are in memory."""
        return math.ceil(frame * self.interval_ms / dt_ms - 0.5 - 1e-6) + int(self.after_step)

    def steps_per_frame(self, dt_ms: float) -> int:
        """Return the number of integration steps from a frame to the next."""
        return max(1, round(self.interval_ms / dt_ms))

    def time_of(self, frame: int, dt_ms: float) -> float:
        """Return when the values of a frame are in memory, in ms."""
        return frame * self.interval_ms + (dt_ms if self.after_step else 0.0)

    def time_of_last(self, dt_ms: float) -> float:
        """Return when the values of the last frame are in memory, in ms."""
        return self.time_of(self.first + self.count - 1, dt_ms)


class Recorder(Protocol):
    """Collects frames during a run. Made before the model is initialised."""

    @property
    def n_columns(self) -> int:
        """Values per frame."""

    @property
    def bytes_per_ms(self) -> float:
        """Memory that grows with each millisecond of simulated time, until :meth:`take`."""

    @property
    def frames_taken(self) -> int:
        """Frames handed out so far, which is also the row of the next one."""

    def expect_blocks(self, block_ms: float) -> None:
        """Set memory aside for :meth:`take` being called about every `block_ms`."""

    def take(self) -> Block:
        """Return the frames since the last call, shape (frames, columns), and forget them.

        The array may be a view of the recorder's memory: use it before the simulation goes on.
        """

    def record_now(self) -> None:
        """Add a frame with the present values."""

    def count_unreachable(self) -> int:
        """Return how many variables CoreNEURON will not have; once the model is initialised."""

    def drop(self) -> None:
        """Forget the frames since the last call of :meth:`take`."""

    def resume(self, frames: int, next_ms: float, now_ms: float) -> None:
        """Go on after a restore.

        Parameters
        ----------
        frames
            How many frames were handed out before.
        next_ms
            When the next one is due.
        now_ms
            The time at which the run goes on.
        """

    def close(self) -> None:
        """Stop recording and give the memory back."""
