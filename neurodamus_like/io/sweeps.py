"""Stimuli of sweeps in the NWB files of the Allen Cell Types Database (NWB 1, which is HDF5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, did_you_mean
from neurodamus_like.io.hdf5 import open_h5

FloatArray = npt.NDArray[np.float64]

_NANOAMPERES_PER_AMPERE = 1e9


@dataclass(frozen=True)
class Sweep:
    """Current that was injected in a sweep.

    Attributes
    ----------
    amplitude_nA
        Samples, shape (n,).
    step_ms
        Interval between samples.
    """

    amplitude_nA: FloatArray
    step_ms: float

    def thinned(self, step_ms: float) -> Sweep:
        """Return every n-th sample, where n fits the new interval best; itself if that is not longer."""
        if step_ms <= self.step_ms:
            return self
        return Sweep(self.amplitude_nA[:: int(np.round(step_ms / self.step_ms))], step_ms)

    def between(self, start_ms: float, stop_ms: float) -> Sweep:
        """Return the samples of an interval of time, both ends included."""
        times = np.arange(len(self.amplitude_nA)) * self.step_ms
        return Sweep(self.amplitude_nA[(times >= start_ms) & (times <= stop_ms)], self.step_ms)


def sweep_name(sweep_id: int | float | str) -> str:
    """Return the name of the group of a sweep: ``Sweep_6`` for 6, 6.0 and "6"; other texts are names already."""
    try:
        return f"Sweep_{int(sweep_id)}"
    except ValueError:
        return str(sweep_id)


def read_sweep(file: Path, sweep_id: int | float | str) -> Sweep:
    """Read the stimulus of a sweep.

    Raises
    ------
    CircuitError
        The file cannot be read, or lacks the sweep or its samples.
    """
    name = sweep_name(sweep_id)
    with open_h5(Path(file)) as h5:
        epochs = h5.get("epochs", {})
        if name not in epochs:
            raise CircuitError(
                f"the file has no sweep {name!r}",
                file=file,
                pointer="/epochs",
                expected="one of " + (", ".join(list(epochs)[:20]) or "/epochs/Sweep_<number>"),
                hint=did_you_mean(name, epochs) or None,
            )
        path = f"epochs/{name}/stimulus/timeseries"
        try:
            samples = np.asarray(h5[f"{path}/data"][()], dtype=np.float64)
            rate_Hz = float(h5[f"{path}/starting_time"].attrs["rate"])
        except (KeyError, ValueError) as error:
            raise CircuitError(
                f"the sweep has no stimulus: {error}",
                file=file,
                pointer=f"/{path}",
                expected="data (A) and starting_time with the attribute rate (Hz)",
            ) from error
    if not samples.size or not rate_Hz > 0:
        raise CircuitError("the stimulus of the sweep is empty", file=file, pointer=f"/{path}")
    return Sweep(samples * _NANOAMPERES_PER_AMPERE, 1000.0 / rate_Hz)
