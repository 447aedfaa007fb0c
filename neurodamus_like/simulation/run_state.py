"""The state of a run, out of the model and into it; :mod:`.state_parts` lists what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurodamus_like.connectivity.events import EventDrivenManager
from neurodamus_like.connectivity.gap_junctions import GapJunctionManager
from neurodamus_like.engine import event_state, model_state
from neurodamus_like.engine.model_map import CellParts, ModelMap
from neurodamus_like.engine.model_state import State
from neurodamus_like.io.ragged import Ragged, sorted_by_cell
from neurodamus_like.reports.manager import ReportManager
from neurodamus_like.reports.spikes import SpikeRecorder

_BLOCK_MS = 100.0


@dataclass(frozen=True)
class RunParts:
    """What has state in a run on this rank.

    Attributes
    ----------
    cell_managers, edge_managers
        Of all populations with cells; of all edges.
    spikes
        The recorder of spikes.
    reports
        The reports, if there are any.
    """

    cell_managers: Sequence[Any]
    edge_managers: Sequence[Any]
    spikes: SpikeRecorder
    reports: ReportManager | None

    def map(self) -> ModelMap:
        """Return the names of everything in the model that has state."""
        cells = [cell for manager in self.cell_managers for cell in manager.gid2cell.values()]
        parts = [CellParts(c.gid, c.sections, getattr(c, "pointcell", None)) for c in cells]
        replaying = [m.replay_stim.netcons for m in self.edge_managers if isinstance(m, EventDrivenManager)]
        return ModelMap(parts, replaying)

    def clamps(self) -> dict[int, Any]:
        """Return gid -> voltage clamp whose current is recorded."""
        found = [m.corrected for m in self.edge_managers if isinstance(m, GapJunctionManager)]
        return {
            gid: clamp
            for corrected in found
            if corrected is not None
            for gid, clamp in corrected.clamps.items()
        }


def read_state(parts: RunParts, model: ModelMap) -> State:
    """Return all tables of a checkpoint; `settle` must have been called."""
    state = model_state.read_values(model) | event_state.read_events(model)
    times, gids = parts.spikes.all_spikes()
    state["spikes/time"] = sorted_by_cell(np.searchsorted(model.gids, gids), times, model.n_cells)
    clamps = parts.clamps()
    if clamps:
        currents = [clamps[gid].current_nA if gid in clamps else np.empty(0) for gid in model.gids.tolist()]
        counts = np.array([current.size for current in currents], dtype=np.int64)
        state["clamps/current"] = Ragged(counts, np.concatenate(currents))
    return state


def write_state(
    parts: RunParts, model: ModelMap, state: State, time_ms: float, numbers: dict[int, int]
) -> None:
    """Put values and spikes of a checkpoint into a model that was just initialised.

    Parameters
    ----------
    parts, model
        The run.
    state, time_ms
        The tables of its cells, and their time.
    numbers
        Number of each mechanism in the saved run -> in this one.
    """
    recorders = [] if parts.reports is None else [stream.recorder for stream in parts.reports.streams]

    def drop_frames() -> None:
        for recorder in recorders:
            recorder.drop()

    event_state.forward_sources(model, time_ms, _BLOCK_MS, drop_frames)
    model_state.write_values(model, state, numbers)


def begin_again(
    parts: RunParts, model: ModelMap, state: State, time_ms: float, numbers: dict[int, int]
) -> None:
    """Put time, events and what was recorded so far into a model that has its values; collective.

    Parameters are those of :func:`write_state`.
    """
    event_state.begin_again(model, time_ms)
    event_state.write_events(model, state, numbers)
    spikes = state["spikes/time"]
    parts.spikes.restore(spikes.values, model.gids[spikes.cells])
    current = state.get("clamps/current")
    for gid, clamp in parts.clamps().items() if current is not None else ():
        assert current is not None
        clamp.restore(current.take(np.searchsorted(model.gids, [gid])).values)
