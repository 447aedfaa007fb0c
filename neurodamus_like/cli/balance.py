"""Predict how evenly any number of ranks would work on a simulation; nothing is simulated.

Usage:
  neurodamus-like balance CONFIG [--ranks=LIST] [--split] [--plot=PNG] [--json]
                           [--mechanisms=DIR | --nrnmech=PATH]
  neurodamus-like balance (-h | --help)

CONFIG is a simulation_config.json. What cells cost follows from their morphologies, templates and synapses, and from
what mechanisms cost: measured once by `run --lb-mode=WholeCell`, before that the numbers of a reference machine.

The table has, for each number of ranks: cells per rank; average over maximum load (1 is ideal) of cells dealt out
(RoundRobin) and shared by cost (WholeCell); what no sharing of whole cells can exceed, because of the largest cell;
the predicted time of the slowest rank per time step.

Options:
  --ranks=LIST      Numbers of ranks, such as 2,4,8 or 2,4,...,4096 [default: 1,2,...,1024].
  --split           Show MultiSplit, too, and how many cells it would split; takes longer.
  --plot=PNG        Draw the efficiencies.
  --json            Print JSON.
  --mechanisms=DIR  The MOD files are in DIR instead of the circuit's mechanisms_dir.
  --nrnmech=PATH    This compiled library (libnrnmech.so) is used.
  -h --help         Show this text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from neurodamus_like.cli.commands import parse_arguments
from neurodamus_like.config.models import Simulation
from neurodamus_like.distribution import typed_costs as typed_costs  # registers itself
from neurodamus_like.distribution.assignment import population_cells
from neurodamus_like.distribution.complexity import PopulationCosts, compute_costs
from neurodamus_like.distribution.mechanism_costs import MechanismCosts, load_costs
from neurodamus_like.distribution.pieces import section_trees
from neurodamus_like.distribution.prediction import Prediction, predict
from neurodamus_like.engine.mech_build import find_mechanisms
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import world
from neurodamus_like.plotting.backend import create_figure
from neurodamus_like.plotting.balance import plot_balance
from neurodamus_like.simulation.edge_choice import choose_edges
from neurodamus_like.simulation.whole_cells import whole_cells
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.targets.manager import TargetManager
from neurodamus_like.validation.config_checks import check_before_run


def run(argv: list[str]) -> int:
    """Run the command with the arguments behind ``balance``; return the exit code."""
    comm = world()
    with collectively(comm):
        arguments = parse_arguments(__doc__ or "", ["balance", *argv])
        ranks = parse_ranks(arguments["--ranks"])
        simulation = check_before_run(
            Path(arguments["CONFIG"]), ignore_reports=True, extra_modules=stimulus_types
        )
        costs = load_costs([], _library(simulation, arguments), measure=False)
    targets = TargetManager(simulation)
    targets.load_targets()
    cells = population_cells(simulation, targets.get_target(simulation.node_set))
    choose = choose_edges(simulation, targets)
    found = compute_costs(simulation, cells, costs, comm, choose)
    with collectively(comm):
        if comm.rank == 0:
            trees = None
            if arguments["--split"]:
                whole = whole_cells(simulation, targets)
                trees = cache(section_trees(simulation, cells, costs, choose, whole))
            predictions = predict(found, ranks, trees)
            print(_as_json(predictions) if arguments["--json"] else format_table(predictions, found, costs))
            if arguments["--plot"]:
                draw(predictions, Path(arguments["--plot"]))
    return 0


def parse_ranks(text: str) -> list[int]:
    """Return the numbers of a list; ``2,4,...,64`` goes on by the same factor, ``2,3,...,9`` by the same step.

    Raises
    ------
    ConfigurationError
        It is no such list.
    """
    words = [word.strip() for word in text.split(",")]
    try:
        if words[-2:-1] == ["..."]:
            *given, last = [int(word) for word in words if word != "..."]
            numbers = [*given, *_continued(given, last)]
        else:
            numbers = [int(word) for word in words]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise ConfigurationError(
            f"--ranks={text} is not valid", expected="numbers of ranks, such as 2,4,8 or 2,4,...,4096"
        )
    return numbers


def _continued(given: Sequence[int], last: int) -> list[int]:
    """Return what comes after the given numbers, up to `last`."""
    if len(given) < 2 or given[-1] <= given[-2] or given[-2] < 1:
        raise ValueError
    a, b = given[-2:]
    geometric = b % a == 0
    more = []
    following = b * (b // a) if geometric else 2 * b - a
    while following <= last:
        more.append(following)
        following = following * (b // a) if geometric else following + b - a
    return more


def format_table(
    predictions: Sequence[Prediction], costs: Sequence[PopulationCosts], mechanisms: MechanismCosts
) -> str:
    """Return the predictions as text."""
    lines = [
        f"{c.population}: {c.node_ids.size:,} cells, {int(c.compartments.sum()):,} compartments, "
        f"{int(c.synapses.sum()):,} synapses, {c.ns.sum() * 1e-6:.4g} ms per time step"
        for c in costs
    ]
    origin = "measured on this machine" if mechanisms.measured else "of a reference machine"
    lines += [f"costs of mechanisms: {origin}", ""]
    split = any(p.multi_split is not None for p in predictions)
    heading = (
        f"{'ranks':>7} {'cells/rank':>11} {'RoundRobin':>11} {'WholeCell':>10} {'limit':>7} {'ms/step':>9}"
    )
    lines.append(heading + (f" {'MultiSplit':>11} {'split cells':>12}" if split else ""))
    lines += [_row(prediction) for prediction in predictions]
    return "\n".join(lines)


def _row(p: Prediction) -> str:
    text = (
        f"{p.ranks:>7} {p.cells_per_rank:>11.1f} {p.round_robin:>11.3f} {p.whole_cell:>10.3f} {p.bound:>7.3f} "
        f"{p.step_ms:>9.4g}"
    )
    return text if p.multi_split is None else f"{text} {p.multi_split:>11.3f} {p.split_cells:>12}"


def draw(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw the predictions into a PNG file."""
    figure = create_figure(6.0, 3.6)
    modes = {
        "WholeCell": [p.whole_cell for p in predictions],
        "RoundRobin": [p.round_robin for p in predictions],
    }
    if all(p.multi_split is not None for p in predictions):
        modes["MultiSplit"] = [p.multi_split or 0.0 for p in predictions]
    plot_balance(
        [p.ranks for p in predictions], modes, figure.add_subplot(), bound=[p.bound for p in predictions]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _library(simulation: Simulation, arguments: dict[str, Any]) -> Path | None:
    if arguments["--nrnmech"]:
        return Path(arguments["--nrnmech"])
    chosen = arguments["--mechanisms"]
    return find_mechanisms([Path(chosen)] if chosen else list(simulation.circuit.mechanisms_dirs))


def _as_json(predictions: Sequence[Prediction]) -> str:
    return json.dumps([asdict(p) for p in predictions], indent=2)
