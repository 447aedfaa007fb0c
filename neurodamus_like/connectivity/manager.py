"""What all managers of connections share: reading the edges of local cells as overrides say, and configuring them."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.config.models import ConnectionOverride, EdgePopulation, Simulation
from neurodamus_like.connectivity import overrides
from neurodamus_like.connectivity.lookup import ConnectionLookup, edge_node_pop_names
from neurodamus_like.connectivity.overrides import OverrideRules, PathwayRule
from neurodamus_like.connectivity.synapse_checks import check_edge_values
from neurodamus_like.connectivity.synapse_table import (
    POSITION_MODES,
    SECTION_COLUMNS,
    IntColumn,
    SynapseTable,
)
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.edges import EdgeTable, edge_attribute_names, read_edges
from neurodamus_like.targets.manager import TargetManager

__all__ = ["ConnectionManagerBase", "edge_node_pop_names"]

logger = logging.getLogger(__name__)


class ConnectionManagerBase(ConnectionLookup, ABC):
    """Edges of one population that end on cells of this rank.

    Parameters
    ----------
    population
        The edge population.
    source, target
        Managers of the node populations at both ends.
    simulation
        The configuration.

    Attributes
    ----------
    matched_overrides
        Names of the overrides that concern edges of this population on this rank.
    """

    attributes: tuple[str, ...] = ()
    """Edge attributes that must be there."""
    optional_attributes: tuple[str, ...] = ()
    """Edge attributes read when they are there."""
    uses_overrides: ClassVar[bool] = True
    """Whether ``connection_overrides`` concern these edges."""
    needs_simulated_sources: ClassVar[bool] = True
    """Whether edges from nodes that are not simulated are left out."""

    def __init__(
        self,
        population: EdgePopulation,
        source: CellManagerBase,
        target: CellManagerBase,
        simulation: Simulation,
    ) -> None:
        super().__init__(population, source, target, simulation)
        self.matched_overrides: set[str] = set()
        self._rules: OverrideRules | None = None

    def attach(self, targets: TargetManager, rules: OverrideRules | None = None) -> None:
        """Make node sets and connection overrides known; before `create_connections`."""
        self._targets = targets
        self._rules = rules

    def pathway_rules(self) -> list[PathwayRule]:
        """Return the overrides that concern this pair of populations, in file order."""
        if self._rules is None or not self.uses_overrides:
            return []
        return self._rules.of_pathway(self.population.source, self.population.target)

    def create_connections(self, src_target: str | None = None, dst_target: str | None = None) -> None:
        """Read the edges onto local cells, as connection overrides say.

        Without an override for this pathway all edges become synapses, also those whose source is not simulated
        (replay may drive them). With overrides, only edges that one of them covers do.

        Parameters
        ----------
        src_target, dst_target
            Node sets that restrict both ends.
        """
        src_target = src_target or self.population.source_set
        dst_target = dst_target or self.population.target_set
        rules = self.pathway_rules()
        if overrides.nothing_to_create(rules):
            names = ", ".join(repr(rule.block.name) for rule in rules)
            self.matched_overrides |= {rule.block.name for rule in rules}
            logger.warning(
                "%s: no connections, their weight is 0 or set later only (%s)", self.population.name, names
            )
            return
        self.table = self._read(
            rules, self._node_ids(src_target, "source"), self._node_ids(dst_target, "target")
        )
        self._connections = self._new_connection_set()

    def connect_all(self, weight_factor: float = 1.0) -> None:
        """Make synapses of all edges onto local cells, whatever the overrides say."""
        table = self._read([], None, None)
        table.settings.weight_factor[:] = weight_factor
        self._add(table)

    def connect_group(
        self,
        conn_source: str | None,
        conn_destination: str | None,
        synapse_type_restrict: int | None = None,
        mod_override: str | None = None,
    ) -> None:
        """Make synapses of the edges between two node sets, unless they are there already.

        Parameters
        ----------
        conn_source, conn_destination
            Node sets; None means all nodes.
        synapse_type_restrict
            Only edges with this ``syn_type_id``.
        mod_override
            Synapse type to use.
        """
        rule = [] if mod_override is None else self._rule_for(mod_override, conn_source, conn_destination)
        table = self._read(
            rule, self._node_ids(conn_source, "source"), self._node_ids(conn_destination, "target")
        )
        if synapse_type_restrict is not None:
            table = table.take(table["syn_type_id"] == synapse_type_restrict)
        self._add(table)

    def configure_connections(self, conn_conf: ConnectionOverride) -> bool:
        """Apply one override to the synapses that are there; say whether it concerned any."""
        return self.configure_group(conn_conf)

    def configure_group(self, conn_config: ConnectionOverride, gidvec: npt.ArrayLike | None = None) -> bool:
        """Apply one override to the synapses that are there.

        Parameters
        ----------
        conn_config
            The override.
        gidvec
            Only synapses onto these nodes (ids inside the population).

        Returns
        -------
        bool
            Whether it concerned any.
        """
        mask = self._mask(conn_config.source, conn_config.target)
        if gidvec is not None:
            mask &= np.isin(self.table.target_gid - self.target.offset, np.asarray(gidvec, dtype=np.int64))
        if not mask.any():
            return False
        settings = self.table.settings
        for old in np.unique(self.table.group[mask]).tolist():
            new = settings.append_copy(old)
            self.table.regroup(mask & (self.table.group == old), new)
            overrides.configure(settings, conn_config, new)
        return True

    def setup_delayed_connection(self, conn_config: ConnectionOverride) -> bool:
        """Note a weight that begins later; say whether it concerned any synapse."""
        return self.configure_group(conn_config)

    def read_for_counting(self) -> None:
        """Read the edges onto local cells that do not exist; only their numbers and :meth:`mechanism_rows` count."""
        self.create_connections()

    def mechanism_rows(self) -> dict[str, IntColumn]:
        """Return the rows of each point process that `finalize` will make of the edges that were read."""
        return {}

    @abstractmethod
    def finalize(self) -> None:
        """Create synapses and NetCons in the simulator."""

    def _needed_attributes(self, rules: Sequence[PathwayRule]) -> tuple[str, ...]:
        """Return the edge attributes that must be there under these rules."""
        return self.attributes

    def _check(self, edges: EdgeTable) -> EdgeTable:
        """Check edges that were just read; return those to use."""
        return edges

    def _optional_attributes(self) -> tuple[str, ...]:
        """Return the attributes to read if they are there, with only one way to say where on the section."""
        there = edge_attribute_names(self.population.file, self.population.name)
        used = next((mode for mode in POSITION_MODES if all(name in there for name in mode)), ())
        unused = {name for mode in POSITION_MODES for name in mode} - set(used)
        return tuple(name for name in self.optional_attributes if name not in unused)

    def _place_attributes(self) -> tuple[str, ...]:
        """Return the attribute that names the section, today's one or the oldest."""
        there = edge_attribute_names(self.population.file, self.population.name)
        return (next((name for name in SECTION_COLUMNS if name in there), SECTION_COLUMNS[0]),)

    def _check_position(self, edges: EdgeTable) -> None:
        """Check that the edges say where on the section they are."""
        if len(edges) and not any(all(name in edges for name in mode) for mode in POSITION_MODES):
            raise CircuitError(
                "the edges do not say where on the section they are",
                file=self.population.file,
                population=self.population.name,
                expected="afferent_section_pos, or afferent_segment_id and afferent_segment_offset",
            )

    def _read(
        self, rules: Sequence[PathwayRule], source_ids: IntColumn | None, target_ids: IntColumn | None
    ) -> SynapseTable:
        targets = self.target.synapse_node_ids
        if self.needs_simulated_sources and not self.source.is_virtual:
            source_ids = _both(source_ids, self.source.all_node_ids)
        covered = overrides.created_ends(rules)
        if covered is not None:
            source_ids, targets = _both(source_ids, covered[0]), _both(targets, covered[1])
        if target_ids is not None:
            targets = _both(targets, target_ids)
        edges = self._check(
            read_edges(
                self.population,
                targets,
                self._needed_attributes(rules),
                self._optional_attributes(),
                source_ids,
            )
        )
        check_edge_values(edges, self.population)
        sizes = (self.source.population.size, self.target.population.size)
        decisions = overrides.decide(rules, edges.source_id, edges.target_id, *sizes)
        self.matched_overrides |= {
            rule.block.name for rule, hit in zip(rules, decisions.matched, strict=True) if hit
        }
        group = decisions.group
        if not decisions.kept.all():
            edges, group = edges.select(decisions.kept), group[decisions.kept]
        offsets = (self.source.offset, self.target.offset)
        table = SynapseTable.from_edges(edges, *offsets, self.simulation.run.dt_ms, group, decisions.settings)
        if self.target.splits:
            table = table.take(self.target.holds_sections(table.target_gid, table.section_id))
        return table

    def _rule_for(self, mod_override: str, source: str | None, target: str | None) -> list[PathwayRule]:
        ends = [self._node_ids(name, end) for name, end in ((source, "source"), (target, "target"))]
        sizes = (self.source.population.size, self.target.population.size)
        ids = [np.arange(size) if found is None else found for found, size in zip(ends, sizes, strict=True)]
        block = ConnectionOverride(mod_override, source or "", target or "", modoverride=mod_override)
        return [PathwayRule(block, ids[0], ids[1])]


def _both(one: IntColumn | None, other: IntColumn) -> IntColumn:
    return other if one is None else np.intersect1d(one, other)
