"""Injected currents."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from neurodamus_like.bionet.input_modules import InputModule, absolute_files
from neurodamus_like.config.allen_stimuli import CURRENTS
from neurodamus_like.config.models import Input
from neurodamus_like.exceptions import StimulusError, did_you_mean
from neurodamus_like.stimuli.clamps import StepParameters
from neurodamus_like.stimuli.current_files import CurrentSamples, SweepParameters, TableParameters
from neurodamus_like.stimuli.playback import SimulatorPlayer

FloatArray = npt.NDArray[np.float64]


class IClampMod(InputModule):
    """Injects currents; `input_type` is ``current_clamp``, ``csv``, ``file``, ``nwb`` or ``allen``.

    The other arguments are the keys of such an input.
    """

    def __init__(self, input_type: str, **mod_args: Any) -> None:
        if input_type not in CURRENTS:
            raise StimulusError(
                f"unknown input_type {input_type!r} of IClampMod",
                expected="one of " + ", ".join(CURRENTS),
                hint=did_you_mean(str(input_type), CURRENTS) or None,
            )
        node_set = mod_args.pop("node_set", None)
        super().__init__(CURRENTS[input_type], mod_args, node_set)

    @property
    def input2reader_map(self) -> Mapping[str, type[AmpsReaderNRN] | type[_SampledReader]]:
        """``input_type`` -> the class that reads such a current."""
        return READERS


class AmpsReaderNRN:
    """Steps of current; `amp` (nA), `delay` and `duration` (ms) are numbers, or lists of equal length.

    Attributes
    ----------
    amps, delays, durations
        One per step.
    """

    def __init__(self, **args: Any) -> None:
        found = StepParameters.parse(_input_of(self, "current_clamp", args))
        self.amps, self.delays, self.durations = found.amp, found.delay, found.duration

    def create_clamps(self, hobj: Any) -> list[Any]:
        """Put an electrode for each step on a segment; return them. They live until the model is cleared."""
        player = SimulatorPlayer()
        return [
            player.inject_steps(hobj.sec, hobj.x, amplitude_nA=amp, delay_ms=delay, duration_ms=duration)
            for amp, delay, duration in zip(self.amps, self.delays, self.durations, strict=True)
        ]


class _SampledReader:
    """Samples of a current from a file.

    Attributes
    ----------
    amps
        nA, shape (n,).
    delays
        When each of them begins, ms.
    """

    _parameters: ClassVar[type[TableParameters] | type[SweepParameters]]
    _input_type: ClassVar[str]

    def __init__(self, **args: Any) -> None:
        self._current: CurrentSamples = self._parameters.parse(_input_of(self, self._input_type, args)).load()

    @property
    def amps(self) -> FloatArray:
        return self._current.samples.value

    @property
    def delays(self) -> FloatArray:
        return self._current.samples.time_ms

    def create_clamps(self, hobj: Any) -> list[Any]:
        """Put an electrode on a segment; return it in a list. It lives until the model is cleared."""
        c = self._current
        return [
            SimulatorPlayer().inject_samples(
                hobj.sec, hobj.x, c.samples, delay_ms=c.delay_ms, duration_ms=c.duration_ms
            )
        ]


class CSVAmpReaderNRN(_SampledReader):
    """A current from a table: `file`, `separator`, `timestamps_column`, `amplitudes_column`."""

    _parameters, _input_type = TableParameters, "csv"


class NWBReaderNRN(_SampledReader):
    """The current of a sweep of the Allen Cell Types Database: `file`, `sweep_id` and its other keys."""

    _parameters, _input_type = SweepParameters, "nwb"


READERS: Mapping[str, type[AmpsReaderNRN] | type[_SampledReader]] = MappingProxyType(
    {
        "current_clamp": AmpsReaderNRN,
        **dict.fromkeys(("csv", "file"), CSVAmpReaderNRN),
        **dict.fromkeys(("nwb", "allen"), NWBReaderNRN),
    }
)
"""``input_type`` -> the class that reads such a current."""


def _input_of(reader: Any, input_type: str, args: Mapping[str, Any]) -> Input:
    name = type(reader).__name__
    form = CURRENTS[input_type]
    return Input(
        name=name,
        module=form.module,
        input_type=form.input_type,
        duration_ms=float("inf"),
        node_set="all",
        parameters=MappingProxyType(absolute_files(form, args)),
        pointer=f"/{name}",
    )
