"""One node as user functions see it: its properties by name, whether they are its own or those of its type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.config.models import Components
from neurodamus_like.io.node_types import TypedTable

FloatArray = NDArray[np.float64]

_POSITIONS = ("positions", "position")


class NodeProperties:
    """A node of a population.

    Parameters
    ----------
    table
        The properties of some nodes.
    row
        Which of them.
    node_id, gid
        Its ids inside the population and in the simulation.
    morphology_file
        Path of its morphology, or None.
    dynamics_params
        Its model parameters, or None.
    """

    __slots__ = ("_row", "_table", "dynamics_params", "gid", "morphology_file", "node_id")

    def __init__(
        self,
        table: TypedTable,
        row: int,
        node_id: int,
        gid: int,
        morphology_file: Path | None = None,
        dynamics_params: Mapping[str, Any] | None = None,
    ) -> None:
        self._table = table
        self._row = row
        self.node_id = node_id
        self.gid = gid
        self.morphology_file = None if morphology_file is None else str(morphology_file)
        self.dynamics_params = dynamics_params

    @property
    def population_name(self) -> str:
        """Name of the node population."""
        return self._table.population.name

    @property
    def components(self) -> Components:
        """Folders of the parts of cells of its population."""
        return self._table.population.components

    @property
    def node_type_id(self) -> int:
        """Number of the type of the node."""
        return int(self._table.type_ids[self._row])

    @property
    def model_type(self) -> str:
        """Kind of model: biophysical, point_process, point_neuron or virtual."""
        return str(self["model_type"])

    @property
    def model_template(self) -> str:
        """What the cell is made from, such as ``ctdb:Biophys1.hoc``."""
        return str(self["model_template"])

    @property
    def model_processing(self) -> list[str]:
        """Names of the functions applied to the cell when it is made, in order."""
        return split_names(self._table.value("model_processing", self._row))

    @property
    def position_um(self) -> FloatArray:
        """Position of the soma, shape (3,); zeros where the node says nothing."""
        for name in _POSITIONS:
            found = self._table.value(name, self._row)
            if found is not None:
                return np.asarray(found, dtype=np.float64).reshape(3)
        return np.array([self._number(axis) for axis in "xyz"])

    @property
    def rotation_angles(self) -> FloatArray:
        """Rotation about the x, y and z axis in radians, shape (3,)."""
        return np.array([self._number(f"rotation_angle_{axis}axis") for axis in "xyz"])

    def __getitem__(self, name: str) -> Any:
        """Return a property; KeyError when neither the node nor its type has it."""
        if name not in self:
            raise KeyError(name)
        return self._table.value(name, self._row)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._table.has(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a property, or `default` where there is none."""
        found = self._table.value(name, self._row)
        return default if found is None else found

    def _number(self, name: str) -> float:
        found = self._table.value(name, self._row)
        return 0.0 if found is None else float(found)


def split_names(text: Any) -> list[str]:
    """Return the names in a list separated by commas; none for None."""
    return [] if text is None else [name.strip() for name in str(text).split(",") if name.strip()]
