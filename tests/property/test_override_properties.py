"""Overrides as masks give what a loop over connections gives, on random overrides, cells and edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodamus_like.config.models import ConnectionOverride
from neurodamus_like.connectivity.overrides import PathwayRule, created_ends, decide, nothing_to_create
from neurodamus_like.validation.override_checks import OverrideEnds, dropped_overrides

N_SOURCE, N_TARGET = 7, 5

ids = st.lists(st.integers(0, 6), max_size=7, unique=True).map(lambda v: np.array(sorted(v), dtype=np.int64))
number = st.sampled_from([0.0, 0.5, 2.0])


@st.composite
def overrides(draw: Any) -> ConnectionOverride:
    return ConnectionOverride(
        name=draw(st.text("abc", min_size=1, max_size=3)),
        source="s",
        target="t",
        weight=draw(number),
        spont_minis_Hz=draw(st.none() | number),
        modoverride=draw(st.none() | st.sampled_from(["GluSynapse", "DetAMPANMDA"])),
        synapse_configure=draw(st.none() | st.sampled_from(["%s.mg = 0", "%s.Fac = 1"])),
        synapse_delay_override_ms=draw(st.none() | number),
        delay_ms=draw(st.sampled_from([0.0, 0.0, 0.0, 5.0, 10.0])),
        neuromodulation_dtc_ms=draw(st.none() | number),
        neuromodulation_strength_uM=draw(st.none() | number),
    )


@st.composite
def rule_lists(draw: Any) -> list[PathwayRule]:
    blocks = draw(st.lists(overrides(), max_size=6))
    return [PathwayRule(block, draw(ids), draw(ids), draw(st.booleans())) for block in blocks]


@dataclass
class NaiveConnection:
    """What one connection gets, one override after another."""

    created: bool = False
    weight: float = 1.0
    minis: float | None = None
    delay: float | None = None
    mod: str | None = None
    dtc: float | None = None
    strength: float | None = None
    snippets: list[str] = field(default_factory=list)
    delayed: list[tuple[float, float]] = field(default_factory=list)

    def apply(self, rule: PathwayRule) -> None:
        block = rule.block
        self.created = self.created or rule.creates
        if block.delay_ms > 0:
            self.delayed.append((block.delay_ms, block.weight))
            return
        self.weight, self.minis, self.delay = (
            block.weight,
            block.spont_minis_Hz,
            block.synapse_delay_override_ms,
        )
        self.mod = block.modoverride or self.mod
        self.dtc = self.dtc if block.neuromodulation_dtc_ms is None else block.neuromodulation_dtc_ms
        self.strength = (
            self.strength if block.neuromodulation_strength_uM is None else block.neuromodulation_strength_uM
        )
        if block.synapse_configure is not None:
            self.snippets.append(block.synapse_configure)


def none_or(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@settings(max_examples=300)
@given(
    rule_lists(), st.lists(st.tuples(st.integers(0, N_SOURCE - 1), st.integers(0, N_TARGET - 1)), max_size=25)
)
def test_masks_equal_a_loop(rules: list[PathwayRule], pairs: list[tuple[int, int]]) -> None:
    edges = np.array(sorted(pairs, key=lambda p: p[1]), dtype=np.int64).reshape(-1, 2)
    found = decide(rules, edges[:, 0], edges[:, 1], N_SOURCE, N_TARGET)
    for row, (source, target) in enumerate(edges.tolist()):
        naive = NaiveConnection(created=not rules)
        for rule in rules:
            if source in rule.source_id and target in rule.target_id:
                naive.apply(rule)
        group = int(found.group[row])
        given_ = found.settings
        assert bool(found.kept[row]) == naive.created
        assert given_.weight_factor[group] == naive.weight
        assert none_or(given_.minis_rate_Hz[group]) == naive.minis
        assert none_or(given_.delay_override_ms[group]) == naive.delay
        assert none_or(given_.neuromodulation_dtc_ms[group]) == naive.dtc
        assert none_or(given_.neuromodulation_strength_uM[group]) == naive.strength
        assert given_.modoverride_of(group) == naive.mod
        assert list(given_.configurations[given_.configuration[group]]) == naive.snippets
        assert list(given_.delayed_weights[given_.delayed[group]]) == sorted(
            naive.delayed, key=lambda d: d[0]
        )
    for rule, hit in zip(rules, found.matched, strict=True):
        assert hit == any(s in rule.source_id and t in rule.target_id for s, t in edges.tolist())


@settings(max_examples=200)
@given(
    rule_lists(), st.lists(st.tuples(st.integers(0, N_SOURCE - 1), st.integers(0, N_TARGET - 1)), max_size=25)
)
def test_edges_that_are_read_hold_all_that_are_kept(
    rules: list[PathwayRule], pairs: list[tuple[int, int]]
) -> None:
    edges = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    kept = decide(rules, edges[:, 0], edges[:, 1], N_SOURCE, N_TARGET).kept
    ends = created_ends(rules)
    if ends is None:
        assert kept.all()
    else:
        read = np.isin(edges[:, 0], ends[0]) & np.isin(edges[:, 1], ends[1])
        assert not (kept & ~read).any()
    if nothing_to_create(rules) and len(rules) > 1:
        assert not kept.any()


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            number,
            st.sampled_from([0.0, 5.0]),
            st.frozensets(st.integers(0, 3)),
            st.frozensets(st.integers(0, 3)),
        ),
        max_size=6,
    )
)
def test_dropped_zero_weights_equal_a_loop(
    drawn: list[tuple[float, float, frozenset[int], frozenset[int]]],
) -> None:
    def nodes(members: frozenset[int]) -> dict[str, Any]:
        return {"p": np.array(sorted(members), dtype=np.int64)} if members else {}

    blocks = [OverrideEnds(str(i), w, d, nodes(s), nodes(t)) for i, (w, d, s, t) in enumerate(drawn)]
    dropped = set()
    for old, (weight, delay, source, target) in enumerate(drawn):
        if weight == 0 and delay == 0:
            revived = any(
                w != 0 and s >= source and t >= target and source and target
                for w, _, s, t in drawn[old + 1 :]
            )
            if not revived:
                dropped.add(old)
    assert dropped_overrides(blocks) == dropped
