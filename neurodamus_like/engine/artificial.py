"""Artificial cells: spike sources that are not cells of the circuit, and point cells that are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine.makers import maker
from neurodamus_like.engine.nrn import h, pc
from neurodamus_like.engine.object_columns import ObjectColumn
from neurodamus_like.exceptions import MechanismError
from neurodamus_like.parallel.mpi import world

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]

POISSON_SOURCE = "InhPoissonStim"


def create_poisson_stims(
    rates_Hz: FloatColumn, streams: IntColumn, duration_ms: float
) -> tuple[ObjectColumn, list[Any]]:
    """Create one Poisson spike source of constant rate per row.

    Parameters
    ----------
    rates_Hz
        Shape (n,), positive.
    streams
        Ids of the Random123 streams of intervals (first three) and of acceptance (last three), shape (n, 6).
    duration_ms
        How long they fire.

    Returns
    -------
    tuple
        The sources, and what must live as long (the Vectors they read).
    """
    if not hasattr(h, POISSON_SOURCE):
        raise MechanismError(
            f"spontaneous minis need the mechanism {POISSON_SOURCE}, which is not loaded",
            hint="compile with `neurodamus-like compile`, which adds it",
        )
    make = maker()
    different, index = np.unique(rates_Hz, return_inverse=True)
    bins = make.vectors([np.zeros(1)])
    rates = make.vectors(np.split(different, different.size))
    stims = make.artificial_cells(POISSON_SOURCE, rates_Hz.size)
    make.set_values(stims, "duration", np.full(rates_Hz.size, duration_ms))
    make.call_objects(stims, "setTbins", bins, np.zeros(rates_Hz.size, dtype=np.int64))
    make.call_objects(stims, "setRate", rates, np.asarray(index, dtype=np.int64).reshape(-1))
    make.call_numbers(stims, "setRNGs", streams)
    return stims, [bins, rates]


def create_artificial_cell(mechanism: str, parameters: Mapping[str, Any]) -> Any:
    """Create an artificial cell and set those of its parameters that it has.

    Raises
    ------
    MechanismError
        There is no such artificial cell, or it refuses a value.
    """
    if not mechanism.isidentifier() or not hasattr(h, mechanism):
        raise MechanismError(
            f"there is no artificial cell {mechanism}",
            hint="compile its MOD file: components.mechanisms_dir, or --mechanisms DIR",
        )
    cell = getattr(h, mechanism)()
    for name, value in parameters.items():
        if hasattr(cell, name):
            try:
                setattr(cell, name, value)
            except TypeError as error:
                raise MechanismError(f"{mechanism}: {name} cannot be {value!r}") from error
    return cell


def restart_stims(stims: Iterable[Any]) -> None:
    """Let sources that can do so send their next event again, after time was set from outside."""
    for stim in stims:
        for name in ("restartEvent", "resumeEvent"):
            if hasattr(stim, name):
                getattr(stim, name)()
                break


def register_artificial_spike_source(gid: int, cell: Any) -> None:
    """Give this rank the global id `gid`; its spikes are the events that the artificial cell sends."""
    pc.set_gid2node(gid, world().rank)
    pc.cell(gid, h.NetCon(cell, None))
