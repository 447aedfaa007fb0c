"""What single objects of a model take in memory, as measured by a helper process, and kept between runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neurodamus_like.cache import default_cache_dir

USUAL_POINT_PROCESS_BYTES = 1000.0
"""For point processes that could not be made on their own."""


@dataclass(frozen=True)
class PopulationUnits:
    """Bytes of the cells of a population.

    Attributes
    ----------
    cell
        Kind of cell -> bytes of one, with its membrane and its initial state.
    kind
        Bytes that the first cell of a kind takes besides: its morphology and template.
    stimulus
        Bytes of all stimuli of a cell, on average.
    columns
        Report -> values per frame of a cell, on average.
    """

    cell: Mapping[str, float] = field(default_factory=dict)
    kind: float = 0.0
    stimulus: float = 0.0
    columns: Mapping[str, float] = field(default_factory=dict)

    def of_kind(self, name: str) -> float:
        """Return the bytes of a cell; kinds that were not measured are like the average of the others."""
        if name in self.cell:
            return self.cell[name]
        return sum(self.cell.values()) / len(self.cell) if self.cell else 0.0


@dataclass(frozen=True)
class MemoryUnits:
    """Bytes of one object of each kind.

    Attributes
    ----------
    base
        The process before the first cell: Python, NEURON, mechanisms, configuration.
    populations
        Of cells.
    point_process
        Mechanism -> bytes.
    netcon, remote_netcon
        A NetCon from a cell of this rank; the first one from a cell elsewhere.
    train, replayed, mini
        A replayed spike train; a NetCon from it; a source of spontaneous release with its NetCon.
    """

    base: float
    populations: Mapping[str, PopulationUnits]
    point_process: Mapping[str, float]
    netcon: float
    remote_netcon: float
    train: float
    replayed: float
    mini: float

    def of_mechanism(self, name: str) -> float:
        """Return the bytes of a point process."""
        return self.point_process.get(name) or USUAL_POINT_PROCESS_BYTES

    def to_json(self) -> str:
        """Return the text that :meth:`from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MemoryUnits:
        """Return what was written.

        Raises
        ------
        ValueError, TypeError, KeyError
            The text is something else.
        """
        raw: dict[str, Any] = json.loads(text)
        populations = {name: PopulationUnits(**of) for name, of in raw.pop("populations").items()}
        return cls(populations=populations, **raw)


def load_units(key: str, cache_dir: Path | None = None) -> MemoryUnits | None:
    """Return what was measured before for the same model, or None."""
    try:
        return MemoryUnits.from_json(_file(key, cache_dir).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def save_units(key: str, units: MemoryUnits, cache_dir: Path | None = None) -> None:
    """Keep what was measured; a folder that cannot be written to is no error."""
    file = _file(key, cache_dir)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{id(units)}")
        temporary.write_text(units.to_json(), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        return


def _file(key: str, cache_dir: Path | None) -> Path:
    return (default_cache_dir() if cache_dir is None else cache_dir) / "memory" / f"{key}.json"
