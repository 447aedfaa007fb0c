"""Cell manager of populations of the kind ``node_types``: each node tells what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.circuit.cells import cell_models
from neurodamus_like.circuit.cells.membrane_fits import mechanisms_of_fit, mechanisms_of_settings
from neurodamus_like.circuit.cells.node_properties import NodeProperties
from neurodamus_like.circuit.cells.typed_cell import TypedCell, TypedCellLayout, TypedPointCell
from neurodamus_like.circuit.engines import NODE_ENGINES
from neurodamus_like.circuit.geometry import Placement, rotation_of_angles
from neurodamus_like.circuit.typed_nodes import POINT_TYPES, TypedNodes
from neurodamus_like.config.models import NodePopulation, Simulation
from neurodamus_like.distribution.splitting import SplitCell
from neurodamus_like.engine import artificial, axon_stubs, nrn
from neurodamus_like.engine.morphology_import import take_morphology_damage
from neurodamus_like.exceptions import MorphologyError, NeurodamusLikeError, TemplateError
from neurodamus_like.io.neuroml import read_neuroml
from neurodamus_like.io.node_types import read_virtual_ids
from neurodamus_like.progress import Progress


@NODE_ENGINES.register("node_types")
class TypedCellManager(CellManagerBase):
    """Detailed and artificial cells of one population; virtual nodes in it only send the spikes of inputs."""

    def __init__(self, population: NodePopulation, simulation: Simulation, offset: int) -> None:
        super().__init__(population, simulation, offset)
        self._layouts: dict[tuple[Any, ...], TypedCellLayout] = {}
        self._streams: dict[int, np.random.RandomState] = {}
        self._virtual_ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    @property
    def has_virtual_nodes(self) -> bool:
        """True when some nodes have no cells."""
        return self._virtual_ids.size > 0

    def is_virtual_node(self, node_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which nodes have no cell."""
        return np.isin(node_ids, self._virtual_ids)

    def load_nodes(
        self,
        all_node_ids: NDArray[np.int64],
        local_node_ids: NDArray[np.int64],
        splits: Mapping[int, SplitCell] | None = None,
    ) -> None:
        """Say which nodes take part; virtual ones are set apart and are not among the simulated ones."""
        self._virtual_ids = read_virtual_ids(self.population, np.asarray(all_node_ids, dtype=np.int64))
        everywhere, here = (np.setdiff1d(ids, self._virtual_ids) for ids in (all_node_ids, local_node_ids))
        super().load_nodes(everywhere, here, splits)

    @classmethod
    def needed_mechanisms(
        cls, population: NodePopulation, node_ids: NDArray[np.int64], circuit_file: Path
    ) -> frozenset[str]:
        """Return the mechanisms that the fits and NeuroML cells of the nodes insert, and their artificial cells."""
        needed: set[str] = set()
        for node in TypedNodes(population, node_ids, 0).examples():
            directive, _, name = str(node.get("model_template", "")).partition(":")
            folder = population.components.biophysical_neuron_models_dir
            if directive == "nrn" and not cell_models.has_user_model(node):
                needed.add(name)
            if directive == "nml" and folder is not None:
                needed |= mechanisms_of_settings(read_neuroml(folder / name))
            if node.dynamics_params and set(node.model_processing) & set(cell_models.FIT_PROCESSORS):
                needed |= mechanisms_of_fit(node.dynamics_params)
        return frozenset(needed)

    def placement_stream(self, gid: int) -> np.random.RandomState:
        """Return the random stream that places synapses on a cell: one per cell, keyed by its gid.

        It is consumed in the order in which edge populations are built, and does not depend on ranks.
        """
        if gid not in self._streams:
            self._streams[gid] = np.random.RandomState(gid)
        return self._streams[gid]

    def placements(self, cells: Sequence[Any]) -> list[Placement]:
        """Return how cells lie: the middle of the soma at the position of the node, turned about z, then y, then x."""
        return [
            Placement(
                rotation_of_angles(*cell.node.rotation_angles, x_first=False),
                cell.node.position_um,
                of_soma=True,
            )
            for cell in cells
        ]

    def create_cells(self) -> None:
        """Instantiate the local cells."""
        cell_models.load_default_template()
        _load_templates(self.population.components.template_paths)
        nodes = TypedNodes(self.population, self.local_node_ids, self.offset)
        builder = _CellBuilder(self.simulation.run.segment_length_um, self._layouts)
        with Progress(f"cells of {self.population_name}", len(nodes)) as progress:
            for node in nodes:
                self._cells[node.gid] = builder.build(node)
                progress.update(1)
        builder.finish()

    def finalize(self) -> None:
        """Register gids and spike sources."""
        run, conditions = self.simulation.run, self.simulation.conditions
        for gid, cell in self._cells.items():
            cell.re_init_rng(run.ionchannel_seed)
            if isinstance(cell, TypedPointCell):
                artificial.register_artificial_spike_source(gid, cell.pointcell)
            else:
                section, x = cell.spike_source(conditions.spike_location)
                nrn.register_spike_source(gid, section, x, run.spike_threshold_mV)

    def clear(self) -> None:
        """Drop the cells and start their random streams anew."""
        for cell in self._cells.values():
            cell.clear()
        self._streams.clear()
        super().clear()


