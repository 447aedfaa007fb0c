"""What connection overrides decide about a synapse, as columns over groups of synapses with the same settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]

DelayedWeights = tuple[tuple[float, float], ...]
"""(time in ms, weight factor), by ascending time."""


@dataclass
class ConnectionSettings:
    """Settings of `n` groups of synapses; every array has shape (n,).

    Attributes
    ----------
    weight_factor
        Multiplies the conductance in NetCon weights.
    minis_rate_Hz
        Rate of spontaneous release per synapse; NaN leaves it to the target cell.
    delay_override_ms
        Replaces the delay of the edge; NaN or 0 leaves it.
    neuromodulation_dtc_ms, neuromodulation_strength_uM
        Replace those of the edge; NaN leaves them.
    modoverride
        Row of `modoverride_names`; -1 leaves the synapse type to the edge.
    configuration
        Row of `configurations`: HOC snippets in the order of execution.
    delayed
        Row of `delayed_weights`.
    """

    weight_factor: FloatColumn
    minis_rate_Hz: FloatColumn
    delay_override_ms: FloatColumn
    neuromodulation_dtc_ms: FloatColumn
    neuromodulation_strength_uM: FloatColumn
    modoverride: IntColumn
    configuration: IntColumn
    delayed: IntColumn
    modoverride_names: list[str] = field(default_factory=list)
    configurations: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    delayed_weights: list[DelayedWeights] = field(default_factory=lambda: [()])

    def __len__(self) -> int:
        return int(self.weight_factor.size)

    @classmethod
    def default(cls, n: int = 1) -> ConnectionSettings:
        """Return `n` groups without any override."""
        return cls(
            weight_factor=np.ones(n),
            minis_rate_Hz=np.full(n, np.nan),
            delay_override_ms=np.full(n, np.nan),
            neuromodulation_dtc_ms=np.full(n, np.nan),
            neuromodulation_strength_uM=np.full(n, np.nan),
            modoverride=np.full(n, -1, dtype=np.int64),
            configuration=np.zeros(n, dtype=np.int64),
            delayed=np.zeros(n, dtype=np.int64),
        )

    def copy(self) -> ConnectionSettings:
        """Return a copy that shares nothing."""
        return replace(self, **{f.name: getattr(self, f.name).copy() for f in fields(self)})

    def append_copy(self, row: int) -> int:
        """Add a group with the settings of group `row`; return its number."""
        for f in fields(self):
            values = getattr(self, f.name)
            if isinstance(values, np.ndarray):
                setattr(self, f.name, np.append(values, values[row]))
        return len(self) - 1

    def set_modoverride(self, where: BoolColumn | int, name: str) -> None:
        """Choose a synapse type for some groups."""
        if name not in self.modoverride_names:
            self.modoverride_names.append(name)
        self.modoverride[where] = self.modoverride_names.index(name)

    def add_configuration(self, where: BoolColumn | int, snippet: str) -> None:
        """Append a HOC snippet to those of some groups."""
        old, codes = _renewed(self.configuration, where, len(self.configurations))
        self.configurations += [(*self.configurations[code], snippet) for code in old]
        self.configuration[where] = codes

    def add_delayed_weight(self, where: BoolColumn | int, time_ms: float, weight: float) -> None:
        """Let some groups get another weight factor at a time; of two at one time the later call wins."""
        old, codes = _renewed(self.delayed, where, len(self.delayed_weights))
        self.delayed_weights += [
            tuple(sorted((*self.delayed_weights[code], (time_ms, weight)), key=lambda pair: pair[0]))
            for code in old
        ]
        self.delayed[where] = codes

    def modoverride_of(self, row: int) -> str | None:
        """Return the synapse type that an override asks for, or None."""
        code = int(self.modoverride[row])
        return None if code < 0 else self.modoverride_names[code]


def _renewed(codes: IntColumn, where: BoolColumn | int, first: int) -> tuple[list[int], IntColumn]:
    """Return the distinct codes of some groups, and new ones for these groups that count from `first`."""
    old, number = np.unique(codes[where], return_inverse=True)
    return old.tolist(), np.asarray(number, dtype=np.int64).reshape(np.shape(codes[where])) + first


def concatenate(first: ConnectionSettings, second: ConnectionSettings) -> ConnectionSettings:
    """Return the groups of both, those of `second` after those of `first`."""
    names = list(dict.fromkeys([*first.modoverride_names, *second.modoverride_names]))
    merged = {
        f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(first)
        if isinstance(getattr(first, f.name), np.ndarray)
    }
    for name, count in (
        ("configuration", len(first.configurations)),
        ("delayed", len(first.delayed_weights)),
    ):
        codes = merged[name][len(first) :]
        codes[codes > 0] += count - 1  # row 0 is the empty one of both
    merged["modoverride"] = np.concatenate(
        [_renamed(part.modoverride, part.modoverride_names, names) for part in (first, second)]
    )
    return ConnectionSettings(
        **merged,
        modoverride_names=names,
        configurations=[*first.configurations, *second.configurations[1:]],
        delayed_weights=[*first.delayed_weights, *second.delayed_weights[1:]],
    )


def _renamed(codes: IntColumn, old: Sequence[str], new: Sequence[str]) -> IntColumn:
    table = np.array([*(new.index(name) for name in old), -1], dtype=np.int64)
    return table[codes]
