"""Nodes of the kind ``node_types`` with everything that making their cells needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.circuit.cells.node_properties import NodeProperties
from neurodamus_like.config.models import NodePopulation
from neurodamus_like.exceptions import MorphologyError, did_you_mean
from neurodamus_like.io.node_types import read_typed_nodes
from neurodamus_like.io.nodes import node_attribute_names
from neurodamus_like.io.parameter_files import ParameterFiles

POINT_TYPES = ("point_process", "point_neuron")
_PER_NODE = "dynamics_params/"


class TypedNodes:
    """Some nodes of a population.

    Parameters
    ----------
    population
        The population.
    node_ids
        Which nodes.
    offset
        gid of node 0.
    """

    def __init__(self, population: NodePopulation, node_ids: NDArray[np.int64], offset: int) -> None:
        self._population = population
        self._offset = offset
        names = node_attribute_names(population.file, population.name)
        self.node_ids, self.table = read_typed_nodes(population, names, node_ids)
        self._own_parameters = [name for name in names if name.startswith(_PER_NODE)]
        folders = population.components
        self._detailed = ParameterFiles(
            folders.biophysical_neuron_models_dir, "biophysical_neuron_models_dir"
        )
        self._point = ParameterFiles(folders.point_neuron_models_dir, "point_neuron_models_dir")
        self._morphologies: dict[str, Path] = {}

    def __len__(self) -> int:
        return int(self.node_ids.size)

    def __iter__(self) -> Iterator[NodeProperties]:
        return (self.node(row) for row in range(len(self)))

    def examples(self) -> Iterator[NodeProperties]:
        """Yield one node for each combination of properties that decide what a cell is made from."""
        seen = set()
        columns = [self.table.texts(n) for n in ("model_template", "model_processing", "dynamics_params")]
        for row, key in enumerate(zip(self.table.type_ids.tolist(), *columns, strict=True)):
            if key not in seen:
                seen.add(key)
                yield self.node(row)

    def node(self, row: int) -> NodeProperties:
        """Return a node.

        Raises
        ------
        MorphologyError, ConfigurationError
            A file that it names is missing.
        """
        node_id = int(self.node_ids[row])
        model_type = self.table.value("model_type", row)
        if model_type == "virtual":
            return NodeProperties(self.table, row, node_id, node_id + self._offset)
        return NodeProperties(
            self.table,
            row,
            node_id,
            node_id + self._offset,
            self._morphology(self.table.value("morphology", row)),
            self._parameters(row, str(model_type)),
        )

    def _parameters(self, row: int, model_type: str) -> Mapping[str, Any] | None:
        files = self._point if model_type in POINT_TYPES else self._detailed
        name = self.table.value("dynamics_params", row)
        common = None if name is None else files.read(str(name))
        if not self._own_parameters:
            return common
        own = {n.removeprefix(_PER_NODE): self.table.value(n, row) for n in self._own_parameters}
        return {**(common or {}), **{key: value for key, value in own.items() if value is not None}}

    def _morphology(self, name: Any) -> Path | None:
        if name is None:
            return None
        if name not in self._morphologies:
            self._morphologies[name] = self._find_morphology(str(name))
        return self._morphologies[name]

    def _find_morphology(self, name: str) -> Path:
        folder = self._population.components.morphologies_swc
        candidates = [Path(name) if folder is None else folder / name]
        candidates.append(candidates[0].with_name(candidates[0].name + ".swc"))
        for path in candidates:
            if path.is_file():
                return path
        near = [p.name for p in folder.iterdir()] if folder is not None and folder.is_dir() else []
        raise MorphologyError(
            f"the morphology {name!r} is absent",
            file=candidates[-1],
            population=self._population.name,
            expected="it in components.morphologies_dir",
            hint=did_you_mean(name, near) or None,
        )
