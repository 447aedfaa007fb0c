"""NodeSetReader: node sets resolved over the node populations of a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurodamus_like.exceptions import TargetError, did_you_mean
from neurodamus_like.io.node_sets import NodeSets
from neurodamus_like.io.nodes import node_populations, population_node_ids
from neurodamus_like.io.typed_node_sets import TypedNodeSets
from neurodamus_like.logs import get_logger
from neurodamus_like.targets.offsets import IntArray

logger = get_logger(__name__)


class NodeSetReader:
    """Reads node sets and finds their nodes.

    Parameters
    ----------
    config_nodeset_file
        Node sets of the circuit.
    simulation_nodesets_file
        Node sets of the simulation; they win over those of the circuit.
    populations
        Node population -> its file.
    sets
        Node sets to use in place of those of the files.
    """

    def __init__(
        self,
        config_nodeset_file: Path | None,
        simulation_nodesets_file: Path | None = None,
        populations: Mapping[str, Path] | None = None,
        sets: TypedNodeSets | None = None,
    ) -> None:
        self._sets: NodeSets | TypedNodeSets = sets or NodeSets.from_files(
            config_nodeset_file, simulation_nodesets_file
        )
        self._populations = dict(populations or {})
        if self._sets.overridden:
            logger.warning(
                "node sets of the simulation replace those of the circuit: %s",
                ", ".join(self._sets.overridden),
            )

    @property
    def names(self) -> list[str]:
        """Names of all node sets, sorted."""
        return self._sets.names

    def __contains__(self, name: object) -> bool:
        return name in self._sets

    def register_node_file(self, node_file: Path) -> None:
        """Make all populations of a file known."""
        self._populations.update(dict.fromkeys(node_populations(node_file), Path(node_file)))

    def read_nodeset(self, nodeset_name: str, population: str | None = None) -> dict[str, IntArray]:
        """Return population -> node ids (ascending) of a node set.

        Parameters
        ----------
        nodeset_name
            The node set.
        population
            Look at this one only; None means all.

        Raises
        ------
        TargetError
            There is no such node set or population.
        """
        return self._sets.resolve(nodeset_name, self._chosen(population))

    def read_all(self, population: str) -> IntArray:
        """Return all node ids of one population, ascending."""
        file = self._chosen(population)[population]
        return np.sort(population_node_ids(file, population))

    def _chosen(self, population: str | None) -> dict[str, Path]:
        if population is None:
            return self._populations
        if population not in self._populations:
            raise TargetError(
                f"unknown node population {population!r}",
                expected="one of " + ", ".join(sorted(self._populations)),
                hint=did_you_mean(population, self._populations) or None,
            )
        return {population: self._populations[population]}
