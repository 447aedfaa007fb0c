"""TargetSpec: which node set is meant, and in which population."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class TargetSpec:
    """A node set, as far as it is in one population.

    Attributes
    ----------
    target_name
        Node set; None means all nodes.
    population_name
        Only nodes of this population count; None means all populations.
    """

    GLOBAL_TARGET_NAME: ClassVar[str] = "_ALL_"

    target_name: str | None = None
    population_name: str | None = None

    def __post_init__(self) -> None:
        if self.target_name in ("", self.GLOBAL_TARGET_NAME):
            object.__setattr__(self, "target_name", None)
        if self.population_name == "":
            object.__setattr__(self, "population_name", None)

    @classmethod
    def parse(cls, text: str | None, known_names: Collection[str] = ()) -> TargetSpec:
        """Read ``nodeset``, ``population:nodeset`` or ``population:``.

        Names of node sets may contain colons: a whole `text` that is one of `known_names` is a node set.
        """
        if text is None or ":" not in text or text in known_names:
            return cls(text)
        population, _, name = text.partition(":")
        return cls(name, population)

    @property
    def name(self) -> str | None:
        """The same as `target_name`."""
        return self.target_name

    @property
    def population(self) -> str | None:
        """The same as `population_name`."""
        return self.population_name

    @property
    def simple_name(self) -> str:
        """Name of the node set, `GLOBAL_TARGET_NAME` for all nodes."""
        return self.target_name or self.GLOBAL_TARGET_NAME

    def __str__(self) -> str:
        if self.population_name is None:
            return self.simple_name
        return f"{self.population_name}:{self.target_name or ''}"

    def disjoint_populations(self, other: TargetSpec) -> bool:
        """Say whether both name a population, and not the same."""
        both = self.population_name is not None and other.population_name is not None
        return both and self.population_name != other.population_name

    def overlap_byname(self, other: TargetSpec) -> bool:
        """Say whether the names alone show an overlap: the same, or one of them means all nodes."""
        return self.target_name is None or other.target_name is None or self.target_name == other.target_name

    def overlap(self, other: TargetSpec) -> bool:
        """Say whether they overlap for sure; when False, their nodes may still do."""
        return not self.disjoint_populations(other) and self.overlap_byname(other)
