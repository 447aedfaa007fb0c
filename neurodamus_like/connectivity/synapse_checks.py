"""Checks of edge values: what no synapse can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.config.models import EdgePopulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.edges import EdgeTable

_NOT_NEGATIVE = ("delay",)
_MAY_BE_UNKNOWN = ("u_hill_coefficient", "conductance_scale_factor")


def check_edge_values(edges: EdgeTable, population: EdgePopulation) -> None:
    """Check that numbers are finite and delays are not negative.

    Raises
    ------
    CircuitError
        Naming the attribute and the edges at fault.
    """
    for name, values in edges.columns.items():
        if name in _MAY_BE_UNKNOWN or values.dtype.kind != "f":
            continue
        if not np.isfinite(values).all():
            raise _error(
                f"{name} is not a number", name, ~np.isfinite(values), edges, population, "finite numbers"
            )
    for name in _NOT_NEGATIVE:
        found = edges.columns.get(name)
        if found is not None and found.size and found.min() < 0:
            raise _error(f"{name} is negative", name, found < 0, edges, population, "values from 0")


def _error(
    what: str, name: str, bad: npt.NDArray[Any], edges: EdgeTable, population: EdgePopulation, expected: str
) -> CircuitError:
    count = int(bad.sum())
    return CircuitError(
        f"{what} for {count} edge{'' if count == 1 else 's'}",
        file=population.file,
        pointer=f"/edges/{population.name}/0/{name}",
        population=population.name,
        ids=edges.edge_id[bad].tolist(),
        expected=expected,
    )
