"""CoreNEURON in file mode: the model that NEURON built becomes files, and CoreNEURON runs on files alone.

Both happen in this process, on all its ranks: no other program is started, and nothing of the model has to be in
NEURON's memory while CoreNEURON runs.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurodamus_like.engine import exchange_clock, nrn
from neurodamus_like.engine.artificial import register_artificial_spike_source
from neurodamus_like.engine.core_limits import refuse_what_would_be_left_out
from neurodamus_like.engine.coreneuron import CoreSettings, require_library, switched_on
from neurodamus_like.exceptions import MechanismError, SimulationError
from neurodamus_like.io.core_data import read_group_list
from neurodamus_like.parallel.mpi import world

PLACEHOLDER = "CoreNEURONArtificialCell"
"""Artificial cell that stands in for cells on a rank that has none."""


def write_group(folder: Path) -> int:
    """Write what this rank holds as files, and return the number of the group; collective.

    The model must be initialised, and hold at least one cell with a gid.

    Parameters
    ----------
    folder
        Where to; rank 0 writes ``bbcore_mech.dat`` and ``globals.dat`` as well.

    Raises
    ------
    SimulationError
        The model has something that CoreNEURON would leave out, or NEURON could not write.
    """
    refuse_what_would_be_left_out()
    comm = world()
    with plain_path(folder) as name:
        try:
            nrn.pc.nrncore_write(name)
        except RuntimeError as error:
            raise SimulationError(f"NEURON could not write the model: {error}", file=folder) from error
    # rank 0 has listed the groups of all ranks, in the order of ranks; it does so again in the next cycle
    groups = comm.bcast(read_group_list(folder).groups if comm.rank == 0 else ())
    return groups[comm.rank]


def simulate_files(
    folder: Path,
    output: Path,
    tstop_ms: float,
    settings: CoreSettings,
    *,
    membrane_currents: bool = False,
) -> None:
    """Run CoreNEURON on the files of a model, from 0 to `tstop_ms`; collective.

    Each rank takes groups in turn, whatever number of ranks wrote them. The spikes go into ``out.dat``.

    Parameters
    ----------
    folder
        With the files of the model.
    output
        Folder for ``out.dat``; it must exist.
    tstop_ms
        End.
    settings
        How CoreNEURON runs.
    membrane_currents
        Compute ``i_membrane_``.

    Raises
    ------
    MechanismError
        No library of mechanisms for CoreNEURON is known.
    """
    require_library()
    nrn.h.cvode.cache_efficient(1)
    nrn.h.cvode.use_fast_imem(int(membrane_currents))
    exchange_clock.begin_block()
    with (
        plain_path(folder) as model,
        plain_path(output) as results,
        switched_on(settings, file_mode=True, skip_write_model_to_disk=True, model_path=model),
    ):
        arguments = nrn.coreneuron.nrncore_arg(tstop_ms)
        nrn.pc.nrncore_run(f"{arguments} --outpath {results}")
    # recorders of reports write through the C library, which may still hold the last frames
    ctypes.CDLL(None).fflush(None)
    nrn.h.cvode.use_fast_imem(0)


def add_placeholder(gid: int) -> None:
    """Give this rank an artificial cell that does nothing, so that it has something to write.

    Raises
    ------
    MechanismError
        The library has no such mechanism.
    """
    if not nrn.has_global(PLACEHOLDER):
        raise MechanismError(
            f"a rank without cells needs the mechanism {PLACEHOLDER}, which is not loaded",
            hint="compile with `neurodamus-like compile --coreneuron`, which adds it, or use fewer ranks",
        )
    cell = getattr(nrn.h, PLACEHOLDER)()
    nrn.keep(cell)
    register_artificial_spike_source(gid, cell)


@contextmanager
def plain_path(folder: Path) -> Iterator[str]:
    """Give a folder a name that CoreNEURON can take: ASCII, without blanks, and not too long."""
    name = str(folder)
    if name.isascii() and not any(c.isspace() for c in name) and len(name) < 900:
        yield name
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
