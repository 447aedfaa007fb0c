"""Point cells: artificial cells (IntFire1 and the like) from HOC templates, without sections."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.circuit.cells.base_cell import BaseCell, CellLayout
from neurodamus_like.circuit.engines import NODE_ENGINES
from neurodamus_like.engine import artificial, nrn
from neurodamus_like.exceptions import ConfigurationError, TemplateError
from neurodamus_like.io.hoc_template import find_hoc_template
from neurodamus_like.io.nodes import node_attribute_names, read_nodes
from neurodamus_like.progress import Progress

_NO_LAYOUT = CellLayout((), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), {})


class PointCell(BaseCell):
    """An artificial cell on this rank.

    Parameters
    ----------
    gid
        Global id.
    node_id, population
        SONATA identity.
    hoc
        An instance of a template that offers the artificial cell as ``pointcell``.
    """

    __slots__ = ("hoc",)

    def __init__(self, gid: int, node_id: int, population: str, hoc: Any) -> None:
        self.gid = gid
        self.node_id = node_id
        self.population = population
        self.hoc = hoc
        self.sections = []
        self.layout = _NO_LAYOUT
        self.threshold_current = self.holding_current = 0.0
        self.input_resistance = None

    @property
    def pointcell(self) -> Any:
        """The artificial cell: it takes and sends events."""
        return self.hoc.pointcell

    @property
    def CellRef(self) -> Any:
        """The HOC object."""
        return self.hoc

    def re_init_rng(self, ionchannel_seed: int) -> None:
        """Point cells have no stochastic channels."""


@NODE_ENGINES.register("point_process")
class PointCellManager(CellManagerBase):
    """Point cells of one population.

    ``model_template`` ``hoc:X`` means the template X in ``<point_neuron_models_dir>/X.hoc``, called with the node id
    and the attributes of ``dynamics_params`` that it lists in ``X_NeededAttributes``. Other numeric attributes of
    ``dynamics_params`` are set on the artificial cell where it has a parameter of that name.
    """

    TYPICAL_BYTES = 2_000
    Precedence = 2

    def create_cells(self) -> None:
        """Instantiate the local cells."""
        if not len(self.local_node_ids):
            return
        file, name = self.population.file, self.population_name
        dynamics = [a for a in node_attribute_names(file, name) if a.startswith("dynamics_params/")]
        table = read_nodes(file, name, ["model_template", *dynamics], self.local_node_ids)
        values = {
            attribute.split("/", 1)[1]: column
            for attribute, column in table.columns.items()
            if attribute in dynamics and column.dtype.kind in "fiu"
        }
        templates = table.columns["model_template"].astype(str).tolist()
        with Progress(f"cells of {name}", len(templates)) as progress:
            for row, (node_id, template) in enumerate(zip(table.node_ids.tolist(), templates, strict=True)):
                attributes = {key: float(column[row]) for key, column in values.items()}
                hoc = self._instantiate(node_id, template.removeprefix("hoc:"), attributes)
                self._cells[node_id + self.offset] = PointCell(node_id + self.offset, node_id, name, hoc)
                progress.update(1)

    def finalize(self) -> None:
        """Register gids and spike sources."""
        for gid, cell in self._cells.items():
            artificial.register_artificial_spike_source(gid, cell.pointcell)

    def _instantiate(self, node_id: int, template: str, attributes: dict[str, float]) -> Any:
        header = find_hoc_template(template, self._models_dir())
        absent = [name for name in header.needed_attributes if name not in attributes]
        if absent:
            raise TemplateError(
                f"the template {template} needs the node attributes {', '.join(absent)}",
                population=self.population_name,
                ids=[node_id],
                expected="dynamics_params/<attribute> in the nodes file",
            )
        constructor = nrn.load_template(template, header.path)
        try:
            cell = constructor(node_id, *(attributes.pop(name) for name in header.needed_attributes))
        except RuntimeError as error:
            raise TemplateError(
                f"the template {template} failed: {error}", population=self.population_name, ids=[node_id]
            ) from error
        if not hasattr(cell, "pointcell"):
            raise TemplateError(
                f"the template {template} offers no 'pointcell'",
                file=header.path,
                population=self.population_name,
                expected="public pointcell: an artificial cell such as IntFire1",
            )
        for name, value in attributes.items():
            if hasattr(cell.pointcell, name):
                setattr(cell.pointcell, name, value)
        return cell

    def _models_dir(self) -> Any:
        directory = self.population.components.point_neuron_models_dir
        if directory is None:
            raise ConfigurationError(
                "the population has no point_neuron_models_dir",
                file=self.simulation.circuit.path,
                population=self.population_name,
            )
        return directory
