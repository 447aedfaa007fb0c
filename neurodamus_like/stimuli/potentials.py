"""Potentials outside of cells that differ from segment to segment, and those of electrodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from neurodamus_like.circuit.geometry import iterate_compartments, ordered_sections
from neurodamus_like.config.manifest import read_json
from neurodamus_like.config.models import Input
from neurodamus_like.engine.drive_source import DriveSource
from neurodamus_like.stimuli.base import BaseStim, StimulusContext, stimulus_types
from neurodamus_like.stimuli.electrode_array import (
    MINIMUM_DISTANCE_UM,
    Electrode,
    nearest_distance,
    read_electrodes,
    transfer_potentials,
)
from neurodamus_like.stimuli.parameters import Parameters, declare, flag, number, read_path
from neurodamus_like.stimuli.potential_waves import PotentialWave, make_wave, read_points
from neurodamus_like.stimuli.signals import Signal

FloatArray = npt.NDArray[np.float64]
Wave = str | Path | Mapping[str, Any]


def as_list(raw: Any) -> list[Any]:
    """Return a list, or a list of the one value."""
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def read_waves(raw: Any) -> tuple[Wave, ...]:
    """Return the waveforms that a value means (for :func:`declare`)."""
    found = as_list(raw)
    if not found or not all(isinstance(wave, str | Path | Mapping) for wave in found):
        raise ValueError("a description {shape, amp, del, dur, ...}, a .csv or .json file, or a list of them")
    return tuple(found)


def load_wave(wave: Wave) -> PotentialWave:
    """Return the waveform of a description or a file (.csv points, .json description).

    Raises
    ------
    NeurodamusLikeError
        It is wrong.
    """
    if isinstance(wave, Mapping):
        return make_wave(wave)
    file = Path(wave)
    return make_wave(read_json(file)) if file.suffix == ".json" else read_points(file)


@dataclass(frozen=True, kw_only=True)
class PotentialParameters(Parameters):
    """What fields of all kinds have in common."""

    input_types: ClassVar[tuple[str, ...]] = ("extracellular_stimulation",)

    set_nrn_mechanisms: bool = flag(True)


@dataclass(frozen=True, kw_only=True)
class ElectrodeParameters(PotentialParameters):
    """Electrodes, the medium, and their currents (mA): one waveform for all, or one for each."""

    positions_file: Path = declare("the path of a table of electrodes", read_path)  # noqa: RUF009
    mesh_files_dir: Path | None = declare("a folder", read_path, None)  # noqa: RUF009
    resistance: float = number("Ohm cm", 300.0, above=0)
    waveform: tuple[Wave, ...] | None = declare("a waveform", read_waves, None)

    def electrodes(self) -> list[Electrode]:
        """Read the electrodes."""
        return read_electrodes(self.positions_file, self.mesh_files_dir)

    def waves(self, electrodes: Sequence[Electrode]) -> list[PotentialWave]:
        """Return the waveform of each electrode.

        Raises
        ------
        ValueError
            There are not as many as electrodes.
        NeurodamusLikeError
            One is wrong.
        """
        names = self.waveform or [electrode.waveform_file for electrode in electrodes]
        if any(name is None for name in names):
            raise ValueError(
                "there is no waveform: neither the key 'waveform' nor such a column in positions_file"
            )
        if len(names) not in (1, len(electrodes)):
            raise ValueError(f"{len(names)} waveforms for {len(electrodes)} electrodes")
        loaded = {str(name): self._load(name) for name in names}
        return [loaded[str(name)] for name in names] * (len(electrodes) // len(names))

    def _load(self, name: Any) -> PotentialWave:
        if self.waveform is None:
            return load_wave(self.positions_file.parent / name)
        return load_wave(name)

    def check_files(self, info: Input) -> None:
        """Read all files."""
        self.waves(self.electrodes())


class PotentialStim(BaseStim):
    """Base of potentials that act on every segment of the target cells; fields of several blocks add up.

    The potential that a step ends with acts during the next one, and the first step sees 0, as in BMTK.
    """

    parameters_type = PotentialParameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        super().__init__(target_points, stim_info, cell_manager, context=context)
        cells = [cell_manager.get_cell(points.gid) for points in target_points if len(points.x)]
        if not cells:
            return
        if not self.parameters.set_nrn_mechanisms:
            self._require_extracellular(cells)
        found = list(iterate_compartments(cell_manager, cells))
        self._check(found)
        middles = np.concatenate([compartments.middle_um for _, compartments in found])
        sections = [(cell.gid, ordered_sections(cell)) for cell, _ in found]
        self.sources = [context.simulator.drive_potentials(sections, self._sources_at(middles))]

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "mV"

    def _sources_at(self, middles_um: FloatArray) -> list[DriveSource]:
        raise TypeError(f"{type(self).__name__} defines no _sources_at()")

    def _check(self, found: Sequence[tuple[Any, Any]]) -> None:
        """Check the geometry (for subclasses)."""

    def step_times(self) -> FloatArray:
        """Return the times of all steps."""
        run = self.context.run
        return np.arange(round(run.tstop_ms / run.dt_ms) + 1, dtype=np.float64) * run.dt_ms

    def _require_extracellular(self, cells: Iterable[Any]) -> None:
        for cell in cells:
            for section in cell.sections:
                if not section.has_membrane("extracellular"):
                    raise self.error(
                        f"set_nrn_mechanisms is false, but {section.name()} has no 'extracellular'",
                        cell,
                        "the mechanism in every section (model_processing 'extracellular'), or set_nrn_mechanisms true",
                    )


@stimulus_types.register("xstim", "extracellular_electrodes")
class ElectrodePotentials(PotentialStim):
    """Potentials of stimulation electrodes in an infinite homogeneous conductor.

    ``V = sum over electrodes of I(t) rho / (4 pi) mean(1 / r)``, with r from the points of the electrode to the middle
    of the segment.
    """

    parameters_type = ElectrodeParameters

    def _check(self, found: Sequence[tuple[Any, Any]]) -> None:
        for number_, electrode in enumerate(self._electrodes()):
            for cell, compartments in found:
                distance = nearest_distance(electrode, compartments.middle_um)
                if distance < MINIMUM_DISTANCE_UM:
                    raise self.error(
                        f"electrode {number_} of {self.parameters.positions_file} is {distance:.3g} µm from a segment",
                        cell,
                        f"{MINIMUM_DISTANCE_UM:g} µm or more from the middle of every segment",
                    )

    def _sources_at(self, middles_um: FloatArray) -> list[DriveSource]:
        electrodes = self._electrodes()
        potentials = transfer_potentials(electrodes, middles_um, self.parameters.resistance)
        waves = self.parameters.waves(electrodes)
        distinct = {id(wave): wave for wave in waves}
        return [
            wave.source(potentials[[id(w) == key for w in waves]].sum(axis=0, keepdims=True))
            for key, wave in distinct.items()
        ]

    def _electrodes(self) -> list[Electrode]:
        electrodes: list[Electrode] = self.parameters.electrodes()
        return electrodes

    @property
    def unit(self) -> str:
        """Unit of the signals."""
        return "mA"

    def signals(self, cell: Any, n_points: int) -> list[Signal]:
        """Return the current of the first electrode for each of `n_points` points."""
        times = self.step_times()
        return [Signal(times, self.parameters.waves(self._electrodes())[0].at(times))] * n_points
