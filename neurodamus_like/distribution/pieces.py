"""Split cells: planned for a circuit, and as they are in balance files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurodamus_like.config.models import NodePopulation, Simulation
from neurodamus_like.distribution.assignment import Assignment, by_population
from neurodamus_like.distribution.complexity import (
    EDGE_MECHANISMS,
    OPTIONAL,
    EdgeChoice,
    edge_costs,
    membrane_cost,
    template_prototypes,
)
from neurodamus_like.distribution.mechanism_costs import COMPARTMENT, JUNCTION, MechanismCosts
from neurodamus_like.distribution.prototypes import section_segments
from neurodamus_like.distribution.splitting import (
    SPLIT_IDS_PER_CELL,
    FloatArray,
    IntArray,
    SectionTree,
    SplitCell,
    plan_splits,
)
from neurodamus_like.io.cx_files import CellComplexities, Piece, Subtree
from neurodamus_like.io.edges import read_edges
from neurodamus_like.io.hoc_membrane import SECTION_LISTS, read_template_membrane
from neurodamus_like.io.morphology import read_morphology

SPLITTABLE_KIND = "biophysical"
"""Kind of the populations whose cells can be split: those of HOC templates and morphologies, one section per branch."""

_SECTION_ATTRIBUTES = ("afferent_section_id", "morpho_section_id_post")
_AXON, _DENDRITES = 2, (3, 4)
_NO_IDS: IntArray = np.empty(0, dtype=np.int64)

Branching = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Rank of the soma of a cell; first section of each branch, and its rank."""

TreeOf = Callable[[str, int], SectionTree | None]
"""(population, node id) -> sections and what they cost; None for cells that stay whole."""


def section_trees(
    simulation: Simulation,
    cells: Mapping[str, IntArray],
    costs: MechanismCosts,
    choose: EdgeChoice | None,
    whole: Mapping[str, IntArray],
) -> TreeOf:
    """Return a function that reads what the sections of a cell cost.

    Parameters
    ----------
    simulation, cells, costs, choose
        As for :func:`~neurodamus_like.distribution.complexity.compute_costs`.
    whole
        Population -> node ids that must not be split.
    """

    def tree_of(name: str, node_id: int) -> SectionTree | None:
        population = simulation.circuit.nodes[name]
        if population.kind != SPLITTABLE_KIND or node_id in whole.get(name, _NO_IDS):
            return None
        tree = _cell_tree(population, node_id, simulation, costs)
        return tree if _add_synapses(tree.ns, simulation, cells, name, node_id, costs, choose) else None

    return tree_of


def _cell_tree(
    population: NodePopulation, node_id: int, simulation: Simulation, costs: MechanismCosts
) -> SectionTree:
    prototype = template_prototypes(population, np.array([node_id]), simulation.circuit.path)[0]
    membrane = read_template_membrane(prototype.template)
    morphology = read_morphology(prototype.morphology, prototype.name, nrn_order=True)
    types = morphology.section_types
    ns = np.zeros(types.size + 1)
    for number, section_list in enumerate(SECTION_LISTS[1:4], start=2):
        mine = types == number
        each = costs.of(COMPARTMENT) + costs.of_set(membrane.mechanisms_of(section_list))
        nseg = section_segments(morphology.section_lengths()[mine], section_list, membrane)
        ns[1:][mine] = nseg * each + costs.of(JUNCTION)
    around_soma = {"somatic": (1, 1), **(membrane.stub or {})}
    ns[0] = membrane_cost(around_soma, membrane, costs)
    if membrane.stub is not None:
        ns[1:][types == _AXON] = 0.0
    cuttable = np.concatenate([[False], np.isin(types, _DENDRITES)])
    return SectionTree(np.concatenate([[-1], morphology.parents + 1]), ns, cuttable)


def _add_synapses(
    ns: FloatArray,
    simulation: Simulation,
    cells: Mapping[str, IntArray],
    name: str,
    node_id: int,
    costs: MechanismCosts,
    choose: EdgeChoice | None,
) -> bool:
    """Add the synapses of a cell to its sections; False when edges do not say on which they are."""
    for population in simulation.circuit.edges.values():
        if population.target != name or population.kind not in EDGE_MECHANISMS:
            continue
        needs = EDGE_MECHANISMS[population.kind].needs_sources
        sources = cells.get(population.source, _NO_IDS) if needs else None
        edges = read_edges(population, np.array([node_id]), [], [*OPTIONAL, *_SECTION_ATTRIBUTES], sources)
        section = next((edges[a] for a in _SECTION_ATTRIBUTES if a in edges), None)
        if section is None and len(edges):
            return False
        if section is not None:
            kept, each = edge_costs(population, edges, costs, choose)
            known = np.where((section >= 0) & (section < ns.size), section, 0).astype(np.int64)
            np.add.at(ns, known[kept], each[kept])
    return True


