"""What must be the same for a checkpoint to fit, as hashes that can be compared part by part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import neurodamus_like
from neurodamus_like.config.manifest import read_json
from neurodamus_like.config.models import EDGE_REPLAY, SPIKE_TRAINS, Input, Modification, Report, Simulation
from neurodamus_like.engine import nrn
from neurodamus_like.engine.mech_sources import collect_sources
from neurodamus_like.exceptions import CheckpointError
from neurodamus_like.io.checkpoints import Manifest
from neurodamus_like.io.model_files import hash_contents, hash_model_files
from neurodamus_like.simulation.options import RunOptions
from neurodamus_like.targets.manager import TargetManager

REPLAY_MODULES = ("synapse_replay", SPIKE_TRAINS)


def versions() -> dict[str, str]:
    """Return the versions that a checkpoint is bound to."""
    return {"neurodamus_like": neurodamus_like.__version__, "neuron": nrn.version()}


def identity(simulation: Simulation, options: RunOptions) -> dict[str, str]:
    """Return the hash of each part of the configuration, of the circuit and of the mechanisms.

    End time, replay, output and reports do not count. Files count by contents, so that the circuit may move, and the
    rules of node sets with what names them.

    Raises
    ------
    NeurodamusLikeError, OSError
        A file cannot be read.
    """
    run = replace(simulation.run, tstop_ms=0.0, block_steps=None)
    inputs = [block for block in simulation.inputs if block.module not in REPLAY_MODULES]
    circuit, overrides = simulation.circuit, simulation.connection_overrides
    modifications = simulation.conditions.modifications
    edge_sets = [end for edges in circuit.edges.values() for end in (edges.source_set, edges.target_set)]
    override_sets = [end for block in overrides for end in (block.source, block.target)]
    cells = TargetManager(simulation).get_target(simulation.node_set).populations
    folder = simulation.path.parent
    return {
        "run": _hash(asdict(run)),
        "conditions": _hash([asdict(simulation.conditions), _points(simulation, modifications)]),
        "node sets": _hash([simulation.node_set, _node_sets(simulation, [simulation.node_set, *edge_sets])]),
        "inputs": _hash([[_input(block, folder) for block in inputs], _points(simulation, inputs)]),
        "connection_overrides": _hash(
            [
                [asdict(replace(block, pointer="")) for block in overrides],
                _node_sets(simulation, override_sets),
            ]
        ),
        "beta_features": _hash(_with_contents(simulation.beta_features, folder)),
        "circuit": _hash(
            [_population(p) for p in circuit.nodes.values()]
            + [_population(p) for p in circuit.edges.values()]
        ),
        **hash_model_files(circuit, cells),
        "mechanisms": _mechanisms(simulation, options),
    }


def report_identity(report: Report, simulation: Simulation) -> str:
    """Return the hash of what a report records (not until when, and not where to)."""
    fields = asdict(replace(report, end_ms=0.0, file_name="", pointer=""))
    return _hash(
        [
            _with_contents(fields, simulation.path.parent),
            _node_sets(simulation, [report.cells]),
            _compartment_sets(simulation, [report.compartment_set]),
        ]
    )


def check_fits(manifest: Manifest, file: Path, found: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse a checkpoint of another model or version.

    Parameters
    ----------
    manifest, file
        The checkpoint.
    found
        The identity of the present run.
    now
        The present versions.

    Raises
    ------
    CheckpointError
        With what differs.
    """
    if dict(manifest.versions) != dict(now):
        raise CheckpointError(
            "the checkpoint was written by other versions",
            file=file,
            expected=_listed(now),
            hint="this one needs " + _listed(manifest.versions),
        )
    different = [part for part in found if manifest.identity.get(part) != found[part]]
    if different:
        raise CheckpointError(
            f"the checkpoint is of another simulation: not the same {', '.join(different)}",
            file=file,
            expected=f"the circuit, node sets, mechanisms and configuration of {manifest.configuration}; "
            "only run.tstop, replay, reports and output may change",
        )


def _listed(items: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in items.items())


def _mechanisms(simulation: Simulation, options: RunOptions) -> str:
    if options.nrnmech is not None:
        return hashlib.sha256(options.nrnmech.read_bytes()).hexdigest()[:32]
    folders = (
        simulation.circuit.mechanisms_dirs if options.mechanisms_dir is None else (options.mechanisms_dir,)
    )
    return collect_sources(folders).content_hash()[:32]


def _population(population: Any) -> dict[str, Any]:
    fields = asdict(population)
    del fields["components"]
    return {name: _with_contents(value, population.file.parent) for name, value in fields.items()}


def _input(block: Input, folder: Path) -> Any:
    """Return what counts of an input; recorded spikes may be others, as in the other kinds of replay."""
    fields = asdict(replace(block, pointer=""))
    return fields if block.module == EDGE_REPLAY else _with_contents(fields, folder)


def _points(simulation: Simulation, blocks: Sequence[Input | Modification]) -> list[dict[str, Any]]:
    """Return the rules of the node sets and compartment sets that blocks name."""
    sets = _node_sets(simulation, [block.node_set for block in blocks])
    return [sets, _compartment_sets(simulation, [block.compartment_set for block in blocks])]


def _node_sets(simulation: Simulation, names: Iterable[str | None]) -> dict[str, Any]:
    """Return the rules of node sets and of those that they refer to; populations and unknown names have none."""
    rules = simulation.node_set_rules
    if rules is None:
        files = (simulation.circuit.node_sets_file, simulation.node_sets_file)
        rules = {name: rule for file in files if file is not None for name, rule in read_json(file).items()}
    found: dict[str, Any] = {}
    waiting = [name for name in names if name]
    while waiting:
        name = waiting.pop()
        name = name if name in rules else name.partition(":")[2]
        if name in found or name not in rules:
            continue
        found[name] = rules[name]
        if isinstance(found[name], list | tuple):
            waiting += [other for other in found[name] if isinstance(other, str)]
    return found


def _compartment_sets(simulation: Simulation, names: Iterable[str | None]) -> dict[str, Any]:
    wanted = {name for name in names if name}
    if simulation.compartment_sets_file is None or not wanted:
        return {}
    sets = read_json(simulation.compartment_sets_file)
    return {name: sets[name] for name in wanted if name in sets}


def _with_contents(value: Any, folder: Path) -> Any:
    """Return a value with the names and contents of files in place of their paths; `folder` is where others begin."""
    if isinstance(value, Mapping):
        return {str(key): _with_contents(item, folder) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_contents(item, folder) for item in value]
    if isinstance(value, Path) or (isinstance(value, str) and "." in value):
        file = folder / value
        return [file.name, hash_contents(file)] if _is_file(file) else value
    return value


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that can be no path
        return False


def _hash(content: Any) -> str:
    text = json.dumps(content, default=_plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(item: Any) -> Any:
    if isinstance(item, Mapping):
        return {str(key): value for key, value in item.items()}
    if isinstance(item, np.ndarray):
        return item.tolist()
    return item.name if isinstance(item, Path) else str(item)
