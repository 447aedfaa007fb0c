"""What a memory estimate says to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neurodamus_like.connectivity.counting import EdgeCounts
from neurodamus_like.distribution.memory_estimate import MemoryModel, Suggestion, suggest
from neurodamus_like.memory import format_bytes


@dataclass(frozen=True)
class MachineSize:
    """A node of the machine that the model is to run on: its memory in bytes, and its ranks."""

    node_bytes: float
    ranks_per_node: int


@dataclass(frozen=True)
class Estimate:
    """A memory model with what is said about it.

    Attributes
    ----------
    model
        What memory follows from.
    counts
        Objects of each edge population.
    machine
        Where it is to run.
    ranks
        Numbers of ranks to tell the memory of.
    cycles
        Building cycles that go with them.
    """

    model: MemoryModel
    counts: Sequence[EdgeCounts]
    machine: MachineSize
    ranks: Sequence[int]
    cycles: int = 1

    @property
    def suggestion(self) -> Suggestion:
        """How to run the model on such nodes."""
        return suggest(self.model, self.machine.node_bytes, self.machine.ranks_per_node)

    def bytes_per_rank(self) -> list[tuple[int, float]]:
        """Return (ranks, peak bytes of one)."""
        return [(n, self.model.even_rank_bytes(n, self.cycles)) for n in self.ranks]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, for JSON."""
        model, plan = self.model, self.suggestion
        return {
            "cells": {p.name: int(p.node_ids.size) for p in model.populations},
            "synapses": {
                c.population: {name: int(of.sum()) for name, of in c.synapses.items()} for c in self.counts
            },
            "netcons": int(sum(c.netcons.sum() for c in self.counts)),
            "replay_netcons": int(sum(c.replayed.sum() for c in self.counts)),
            "minis": int(sum(c.minis.sum() for c in self.counts)),
            "reports": {
                r.name: {"values": round(r.columns), "frames": r.frames, "bytes": round(r.file_bytes)}
                for r in model.reports
            },
            "base_bytes": round(model.base(1)),
            "cell_bytes": {p.name: round(float(model.cell_bytes(p).sum())) for p in model.populations},
            "synapse_bytes": {p.name: round(float(model.synapse_bytes(p).sum())) for p in model.populations},
            "cycles": self.cycles,
            "bytes_per_rank": {n: round(size) for n, size in self.bytes_per_rank()},
            "suggested": {"ranks": plan.ranks, "nodes": plan.nodes, "cycles_on_one_node": plan.cycles},
        }


def format_estimate(estimate: Estimate) -> str:
    """Return the tables of an estimate."""
    lines = [*_cells(estimate.model), "", *_synapses(estimate), ""]
    lines += [*_reports(estimate.model), "", *_ranks(estimate), "", _advice(estimate)]
    return "\n".join(lines)


def _cells(model: MemoryModel) -> list[str]:
    rows = [("cells", "number", "each", "all")]
    for p in model.populations:
        total = float(model.cell_bytes(p).sum())
        each = total / max(p.node_ids.size, 1)
        rows.append((p.name, f"{p.node_ids.size:,}", format_bytes(each), format_bytes(total)))
    return _table(rows)


def _synapses(estimate: Estimate) -> list[str]:
    rows = [("synapses", "mechanism", "number", "all")]
    units = estimate.model.units
    for c in estimate.counts:
        for name, of in c.synapses.items():
            count = int(of.sum())
            rows.append((c.population, name, f"{count:,}", format_bytes(count * units.of_mechanism(name))))
    for what, numbers, each in (
        ("NetCons from cells", [c.netcons for c in estimate.counts], units.netcon),
        ("NetCons of replay", [c.replayed for c in estimate.counts], units.replayed),
        ("sources of minis", [c.minis for c in estimate.counts], units.mini),
    ):
        count = int(sum(of.sum() for of in numbers))
        rows.append((what, "", f"{count:,}", format_bytes(count * each)))
    return _table(rows)


def _reports(model: MemoryModel) -> list[str]:
    if not model.reports:
        return ["no reports"]
    rows = [("reports", "values", "frames", "file")]
    for r in model.reports:
        rows.append((r.name, f"{r.columns:,.0f}", f"{r.frames:,}", format_bytes(r.file_bytes)))
    return _table(rows)


def _ranks(estimate: Estimate) -> list[str]:
    cycles = f", built in {estimate.cycles} cycles" if estimate.cycles > 1 else ""
    rows = [("ranks", "peak of a rank" + cycles, "all ranks")]
    for n, size in estimate.bytes_per_rank():
        rows.append((f"{n:,}", format_bytes(size), format_bytes(n * size)))
    return _table(rows)


def _advice(estimate: Estimate) -> str:
    machine, plan = estimate.machine, estimate.suggestion
    node = f"nodes of {format_bytes(machine.node_bytes)} with {machine.ranks_per_node} ranks each"
    if plan.nodes == 1:
        return f"suggested: {plan.ranks} ranks on 1 node, on {node}"
    at_once = f"{plan.ranks:,} ranks on {plan.nodes:,} nodes" if plan.nodes else "a node with more memory"
    in_cycles = (
        f"; or 1 node, with CORENEURON and --modelbuilding-steps={plan.cycles}" if plan.cycles > 1 else ""
    )
    return f"suggested: {at_once}{in_cycles}, on {node}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