class _CellBuilder:
    """Makes cells one after the other; copies of one type share the layout of the first."""

    def __init__(
        self, segment_length_um: float | None, layouts: dict[tuple[Any, ...], TypedCellLayout]
    ) -> None:
        self._segment_length_um = segment_length_um
        self._layouts = layouts
        self._without_shape = False

    def build(self, node: NodeProperties) -> TypedCell | TypedPointCell:
        """Make the cell of a node."""
        hoc, built_in = self._make(node)
        if node.model_type in POINT_TYPES:
            return TypedPointCell(node, hoc)
        if self._segment_length_um is not None:
            _set_segments(hoc, self._segment_length_um)
        if not built_in:
            return TypedCell(node, hoc)
        key = (node.model_template, *node.model_processing, node.morphology_file)
        cell = TypedCell(node, hoc, self._layouts.get(key))
        self._layouts.setdefault(key, cell.layout)
        return cell

    def finish(self) -> None:
        """Give 3-D points to the axon stubs."""
        if self._without_shape:
            axon_stubs.define_shape()
            self._without_shape = False

    def _make(self, node: NodeProperties) -> tuple[Any, bool]:
        model, template = cell_models.find_cell_model(node.model_template, node.model_type)
        processors = [cell_models.CELL_PROCESSORS[name] for name in node.model_processing]
        take_morphology_damage()
        hoc = self._apply(model, node, template)
        damage = take_morphology_damage()
        if damage:
            raise MorphologyError(damage, file=node.morphology_file, ids=[node.node_id])
        for function in processors:
            hoc = self._apply(function, node, hoc)
        return hoc, all(map(cell_models.is_built_in, (model, *processors)))

    def _apply(self, function: Callable[..., Any], node: NodeProperties, argument: Any) -> Any:
        """Call a model or a processing; functions of users find cells with all their 3-D points."""
        if cell_models.is_built_in(function):
            self._without_shape = True
        else:
            self.finish()
        ends = (argument, node) if not isinstance(argument, str) else (node, argument)
        try:
            made = function(*ends, node.dynamics_params)
        except NeurodamusLikeError:
            raise
        except Exception as error:
            raise TemplateError(
                f"{function.__name__} failed: {type(error).__name__}: {error}",
                population=node.population_name,
                ids=[node.node_id],
                hint=f"model_template {node.model_template!r}, dynamics_params {node.get('dynamics_params')!r}",
            ) from error
        if made is None:
            raise TemplateError(
                f"{function.__name__} returned no cell", population=node.population_name, ids=[node.node_id]
            )
        return made


def _set_segments(hoc: Any, length_um: float) -> None:
    """Cut sections into an odd number of segments: 1 + 2 floor(L / (2 dL))."""
    for section in hoc.all:
        section.nseg = 1 + 2 * int(section.L / (2.0 * length_um))


def _load_templates(paths: tuple[Path, ...]) -> None:
    for file in _hoc_files(paths):
        cell_models.load_user_templates(file)


def _hoc_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from sorted(path.glob("*.hoc"))
        else:
            raise TemplateError(
                "templates_dir does not exist", file=path, pointer="/components/templates_dir"
            )
