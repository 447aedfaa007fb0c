"""Time and events on their way, out of NEURON and into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.model_map import NO_CELL, ModelMap, instance_of, renumber
from neurodamus_like.engine.model_state import State
from neurodamus_like.engine.recorders import CompiledRecorder
from neurodamus_like.engine.recording import Recorder
from neurodamus_like.engine.state_library import Pointers, call, call_rows, hoc_number
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.io.ragged import sorted_by_cell

_SELF = 1
"""Kind of an event that an instance sent to itself; 0 is a delivery."""


def settle() -> None:
    """Let cells that have just crossed their threshold spike, and tell the other ranks; collective.

    The next time step would do this first: nothing changes by it, but that whether a cell has spiked can now be told
    from its voltage, and that no spike is kept back on its rank.
    """
    call_rows("ms_settle", 1)


def read_events(model: ModelMap) -> State:
    """Return deliveries and self events in the queue, and conditions that wait to come true.

    Raises
    ------
    SimulationError
        An event goes to something that belongs to no cell.
    """
    columns, whom, weights = _queue()
    is_self = columns["kind"] == _SELF
    delivery, self_event = model.find_netcons(whom), model.find_points(whom)
    cell, columns["key"] = (np.where(is_self, s, d) for s, d in zip(self_event, delivery, strict=True))
    columns["weights"] = np.where(weights == 0, -1, model.find_netcons(weights, by_weights=True)[1])
    unknown = whom[cell == NO_CELL]
    own = np.isin(unknown, model.autonomous) | np.isin(unknown, list(model.recorders.values()))
    if not own.all():
        raise SimulationError(
            f"{int((~own).sum())} events go to objects that belong to no cell: they cannot be saved"
        )
    mine = np.flatnonzero(cell != NO_CELL)
    events = {
        f"events/{name}": sorted_by_cell(cell[mine], values[mine], model.n_cells)
        for name, values in columns.items()
    }
    return events | _read_watches(model)


def _read_watches(model: ModelMap) -> State:
    """Return the conditions (WATCH) of instances that wait to come true: instance, number, whether it is true."""
    found = np.empty((call_rows("ms_watch_count", 0), 4), dtype=np.int64)
    call("ms_watches", found)
    state: State = {}
    for instances in model.instances.values():
        mine = found[found[:, 0] == instances.kind.number]
        if not mine.size:
            continue
        place = np.full(instances.kind.n, -1, dtype=np.int64)
        place[instances.rows] = np.arange(instances.rows.size)
        where = place[mine[:, 1]]
        cell = np.repeat(np.arange(model.n_cells), instances.counts)[where]
        before = np.cumsum(instances.counts) - instances.counts
        values = np.stack([where - before[cell], mine[:, 2], mine[:, 3]], axis=1)
        order = np.lexsort((values[:, 1], values[:, 0]))
        name = f"watches/{instances.kind.name}"
        state[name] = sorted_by_cell(cell[order], values[order], model.n_cells)
    return state


def _write_watches(model: ModelMap, state: State) -> None:
    for name, table in state.items():
        if name.startswith("watches/") and table.values.size:
            instances = model.instances[name.removeprefix("watches/")]
            before = np.cumsum(instances.counts) - instances.counts
            conditions = table.values.copy()
            conditions[:, 0] = instances.rows[conditions[:, 0] + before[table.cells]]
            call("ms_set_watches", instances.kind.number, len(conditions), conditions)


def _queue() -> tuple[dict[str, npt.NDArray[np.generic]], Pointers, Pointers]:
    """Return the columns of the queue, whom each event goes to, and the weights it brings."""
    n = call("ms_event_count", np.zeros(7, dtype=np.int64))
    time, flag = np.empty(n), np.empty(n)
    kind, datum = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    whom, weights = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
    call("ms_events", n, time, kind, whom, flag, weights, datum)
    return {"time": time, "kind": kind, "flag": flag, "datum": datum, "order": np.arange(n)}, whom, weights


def forward_sources(
    model: ModelMap, until_ms: float, block_ms: float, after_block: Callable[[], None]
) -> None:
    """Let signals and autonomous spike sources go on from 0 to a time; what they send is dropped.

    Parameters
    ----------
    model
        At its initial state.
    until_ms
        Where to.
    block_ms, after_block
        What recorders got meanwhile can be dropped after every block.
    """
    reached = 0.0
    while reached < until_ms:
        reached = min(reached + block_ms, until_ms)
        call_rows("ms_forward", 0, reached, model.autonomous.size, model.autonomous)
        after_block()


def begin_again(model: ModelMap, time_ms: float) -> None:
    """Make a model with the voltages of a time ready for events: time, thresholds, exchange of spikes; collective.

    Spikes seen now were recorded before, and are dropped.
    """
    call("ms_set_time", time_ms)
    call("ms_clear_watches")
    call_rows("ms_settle", 1)
    call("ms_prune", model.autonomous.size, model.autonomous)
    call_rows("ms_begin", 1, time_ms)


def write_events(model: ModelMap, state: State, numbers: dict[int, int]) -> None:
    """Put events into the queue, in the order in which they were there, and let conditions wait.

    Deliveries to NetCons of a replay that is gone are left out.

    Raises
    ------
    SimulationError
        The target of an event is not there.
    """
    _write_watches(model, state)
    column = {
        name.removeprefix("events/"): t.values for name, t in state.items() if name.startswith("events/")
    }
    cell = state["events/key"].cells
    key, weights_key = renumber(column["key"], numbers), renumber(column["weights"], numbers)
    is_self = column["kind"] == _SELF
    deliveries = np.append(model.netcons.pointer, np.uint64(0))[model.rows_of_netcons(cell, key)]
    whom = np.where(is_self, model.address_of_points(cell, instance_of(key)), deliveries)
    weights = np.append(model.netcons.weights, np.uint64(0))[model.rows_of_netcons(cell, weights_key)]
    if ((whom == 0) & is_self).any():
        raise SimulationError("the target of an event in the checkpoint does not exist in this model")
    order = np.lexsort((column["order"], column["time"]))
    order = order[whom[order] != 0]
    sent = (column["time"], column["kind"], whom, column["flag"], weights, column["datum"])
    call_rows("ms_send", order.size, order.size, *(np.ascontiguousarray(values[order]) for values in sent))


def next_frames(model: ModelMap, recorders: Sequence[Recorder]) -> list[float]:
    """Return when the next frame of each recorder is due (ms); infinite: nobody knows, or no more."""
    columns, whom, _ = _queue()
    found: dict[int, float] = dict(zip(whom.tolist(), columns["time"].tolist(), strict=True))
    numbers = [hoc_number(r.mechanism)[1] if isinstance(r, CompiledRecorder) else -1 for r in recorders]
    return [found.get(model.recorders.get(number, 0), np.inf) for number in numbers]
