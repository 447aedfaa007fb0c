"""Global ids: how the nodes of all populations share one space of numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import NodePopulation
from neurodamus_like.exceptions import CircuitError, did_you_mean

IntArray = npt.NDArray[np.int64]

STEP = 1000
"""Offsets are multiples of this."""

_SEPARATOR = "::"
_VIRTUAL = "virtual"


@dataclass(frozen=True)
class GidOffsets:
    """Offset of each population: gid = node id + offset.

    Attributes
    ----------
    offsets
        Population -> offset, by ascending offset.
    """

    offsets: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = dict(sorted(self.offsets.items(), key=lambda item: (item[1], item[0])))
        object.__setattr__(self, "offsets", MappingProxyType(ordered))

    @classmethod
    def compute(cls, max_node_ids: Mapping[str, int]) -> GidOffsets:
        """Give each population its offset, in the order of their names.

        The first is 0; the next begins at the multiple of 1000 that follows the largest gid before it.

        Parameters
        ----------
        max_node_ids
            Population -> its largest node id (from 0). Virtual populations count, too.
        """
        offsets, following = {}, 0
        for name in sorted(max_node_ids):
            offsets[name] = following
            following = (following + int(max_node_ids[name])) // STEP * STEP + STEP
        return cls(offsets)

    @classmethod
    def of_populations(cls, populations: Iterable[tuple[NodePopulation, int]]) -> GidOffsets:
        """Give each population its offset: the one that the circuit fixes, else as :meth:`compute`.

        Parameters
        ----------
        populations
            Populations with their largest node id; the circuit fixes the offsets of all or of none.
        """
        chosen = list(populations)
        fixed = {p.name: p.gid_offset for p, _ in chosen if p.gid_offset is not None}
        return cls(fixed) if fixed else cls.compute({p.name: last for p, last in chosen})

    @property
    def populations(self) -> list[str]:
        """Names of the populations, by ascending offset."""
        return list(self.offsets)

    def __contains__(self, population: object) -> bool:
        return population in self.offsets

    def __iter__(self) -> Iterator[str]:
        return iter(self.offsets)

    def offset(self, population: str) -> int:
        """Return the offset of a population.

        Raises
        ------
        CircuitError
            It has none.
        """
        if population not in self.offsets:
            raise CircuitError(
                "the population has no range of global ids",
                population=population,
                expected="one of " + (", ".join(self.offsets) or "(no populations)"),
                hint=did_you_mean(population, self.offsets) or None,
            )
        return self.offsets[population]

    def to_gid(self, population: str, node_ids: npt.ArrayLike) -> IntArray:
        """Return the global ids of nodes of one population."""
        return np.asarray(node_ids, dtype=np.int64) + self.offset(population)

    def to_node(self, gids: npt.ArrayLike) -> tuple[IntArray, IntArray]:
        """Return (number of the population in `populations`, node id) of global ids, both int64[n].

        Raises
        ------
        CircuitError
            A gid lies before the first population.
        """
        numbers = self._population_numbers(np.asarray(gids, dtype=np.int64))
        starts = np.array(list(self.offsets.values()), dtype=np.int64)
        return numbers, np.asarray(gids, dtype=np.int64) - starts[numbers]

    def population_of(self, gids: npt.ArrayLike) -> npt.NDArray[np.object_]:
        """Return the name of the population of each global id, an object array of the same shape."""
        numbers = self._population_numbers(np.asarray(gids, dtype=np.int64))
        return np.array(self.populations, dtype=object)[numbers]

    def write(self, path: Path, virtual: Collection[str] = ()) -> None:
        """Write ``populations_offset.dat``: a line ``population::offset::alias`` each, virtual ones last.

        Parameters
        ----------
        path
            The file.
        virtual
            Names of virtual populations; their alias is ``virtual``, that of others a blank.
        """
        ordered = sorted(self.offsets, key=lambda name: (name in virtual, self.offsets[name]))
        lines = [
            _SEPARATOR.join((name, str(self.offsets[name]), _VIRTUAL if name in virtual else " "))
            for name in ordered
        ]
        Path(path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> tuple[GidOffsets, frozenset[str]]:
        """Read ``populations_offset.dat``: the offsets, and which populations are virtual.

        Raises
        ------
        CircuitError
            The file is missing, or a line is malformed.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise CircuitError(f"cannot read the population offsets: {error.strerror}", file=path) from error
        offsets: dict[str, int] = {}
        virtual: set[str] = set()
        for number, line in enumerate(lines, 1):
            parts = line.rsplit(_SEPARATOR, 2)
            if len(parts) != 3 or not parts[1].isdecimal():
                raise CircuitError(
                    f"line {number} is malformed: {line!r}", file=path, expected="population::offset::alias"
                )
            offsets[parts[0]] = int(parts[1])
            if parts[2].strip() == _VIRTUAL:
                virtual.add(parts[0])
        return cls(offsets), frozenset(virtual)

    def _population_numbers(self, gids: IntArray) -> IntArray:
        starts = np.array(list(self.offsets.values()), dtype=np.int64)
        numbers = np.searchsorted(starts, gids, side="right").astype(np.int64) - 1
        if np.any(numbers < 0):
            raise CircuitError("global ids lie before the first population", ids=gids[numbers < 0].tolist())
        return numbers
