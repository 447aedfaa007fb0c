"""The values of the model of this rank as tables of cells, out of NEURON and into it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.model_map import REPLAYED, Instances, ModelMap, renumber
from neurodamus_like.engine.state_library import IntArray, MechanismType, call, mechanism_numbers
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.io.ragged import Ragged

State = dict[str, Ragged]

SOURCES = (
    "IClamp",
    "SEClamp",
    "MembraneCurrentSource",
    "ConductanceSource",
    "GaussianNoiseCurrent",
    "GaussianNoiseConductance",
)
"""Mechanisms whose parameters say what is to come, as far as the run goes, and never change by themselves."""

_OUT, _INTO = 0, 1


def read_values(model: ModelMap) -> State:
    """Return voltages, all variables of all mechanisms, positions of random streams and weights of NetCons."""
    state = _read_nodes(model)
    for name, instances in model.instances.items():
        for part, values in _read_instances(instances).items():
            state[f"mechanisms/{name}/{part}"] = values
    state |= _read_netcons(model)
    return state


def write_values(model: ModelMap, state: State, numbers: dict[int, int]) -> None:
    """Put values back.

    Parameters
    ----------
    model, state
        The model and what :func:`read_values` gave, for the same cells.
    numbers
        Number of each mechanism then -> now.

    Raises
    ------
    SimulationError
        The model is not the one whose values these are.
    """
    _write_nodes(model, state)
    saved = {
        name.split("/")[1]
        for name, table in state.items()
        if name.startswith("mechanisms/") and table.counts.sum()
    }
    if saved != set(model.instances):
        raise _differs("it has other mechanisms: " + ", ".join(sorted(saved ^ set(model.instances))))
    for name, instances in model.instances.items():
        prefix = f"mechanisms/{name}/"
        parts = {key.removeprefix(prefix): table for key, table in state.items() if key.startswith(prefix)}
        if not np.array_equal(parts["values"].counts, instances.counts):
            raise _differs(f"some cells have another number of {name}")
        _write_instances(instances, parts)
    _write_netcons(model, state, numbers)


def number_changes(names: dict[str, int]) -> dict[int, int]:
    """Return number then -> now of all mechanisms, given their names and numbers then."""
    now = mechanism_numbers()
    return {number: now[name] for name, number in names.items() if name in now}


def _differs(what: str) -> SimulationError:
    return SimulationError(
        f"the model is not the one of the checkpoint: {what}",
        hint="restore with the circuit, the configuration and the mechanisms of the saved run",
    )


def _read_nodes(model: ModelMap) -> State:
    n = call("ms_node_count")
    voltages, currents = np.empty(n), np.zeros(n)
    call("ms_voltages", voltages, _OUT)
    nodes = model.nodes
    state = {"nodes/v": Ragged(nodes.counts, voltages[nodes.values])}
    if call("ms_membrane_currents", currents, _OUT):
        state["nodes/i_membrane"] = Ragged(nodes.counts, currents[nodes.values])
    if "extracellular" in model.instances:
        outside = np.empty((n, call("ms_layers")))
        call("ms_extracellular", outside, _OUT)
        state["nodes/extracellular"] = Ragged(nodes.counts, outside[nodes.values])
    return state


def _write_nodes(model: ModelMap, state: State) -> None:
    nodes = model.nodes
    if not np.array_equal(nodes.counts, state["nodes/v"].counts):
        raise _differs("some cells have another number of compartments")
    for name, function, width in (
        ("nodes/v", "ms_voltages", None),
        ("nodes/i_membrane", "ms_membrane_currents", None),
        ("nodes/extracellular", "ms_extracellular", "ms_layers"),
    ):
        if name in state and state[name].values.size:
            n = call("ms_node_count")
            values = np.zeros(n if width is None else (n, call(width)))
            call(function, values, _OUT)
            values[nodes.values] = state[name].values
            call(function, values, _INTO)


def _read_instances(instances: Instances) -> State:
    kind, rows, counts = instances.kind, instances.rows, instances.counts
    found = {"values": Ragged(counts, _values(kind)[rows])}
    if kind.n_random:
        found["random"] = Ragged(counts, _positions(kind)[rows])
    if kind.has_hidden:
        sizes, doubles, ints = _hidden(kind)
        found["hidden_sizes"] = Ragged(counts, sizes[rows])
        cell = np.repeat(np.arange(counts.size), counts)
        for column, (name, table) in enumerate((("hidden_doubles", doubles), ("hidden_ints", ints))):
            per_cell = np.bincount(cell, weights=sizes[rows, column], minlength=counts.size).astype(np.int64)
            found[name] = Ragged(per_cell, table.take(rows).values)
    return found


def _write_instances(instances: Instances, saved: State) -> None:
    kind, rows = instances.kind, instances.rows
    values, columns = _values(kind), _restored_columns(kind)
    if saved["values"].values.shape[1] != kind.width:
        raise _differs(f"the mechanism {kind.name} has other variables")
    values[np.ix_(rows, columns)] = saved["values"].values[:, columns]
    call("ms_values", kind.number, values, _INTO)
    if kind.n_random:
        positions = _positions(kind)
        positions[rows] = saved["random"].values
        call("ms_random", kind.number, positions, _INTO)
    if kind.has_hidden:
        _write_hidden(kind, rows, saved)


def _write_hidden(kind: MechanismType, rows: IntArray, saved: State) -> None:
    sizes, doubles, ints = _hidden(kind)
    if not np.array_equal(sizes[rows], saved["hidden_sizes"].values):
        raise _differs(f"the mechanism {kind.name} holds other numbers")
    if not sizes.any():
        return
    back = np.argsort(np.concatenate([rows, np.setdiff1d(np.arange(kind.n), rows)]), kind="stable")
    new = []
    for column, (name, old) in enumerate((("hidden_doubles", doubles), ("hidden_ints", ints))):
        others = old.take(np.setdiff1d(np.arange(kind.n), rows))
        counts = np.concatenate([sizes[rows, column], others.counts])
        values = np.concatenate([saved[name].values, others.values]).astype(old.values.dtype)
        new.append(np.ascontiguousarray(Ragged(counts, values).take(back).values))
    call("ms_hidden", kind.number, new[0], new[1], _INTO)


def _restored_columns(kind: MechanismType) -> IntArray:
    """Return which variables are restored; parameters of sources belong to the present configuration."""
    is_parameter = np.zeros(kind.width, dtype=np.int64)
    if kind.name in SOURCES:
        call("ms_parameters", kind.number, is_parameter)
    return np.flatnonzero(is_parameter == 0)


def _values(kind: MechanismType) -> npt.NDArray[np.float64]:
    values = np.empty((kind.n, kind.width))
    call("ms_values", kind.number, values, _OUT)
    return values


def _positions(kind: MechanismType) -> IntArray:
    positions = np.empty((kind.n, kind.n_random, 2), dtype=np.int64)
    call("ms_random", kind.number, positions, _OUT)
    return positions


def _hidden(kind: MechanismType) -> tuple[IntArray, Ragged, Ragged]:
    sizes = np.empty((kind.n, 2), dtype=np.int64)
    call("ms_hidden_sizes", kind.number, sizes)
    doubles, ints = np.zeros(int(sizes[:, 0].sum())), np.zeros(int(sizes[:, 1].sum()), dtype=np.int32)
    if sizes.any():
        call("ms_hidden", kind.number, doubles, ints, _OUT)
    return sizes, Ragged(sizes[:, 0].copy(), doubles), Ragged(sizes[:, 1].copy(), ints)


def _read_netcons(model: ModelMap) -> State:
    netcons = model.netcons
    weights = np.empty(int(netcons.size.sum()))
    call("ms_weights", netcons.size.size, netcons.weights, netcons.size, weights, _OUT)
    per_cell = np.bincount(netcons.cell, weights=netcons.size, minlength=model.n_cells).astype(np.int64)
    return {
        "netcons/key": Ragged(netcons.counts, netcons.key),
        "netcons/size": Ragged(netcons.counts, netcons.size),
        "netcons/weights": Ragged(per_cell, weights),
    }


def _write_netcons(model: ModelMap, state: State, numbers: dict[int, int]) -> None:
    key = renumber(state["netcons/key"].values, numbers)
    row = model.rows_of_netcons(state["netcons/key"].cells, key)
    lost = (row < 0) & ((key & REPLAYED) == 0)
    new = np.ones(model.netcons.key.size, dtype=bool)
    new[row[row >= 0]] = False
    new &= (model.netcons.key & REPLAYED) == 0
    if lost.any() or new.any():
        raise _differs(f"{int(lost.sum())} NetCons are missing, {int(new.sum())} are new")
    size = state["netcons/size"].values
    kept = np.flatnonzero(row >= 0)
    if not np.array_equal(model.netcons.size[row[kept]], size[kept]):
        raise _differs("NetCons have weights of another length")
    weights = Ragged(size, state["netcons/weights"].values).take(kept).values
    pointers = np.ascontiguousarray(model.netcons.weights[row[kept]])
    call("ms_weights", kept.size, pointers, np.ascontiguousarray(size[kept]), weights, _INTO)
