"""Which dialect a simulation configuration is written in, and reading it: the one place that asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodamus_like.config import obi
from neurodamus_like.config.allen import load_allen
from neurodamus_like.config.manifest import read_json
from neurodamus_like.config.models import Simulation
from neurodamus_like.exceptions import ConfigurationError

_ALLEN_RUN_KEYS = {"dL", "nsteps_block", "overwrite_output_dir"}
_ALLEN_INPUT_KEYS = {"input_file"}
_VARIABLE = re.compile(r"^.*\$\{?\w+\}?/")


def load_simulation(path: str | Path) -> Simulation:
    """Return the simulation of a configuration in either dialect.

    Raises
    ------
    NeurodamusLikeError
        It is wrong; see :func:`neurodamus_like.config.obi.load_simulation` and
        :func:`neurodamus_like.config.allen.load_allen`.
    """
    return load_allen(path) if is_allen(path) else obi.load_simulation(path)


def is_allen(path: str | Path) -> bool:
    """Say whether a simulation configuration is one of BMTK; False if it cannot be read.

    Its node files have no named populations (``networks.nodes[].populations``); where the network is out of reach,
    keys that only BMTK knows decide.
    """
    try:
        raw = read_json(path)
    except ConfigurationError:
        return False
    if isinstance(raw.get("simulation"), str):
        return True
    verdict = _of_networks(raw.get("networks"))
    if verdict is None and isinstance(raw.get("network"), str):
        verdict = _of_network_file(raw["network"], Path(path).absolute().parent)
    return _of_keys(raw) if verdict is None else verdict


def _of_networks(networks: Any) -> bool | None:
    nodes = networks.get("nodes") if isinstance(networks, Mapping) else None
    if not isinstance(nodes, list) or not nodes:
        return None
    return not any(isinstance(entry, Mapping) and "populations" in entry for entry in nodes)


def _of_network_file(text: str, folder: Path) -> bool | None:
    for candidate in (folder / text, folder / _VARIABLE.sub("", text)):
        if candidate.is_file():
            try:
                return _of_networks(read_json(candidate).get("networks"))
            except ConfigurationError:
                return None
    return None


def _of_keys(raw: Mapping[str, Any]) -> bool:
    run = raw.get("run")
    inputs = raw.get("inputs")
    blocks = inputs.values() if isinstance(inputs, Mapping) else ()
    return bool(
        (isinstance(run, Mapping) and _ALLEN_RUN_KEYS & set(run))
        or any(isinstance(block, Mapping) and _ALLEN_INPUT_KEYS & set(block) for block in blocks)
    )
