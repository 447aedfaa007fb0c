"""What must be the same for a checkpoint to fit, as hashes that can be compared part by part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import neurodamus_like
from neurodamus_like.config.models import SPIKE_TRAINS, Report, Simulation
from neurodamus_like.engine import nrn
from neurodamus_like.engine.mech_sources import collect_sources
from neurodamus_like.exceptions import CheckpointError
from neurodamus_like.io.checkpoints import Manifest
from neurodamus_like.simulation.options import RunOptions

REPLAY_MODULES = ("synapse_replay", SPIKE_TRAINS)
_BLOCKS, _BLOCK_BYTES = 64, 1 << 16


def versions() -> dict[str, str]:
    """Return the versions that a checkpoint is bound to."""
    return {"neurodamus_like": neurodamus_like.__version__, "neuron": nrn.version()}


def identity(simulation: Simulation, options: RunOptions) -> dict[str, str]:
    """Return the hash of each part of the configuration, of the circuit and of the mechanisms.

    End time, replay, output and reports do not count. Files of the circuit count by contents, so that it may move.
    """
    run = replace(simulation.run, tstop_ms=0.0, block_steps=None)
    inputs = [
        asdict(replace(block, pointer=""))
        for block in simulation.inputs
        if block.module not in REPLAY_MODULES
    ]
    circuit = simulation.circuit
    return {
        "run": _hash(asdict(run)),
        "conditions": _hash(asdict(simulation.conditions)),
        "node sets": _hash([simulation.node_set, simulation.node_set_rules]),
        "inputs": _hash(inputs),
        "connection_overrides": _hash(
            [asdict(replace(block, pointer="")) for block in simulation.connection_overrides]
        ),
        "beta_features": _hash(simulation.beta_features),
        "circuit": _hash(
            [_population(p) for p in circuit.nodes.values()]
            + [_population(p) for p in circuit.edges.values()]
        ),
        "mechanisms": _mechanisms(simulation, options),
    }


def report_identity(report: Report) -> str:
    """Return the hash of what a report records (not until when, and not where to)."""
    return _hash(asdict(replace(report, end_ms=0.0, file_name="", pointer="")))


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
            expected=f"the circuit, mechanisms and configuration of {manifest.configuration}; only run.tstop, replay, "
            "reports and output may change",
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
    return {**fields, "contents": _sample(population.file)}


def _sample(path: Path) -> str:
    """Return the hash of size and of blocks all over a file, which may be too large to be read as a whole."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(_BLOCKS):
            file.seek(max(0, size - _BLOCK_BYTES) * number // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()[:32]


def _hash(content: Any) -> str:
    text = json.dumps(content, default=_plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(item: Any) -> Any:
    if isinstance(item, Mapping):
        return {str(key): value for key, value in item.items()}
    return item.name if isinstance(item, Path) else str(item)
