"""What happens before the first cell: configuration, mechanisms, who takes part, where results go."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurodamus_like.circuit.engines import EDGE_ENGINES, NODE_ENGINES
from neurodamus_like.circuit.manager import CircuitManager
from neurodamus_like.circuit.modifications import TTX_MECHANISM
from neurodamus_like.circuit.projections import order_edge_populations
from neurodamus_like.config.models import EdgePopulation, NodePopulation, Simulation
from neurodamus_like.connectivity.kinds import needed_mechanisms
from neurodamus_like.connectivity.spike_files import check_spike_inputs
from neurodamus_like.connectivity.spike_inputs import SPIKE_INPUTS
from neurodamus_like.connectivity.synapse_registry import check_modoverrides
from neurodamus_like.engine import mechanisms
from neurodamus_like.exceptions import MechanismError, TargetError
from neurodamus_like.parallel.errors import collectively
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.reports.checks import check_reports
from neurodamus_like.reports.model_recorders import problems_of_files
from neurodamus_like.simulation.core_support import require_core_mechanisms
from neurodamus_like.simulation.file_options import check_file_options, uses_files
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.simulation.support import check_supported
from neurodamus_like.stimuli.base import stimulus_types
from neurodamus_like.stimuli.checks import check_inputs, find_unknown_keys
from neurodamus_like.targets.manager import NodesetTarget, TargetManager
from neurodamus_like.validation.config_checks import check_before_run
from neurodamus_like.validation.problems import Problem, raise_if_errors

logger = logging.getLogger(__name__)

BUILT_IN_MECHANISMS = frozenset({"pas", "hh", "capacitance", "extracellular", "morphology", "fastpas"})


def load_configuration(source: Path | Simulation, options: RunOptions, comm: Communicator) -> Simulation:
    """Read and check the configuration on rank 0, and share it.

    `source` is its file, or what was read (and checked) before.

    Raises
    ------
    ConfigurationError
        On all ranks together, with everything that is wrong.
    """
    simulation: Simulation | None = None
    with collectively(comm):
        if comm.rank == 0:
            simulation = (
                source
                if isinstance(source, Simulation)
                else check_before_run(
                    source,
                    ignore_reports=options.disable_reports,
                    extra_modules=stimulus_types,
                    simulator=options.simulator,
                    further=lambda read: find_unknown_keys(read.inputs, read),
                )
            )
            simulation = with_options(simulation, options)
            problems = [*check_supported(simulation, options), *check_file_options(simulation, options)]
            if uses_files(simulation, options):
                problems += problems_of_files(simulation)
            raise_if_errors([*problems, *_problems_of_blocks(simulation)])
    shared = comm.bcast(simulation)
    assert shared is not None
    return shared


def with_options(simulation: Simulation, options: RunOptions) -> Simulation:
    """Return the configuration with what the command line says instead."""
    changes: dict[str, Any] = {}
    if options.disable_reports:
        changes["reports"] = ()
    if options.simulator is not None:
        changes["simulator"] = options.simulator
    if options.random_seed is not None:
        changes["run"] = replace(simulation.run, random_seed=options.random_seed)
    if options.output_path is not None:
        changes["output"] = replace(simulation.output, directory=Path(options.output_path).absolute())
    return replace(simulation, **changes)


def _problems_of_blocks(simulation: Simulation) -> list[Problem]:
    errors = [
        *check_inputs(simulation.inputs, simulation),
        *check_spike_inputs(simulation.inputs, populations=simulation.circuit.nodes),
        *check_modoverrides(simulation),
        *check_reports(simulation.reports, simulation.run),
    ]
    return [replace(Problem.from_error(error), file=error.file or simulation.path) for error in errors]


def load_mechanisms(simulation: Simulation, options: RunOptions, comm: Communicator) -> None:
    """Compile the mechanisms of the model on rank 0 unless they are in the cache, and load them everywhere."""
    if simulation.circuit.mechanism_libraries and options.nrnmech is None and options.mechanisms_dir is None:
        _load_compiled(simulation, comm)
        return
    library: mechanisms.MechanismLibrary | Path | None = None
    with collectively(comm):
        if comm.rank == 0:
            if options.nrnmech is not None:
                library = options.nrnmech
            else:
                folders = _mechanism_folders(simulation, options)
                library = mechanisms.build_mechanisms(
                    folders, coreneuron=simulation.simulator == "CORENEURON", progress=logger.info
                )
    shared = comm.bcast(library)
    assert shared is not None
    with collectively(comm):
        mechanisms.load_library(shared)


def _load_compiled(simulation: Simulation, comm: Communicator) -> None:
    """Load the libraries of a model that comes without its MOD files, and what of the core's own they lack."""
    library: mechanisms.MechanismLibrary | None = None
    with collectively(comm):
        for path in simulation.circuit.mechanism_libraries:
            mechanisms.load_library(path)
        if simulation.simulator == "CORENEURON":
            raise MechanismError(
                "CoreNEURON needs the MOD files of the model, which has only a compiled library",
                file=simulation.circuit.mechanism_libraries[0],
                hint="give their folder with --mechanisms DIR",
            )
        if comm.rank == 0:
            library = mechanisms.build_missing_core(progress=logger.info)
    shared = comm.bcast(library)
    with collectively(comm):
        if shared is not None:
            mechanisms.load_library(shared)