def share_in_pieces(
    costs: Mapping[str, FloatArray], cells: Mapping[str, IntArray], size: int, tree_of: TreeOf
) -> tuple[Assignment, dict[str, dict[int, tuple[Piece, ...]]]]:
    """Share cells among ranks, those larger than a rank's share in branches.

    Parameters
    ----------
    costs, cells
        Population -> ns and node ids.
    size
        Number of ranks.
    tree_of
        See :func:`section_trees`.

    Returns
    -------
    Assignment, dict
        Loads are in ns; and population -> node id -> the pieces of split cells, for files.
    """
    names = [name for name, ids in cells.items() for _ in range(ids.size)]
    ids = np.concatenate([_NO_IDS, *cells.values()])
    together: FloatArray = np.concatenate([np.empty(0), *(costs[name] for name in cells)])
    plan = plan_splits(together, size, lambda cell: tree_of(names[cell], int(ids[cell])))
    splits: dict[str, dict[int, Branching]] = {}
    pieces: dict[str, dict[int, tuple[Piece, ...]]] = {}
    for cell, found in plan.branches.items():
        name, node_id = names[cell], int(ids[cell])
        splits.setdefault(name, {})[node_id] = (int(plan.owners[cell]), found.roots, plan.ranks[cell])
        parts = [(Subtree(found.ns[0]),)]
        parts += [(Subtree(ns, (root,)),) for root, ns in zip(found.roots, found.ns[1:], strict=True)]
        pieces.setdefault(name, {})[node_id] = tuple(parts)
    owners = by_population(plan.owners, cells)
    return Assignment(size, dict(cells), owners, plan.loads, numbered(splits)), pieces


def numbered(splits: Mapping[str, Mapping[int, Branching]]) -> dict[str, dict[int, SplitCell]]:
    """Give the split points of each cell their numbers."""
    found: dict[str, dict[int, SplitCell]] = {}
    count = 0
    for name in sorted(splits):
        for node_id, (home, roots, ranks) in sorted(splits[name].items()):
            cell = SplitCell(home, roots, ranks, 1 + count * SPLIT_IDS_PER_CELL)
            found.setdefault(name, {})[node_id] = cell
            count += 1
    return found


def in_units(pieces: Mapping[int, tuple[Piece, ...]], unit: float) -> dict[int, tuple[Piece, ...]]:
    """Return pieces with their complexities multiplied by `unit`."""
    return {
        node_id: tuple(tuple(Subtree(t.complexity * unit, t.children) for t in piece) for piece in found)
        for node_id, found in pieces.items()
    }


def balance_items(assignment: Assignment, population: str) -> list[IntArray]:
    """Return (node id, piece) of each rank, int64[n, 2], as balance files have them."""
    ids, owners = assignment.node_ids[population], assignment.owners[population]
    rows = [(rank, node_id, 0) for node_id, rank in zip(ids.tolist(), owners.tolist(), strict=True)]
    for node_id, cell in assignment.splits_of(population).items():
        rows += [(rank, node_id, piece) for piece, rank in enumerate(cell.ranks, start=1)]
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
    return [table[table[:, 0] == rank, 1:] for rank in range(assignment.size)]


@dataclass(frozen=True)
class Placement:
    """What the files of one population say.

    Attributes
    ----------
    owners
        int64[n], rank of each cell.
    splits
        Node id -> roots and ranks of branches.
    loads
        float64[ranks], complexity units; NaN where complexities are not known.
    """

    owners: IntArray
    splits: Mapping[int, Branching]
    loads: FloatArray


def placement_from(
    node_ids: IntArray, items: Sequence[IntArray], cells: CellComplexities | None
) -> Placement | None:
    """Return where cells and pieces go according to files; None when the files are about other cells or pieces.

    Parameters
    ----------
    node_ids
        The cells, ascending.
    items
        Content of a balance file.
    cells
        Content of the file of complexities, for `node_ids`; None when there is none.
    """
    rank_of: dict[int, dict[int, int]] = {}
    for rank, part in enumerate(items):
        for node_id, piece in part.tolist():
            rank_of.setdefault(node_id, {})[piece] = rank
    if not np.array_equal(sorted(rank_of), node_ids):
        return None
    splits: dict[int, Branching] = {}
    loads = np.zeros(len(items))
    for row, node_id in enumerate(node_ids.tolist()):
        pieces = cells.pieces.get(node_id, ()) if cells is not None else ()
        ranks = rank_of[node_id]
        if len(ranks) == 1:
            loads[next(iter(ranks.values()))] += np.nan if cells is None else cells.complexity[row]
            continue
        if sorted(ranks) != list(range(len(pieces))):
            return None
        branches = [
            (child, piece) for piece, trees in enumerate(pieces) for tree in trees for child in tree.children
        ]
        splits[node_id] = ranks[0], tuple(c for c, _ in branches), tuple(ranks[p] for _, p in branches)
        for piece, trees in enumerate(pieces):
            loads[ranks[piece]] += sum(tree.complexity for tree in trees)
    owners = np.array(
        [ranks.get(0, min(ranks.values())) for _, ranks in sorted(rank_of.items())], dtype=np.int64
    )
    return Placement(owners, splits, loads)
