"""Checks of ``connection_overrides`` among themselves: silenced pathways, chains, snippets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from neurodamus_like.io.node_classes import NodeClasses
from neurodamus_like.validation.problems import Problem

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Nodes = Mapping[str, IntArray]

ZERO_WEIGHT = 1e-12
"""Weights below this count as zero."""

_ASSIGNMENT = re.compile(r"([A-Za-z_%][\w.%]*(?:\[[^\]]*\])?)\s*[-+*/]?=(?!=)")


@dataclass(frozen=True)
class OverrideEnds:
    """A block of ``connection_overrides`` with the nodes at both ends: population -> node ids."""

    name: str
    weight: float
    delay_ms: float
    source: Nodes
    target: Nodes
    pointer: str = ""
    synapse_configure: str = ""

    @property
    def silences(self) -> bool:
        """True when it sets weights to zero from the start."""
        return self.delay_ms <= 0 and abs(self.weight) < ZERO_WEIGHT

    @property
    def revives(self) -> bool:
        """True when it gives a weight, at once or later."""
        return abs(self.weight) >= ZERO_WEIGHT


def dropped_overrides(blocks: Sequence[OverrideEnds]) -> frozenset[int]:
    """Return the numbers of zero-weight blocks that no later block revives: they create no connections."""
    overlap, covered, _ = _relations(blocks)
    return frozenset(
        old
        for old, block in enumerate(blocks)
        if block.silences
        and not any(
            overlap[old, new] and covered[old, new] and blocks[new].revives
            for new in range(old + 1, len(blocks))
        )
    )


def check_overrides(blocks: Sequence[OverrideEnds]) -> list[Problem]:
    """Return the problems of all blocks: partly revived zero weights, global assignments, empty pathways."""
    return [
        *_partial_revivals(blocks),
        *_silent_blocks(blocks),
        *_global_assignments(blocks),
        *_empty_pathways(blocks),
    ]


def override_chains(blocks: Sequence[OverrideEnds]) -> list[str]:
    """Return one line for each block that changes what earlier blocks set, the latest of them first."""
    overlap, _, equal = _relations(blocks)
    lines = []
    for new, block in enumerate(blocks):
        earlier = [old for old in range(new - 1, -1, -1) if overlap[old, new]]
        chain = [f"{blocks[old].name} ({'same' if equal[old, new] else 'partly'})" for old in earlier]
        if chain:
            lines.append(f"{block.name} overrides {', '.join(chain)}")
    return lines


def _partial_revivals(blocks: Sequence[OverrideEnds]) -> Iterator[Problem]:
    overlap, covered, _ = _relations(blocks)
    for old, silent in enumerate(blocks):
        if not silent.silences:
            continue
        for new in range(old + 1, len(blocks)):
            if blocks[new].revives and overlap[old, new]:
                if covered[old, new]:
                    break
                yield Problem(
                    "error",
                    f"Partial Weight=0 override is not supported: {blocks[new].name!r} gives a weight to only a "
                    f"part of the connections that {silent.name!r} sets to zero",
                    pointer=blocks[new].pointer,
                    hint=f"let it cover the source and target of {silent.name!r}, or narrow that block",
                )


def _silent_blocks(blocks: Sequence[OverrideEnds]) -> Iterator[Problem]:
    for number in sorted(dropped_overrides(blocks)):
        block = blocks[number]
        yield Problem(
            "warning",
            f"connections of {block.name!r} have weight 0 and nothing gives them another: where no other block "
            "creates them, they are not instantiated",
            pointer=block.pointer,
        )


def _global_assignments(blocks: Sequence[OverrideEnds]) -> Iterator[Problem]:
    for block in blocks:
        names = [n for n in _ASSIGNMENT.findall(block.synapse_configure) if "%s" not in n]
        if names:
            yield Problem(
                "warning",
                f"'synapse_configure' of {block.name!r} assigns {', '.join(dict.fromkeys(names))} without %s: that "
                "holds for all synapses",
                pointer=block.pointer + "/synapse_configure",
                hint="global variables of mechanisms are better set in conditions/mechanisms",
            )


def _empty_pathways(blocks: Sequence[OverrideEnds]) -> Iterator[Problem]:
    for block in blocks:
        if not block.source or not block.target:
            end = "target" if block.source else "source"
            yield Problem(
                "warning",
                f"the override {block.name!r} matches nothing: its {end} has no nodes",
                pointer=f"{block.pointer}/{end}",
            )


def _relations(blocks: Sequence[OverrideEnds]) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return bool[n, n] of (old, new): share pairs of nodes; new covers all of old; are equal."""
    source, target = _common(blocks, lambda b: b.source), _common(blocks, lambda b: b.target)
    overlap = (source > 0) & (target > 0)
    covered = (source == np.diag(source)[:, None]) & (target == np.diag(target)[:, None])
    return overlap, covered, overlap & covered & covered.T


def _common(blocks: Sequence[OverrideEnds], end: Callable[[OverrideEnds], Nodes]) -> IntArray:
    """Return int64[n, n]: nodes that each pair of blocks shares at one end."""
    sides = [end(block) for block in blocks]
    nothing = np.empty(0, dtype=np.int64)
    total = np.zeros((len(blocks), len(blocks)), dtype=np.int64)
    for population in reduce(lambda found, side: found | set(side), sides, set[str]()):
        selections = [np.asarray(side.get(population, nothing), dtype=np.int64) for side in sides]
        size = max((int(ids.max()) + 1 for ids in selections if ids.size), default=0)
        total += NodeClasses.group(selections, size).common()
    return total
