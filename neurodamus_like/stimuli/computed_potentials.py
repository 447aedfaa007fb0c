"""Potentials outside of cells that COMSOL computed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import Input
from neurodamus_like.engine.drive_source import DriveSource, WaveformKind
from neurodamus_like.exceptions import StimulusError
from neurodamus_like.io.comsol import PotentialSolution, read_comsol, read_comsol_columns
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.parameters import declare, read_path
from neurodamus_like.stimuli.potential_waves import PointsWave, PotentialWave
from neurodamus_like.stimuli.potentials import (
    PotentialParameters,
    PotentialStim,
    Wave,
    as_list,
    load_wave,
    read_waves,
)
from neurodamus_like.stimuli.signals import Signal

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]


def _read_paths(raw: Any) -> tuple[Path, ...]:
    return tuple(read_path(path) for path in as_list(raw))


def _read_amplitudes(raw: Any) -> tuple[float, ...]:
    found = as_list(raw)
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in found):
        raise ValueError("a number, or one for each file")
    return tuple(float(value) for value in found)


@dataclass(frozen=True, kw_only=True)
class SolutionParameters(PotentialParameters):
    """Solutions of COMSOL: one that depends on time, or stationary ones with a waveform and a factor for each."""

    comsol_files: tuple[Path, ...] = declare("the path of an export of COMSOL", _read_paths)
    waveforms: tuple[Wave, ...] | None = declare("a waveform for each file", read_waves, None)
    amplitudes: tuple[float, ...] = declare("a number", _read_amplitudes, (1.0,))

    def conflicts(self, info: Input) -> list[str]:
        """There are as many waveforms and factors as files."""
        n, found = len(self.comsol_files), []
        if self.waveforms is None and n > 1:
            found.append(
                f"{n} comsol_files without waveforms: only one solution that depends on time is possible"
            )
        if self.waveforms is not None and len(self.waveforms) != n:
            found.append(f"{len(self.waveforms)} waveforms for {n} comsol_files")
        if len(self.amplitudes) not in (1, n):
            found.append(f"{len(self.amplitudes)} amplitudes for {n} comsol_files")
        return found

    def check_files(self, info: Input) -> None:
        """Read the waveforms and the heads of the solutions."""
        for wave in self.waveforms or ():
            load_wave(wave)
        for file in self.comsol_files:
            self.check_kind(file, len(read_comsol_columns(file)) > 4)

    def check_kind(self, file: Path, changes: bool) -> None:
        """Check that a solution that depends on time has no waveform, and a stationary one has.

        Raises
        ------
        StimulusError
            It is the wrong kind.
        """
        if changes and self.waveforms is not None:
            raise StimulusError(
                "the solution depends on time, but there is a waveform for it",
                file=file,
                expected="a stationary solution with waveforms, or one that depends on time without",
            )
        if not changes and self.waveforms is None:
            raise StimulusError(
                "the solution is stationary, and there is no waveform for it",
                file=file,
                hint="add 'waveforms': a .csv with the columns time and amplitude for each of comsol_files",
            )


@stimulus_types.register("comsol")
class ComputedPotentials(PotentialStim):
    """Potentials that COMSOL computed.

    A solution that depends on time gives each segment the potential of the nearest node, interpolated in time, and
    begins anew at its end. Stationary solutions are interpolated in space (0 outside of their nodes) and multiplied
    with their waveforms, which begin anew at their ends; the sum acts. Both are one step later than other potentials,
    as in BMTK.
    """

    parameters_type = SolutionParameters

    def _sources_at(self, middles_um: FloatArray) -> list[DriveSource]:
        solutions = [read_comsol(file) for file in self.parameters.comsol_files]
        for solution in solutions:
            self.parameters.check_kind(solution.file, solution.time_ms is not None)
        if self.parameters.waveforms is None:
            return [self._changing(solutions[0], middles_um)]
        return self._stationary(solutions, middles_um)

    def _changing(self, solution: PotentialSolution, middles_um: FloatArray) -> DriveSource:
        assert solution.time_ms is not None
        dt_ms, times = self.context.run.dt_ms, solution.time_ms
        steps = np.arange(times[0], times[-1] + dt_ms, dt_ms)
        period = int((steps[-1] - steps[0]) / dt_ms)
        if period < 1:
            raise self.error(f"the solution in {solution.file} is shorter than a time step")
        from scipy.spatial import cKDTree  # slow to load, and few runs need it

        nearest = cKDTree(solution.position_um).query(middles_um)[1]
        rows = solution.potential_mV[nearest].T * self.parameters.amplitudes[0]
        return DriveSource(
            WaveformKind.FRAMES, rows, lag_steps=1, period_steps=period, start_ms=times[0], time_ms=times
        )

    def _stationary(
        self, solutions: Sequence[PotentialSolution], middles_um: FloatArray
    ) -> list[DriveSource]:
        rows = np.stack([self._interpolated(solution, middles_um) for solution in solutions])
        outside = np.isnan(rows).any(axis=0)
        if outside.any():
            logger.warning(
                "input %r: %d of %d segments lie outside of the solution, their potential is 0",
                *(self.stim_info.name, int(outside.sum()), outside.size),
            )
        rows[:, outside] = 0.0
        n = len(solutions)
        amplitudes = self.parameters.amplitudes * (n // len(self.parameters.amplitudes))
        waves = [load_wave(wave) for wave in self.parameters.waveforms]
        return [
            wave.source(amplitude * row[None], lag_steps=1, period_steps=self._period(wave))
            for wave, amplitude, row in zip(waves, amplitudes, rows, strict=True)
        ]

    def _period(self, wave: PotentialWave) -> float:
        return wave.duration_ms / self.context.run.dt_ms + 1 if isinstance(wave, PointsWave) else 0.0

    def _interpolated(self, solution: PotentialSolution, middles_um: FloatArray) -> FloatArray:
        from scipy.interpolate import LinearNDInterpolator
        from scipy.spatial import QhullError

        try:
            interpolate = LinearNDInterpolator(solution.position_um, solution.potential_mV[:, 0])
        except (QhullError, ValueError) as error:
            raise self.error(
                f"the nodes of {solution.file} span no volume: {str(error).splitlines()[0]}"
            ) from error
        return np.asarray(interpolate(middles_um), dtype=np.float64)

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the first waveform, or the potential of the first node, for each of `n_points` points."""
        times = self.step_times()
        if self.parameters.waveforms is not None:
            return [Signal(times, load_wave(self.parameters.waveforms[0]).at(times))] * n_points
        solution = read_comsol(self.parameters.comsol_files[0])
        if solution.time_ms is None:
            return [Signal(times, np.zeros_like(times))] * n_points
        return [Signal(times, np.interp(times, solution.time_ms, solution.potential_mV[0]))] * n_points
