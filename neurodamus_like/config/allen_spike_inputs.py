"""Reader of the inputs of the Allen dialect that give synapses their spikes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_circuit import edge_populations_of, read_components
from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_units import read_units_input
from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import (
    EDGE_REPLAY,
    SPIKE_TRAINS,
    SYNAPSE_ACTIVITY,
    Circuit,
    EdgePopulation,
    Input,
)

_FILE_KEYS = ("population", "trial")


def _input(
    name: str, module: str, node_set: str, parameters: Mapping[str, Any], context: AllenContext
) -> Input:
    return Input(
        name=name,
        module=module,
        input_type="spikes",
        duration_ms=float("inf"),
        node_set=node_set,
        parameters=MappingProxyType(dict(parameters)),
        pointer=pointer_to("inputs", name),
    )


def _read_file(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    where = ("inputs", name)
    kind = str(block["module"]).lower()
    parameters = {
        "spike_file": context.existing(block.get("input_file"), *where, "input_file"),
        "format": "sonata" if kind == "h5" else kind,
        **{key: block[key] for key in _FILE_KEYS if block.get(key) is not None},
    }
    node_set = context.node_set(block.get("node_set", "all"), *where, "node_set")
    return [_input(name, SPIKE_TRAINS, node_set, parameters, context)]


def _read_function(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    where = ("inputs", name)
    function = block.get("spikes_function")
    if not isinstance(function, str) or not function:
        raise context.error(
            f"the input {name!r} names no spikes_function",
            *where,
            expected="the name of a function registered with @spikes_generator",
        )
    node_set = context.node_set(block.get("node_set", "all"), *where, "node_set")
    parameters = {"spikes_function": function, "format": "function"}
    return [_input(name, SPIKE_TRAINS, node_set, parameters, context)]


def _read_replay(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    where = ("inputs", name)
    sets = [
        context.node_set(block.get(key, "all"), *where, key) for key in ("source_node_set", "target_node_set")
    ]
    parameters = {
        "spike_file": context.existing(block.get("spikes_file"), *where, "spikes_file"),
        "format": "sonata",
        "edges": tuple(_replayed_edges(name, block, sets, context)),
        **{key: block[key] for key in _FILE_KEYS if block.get(key) is not None},
    }
    return [_input(name, EDGE_REPLAY, sets[0], parameters, context)]


def _replayed_edges(
    name: str, block: Mapping[str, Any], sets: list[str], context: AllenContext
) -> Iterator[EdgePopulation]:
    where = ("inputs", name, "edges")
    entry = block.get("edges")
    if not isinstance(entry, Mapping):
        raise context.error(
            f"the input {name!r} names no edges",
            *where,
            expected='{"edges_file": ..., "edge_types_file": ...}',
        )
    file = context.existing(entry.get("edges_file"), *where, "edges_file")
    types = entry.get("edge_types_file")
    types_file = context.existing(types, *where, "edge_types_file") if types else None
    for population in edge_populations_of(file, types_file, read_components(context.document)):
        if population.name in context.circuit.edges:
            raise context.error(
                f"the edges {population.name!r} are in 'networks', too: their synapses would exist twice",
                *where,
                "edges_file",
                hint='add "enabled": false to them in networks/edges',
            )
        for end in (population.source, population.target):
            if end not in context.circuit.nodes:
                raise context.error(f"the edges {population.name!r} need the node population {end!r}", *where)
        yield replace(population, needs_input=True, driven_by=name, source_set=sets[0], target_set=sets[1])


def with_replayed_edges(circuit: Circuit, inputs: Iterable[Input]) -> Circuit:
    """Return the circuit with the edges that exist for an input alone."""
    added = {edges.name: edges for block in inputs for edges in block.parameters.get("edges", ())}
    return replace(circuit, edges=MappingProxyType({**circuit.edges, **added})) if added else circuit


def _read_activity(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    where = ("inputs", name)
    if "precell_filter" not in block:
        raise context.error(
            f"the input {name!r} lacks 'precell_filter'",
            *where,
            expected='which sources are active, such as {"population": "..."}',
        )
    sources = context.node_set(block["precell_filter"], *where, "precell_filter")
    targets = context.node_set(block.get("postcell_filter") or "all", *where, "postcell_filter")
    parameters = {"timestamps": _timestamps(name, block, context), "targets": targets}
    return [_input(name, SYNAPSE_ACTIVITY, sources, parameters, context)]


def _timestamps(name: str, block: Mapping[str, Any], context: AllenContext) -> tuple[float, ...]:
    raw: Any = block.get("timestamps")
    values: list[Any] = raw if isinstance(raw, list) else [raw]
    if not values or not all(
        isinstance(t, int | float) and not isinstance(t, bool) and t >= 0 for t in values
    ):
        raise context.error(
            f"the timestamps of the input {name!r} are {raw!r}",
            *("inputs", name, "timestamps"),
            expected="a time in ms from 0 on, or a list of them",
        )
    return tuple(sorted(float(t) for t in values))


SPIKE_READERS: Mapping[str, Callable[[str, Mapping[str, Any], AllenContext], list[Input]]] = MappingProxyType(
    {
        **dict.fromkeys(("sonata", "h5", "csv", "nwb"), _read_file),
        "function": _read_function,
        "syn_activity": _read_activity,
        "replay": _read_replay,
        "ecephys_probe": read_units_input,
    }
)
"""Module of a block -> its reader."""
