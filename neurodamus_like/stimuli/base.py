"""What stimulus types have in common: their context, their base class and the registry that finds them."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from neurodamus_like.config.models import Input, Run
from neurodamus_like.engine.rng import RandomStream
from neurodamus_like.exceptions import StimulusError
from neurodamus_like.registry import Registry
from neurodamus_like.stimuli.parameters import Parameters
from neurodamus_like.stimuli.signals import NoiseProcess, Signal

stimulus_types: Registry[type] = Registry("stimulus module", "neurodamus_like.stimuli")


class Player(Protocol):
    """What puts signals into the simulator (:mod:`neurodamus_like.stimuli.playback`)."""

    def play_current(self, section: Any, x: float, signal: Signal, *, electrode: bool) -> Any:
        """Inject a current (nA) and return the source."""

    def play_conductance(
        self, section: Any, x: float, signal: Signal, *, reversal_mV: float, electrode: bool
    ) -> Any:
        """Open a conductance (µS) and return the source."""

    def play_noise(
        self, section: Any, x: float, noise: NoiseProcess, *, reversal_mV: float | None
    ) -> Any | None:
        """Compute a noise as the simulation goes; None when the mechanisms lack the point process for it."""

    def clamp_voltage(
        self,
        section: Any,
        x: float,
        *,
        voltage_mV: float,
        resistance_MOhm: float,
        duration_ms: float,
        levels: Signal | None,
    ) -> Any:
        """Clamp the voltage and return the clamp."""

    def drive_field(self, key: Any, section: Any, x: float) -> Any:
        """Return the source of the extracellular potential of a segment, the same for all blocks."""

    def drive_potentials(self, cells: Sequence[tuple[Any, Sequence[Any]]], sources: Sequence[Any]) -> Any:
        """Superpose potentials outside of all segments of cells (key, sections) and return their source."""

    def inject_steps(
        self, section: Any, x: float, *, amplitude_nA: float, delay_ms: float, duration_ms: float
    ) -> Any:
        """Inject a constant current with an electrode and return the clamp."""

    def inject_samples(
        self, section: Any, x: float, samples: Signal, *, delay_ms: float, duration_ms: float
    ) -> Any:
        """Inject a current with an electrode that holds each value until the next; return the clamp."""

    def hold_voltage(
        self,
        section: Any,
        x: float,
        *,
        delay_ms: float,
        duration_ms: float,
        voltage_mV: float,
        resistance_MOhm: Signal,
    ) -> Any:
        """Clamp the voltage for an interval through a resistance that changes in steps; return the clamp."""

    def segments_of(self, cell: Any) -> Any:
        """Return lengths of the segments of a cell, and their distances from the soma."""

    def drive_synapse(self, section: Any, x: float, times_ms: Any, weight_uS: float) -> Any:
        """Send spikes to a synapse made for them and return it."""


@dataclass(frozen=True)
class StimulusContext:
    """What a stimulus needs to know besides its own block.

    Attributes
    ----------
    run
        Time step, duration and seeds of the run.
    block_index
        How many blocks of the same family (:attr:`BaseStim.family`) came before this one in the configuration.
    player
        Puts signals into the simulator; None when signals are only looked at.
    """

    run: Run
    block_index: int = 0
    player: Player | None = field(default=None, compare=False)

    @property
    def simulator(self) -> Player:
        """The player.

        Raises
        ------
        RuntimeError
            Signals are only looked at.
        """
        if self.player is None:
            raise RuntimeError("this stimulus was made without a simulator")
        return self.player


class BaseStim:
    """Base of the stimulus types of this package.

    A type that a user registers need not derive from it: it is called with `target_points`, `stim_info` and
    `cell_manager` only. Types that derive from this class also receive the `context`.

    Parameters
    ----------
    target_points
        Points of the local cells, one list per cell.
    stim_info
        The input block.
    cell_manager
        Cells of the population, by gid.
    context
        Seeds, duration and the number of the block.
    """

    IsNoise = False
    family: ClassVar[str] = ""
    """Blocks of one family are counted together (part of the name of random streams); by default of one class."""
    sections: ClassVar[str] = "soma"
    compartments: ClassVar[str] = "center"
    """Which points a node set means."""
    parameters_type: ClassVar[type[Parameters]] = Parameters

    def __init__(
        self, target_points: Sequence[Any], stim_info: Input, cell_manager: Any, *, context: StimulusContext
    ) -> None:
        self.stim_info = stim_info
        self.context = context
        self.parameters: Any = self.parameters_type.parse(stim_info)
        self.sources: list[Any] = []
        """Simulator objects of this stimulus on this rank, one per point."""

    @property
    def inactive(self) -> bool:
        """True when the block does nothing at all; such a block is not counted."""
        return bool(self.parameters.inactive(self.stim_info))

    def stream(self, name: tuple[int, int, int], gid: int, random_seed: int | None = None) -> RandomStream:
        """Return the random stream of a cell.

        Parameters
        ----------
        name
            What is added to the number of the block, to the stimulus seed and to the global id.
        gid
            Global id, from 0.
        random_seed
            Takes the place of the last number.
        """
        run, (block, seed, cell) = self.context.run, name
        last = gid + cell if random_seed is None else random_seed
        ids = (self.context.block_index + block, run.stimulus_seed + seed, last)
        return RandomStream(*ids, global_index=run.random_seed)

    def error(self, message: str, cell: Any = None, expected: str | None = None) -> StimulusError:
        """Return an error that names the block and the cell."""
        info = self.stim_info
        return StimulusError(
            f"input {info.name!r} (module {info.module!r}): {message}",
            pointer=info.pointer or None,
            population=None if cell is None else cell.population,
            ids=None if cell is None else [cell.node_id],
            expected=expected,
        )


class BlockCounts:
    """How many blocks of each family of stimuli came before, which is part of the name of random streams."""

    def __init__(self) -> None:
        self._counts: Counter[Any] = Counter()

    def context(self, stim_type: Any, run: Run, player: Player | None = None) -> StimulusContext | None:
        """Return the context of the next block of a type; None for types that do not derive from :class:`BaseStim`."""
        if not (inspect.isclass(stim_type) and issubclass(stim_type, BaseStim)):
            return None
        return StimulusContext(run, self._counts[stim_type.family or stim_type], player)

    def add(self, stim_type: Any, stimuli: Sequence[Any]) -> None:
        """Count the block that `stimuli` came from, unless it does nothing at all."""
        if not all(getattr(stim, "inactive", False) for stim in stimuli):
            self._counts[getattr(stim_type, "family", "") or stim_type] += 1


def iterate_points(point_list: Any) -> Iterator[tuple[Any, float]]:
    """Yield (section, x) of the points of one cell."""
    yield from zip(point_list.sclst, point_list.x, strict=True)