def _mechanism_folders(simulation: Simulation, options: RunOptions) -> tuple[Path, ...]:
    chosen = options.mechanisms_dir
    return tuple(simulation.circuit.mechanisms_dirs) if chosen is None else (chosen,)


def simulated_populations(simulation: Simulation, target: NodesetTarget) -> list[tuple[NodePopulation, int]]:
    """Return the populations that take part, with the largest node id each.

    Populations with cells take part when the target has nodes of them; virtual ones always, whole. A population that
    only sends edges to simulated cells counts as virtual: its synapses exist, and replay may drive them.

    Raises
    ------
    TargetError
        The target has no cells at all.
    """
    found: list[tuple[NodePopulation, int]] = []
    cells = 0
    for population in simulation.circuit.nodes.values():
        if population.is_virtual:
            if population.size:
                found.append((population, population.size - 1))
            continue
        ids = target.node_ids(population.name)
        if ids.size:
            cells += int(ids.size)
            found.append((population, int(ids.max())))
    if not cells:
        raise TargetError(
            f"the node set {simulation.node_set!r} selects no cells",
            file=simulation.path,
            pointer="/node_set",
            expected="at least one node of a population that is not virtual",
        )
    return [*found, *_silent_sources(simulation, [population.name for population, _ in found])]


def _silent_sources(simulation: Simulation, taking_part: list[str]) -> list[tuple[NodePopulation, int]]:
    names = {
        e.source
        for e in simulation.circuit.edges.values()
        if e.target in taking_part and e.source not in taking_part and _may_lack_sources(e)
    }
    nodes = simulation.circuit.nodes
    return [
        (replace(nodes[name], kind="virtual"), nodes[name].size - 1)
        for name in nodes
        if name in names and nodes[name].size and nodes[name].kind in NODE_ENGINES
    ]


def _may_lack_sources(population: EdgePopulation) -> bool:
    if population.kind not in EDGE_ENGINES:
        return False
    return not getattr(EDGE_ENGINES[population.kind], "needs_simulated_sources", True)


def edge_populations(
    simulation: Simulation, circuits: CircuitManager, targets: TargetManager, *, warn: bool = True
) -> Sequence[EdgePopulation]:
    """Return the edge populations to instantiate: inner connectivity first, in the order of the circuits.

    An edge population takes part when its target has cells, and its source has cells or is virtual; those that need an
    input come last, in the order of the inputs; with `warn`, those that lack one are told of.
    """
    populations = [
        p
        for p in simulation.circuit.edges.values()
        if p.target in circuits.node_managers and circuits.has_population(p.source) and p.kind in EDGE_ENGINES
    ]
    ordered = list(order_edge_populations(populations, list(circuits.node_managers)).values())
    return [*(p for p in ordered if not p.needs_input), *_driven(ordered, simulation, targets, warn)]


def _driven(
    populations: Sequence[EdgePopulation], simulation: Simulation, targets: TargetManager, warn: bool
) -> list[EdgePopulation]:
    """Return the edge populations that inputs drive, in the order of the inputs and sources."""
    needy = [p for p in populations if p.needs_input]
    found: dict[str, EdgePopulation] = {}
    for block in simulation.inputs:
        if block.module in SPIKE_INPUTS:
            found |= {p.name: p for p in needy if p.driven_by == block.name}
            names = targets.get_target(block.node_set).populations
            found |= {p.name: p for name in names for p in needy if p.source == name and not p.driven_by}
    for population in needy:
        if warn and population.name not in found:
            logger.warning("%s: no synapses, no input gives %s spikes", population.name, population.source)
    return list(found.values())


def model_mechanisms(simulation: Simulation, target: NodesetTarget) -> set[str]:
    """Return the mechanisms that the templates in use, the synapses and the modifications need.

    Raises
    ------
    TemplateError
        A template is absent.
    """
    needed: set[str] = set()
    if any(modification.kind == "ttx" for modification in simulation.conditions.modifications):
        needed.add(TTX_MECHANISM)
    with_cells = []
    for population in simulation.circuit.nodes.values():
        ids = target.node_ids(population.name)
        if population.is_virtual or not ids.size or population.kind not in NODE_ENGINES:
            continue
        with_cells.append(population.name)
        engine = NODE_ENGINES[population.kind]
        needed |= engine.needed_mechanisms(population, ids, simulation.circuit.path)
    needed |= needed_mechanisms(simulation, with_cells)
    return needed


def check_mechanisms(simulation: Simulation, target: NodesetTarget, options: RunOptions) -> None:
    """Check that every mechanism is loaded that the templates in use and the synapses need.

    Parameters
    ----------
    simulation, target
        What is simulated.
    options
        Where mechanisms came from; the message names these places.

    Raises
    ------
    MechanismError
        Some are missing; all are listed.
    TemplateError
        A template is absent.
    """
    needed = model_mechanisms(simulation, target)
    searched: tuple[Path, ...] = ()
    if options.nrnmech is None:
        folders = _mechanism_folders(simulation, options)
        searched = (*folders, mechanisms.core_dir() / "mod")
        if simulation.simulator == "CORENEURON":
            require_core_mechanisms(needed, folders)
    mechanisms.require_mechanisms(needed - BUILT_IN_MECHANISMS, searched=searched)
