"""Bulk creation of point processes, NetCons and their artificial sources from columns.

Callers pass columns sorted by section; point processes made in the order of the sections halve the time of
``finitialize``, which walks them node by node. The compiled factory does the work where it can be built
(:mod:`~neurodamus_like.engine.bulk_library`), else Python; both give the same model, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine.makers import maker
from neurodamus_like.engine.nrn import h
from neurodamus_like.engine.object_columns import ObjectColumn, column_of
from neurodamus_like.exceptions import MechanismError, SimulationError

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]


def create_point_processes(
    mechanism: str,
    sections: Sequence[Any],
    section_index: IntColumn,
    x: FloatColumn,
    parameters: Mapping[str, FloatColumn],
    rng_ids: IntColumn | None = None,
) -> ObjectColumn:
    """Create one point process per row and set its parameters.

    Parameters
    ----------
    mechanism
        Name of the POINT_PROCESS.
    sections
        Sections of this rank.
    section_index
        Row of `sections` per synapse, shape (n,); sorted is fastest.
    x
        Position along the section in [0, 1], shape (n,).
    parameters
        RANGE variable -> values, each of shape (n,).
    rng_ids
        Ids of the Random123 stream of each synapse, shape (n, 3), given to its ``setRNG``.

    Returns
    -------
    ObjectColumn
        The n point processes, in the order of the rows. They die with their last reference.

    Raises
    ------
    MechanismError
        The mechanism is not loaded, or has no such parameter.
    SimulationError
        A synapse is on no section, or off its ends.
    """
    _require(mechanism)
    _check_places(mechanism, len(sections), section_index, x)
    make = maker()
    synapses = make.point_processes(mechanism, sections, section_index, x)
    if not len(synapses):
        return synapses
    first = synapses[0]
    for name, column in parameters.items():
        if not hasattr(first, name):
            raise MechanismError(f"the point process {mechanism} has no parameter {name}")
        make.set_values(synapses, name, _aligned(name, column, len(synapses)))
    if rng_ids is not None:
        if not hasattr(first, "setRNG"):
            raise MechanismError(f"the point process {mechanism} has no setRNG", expected="a random stream")
        make.call_numbers(synapses, "setRNG", _aligned("rng_ids", rng_ids, len(synapses)))
    return synapses


def connect_gids(
    source_gids: IntColumn, synapses: ObjectColumn, weights: FloatColumn, delays_ms: FloatColumn
) -> ObjectColumn:
    """Create one NetCon per row from a global id (on whatever rank) to a point process of this rank.

    All gids of this rank must be registered before. Arrays have shape (n,); weights in the unit of the mechanism.
    """
    for name, values in (("source_gids", source_gids), ("weights", weights), ("delays_ms", delays_ms)):
        _aligned(name, values, len(synapses))
    return maker().netcons_from_gids(source_gids, synapses, weights, delays_ms)


def connect_stims(
    stims: ObjectColumn | Sequence[Any],
    stim_index: IntColumn,
    synapses: ObjectColumn,
    weights: FloatColumn,
    delays_ms: FloatColumn,
    *,
    threshold: float = 10.0,
) -> ObjectColumn:
    """Create one NetCon per row from ``stims[stim_index[row]]`` (an artificial cell of this rank)."""
    for name, values in (("stim_index", stim_index), ("weights", weights), ("delays_ms", delays_ms)):
        _aligned(name, values, len(synapses))
    _check_index("stims", stim_index, len(stims))
    sources = column_of(stims)
    return maker().netcons_from_objects(sources, stim_index, synapses, threshold, weights, delays_ms)


def set_netcon_type(netcons: ObjectColumn, weight_index: int, nc_type: int) -> None:
    """Write the kind of each NetCon (presynaptic 0, mini 1, replay 2, ...) into its weight vector."""
    set_netcon_weights(netcons, weight_index, np.full(len(netcons), float(nc_type)))


def set_netcon_weights(netcons: ObjectColumn, weight_index: int, values: FloatColumn) -> None:
    """Write one value per NetCon, shape (n,), into a place of the weight vectors (all of one mechanism)."""
    if not len(netcons):
        return
    length = int(netcons[0].wcnt())
    if not 0 <= weight_index < length:
        raise MechanismError(
            f"the weight vector has no element {weight_index}", expected=f"{length} elements"
        )
    maker().set_weights(netcons, weight_index, _aligned("values", values, len(netcons)))


def netcon_type_index(mechanism: str) -> int | None:
    """Return where a mechanism keeps the kind of a NetCon in the weight vector, or None when it does not care."""
    name = f"nc_type_param_{mechanism}"
    return int(getattr(h, name)) if hasattr(h, name) else None


def create_vecstims(times_ms: Sequence[FloatColumn]) -> tuple[ObjectColumn, list[Any]]:
    """Create one VecStim per array of spike times (ascending, ms).

    Returns
    -------
    tuple
        The VecStims, and what must live as long (the Vectors they play).
    """
    _require("VecStim")
    make = maker()
    stims = make.artificial_cells("VecStim", len(times_ms))
    vectors = make.vectors(times_ms)
    make.call_objects(stims, "play", vectors, np.arange(len(times_ms)))
    return stims, [vectors]


def _require(mechanism: str) -> None:
    if not hasattr(h, mechanism):
        raise MechanismError(
            f"the point process {mechanism} is not loaded",
            hint="run `neurodamus-like compile` on its MOD files",
        )


def _check_places(mechanism: str, n_sections: int, section_index: IntColumn, x: FloatColumn) -> None:
    _aligned("section_index", section_index, x.size)
    _check_index("sections", section_index, n_sections)
    if not bool(((x >= 0) & (x <= 1)).all()):  # also false for NaN
        raise SimulationError(f"{mechanism}: positions along sections must be from 0 to 1")


def _check_index(what: str, index: IntColumn, count: int) -> None:
    if index.size and not 0 <= int(index.min()) <= int(index.max()) < count:
        raise SimulationError(
            f"{what}: rows from {int(index.min())} to {int(index.max())} are asked for, there are {count}"
        )


def _aligned(name: str, column: NDArray[Any], count: int) -> NDArray[Any]:
    if len(column) != count:
        raise SimulationError(f"{name} has {len(column)} rows", expected=f"{count}, one per object")
    return column
