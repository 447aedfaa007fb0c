"""What this version can run: everything else is refused before any work, instead of being ignored."""

from __future__ import annotations

from neurodamus_like.circuit.engines import EDGE_ENGINES, NODE_ENGINES
from neurodamus_like.config.gap_corrections import parse_gap_corrections
from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.simulation.core_support import check_simulator
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.validation.problems import Problem


def check_supported(simulation: Simulation, options: RunOptions) -> list[Problem]:
    """Return a problem for each thing the configuration and the options ask for that this version cannot do."""
    problems: list[Problem] = []

    def refuse(what: str, pointer: str, hint: str) -> None:
        problems.append(Problem("error", what, file=simulation.path, pointer=pointer, hint=hint))

    problems += check_simulator(simulation, options)
    if simulation.beta_features:
        problems += _problems_of_corrections(simulation)
    for nodes in simulation.circuit.nodes.values():
        if nodes.kind not in NODE_ENGINES:
            problems.append(
                Problem(
                    "warning",
                    f"node population {nodes.name!r} of type {nodes.kind!r} is left out: no engine for it",
                    file=simulation.circuit.path,
                    pointer="/networks/nodes",
                    hint="types this version runs: " + ", ".join(NODE_ENGINES.names()),
                )
            )
    for edges in simulation.circuit.edges.values():
        if edges.kind not in EDGE_ENGINES:
            refuse(
                f"edge population {edges.name!r} of type {edges.kind!r} cannot be simulated by this version",
                "/networks/edges",
                "types this version runs: " + ", ".join(EDGE_ENGINES.names()),
            )
    return problems


def _problems_of_corrections(simulation: Simulation) -> list[Problem]:
    try:
        corrections = parse_gap_corrections(simulation)
    except ConfigurationError as error:
        return [Problem.from_error(error)]
    electrical = [e for e in simulation.circuit.edges.values() if e.kind == "electrical"]
    if any(e.target == corrections.population for e in electrical):
        return []
    return [
        Problem(
            "warning",
            f"no gap junctions end in {corrections.population!r}: beta_features have no effect",
            file=simulation.path,
            pointer="/beta_features/gapjunction_target_population",
        )
    ]
